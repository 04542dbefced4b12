//! Who is ready, who waits for what, and what is due: the moves between the states of a process, each in one place.
//!
//! Nothing here knows of services, modes or errors. Each function takes a process out of where it is and puts it where it belongs, so that a
//! process is always in exactly one place: no queue (dormant, faulted, waiting for time alone), the ready queue of its priority, or the queue
//! of what it waits for.

use crate::limits::{Bytes, Limits, Pool};
use crate::process::{Condition, Outcome, Owned, Process, ProcessIndex, Wait};
use crate::queue::{Discipline, WaitQueue};
use crate::ready::Ready;
use crate::store::copy;
use crate::time::Until;
use crate::timers::{TimerId, TimerKind, Timers};

/// The queue of the processes that were started before NORMAL.
pub(crate) const STARTED: u8 = 0;

/// The processes and where they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scheduler<L: Limits> {
    /// The tick at which everything happens, as the last `advance` had it.
    pub now: u64,
    pub processes: L::Processes,
    queues: L::Queues,
    ready: Ready,
    timers: Timers,
    transfers: L::Transfers,
}

/// Behind whom a process comes that gets ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind all others of its priority.
    Newest,
    /// Before them.
    Oldest,
}

impl<L: Limits> Scheduler<L> {
    pub fn new(now: u64) -> Self {
        let mut queues = L::Queues::default();
        // The first one is `STARTED`.
        queues.add(WaitQueue::new(Discipline::Fifo));
        Self {
            now,
            processes: L::Processes::default(),
            queues,
            ready: Ready::EMPTY,
            timers: Timers::default(),
            transfers: L::Transfers::ZERO,
        }
    }

    pub fn process(&self, index: ProcessIndex) -> &Process {
        &self.processes[index.at()]
    }

    pub fn process_mut(&mut self, index: ProcessIndex) -> &mut Process {
        &mut self.processes[index.at()]
    }

    // Queues of objects.

    /// A queue for a new object; `None` if there are no more.
    pub fn add_queue(&mut self, discipline: Discipline) -> Option<u8> {
        let queue = self.queues.add(WaitQueue::new(discipline))?;
        Some(queue as u8)
    }

    /// Who is to be served next of those who wait in a queue.
    pub fn first_waiting(&self, queue: u8) -> Option<ProcessIndex> {
        self.queues[usize::from(queue)].queue.first()
    }

    /// How many wait in a queue.
    pub fn waiting(&self, queue: u8) -> u8 {
        self.queues[usize::from(queue)].queue.length()
    }

    // Messages that processes wait with.

    /// How long a message may be that a process waits with.
    pub fn transfer_limit() -> usize {
        L::Transfers::ZERO.bytes().len() / L::Processes::CAPACITY.max(1)
    }

    /// The slot of a process.
    pub fn transfer(&mut self, index: ProcessIndex) -> &mut [u8] {
        let limit = Self::transfer_limit();
        self.transfers
            .bytes_mut()
            .get_mut(index.at() * limit..(index.at() + 1) * limit)
            .unwrap_or_default()
    }

    /// Puts a message to send into the slot of a process. It was checked that it fits.
    pub fn keep_message(&mut self, index: ProcessIndex, message: &[u8]) {
        copy(message, self.transfer(index));
        self.process_mut(index).transfer_bytes = message.len() as u32;
    }

    /// The message to send that a process waits with.
    pub fn kept_message(&mut self, index: ProcessIndex) -> &[u8] {
        let length = self.process(index).transfer_bytes as usize;
        self.transfer(index).get(..length).unwrap_or_default()
    }

    /// Ends the wait of a process for a message, with this one.
    pub fn deliver(&mut self, index: ProcessIndex, message: &[u8]) {
        self.keep_message(index, message);
        self.wake(index, Outcome::message(message.len(), false));
    }

    // The moves.

    /// Takes a process out of where it is. Its condition is the caller's to set.
    fn leave(&mut self, index: ProcessIndex) {
        match self.process(index).condition {
            Condition::Ready => self.ready.remove(&mut self.processes, index),
            Condition::Waiting(Wait::Queue(queue)) => self.queues[usize::from(queue)]
                .queue
                .remove(&mut self.processes, index),
            _ => {}
        }
        let timer = TimerId::new(index, TimerKind::Wake);
        self.timers.cancel(&mut self.processes, timer);
    }

    fn enter_ready(&mut self, index: ProcessIndex, place: Place) {
        self.process_mut(index).condition = Condition::Ready;
        match place {
            Place::Newest => self.ready.push_back(&mut self.processes, index),
            Place::Oldest => self.ready.push_front(&mut self.processes, index),
        }
    }

    /// Makes a process wait.
    pub fn block(&mut self, index: ProcessIndex, wait: Wait, until: Until) {
        self.leave(index);
        self.process_mut(index).condition = Condition::Waiting(wait);
        if let Wait::Queue(queue) = wait {
            self.queues[usize::from(queue)].push(&mut self.processes, index);
        }
        if let Until::Tick(tick) = until {
            let timer = TimerId::new(index, TimerKind::Wake);
            self.timers.set(&mut self.processes, timer, tick);
        }
    }

    fn wake_at(&mut self, index: ProcessIndex, outcome: Outcome, place: Place) {
        self.leave(index);
        self.process_mut(index).outcome = outcome;
        if self.process(index).suspended {
            self.process_mut(index).condition = Condition::Waiting(Wait::Resume);
        } else {
            self.enter_ready(index, place);
        }
    }

    /// Ends what a process waits for. If it is suspended besides, it goes on waiting for that.
    pub fn wake(&mut self, index: ProcessIndex, outcome: Outcome) {
        self.wake_at(index, outcome, Place::Newest);
    }

    /// Makes a process ready that is in no queue.
    pub fn make_ready(&mut self, index: ProcessIndex) {
        self.leave(index);
        self.enter_ready(index, Place::Newest);
    }

    /// As the newest of its priority, if it is ready.
    pub fn yield_to_equals(&mut self, index: ProcessIndex) {
        if self.process(index).condition == Condition::Ready {
            self.make_ready(index);
        }
    }

    /// Ends the activity of a process. What it owns is the caller's to see to.
    pub fn stop(&mut self, index: ProcessIndex) {
        self.leave(index);
        self.set_deadline(index, None);
        let process = self.process_mut(index);
        process.condition = Condition::Dormant;
        process.suspended = false;
    }

    /// A process cannot go on.
    pub fn fault(&mut self, index: ProcessIndex) {
        self.leave(index);
        self.process_mut(index).condition = Condition::Faulted;
    }

    // Priorities.

    fn change_priority(&mut self, index: ProcessIndex, priority: u8, place: Place) {
        if self.process(index).condition == Condition::Ready {
            self.ready.remove(&mut self.processes, index);
            self.process_mut(index).current_priority = priority;
            self.enter_ready(index, place);
        } else {
            self.process_mut(index).current_priority = priority;
        }
    }

    /// `SET_PRIORITY`: a ready process becomes the newest of its new priority. One that waits keeps its place. One that owns a mutex gets
    /// the priority when it owns it no longer.
    pub fn set_priority(&mut self, index: ProcessIndex, priority: u8) {
        if self.process(index).owned.is_some() {
            self.process_mut(index).retained_priority = priority;
        } else {
            self.change_priority(index, priority, Place::Newest);
        }
    }

    /// A process gets a mutex with this priority, and with it the place of the oldest of that priority. Ownership never lowers a priority.
    pub fn own(&mut self, index: ProcessIndex, owned: Owned, ceiling: Option<u8>) {
        let process = self.process_mut(index);
        let current = process.current_priority;
        process.retained_priority = current;
        process.owned = Some(owned);
        if let Some(ceiling) = ceiling {
            self.change_priority(index, current.max(ceiling), Place::Oldest);
        }
    }

    /// A process that waits for a mutex gets it.
    pub fn wake_as_owner(&mut self, index: ProcessIndex, owned: Owned, ceiling: u8) {
        self.own(index, owned, Some(ceiling));
        self.wake_at(index, Outcome::DONE, Place::Oldest);
    }

    /// A process owns nothing any more: it has the priority that was retained, as the oldest of that priority.
    pub fn disown(&mut self, index: ProcessIndex) {
        let process = self.process_mut(index);
        process.owned = None;
        let priority = process.retained_priority;
        self.change_priority(index, priority, Place::Oldest);
    }

    // Time.

    /// Sets the deadline of a process, or takes it away.
    pub fn set_deadline(&mut self, index: ProcessIndex, deadline: Option<u64>) {
        self.process_mut(index).deadline = deadline;
        let timer = TimerId::new(index, TimerKind::Deadline);
        match deadline {
            Some(tick) => self.timers.set(&mut self.processes, timer, tick),
            None => self.timers.cancel(&mut self.processes, timer),
        }
    }

    /// Takes out one timer that is due.
    pub fn take_due(&mut self) -> Option<TimerId> {
        self.timers.take_due(&mut self.processes, self.now)
    }

    /// Whether that has changed since the last time.
    #[inline]
    pub fn due_changed(&mut self) -> bool {
        self.timers.take_changes()
    }

    /// When the first timer is due; `u64::MAX` if there is none.
    #[inline]
    pub fn next_due(&self) -> u64 {
        self.timers.next()
    }

    /// The time came that a process waited for at most.
    pub fn expire(&mut self, index: ProcessIndex) {
        match self.process(index).condition {
            Condition::Waiting(Wait::Queue(_)) => self.wake(index, Outcome::TIMED_OUT),
            Condition::Waiting(Wait::Resume) => {
                self.process_mut(index).suspended = false;
                self.wake(index, Outcome::TIMED_OUT);
            }
            Condition::Waiting(Wait::Delay | Wait::Release) => self.wake(index, Outcome::DONE),
            Condition::Dormant | Condition::Ready | Condition::Faulted => {}
        }
    }

    // Looking.

    /// The most urgent process that is ready.
    pub fn first_ready(&self) -> Option<ProcessIndex> {
        self.ready.first()
    }

    /// Whether everything is linked as it should be: each process in the one place that its condition names, and all queues in order.
    pub fn is_consistent(&self) -> bool {
        let processes = &*self.processes;
        let mut seen = [0u8; 256];
        let mut right = true;
        let mut above = u8::MAX;
        for index in self.ready.iter(processes) {
            seen[index.at()] += 1;
            let process = self.process(index);
            right &= process.condition == Condition::Ready && process.current_priority <= above;
            above = process.current_priority;
        }
        right &= self.ready.first() == self.ready.iter(processes).next();
        for (number, queue) in self.queues.iter().enumerate() {
            let mut length = 0;
            for index in queue.queue.iter(processes) {
                seen[index.at()] += 1;
                length += 1;
                right &= self.process(index).queue() == Some(number as u8);
            }
            right &= length == queue.queue.length();
        }
        let mut timers = 0;
        let mut before = 0;
        let first = self.timers.iter(processes).next();
        right &= self.timers.next() == first.and_then(|(_, tick)| tick).unwrap_or(u64::MAX);
        for (timer, tick) in self.timers.iter(processes) {
            timers += 1;
            right &= tick.is_some_and(|tick| tick >= before && tick > self.now);
            before = tick.unwrap_or_default();
            right &= timer.kind == TimerKind::Deadline
                || matches!(self.process(timer.process).condition, Condition::Waiting(_));
        }
        for (process, seen) in processes.iter().zip(seen) {
            let queued = matches!(
                process.condition,
                Condition::Ready | Condition::Waiting(Wait::Queue(_))
            );
            right &= seen == u8::from(queued);
            timers -= process
                .timers
                .iter()
                .filter(|timer| timer.tick().is_some())
                .count() as i32;
            right &= process.condition != Condition::Ready || !process.suspended;
            // Nobody sleeps whom no time will wake.
            right &= !matches!(
                process.condition,
                Condition::Waiting(Wait::Delay | Wait::Release)
            ) || process.timers[0].tick().is_some();
        }
        right && timers == 0
    }
}
