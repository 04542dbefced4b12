//! The partition: all state, and what every service shares.

use crate::code::{ReturnCode, require};
use crate::environment::{Environment, Facts};
use crate::error::Handler;
use crate::limits::{Bytes, Limits};
use crate::mode::{OperatingMode, Start, StartCondition};
use crate::mutex::PreemptionLock;
use crate::process::{Attributes, Condition, ProcessIndex, Wait};
use crate::scheduler::Scheduler;
use crate::store::copy;
use crate::time::{Clock, Until};
use crate::timers::TimerKind;
use crate::{ProcessId, SystemTime};

/// What a service that may wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// The caller waits. When it is [`Partition::running`] again, [`Partition::collect`] says how it ended.
    Waits,
}

/// A message that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Received {
    /// Its length in bytes; 0 for a service that has no message.
    pub length: usize,
    /// Whether messages of a queuing port were lost before it: what the standard reports as INVALID_CONFIG together with a message.
    pub overflowed: bool,
}

/// Who has the partition's processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runs {
    /// The code that initialises the partition.
    Main,
    /// A process.
    Process(ProcessId),
    /// The error handler.
    ErrorHandler,
    /// Nobody: all wait, or the partition is idle, or its life is over.
    Nobody,
}

/// Who runs, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Current {
    Main,
    Process(ProcessIndex),
    ErrorHandler,
    Nobody,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition<E, L: Limits> {
    pub(crate) environment: E,
    pub(crate) facts: &'static Facts,
    pub(crate) clock: Clock,
    pub(crate) mode: OperatingMode,
    /// Whether this life is over: `mode` is then that of the next one.
    pub(crate) ended: bool,
    pub(crate) start_condition: StartCondition,
    /// The tick of a release of the partition.
    pub(crate) release: u64,
    /// The tick at which the schedule came into force that was last seen, where that is looked at.
    pub(crate) schedule_began: u64,
    pub(crate) current: Current,
    /// Whether that has changed, or its activation, since somebody asked.
    pub(crate) changed: bool,
    pub(crate) scheduler: Scheduler<L>,
    pub(crate) preemption_lock: PreemptionLock,
    pub(crate) handler: Handler<L>,
    pub(crate) storage: L::Storage,
    pub(crate) storage_used: usize,
    pub(crate) buffers: L::Buffers,
    pub(crate) blackboards: L::Blackboards,
    pub(crate) semaphores: L::Semaphores,
    pub(crate) events: L::Events,
    pub(crate) mutexes: L::Mutexes,
    pub(crate) sampling_ports: L::SamplingPorts,
    pub(crate) queuing_ports: L::QueuingPorts,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// A partition at the beginning of a life: in COLD_START or WARM_START, with nothing created.
    pub fn new(mut environment: E, facts: &'static Facts, start: Start) -> Self {
        let schedule_began = match facts.schedule_changes {
            [] => 0,
            _ => environment.schedule_state().switched,
        };
        Self {
            environment,
            facts,
            clock: Clock::new(facts.timebase_hz),
            mode: if start.warm {
                OperatingMode::WarmStart
            } else {
                OperatingMode::ColdStart
            },
            ended: false,
            start_condition: start.condition,
            release: start.release,
            schedule_began,
            current: Current::Main,
            changed: false,
            scheduler: Scheduler::new(start.now),
            preemption_lock: PreemptionLock::default(),
            handler: Handler::new(),
            storage: L::Storage::ZERO,
            storage_used: 0,
            buffers: L::Buffers::default(),
            blackboards: L::Blackboards::default(),
            semaphores: L::Semaphores::default(),
            events: L::Events::default(),
            mutexes: L::Mutexes::default(),
            sampling_ports: L::SamplingPorts::default(),
            queuing_ports: L::QueuingPorts::default(),
        }
    }

    // What the layer below asks.

    /// Who has the processor now.
    #[inline]
    pub fn running(&self) -> Runs {
        match self.current {
            Current::Main => Runs::Main,
            Current::Process(index) => Runs::Process(index.identifier()),
            Current::ErrorHandler => Runs::ErrorHandler,
            Current::Nobody => Runs::Nobody,
        }
    }

    /// How often a process was started. When it runs for the first time with a new number, it gets a new context.
    pub fn activation(&self, process: ProcessId) -> Option<u32> {
        let index = self.find_process(process)?;
        Some(self.scheduler.process(index).activation)
    }

    /// The attributes of a process, for whoever makes its context.
    pub fn attributes(&self, process: ProcessId) -> Option<&Attributes> {
        let index = self.find_process(process)?;
        Some(&self.scheduler.process(index).attributes)
    }

    /// Which of [`Facts::stacks`] a process has.
    pub fn stack_of(&self, process: ProcessId) -> Option<usize> {
        let index = self.find_process(process)?;
        Some(usize::from(self.scheduler.process(index).stack))
    }

    /// What comes from outside.
    pub fn environment(&mut self) -> &mut E {
        &mut self.environment
    }

    /// Whether [`Partition::running`], its activation, or [`Partition::next_event`] may have changed since the last time.
    #[inline]
    pub fn take_changes(&mut self) -> bool {
        let timers = self.scheduler.due_changed();
        core::mem::replace(&mut self.changed, false) | timers
    }

    /// The tick at which something happens by itself next; `u64::MAX` for never. It belongs into the virtual timer.
    #[inline]
    pub fn next_event(&self) -> u64 {
        if self.mode == OperatingMode::Normal {
            self.scheduler.next_due()
        } else {
            u64::MAX
        }
    }

    /// It is `now`: does all that is due, in the order of ticks. Time does not go back: an earlier tick than the last one counts as that.
    #[inline]
    pub fn advance(&mut self, now: u64) {
        self.scheduler.now = self.scheduler.now.max(now);
        // Who runs is found out whenever that may have changed: if nothing is due, nothing has.
        if self.next_event() <= self.scheduler.now {
            self.do_what_is_due();
        }
    }

    /// It is `now`, which is no earlier than before, and what is due waits a moment: for a service to which nothing matters but what time it is.
    #[inline]
    pub fn look(&mut self, now: u64) {
        self.scheduler.now = now;
    }

    fn do_what_is_due(&mut self) {
        while self.mode == OperatingMode::Normal
            && let Some(timer) = self.scheduler.take_due()
        {
            match timer.kind {
                TimerKind::Wake => self.scheduler.expire(timer.process),
                TimerKind::Deadline => self.deadline_missed(timer.process),
            }
        }
        self.settle();
    }

    /// The partition was released at `tick`: its later releases are whole periods behind it.
    ///
    /// Needed once in a life if [`Start::release`] was right, and again when another schedule comes into force. Release points that
    /// processes wait for already stay as they are.
    pub fn released(&mut self, tick: u64) {
        self.release = tick;
        if !self.facts.schedule_changes.is_empty() {
            self.look_at_schedule();
        }
    }

    /// How the wait of the running process ended, with the message if there is one. `room` has to have space for the longest message of what it
    /// waited for, as when the wait began.
    ///
    /// # Errors
    /// The service's.
    pub fn collect(&mut self, room: &mut [u8]) -> Result<Received, ReturnCode> {
        let Current::Process(index) = self.current else {
            return Err(ReturnCode::InvalidMode);
        };
        let outcome = self.scheduler.process(index).outcome;
        outcome.result?;
        let length = outcome.length as usize;
        if let Some(message) = self.scheduler.transfer(index).get(..length) {
            copy(message, room);
        }
        Ok(Received {
            length,
            overflowed: outcome.overflowed,
        })
    }

    /// Whether everything is linked as it should be. For tests: it looks at every queue.
    pub fn is_consistent(&self) -> bool {
        self.scheduler.is_consistent() && self.objects_are_consistent()
    }

    // What services share.

    /// Finds out who runs.
    pub(crate) fn settle(&mut self) {
        let current = match self.mode {
            _ if self.ended => Current::Nobody,
            OperatingMode::Idle => Current::Nobody,
            OperatingMode::ColdStart | OperatingMode::WarmStart => Current::Main,
            OperatingMode::Normal if self.handler.is_active() => Current::ErrorHandler,
            OperatingMode::Normal => self
                .preemption_lock
                .owner()
                // An owner that faulted cannot run: the lock then keeps nobody from running.
                .filter(|owner| self.scheduler.process(*owner).condition == Condition::Ready)
                .or_else(|| self.scheduler.first_ready())
                .map_or(Current::Nobody, Current::Process),
        };
        // The handler's activation may be another one.
        self.changed |= current != self.current || current == Current::ErrorHandler;
        self.current = current;
    }

    /// The process that calls, if a process does.
    pub(crate) fn calling_process(&self) -> Option<ProcessIndex> {
        match self.current {
            Current::Process(index) => Some(index),
            Current::Main | Current::ErrorHandler | Current::Nobody => None,
        }
    }

    /// The process that calls, which may wait: it is not the error handler, not the initialisation, and owns no mutex.
    pub(crate) fn may_wait(&self) -> Result<ProcessIndex, ReturnCode> {
        self.calling_process()
            .filter(|index| self.scheduler.process(*index).owned.is_none())
            .ok_or(ReturnCode::InvalidMode)
    }

    pub(crate) fn find_process(&self, process: ProcessId) -> Option<ProcessIndex> {
        process
            .index(self.scheduler.processes.len())
            .map(ProcessIndex::new)
    }

    /// A process that is not the caller.
    pub(crate) fn find_other(&self, process: ProcessId) -> Result<ProcessIndex, ReturnCode> {
        let index = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        require(
            self.calling_process() != Some(index),
            ReturnCode::InvalidParam,
        )?;
        Ok(index)
    }

    /// Until when a caller waits that gives this time-out now.
    pub(crate) fn until(&self, time_out: SystemTime) -> Result<Until, ReturnCode> {
        self.clock.until(self.scheduler.now, time_out)
    }

    /// What the caller wants is not there: it waits for it in a queue, if it wants to and may.
    pub(crate) fn wait_in<T>(
        &mut self,
        queue: u8,
        until: Until,
    ) -> Result<Progress<T>, ReturnCode> {
        require(until != Until::Now, ReturnCode::NotAvailable)?;
        let caller = self.may_wait()?;
        self.scheduler.block(caller, Wait::Queue(queue), until);
        self.settle();
        Ok(Progress::Waits)
    }

    /// As [`Partition::wait_in`], with a message that goes on when its time comes.
    pub(crate) fn wait_with_message(
        &mut self,
        queue: u8,
        until: Until,
        message: &[u8],
    ) -> Result<Progress<()>, ReturnCode> {
        let caller = self.may_wait();
        let progress = self.wait_in(queue, until)?;
        if let Ok(caller) = caller {
            self.scheduler.keep_message(caller, message);
        }
        Ok(progress)
    }
}
