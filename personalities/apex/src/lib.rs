//! The ARINC 653 personality: the services (APEX) that an avionics application calls, as a library inside of its partition.
//!
//! The kernel knows nothing of ARINC processes. It gives a partition one vCPU, a virtual timer and lines; everything else that the
//! standard asks for inside of a partition is decided here, on plain data: which process runs, who waits for what and until when, which
//! deadline was missed and who hears of it. This crate has no unsafe code, allocates nothing and does not know on which machine
//! it runs, so that the host can try it in every order of events.
//!
//! # One value
//!
//! [`Partition`] owns all state. A service is a method; its errors are the standard's [`ReturnCode`]s, in the standard's order of checks
//! as far as public sources tell it (the standard itself is the authority). How many processes and objects fit is fixed by a type that
//! implements [`Limits`], which [`limits!`] writes. What comes from outside is one small trait, [`Environment`], and [`Facts`] that the
//! build knows.
//!
//! # Nothing blocks in here
//!
//! A service that may wait gives a [`Progress`]: done, or that the caller waits. After *every* service, whatever it returned, the
//! caller of this crate asks [`Partition::running`] who has the processor now, and goes on with that one. A process that waited and
//! has the processor again gets its answer by [`Partition::collect`]. A message that a process waits with is kept in its transfer slot,
//! so no reference to anybody's memory outlives a call.
//!
//! # Time comes in
//!
//! There is no clock in here. [`Partition::advance`] says which tick of the timebase it is, and does everything that is due up to
//! then, in the order of ticks; a service happens at the tick of the last `advance`. [`Partition::next_event`] is one number: the next tick at
//! which something would happen by itself. The layer below puts it into the virtual timer. So the rule is:
//!
//! 1. on every entry (a service, the timer, a line): `advance(now)`. If the caller of a service is no longer [`Partition::running`], the
//!    timer came first: switch, and make the call when it runs again;
//! 2. do the service, or tell what happened ([`Partition::queuing_port_changed`], [`Partition::fault`], [`Partition::released`]);
//! 3. set the timer to `next_event()`, and go on with `running()`. If its activation is a new one, it begins at its entry point with
//!    an empty stack.
//!
//! All state is in ticks, and an absolute tick is only ever made by adding to another absolute tick. A release point is the one before plus
//! the period, and the period is a whole number of the partition's periods, in the kernel's own ticks: nothing can drift.
//!
//! # Where to read
//!
//! `scheduler.rs` is the heart (who is ready, who waits, what is due), on top of `queue.rs`, `ready.rs` and `timers.rs`. Then one file for
//! each of the standard's chapters: [`Partition`]'s services are in `process_services.rs`, `time_services.rs`, `mutex.rs` and so on.
#![no_std]
#![forbid(unsafe_code)]

mod blackboard;
mod buffer;
mod code;
mod environment;
mod error;
mod event;
mod identifier;
mod limits;
mod memory_block;
mod mode;
mod module_schedule;
mod mutex;
mod name;
mod partition;
mod process;
mod process_services;
mod queue;
mod queuing;
mod ready;
mod sampling;
mod sampling_extension;
mod scheduler;
mod semaphore;
mod store;
mod time;
mod time_services;
mod timers;

pub use blackboard::{Blackboard, BlackboardStatus, EmptyIndicator};
pub use buffer::{Buffer, BufferStatus};
pub use code::{NO_ERROR, ReturnCode};
pub use environment::{
    Direction, Environment, ErrorLevel, Facts, HealthAction, MemoryBlock, MemoryBlockMode,
    PartitionPeriod, QueuingFacts, Sample, SamplingFacts, ScheduleState, Sent,
};
pub use error::{Concurrency, ERROR_MESSAGE_BYTES, ErrorCode, ErrorStatus, Failed, PartitionError};
pub use event::{Event, EventState, EventStatus};
pub use identifier::{
    BlackboardId, BufferId, EventId, MutexId, ProcessId, QueuingPortId, SamplingPortId, ScheduleId,
    SemaphoreId,
};
pub use limits::{Bytes, Limits, Pool, WAITING_FOR_NORMAL};
pub use memory_block::MemoryBlockStatus;
pub use mode::{OperatingMode, PartitionStatus, Start, StartCondition};
pub use module_schedule::ScheduleStatus;
pub use mutex::{Mutex, MutexState, MutexStatus};
pub use name::{NAME_BYTES, Name};
pub use partition::{Partition, Progress, Received, Runs};
pub use process::{
    Attributes, DeadlineKind, PRIORITY_MAX, PRIORITY_MIN, Process, ProcessState, ProcessStatus,
};
pub use process_services::LOCK_LEVEL_MAX;
pub use queue::{Discipline, WaitQueue};
pub use queuing::{QueuingPort, QueuingPortStatus};
pub use sampling::{SamplingMessage, SamplingPort, SamplingPortStatus};
pub use sampling_extension::{
    MessageAge, SamplingPortCurrentStatus, TimedMessage, Updated, UpdatedMessage,
};
pub use semaphore::{SEMAPHORE_MAX, Semaphore, SemaphoreStatus};
pub use time::SystemTime;

#[doc(hidden)]
pub mod export {
    //! What [`limits!`](crate::limits!) needs.
    pub use heapless::Vec;
}
