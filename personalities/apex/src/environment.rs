//! What comes from outside: facts that the build knows, and what only the kernel can do.

use crate::error::{ERROR_CODES, PartitionError};
use crate::{Name, OperatingMode, SystemTime};

/// The period of the partition, which is that of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionPeriod {
    /// As `system.toml` has it.
    pub nanoseconds: i64,
    /// The same as the kernel keeps it. Release points are a whole number of these apart.
    pub ticks: u64,
}

/// Which way messages go through a port (`PORT_DIRECTION_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Direction {
    /// Out of the partition.
    Source = 0,
    /// Into it.
    Destination = 1,
}

impl Direction {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Source),
            1 => Some(Self::Destination),
            _ => None,
        }
    }
}

/// A sampling port of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SamplingFacts {
    /// Its name.
    pub name: Name,
    /// Its direction.
    pub direction: Direction,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// How old a message may be and still be valid.
    pub refresh: SystemTime,
}

/// A queuing port of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueuingFacts {
    /// Its name.
    pub name: Name,
    /// Its direction.
    pub direction: Direction,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// How many messages it holds.
    pub depth: u32,
}

/// What a partition may do with a memory block (`MEMORY_BLOCK_MODE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MemoryBlockMode {
    /// Read it.
    Read = 0,
    /// Read and write it.
    ReadWrite = 1,
}

/// A memory block of the configuration (ARINC 653 Part 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryBlock {
    /// Its name.
    pub name: Name,
    /// Where it is, in the partition's addresses.
    pub address: usize,
    /// Its size in bytes.
    pub bytes: u32,
    /// What may be done with it.
    pub mode: MemoryBlockMode,
}

/// Who hears of an error in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorLevel {
    /// The error handler, if there is one.
    Process,
    /// The kernel's health monitor, with the partition's table.
    Partition,
}

/// What the build knows of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Its number in the module.
    pub identifier: i32,
    /// Its period; `None`: it has none, hence no periodic processes.
    pub period: Option<PartitionPeriod>,
    /// How much of each period it has the processor.
    pub duration: SystemTime,
    /// Ticks of the timebase per second.
    pub timebase_hz: u32,
    /// The stacks of processes, each in bytes. A process gets the smallest that is free and large enough.
    pub stacks: &'static [u32],
    /// The stack of the error handler, in bytes; 0: there is none.
    pub error_handler_stack_bytes: u32,
    /// Who hears of which error, by its [`ErrorCode`](crate::ErrorCode).
    pub error_levels: [ErrorLevel; ERROR_CODES],
    /// The sampling ports. Their places here are how they are named to the [`Environment`].
    pub sampling_ports: &'static [SamplingFacts],
    /// The queuing ports, as well.
    pub queuing_ports: &'static [QueuingFacts],
    /// The memory blocks.
    pub memory_blocks: &'static [MemoryBlock],
    /// The module's schedules, by name, in the kernel's order.
    pub schedules: &'static [Name],
    /// Whether the partition may switch schedules.
    pub may_set_schedule: bool,
    /// The mode that the partition takes when a schedule has come into force, by the schedule; `None`: it goes on. Empty: it always does.
    pub schedule_changes: &'static [Option<OperatingMode>],
}

/// A message of a sampling port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Its length in bytes.
    pub length: usize,
    /// The tick at which it was written. It tells one message from another.
    pub written: u64,
}

/// What became of a message that was given to a queuing port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It is in the queue.
    Queued,
    /// There was no room.
    Full,
}

/// What the health monitor did about an error of the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthAction {
    /// The partition goes on.
    Continue,
    /// It does not: this is the mode that it gets. On the target this never returns.
    End(OperatingMode),
}

/// The module's schedules as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScheduleState {
    /// The one in force, by its place.
    pub current: usize,
    /// The one that comes at the end of the major frame.
    pub next: usize,
    /// The tick at which the one in force began; 0 if there was no other before it.
    pub switched: u64,
}

/// What only the kernel, or whoever stands for it, can do. Ports are named by their places in [`Facts`].
///
/// Nothing here waits. Arguments were checked: a port exists and has the right direction, a message fits, and there is room for the longest.
pub trait Environment {
    /// Replaces the value of a sampling port.
    fn sampling_write(&mut self, port: usize, message: &[u8]);

    /// Copies the value of a sampling port; `None` if there never was one.
    fn sampling_read(&mut self, port: usize, room: &mut [u8]) -> Option<Sample>;

    /// As [`Environment::sampling_read`], without copying.
    fn sampling_peek(&mut self, port: usize) -> Option<Sample>;

    /// Appends a message to the queue of a port.
    fn queuing_send(&mut self, port: usize, message: &[u8]) -> Sent;

    /// Takes the first message out of the queue of a port: its length, and whether any was lost since the last one; `None` if
    /// it is empty.
    fn queuing_receive(&mut self, port: usize, room: &mut [u8]) -> Option<(usize, bool)>;

    /// How many messages are in the queue of a port.
    fn queuing_held(&mut self, port: usize) -> u32;

    /// Drops all messages in the queue of a port.
    fn queuing_clear(&mut self, port: usize);

    /// The partition has a new mode. On the target this does not return for IDLE, COLD_START and WARM_START.
    fn mode_changed(&mut self, mode: OperatingMode);

    /// An error at the level of the partition.
    fn partition_error(&mut self, error: &PartitionError) -> HealthAction;

    /// Takes a message for the log of the module.
    fn application_message(&mut self, message: &[u8]);

    /// Asks for another schedule from the next major frame on.
    fn set_schedule(&mut self, schedule: usize);

    /// The schedules as they are.
    fn schedule_state(&mut self) -> ScheduleState;
}
