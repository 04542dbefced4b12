//! A process: its attributes, and all that changes about it.

use crate::name::{Name, Named};
use crate::queue::Links;
use crate::timers::Timer;
use crate::{ProcessId, ReturnCode, SystemTime};

/// The lowest priority.
pub const PRIORITY_MIN: u8 = 1;
/// The highest priority.
pub const PRIORITY_MAX: u8 = 239;

/// The place of a process in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProcessIndex(u8);

impl ProcessIndex {
    /// A pool has 254 places at most, see [`limits!`](crate::limits!).
    pub const fn new(index: usize) -> Self {
        Self(index as u8)
    }

    pub const fn at(self) -> usize {
        self.0 as usize
    }

    pub const fn identifier(self) -> ProcessId {
        ProcessId::of(self.at())
    }
}

/// Whether a process has to meet its deadline (`DEADLINE_TYPE`). The standard leaves to the error handler what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum DeadlineKind {
    /// It should.
    Soft = 0,
    /// It has to.
    Hard = 1,
}

impl DeadlineKind {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Soft),
            1 => Some(Self::Hard),
            _ => None,
        }
    }
}

/// What a process is created with (`PROCESS_ATTRIBUTE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Its period; infinite: it is aperiodic.
    pub period: SystemTime,
    /// How long after its release, or start, it has to be done; infinite: there is no deadline.
    pub time_capacity: SystemTime,
    /// Where it begins. A number for whoever makes its context.
    pub entry_point: usize,
    /// The size of its stack in bytes.
    pub stack_bytes: u32,
    /// Its priority when it starts.
    pub base_priority: i32,
    /// What its deadline means.
    pub deadline: DeadlineKind,
    /// Its name.
    pub name: Name,
}

/// The state of a process (`PROCESS_STATE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ProcessState {
    /// Not started, or stopped.
    Dormant = 0,
    /// It could run.
    Ready = 1,
    /// It has the processor.
    Running = 2,
    /// It waits, or is suspended, or both.
    Waiting = 3,
    /// It did something that it cannot go on from. The error handler resumes or stops it.
    Faulted = 4,
}

/// The answer of `GET_PROCESS_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessStatus {
    /// When it has to be done; infinite if never.
    pub deadline_time: SystemTime,
    /// Its priority now.
    pub current_priority: i32,
    /// Its state.
    pub state: ProcessState,
    /// What it was created with.
    pub attributes: Attributes,
}

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    /// Something that a queue of processes waits for: the queue's place.
    Queue(u8),
    /// The end of `TIMED_WAIT` or of the delay of `DELAYED_START`.
    Delay,
    /// Its release point.
    Release,
    /// `RESUME`.
    Resume,
}

/// What is kept of a process' state. Of the ready ones one is running: the partition knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    Dormant,
    Ready,
    Waiting(Wait),
    Faulted,
}

/// What a process owns. It owns one mutex at most: that is the standard's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owned {
    PreemptionLock,
    Mutex(u8),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Outcome {
    pub result: Result<(), ReturnCode>,
    /// The length of the message that came, which lies in the process' transfer slot.
    pub length: u32,
    /// Whether messages were lost before it.
    pub overflowed: bool,
}

impl Outcome {
    pub const DONE: Self = Self {
        result: Ok(()),
        length: 0,
        overflowed: false,
    };

    pub const TIMED_OUT: Self = Self {
        result: Err(ReturnCode::TimedOut),
        ..Self::DONE
    };

    pub const fn message(length: usize, overflowed: bool) -> Self {
        Self {
            length: length as u32,
            overflowed,
            ..Self::DONE
        }
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    pub(crate) attributes: Attributes,
    /// The period in ticks; `None`: aperiodic.
    pub(crate) period: Option<u64>,
    /// The place of its stack among the partition's.
    pub(crate) stack: u8,
    pub(crate) condition: Condition,
    /// Whether it waits for `RESUME`, whatever else it waits for.
    pub(crate) suspended: bool,
    pub(crate) current_priority: u8,
    /// The priority that it has when it owns nothing.
    pub(crate) retained_priority: u8,
    /// The priority that it had when it came into a queue by priority.
    pub(crate) waits_with: u8,
    pub(crate) owned: Option<Owned>,
    /// The last release point that was reached or is waited for.
    pub(crate) release: u64,
    /// The delay of a `DELAYED_START` before NORMAL, in nanoseconds.
    pub(crate) delay: u64,
    /// The deadline, missed or not.
    pub(crate) deadline: Option<u64>,
    pub(crate) outcome: Outcome,
    /// Counts starts: another number means a new context.
    pub(crate) activation: u32,
    /// How much of the transfer slot is a message to send.
    pub(crate) transfer_bytes: u32,
    pub(crate) links: Links,
    pub(crate) timers: [Timer; 2],
}

impl Process {
    pub(crate) fn new(
        attributes: Attributes,
        base_priority: u8,
        period: Option<u64>,
        stack: u8,
    ) -> Self {
        Self {
            attributes,
            period,
            stack,
            condition: Condition::Dormant,
            suspended: false,
            current_priority: base_priority,
            retained_priority: base_priority,
            waits_with: base_priority,
            owned: None,
            release: 0,
            delay: 0,
            deadline: None,
            outcome: Outcome::DONE,
            activation: 0,
            transfer_bytes: 0,
            links: Links::default(),
            timers: [Timer::default(); 2],
        }
    }

    /// Its base priority, which was in range when it was created.
    pub(crate) const fn base_priority(&self) -> u8 {
        self.attributes.base_priority as u8
    }

    /// Whether it waits in some object's queue.
    pub(crate) const fn queue(&self) -> Option<u8> {
        match self.condition {
            Condition::Waiting(Wait::Queue(queue)) => Some(queue),
            _ => None,
        }
    }
}

impl Named for Process {
    fn name(&self) -> &Name {
        &self.attributes.name
    }
}
