//! A reference of the services on the simplest data: no links, no bitmaps, no sorted lists. Who is next is looked for each time among all.
//!
//! Order is kept by stamps: of equals, who has the lowest stamp comes first. Times are milliseconds behind the beginning of NORMAL.
//! There is one object of each kind, with identifier 1, and the processes are numbered from 1 on in their order.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use cofferdam_apex::ReturnCode::{self, InvalidMode, InvalidParam, NotAvailable, TimedOut};

mod services;

const MS: i64 = 1_000_000;

/// What a call has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// NO_ERROR, with the first byte of a message.
    Done(Option<u8>),
    Refused(ReturnCode),
    Waits,
}

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum For {
    Semaphore,
    Mutex,
    Event,
    ToSend(u8),
    ToReceive,
    Board,
    PortToSend(u8),
    PortToReceive,
    Delay,
    Release,
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Where {
    Dormant,
    Ready,
    Faulted,
    Waiting(For),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owns {
    Lock,
    Mutex,
}

/// How a process is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    pub priority: i32,
    /// In milliseconds.
    pub period: Option<i64>,
    /// In milliseconds.
    pub capacity: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Process {
    pub created: Created,
    pub at: Where,
    pub suspended: bool,
    pub priority: i32,
    retained: i32,
    pub owns: Option<Owns>,
    /// Among the ready of its priority, or those who wait with it.
    stamp: i64,
    /// Its priority when it began to wait.
    waits_with: i32,
    until: Option<(i64, i64)>,
    pub deadline: Option<i64>,
    deadline_timer: Option<(i64, i64)>,
    release: i64,
    outcome: Result<Option<u8>, ReturnCode>,
}

/// What there is to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    pub semaphore: i32,
    pub by_priority: bool,
    pub ceiling: i32,
    pub event: bool,
    pub buffer: VecDeque<u8>,
    pub buffer_depth: usize,
    pub board: Option<u8>,
    /// What the partition's queuing port holds that goes out, and what came in.
    pub out: VecDeque<u8>,
    pub into: VecDeque<u8>,
    pub port_depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    Process(usize),
    Handler,
    Nobody,
}

#[derive(Clone, Debug)]
pub struct Reference {
    pub now: i64,
    stamps: i64,
    /// When the partition's periods begin: its release behind `now` 0, and their distance.
    pub first_release: i64,
    pub period: i64,
    pub processes: Vec<Process>,
    pub objects: Objects,
    pub mutex: Option<(usize, u8)>,
    pub lock: Option<(usize, u8)>,
    pub has_handler: bool,
    pub active: bool,
    pub errors: VecDeque<usize>,
    pub errors_max: usize,
    pub partition_errors: u32,
}

impl Reference {
    /// All processes were started before NORMAL, which begins now.
    pub fn new(created: &[Created], objects: Objects, has_handler: bool) -> Self {
        let mut reference = Self {
            now: 0,
            stamps: 0,
            first_release: 9,
            period: 10,
            processes: Vec::new(),
            objects,
            mutex: None,
            lock: None,
            has_handler,
            active: false,
            errors: VecDeque::new(),
            errors_max: 3,
            partition_errors: 0,
        };
        for one in created {
            reference.processes.push(Process {
                created: *one,
                at: Where::Dormant,
                suspended: false,
                priority: one.priority,
                retained: one.priority,
                owns: None,
                stamp: 0,
                waits_with: 0,
                until: None,
                deadline: None,
                deadline_timer: None,
                release: 0,
                outcome: Ok(None),
            });
            let index = reference.processes.len() - 1;
            reference.begin(index, 0);
        }
        reference
    }

    fn newest(&mut self) -> i64 {
        self.stamps += 1;
        self.stamps
    }

    fn oldest(&mut self) -> i64 {
        -self.newest()
    }

    pub fn running(&self) -> Runs {
        if self.active {
            return Runs::Handler;
        }
        if let Some((owner, _)) = self.lock
            && self.processes[owner].at == Where::Ready
        {
            return Runs::Process(owner);
        }
        (0..self.processes.len())
            .filter(|index| self.processes[*index].at == Where::Ready)
            .min_by_key(|index| {
                let process = &self.processes[*index];
                (-process.priority, process.stamp)
            })
            .map_or(Runs::Nobody, Runs::Process)
    }

    /// Who is served first of those who wait for this.
    fn first(&self, matches: impl Fn(For) -> bool) -> Option<usize> {
        let by_priority = self.objects.by_priority;
        (0..self.processes.len())
            .filter(|index| match self.processes[*index].at {
                Where::Waiting(what) => matches(what),
                _ => false,
            })
            .min_by_key(|index| {
                let process = &self.processes[*index];
                let what = match process.at {
                    Where::Waiting(For::Event | For::Board) => 0,
                    _ if by_priority => -process.waits_with,
                    _ => 0,
                };
                (what, process.stamp)
            })
    }

    pub fn waiting(&self, matches: impl Fn(For) -> bool) -> usize {
        (self.processes.iter())
            .filter(|process| matches!(process.at, Where::Waiting(what) if matches(what)))
            .count()
    }

    fn ready(&mut self, index: usize, stamp: i64) {
        let process = &mut self.processes[index];
        process.until = None;
        if process.suspended {
            process.at = Where::Waiting(For::Resume);
        } else {
            process.at = Where::Ready;
            process.stamp = stamp;
        }
    }

    fn wake(&mut self, index: usize, outcome: Result<Option<u8>, ReturnCode>) {
        let stamp = self.newest();
        self.processes[index].outcome = outcome;
        self.ready(index, stamp);
    }

    fn block(&mut self, index: usize, what: For, until: Option<i64>) {
        let stamp = self.newest();
        let process = &mut self.processes[index];
        process.at = Where::Waiting(what);
        process.stamp = stamp;
        process.waits_with = process.priority;
        process.until = until.map(|until| (until, stamp));
    }

    fn set_deadline(&mut self, index: usize, deadline: Option<i64>) {
        let stamp = self.newest();
        let process = &mut self.processes[index];
        process.deadline = deadline;
        process.deadline_timer = deadline.map(|deadline| (deadline, stamp));
    }

    fn deadline_behind(&mut self, index: usize, time: i64) {
        let capacity = self.processes[index].created.capacity;
        self.set_deadline(index, capacity.map(|capacity| time + capacity));
    }

    fn begin(&mut self, index: usize, delay: i64) {
        let now = self.now;
        if self.processes[index].created.period.is_some() {
            let mut release = self.first_release;
            while release <= now {
                release += self.period;
            }
            let release = release + delay;
            self.processes[index].release = release;
            self.block(index, For::Release, Some(release));
            self.deadline_behind(index, release);
        } else if delay == 0 {
            self.wake(index, Ok(None));
            self.deadline_behind(index, now);
        } else {
            self.block(index, For::Delay, Some(now + delay));
            self.deadline_behind(index, now + delay);
        }
    }

    /// Time passes up to `now`.
    pub fn advance(&mut self, now: i64) {
        self.now = now;
        loop {
            let wakes = self
                .processes
                .iter()
                .enumerate()
                .filter_map(|(index, one)| {
                    let (tick, stamp) = one.until?;
                    Some((tick, 0, stamp, index))
                });
            let deadlines = self
                .processes
                .iter()
                .enumerate()
                .filter_map(|(index, one)| {
                    let (tick, stamp) = one.deadline_timer?;
                    Some((tick, 1, stamp, index))
                });
            let Some((tick, kind, _, index)) = wakes.chain(deadlines).min() else {
                break;
            };
            if tick > now {
                break;
            }
            if kind == 1 {
                self.processes[index].deadline_timer = None;
                self.error(index);
                continue;
            }
            match self.processes[index].at {
                Where::Waiting(For::Delay | For::Release) => self.wake(index, Ok(None)),
                Where::Waiting(For::Resume) => {
                    self.processes[index].suspended = false;
                    self.wake(index, Err(TimedOut));
                }
                _ => self.wake(index, Err(TimedOut)),
            }
        }
    }

    /// When time does something next.
    pub fn next_event(&self) -> Option<i64> {
        self.processes
            .iter()
            .flat_map(|process| [process.until, process.deadline_timer])
            .flatten()
            .map(|(tick, _)| tick)
            .min()
    }

    /// `true` if the handler has it.
    fn error(&mut self, index: usize) -> bool {
        let taken = self.has_handler && self.errors.len() < self.errors_max;
        if taken {
            self.errors.push_back(index);
            self.active = true;
        } else {
            self.partition_errors += 1;
        }
        taken
    }

    /// The machine catches the one that runs.
    pub fn fault(&mut self) {
        match self.running() {
            Runs::Process(index) => {
                if self.error(index) {
                    self.processes[index].at = Where::Faulted;
                }
            }
            Runs::Handler | Runs::Nobody => self.partition_errors += 1,
        }
    }

    /// How the wait of the one that runs ended.
    pub fn collect(&self) -> Expected {
        let Runs::Process(index) = self.running() else {
            return Expected::Refused(InvalidMode);
        };
        match self.processes[index].outcome {
            Ok(byte) => Expected::Done(byte),
            Err(code) => Expected::Refused(code),
        }
    }

    pub fn peer_sends(&mut self, byte: u8) -> bool {
        let room = self.objects.into.len() < self.objects.port_depth;
        if room {
            self.objects.into.push_back(byte);
        }
        self.serve();
        room
    }

    pub fn peer_receives(&mut self) -> Option<u8> {
        let byte = self.objects.out.pop_front();
        self.serve();
        byte
    }

    fn serve(&mut self) {
        while let Some(index) = self.first(|what| what == For::PortToReceive)
            && let Some(byte) = self.objects.into.pop_front()
        {
            self.wake(index, Ok(Some(byte)));
        }
        while self.objects.out.len() < self.objects.port_depth
            && let Some(index) = self.first(|what| matches!(what, For::PortToSend(_)))
            && let Where::Waiting(For::PortToSend(byte)) = self.processes[index].at
        {
            self.objects.out.push_back(byte);
            self.wake(index, Ok(None));
        }
    }

    fn may_wait(&self) -> Result<usize, ReturnCode> {
        match self.running() {
            Runs::Process(index) if self.processes[index].owns.is_none() => Ok(index),
            _ => Err(InvalidMode),
        }
    }

    fn wait(&mut self, what: For, time_out: i64) -> Result<Expected, ReturnCode> {
        if time_out == 0 {
            return Err(NotAvailable);
        }
        let caller = self.may_wait()?;
        let until = (time_out > 0).then(|| self.now + time_out / MS);
        self.block(caller, what, until);
        Ok(Expected::Waits)
    }

    fn own(&mut self, index: usize, owns: Owns) {
        let ceiling = self.objects.ceiling;
        let stamp = self.oldest();
        let process = &mut self.processes[index];
        process.retained = process.priority;
        process.owns = Some(owns);
        if owns == Owns::Mutex {
            process.priority = process.priority.max(ceiling);
            process.stamp = stamp;
        }
    }

    fn disown(&mut self, index: usize) {
        let stamp = self.oldest();
        let process = &mut self.processes[index];
        process.owns = None;
        process.priority = process.retained;
        if process.at == Where::Ready {
            process.stamp = stamp;
        }
    }

    fn free_mutex(&mut self) {
        if let Some((owner, _)) = self.mutex.take() {
            self.disown(owner);
        }
        if let Some(next) = self.first(|what| what == For::Mutex) {
            self.mutex = Some((next, 1));
            self.own(next, Owns::Mutex);
            let stamp = self.oldest();
            self.processes[next].outcome = Ok(None);
            self.ready(next, stamp);
        }
    }

    fn stop(&mut self, index: usize) {
        if self.lock.is_some_and(|(owner, _)| owner == index) {
            self.lock = None;
            self.disown(index);
        }
        self.set_deadline(index, None);
        let process = &mut self.processes[index];
        process.at = Where::Dormant;
        process.suspended = false;
        process.until = None;
    }

    fn other(&self, process: i32) -> Result<usize, ReturnCode> {
        let index = process as usize - 1;
        if self.running() == Runs::Process(index) {
            return Err(InvalidParam);
        }
        Ok(index)
    }
}

/// Two references are the same if they go on the same: stamps count by their order alone.
impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut stamps: Vec<i64> = self
            .processes
            .iter()
            .flat_map(|process| {
                let timers = [process.until, process.deadline_timer];
                timers
                    .into_iter()
                    .flatten()
                    .map(|(_, stamp)| stamp)
                    .chain([process.stamp])
                    .collect::<Vec<_>>()
            })
            .collect();
        stamps.sort_unstable();
        let rank = |stamp: i64| stamps.partition_point(|other| *other < stamp);
        let timer = |timer: Option<(i64, i64)>| timer.map(|(tick, stamp)| (tick, rank(stamp)));
        for process in &self.processes {
            (process.at, process.suspended, process.priority).hash(state);
            (process.retained, process.owns, process.waits_with).hash(state);
            (rank(process.stamp), process.release, process.outcome).hash(state);
            (timer(process.until), timer(process.deadline_timer)).hash(state);
            process.deadline.hash(state);
        }
        (self.now, &self.objects, self.mutex, self.lock).hash(state);
        (self.active, &self.errors, self.partition_errors).hash(state);
    }
}
