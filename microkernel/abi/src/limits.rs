//! The maxima of the kernel's static tables.
//!
//! The kernel allocates nothing, so each table has a size. `config` refuses a system that does not
//! fit, naming the limit. What raising one costs is said beside it.

/// Partitions. One register context (256 bytes), one record (128 bytes) and one PID each; at most 31,
/// because sets of partitions are words.
pub const PARTITIONS: usize = 16;
/// Memory regions of all partitions together. 24 bytes each; a check of an address walks its partition's own.
pub const REGIONS: usize = 160;
/// Capabilities of all partitions together. 8 bytes each.
pub const CAPABILITIES: usize = 256;
/// Channels. About 100 bytes each.
pub const CHANNELS: usize = 64;
/// Ends of all channels together. 2 bytes each.
pub const CHANNEL_ENDS: usize = 192;
/// The largest message in bytes. A copy runs with interrupts off, so this bounds the longest such path.
pub const MESSAGE_BYTES: u32 = 1024;
/// The depth of one queuing channel.
pub const QUEUE_DEPTH: u32 = 64;
/// The longest window and the longest deadline of a call, in ticks: within a window, times are compared by the lower
/// half of the timebase alone.
pub const TICKS: u32 = 1 << 30;
/// Schedules.
pub const SCHEDULES: usize = 8;
/// Windows of all schedules together. 40 bytes each.
pub const WINDOWS: usize = 128;
/// Ranks: memberships of partitions in window groups and in the background. One bit of a word each.
pub const RANKS: usize = 32;
/// Device interrupts. One bit of a word each.
pub const INTERRUPTS: usize = 32;
/// Functions on the bus of devices that partitions own.
pub const FUNCTIONS: usize = 8;
/// Steps that all functions take at the beginning and at the end of their owners' lives. 12 bytes each.
pub const STEPS: usize = 96;
/// Virtual interrupt lines of a vCPU. One bit of a word each.
pub const LINES: usize = 32;
/// Writes to TLB1 of all window boundaries together. 20 bytes each.
pub const TLB_WRITES: usize = 512;
/// Pristine copies that a cold start makes.
pub const COPIES: usize = 64;
/// Blocks of the supervisor's mapping of partition memory; each takes an entry of TLB1 for good.
pub const RAM_BLOCKS: usize = 3;
/// Guests. About 900 bytes each: a set of registers, TLB1, and the tags of its processes.
pub const GUESTS: usize = 4;
/// The name of a partition, channel or port, in bytes.
pub const NAME_BYTES: usize = 16;
/// The compiled tables, in bytes.
pub const TABLES_BYTES: usize = 0x2_0000;
/// Entries of the health log and marks of the record; both are rings of the last ones.
pub const HEALTH_RECORDS: usize = 256;
/// See [`HEALTH_RECORDS`].
pub const MARKS: usize = 1024;
/// Entries of the trace ring.
pub const TRACE_EVENTS: usize = 4096;
/// Entries of TLB1 that e500v2 has (e500 core reference manual, section 12.3.1).
pub const TLB1_ENTRIES: usize = 16;
/// Entries of TLB1 that the kernel keeps for itself besides [`RAM_BLOCKS`]: text, constants, data, record, devices.
pub const KERNEL_TLB1_ENTRIES: usize = 5;
