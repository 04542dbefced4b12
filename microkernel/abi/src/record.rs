//! The record: what the kernel leaves in a fixed region of RAM for the host.
//!
//! The region ([`crate::space::kernel::RECORD`]) survives a warm reset and is read with no cooperation from the kernel,
//! which may be dead. Every field has a fixed size, big-endian, so that the host reads the same
//! types. Layout: [`Header`], [`PartitionRecord`]s, [`Mark`]s, [`HealthRecord`]s, [`CrashRecord`]s, and in the
//! `trace` kernel [`TraceEvent`]s, at the offsets in [`offset`].

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::limits;

/// "CFDMREC0".
pub const MAGIC: u64 = 0x4346_444d_5245_4330;
/// What the host writes to [`Header::stop_request`] to have the machine stop at [`Header::stop_at`].
pub const STOP_REQUEST: u32 = 0x5354_4f50;

/// Where the parts begin, from the start of the record.
pub mod offset {
    use super::{CrashRecord, HealthRecord, Mark, PartitionRecord, TraceEvent};
    use crate::limits;

    /// The [`super::Header`].
    pub const HEADER: usize = 0;
    /// The [`PartitionRecord`]s, one for each partition.
    pub const PARTITIONS: usize = 0x400;
    /// The [`CrashRecord`]s: the last one of each partition, and then the kernel's epitaph.
    pub const CRASHES: usize = PARTITIONS + limits::PARTITIONS * size_of::<PartitionRecord>();
    /// The [`Mark`]s.
    pub const MARKS: usize = CRASHES + (limits::PARTITIONS + 1) * size_of::<CrashRecord>();
    /// The [`HealthRecord`]s.
    pub const HEALTH: usize = MARKS + limits::MARKS * size_of::<Mark>();
    /// The [`TraceEvent`]s.
    pub const TRACE: usize = HEALTH + limits::HEALTH_RECORDS * size_of::<HealthRecord>();
    /// The end of it all.
    pub const END: usize = TRACE + limits::TRACE_EVENTS * size_of::<TraceEvent>();

    const _: () = assert!(END <= crate::space::kernel::RECORD_SIZE as usize);
    const _: () = assert!(size_of::<super::Header>() <= PARTITIONS);
}

macro_rules! record {
    ($(#[$meta:meta])* $name:ident $size:literal { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        const _: () = assert!(size_of::<$name>() == $size);
    };
}

record! {
    /// The head of the record.
    Header 128 {
        /// [`MAGIC`] once the kernel has begun.
        magic: U64,
        /// [`crate::ABI_VERSION`].
        abi_version: U16,
        /// A [`State`].
        state: U16,
        /// With `state` [`State::BootFailed`]: a number of `core`'s `BootFailure`; with `Halted`: the [`crate::health::Error`].
        reason: U32,
        /// The module's starts since the record was found without [`MAGIC`]: 1 after a power-up.
        boots: U32,
        /// 1: this is the `trace` kernel.
        trace_kernel: U32,
        /// CRC-32 of the tables in use.
        tables_crc: U32,
        /// Partitions in use.
        partitions: U32,
        /// The timebase when the first window began.
        start_tick: U64,
        /// The timebase at the last window boundary.
        now_tick: U64,
        /// Major frames completed.
        major_frames: U64,
        /// The schedule in use.
        schedule: U32,
        /// Windows that began after their tick.
        late_windows: U32,
        /// The latest start of a window, in ticks behind the boundary, since the start.
        jitter_max_ticks: U32,
        /// Module-level health events.
        health_events: U32,
        /// Marks ever written; the ring holds the last ones.
        marks: U32,
        /// Health records ever written; the ring holds the last ones.
        health: U32,
        /// Trace events ever written; the ring holds the last ones.
        trace: U32,
        /// [`STOP_REQUEST`]: written by the host before or while the machine runs.
        stop_request: U32,
        /// The machine stops at the first major-frame boundary at or behind this many ticks from `start_tick`.
        stop_at: U64,
        /// Room.
        reserved: [u8; 32],
    }
}

/// What the machine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum State {
    /// The kernel reads its tables.
    Booting = 1,
    /// Windows run.
    Running = 2,
    /// The host's stop request was met.
    Stopped = 3,
    /// By a health action, `reason` says which error.
    Halted = 4,
    /// The tables were refused; nothing was started.
    BootFailed = 5,
    /// The kernel died; its epitaph is the last crash record.
    Dead = 6,
}

record! {
    /// One partition's account.
    PartitionRecord 128 {
        /// Its name, padded with zeros.
        name: [u8; limits::NAME_BYTES],
        /// A [`PartitionState`].
        state: U32,
        /// The number of its life, from 1 on.
        epoch: U32,
        /// Starts after the first.
        restarts: U32,
        /// Health events of this partition.
        health_events: U32,
        /// How often each partition-level [`crate::health::Error`] came, in their order (saturating).
        errors: [U16; 12],
        /// Releases of its period.
        releases: U32,
        /// Releases whose work was complete in time.
        completions: U32,
        /// Releases whose work was not complete at the deadline.
        deadlines_missed: U32,
        /// The earliest release, in ticks behind its boundary.
        jitter_min_ticks: U32,
        /// The latest release, in ticks behind its boundary.
        jitter_max_ticks: U32,
        /// The longest from release to completion, in ticks.
        response_max_ticks: U32,
        /// The most that it used of one window, in ticks.
        worst_window_used_ticks: U32,
        /// Hypercalls: counted by the kernel that keeps a trace, 0 with the other.
        hypercalls: U32,
        /// Processor time, in ticks.
        cpu_ticks: U64,
        /// The time for which its guest had nothing to do, in ticks: up to the last time that it had something again.
        guest_idle_ticks: U64,
        /// Room.
        reserved: [u8; 24],
    }
}

/// What a partition is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PartitionState {
    /// Stopped for good, or until somebody with the capability starts it.
    Stopped = 0,
    /// Its memory is being prepared.
    Starting = 1,
    /// It runs, or would run if it had the processor.
    Ready = 2,
    /// It waits for a line, a request or a reply.
    Waiting = 3,
    /// It waits for its restart's back-off to pass.
    Delayed = 4,
}

record! {
    /// A mark that a partition left with the `mark` hypercall.
    Mark 24 {
        /// When.
        tick: U64,
        /// Its number, from 0 on.
        sequence: U32,
        /// Who.
        partition: U32,
        /// What.
        identifier: U32,
        /// And how.
        value: U32,
    }
}

record! {
    /// One entry of the health log.
    HealthRecord 64 {
        /// When.
        tick: U64,
        /// Its number, from 0 on.
        sequence: U32,
        /// The partition, or [`MODULE`].
        partition: U16,
        /// A [`crate::health::Error`].
        error: u8,
        /// The [`crate::health::Action`] taken.
        action: u8,
        /// The instruction.
        pc: U32,
        /// The data address, if there is one.
        address: U32,
        /// The exception syndrome, or the detail of an application's error.
        detail: U32,
        /// The exception: an IVOR number; 0 if none.
        exception: U32,
        /// The partition's epoch.
        epoch: U32,
        /// Room.
        reserved: [u8; 28],
    }
}

/// Stands for the module where a partition's index is expected.
pub const MODULE: u16 = 0xffff;

record! {
    /// The registers of a partition when it failed, or of the kernel.
    CrashRecord 224 {
        /// [`CRASH_MAGIC`] if there is one.
        magic: U32,
        /// The partition, or [`MODULE`].
        partition: U16,
        /// A [`crate::health::Error`].
        error: u8,
        /// The [`crate::health::Action`] taken.
        action: u8,
        /// When.
        tick: U64,
        /// The partition's epoch; the module's boots for the kernel.
        epoch: U32,
        /// The exception: an IVOR number.
        exception: U32,
        /// r0 to r31.
        gpr: [U32; 32],
        /// The instruction.
        pc: U32,
        /// The machine state.
        msr: U32,
        /// Condition register.
        cr: U32,
        /// XER.
        xer: U32,
        /// CTR.
        ctr: U32,
        /// LR.
        lr: U32,
        /// DEAR.
        dear: U32,
        /// ESR.
        esr: U32,
        /// Return addresses found on the stack, innermost first; zeros behind.
        backtrace: [U32; 8],
        /// How many failures of this partition were recorded.
        count: U32,
        /// Room.
        reserved: [u8; 4],
    }
}

/// "CRSH".
pub const CRASH_MAGIC: u32 = 0x4352_5348;

record! {
    /// One event of the trace.
    TraceEvent 16 {
        /// When: the lower word of the timebase.
        tick: U32,
        /// A [`TraceKind`].
        kind: u8,
        /// The partition, or 0xff.
        partition: u8,
        /// The kind's first detail: a hypercall's number, an interrupt, a channel, an error.
        what: U16,
        /// The kind's second detail.
        value: U32,
        /// The kind's third detail.
        extra: U32,
    }
}

/// Stands for a hypercall that there is not in a [`TraceKind::Hypercall`].
pub const NO_HYPERCALL: u16 = 0xffff;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TraceKind {
    /// A window began: `what` its index, over all schedules; `value` how many ticks behind its boundary the one before it
    /// began.
    Window = 1,
    /// This partition got the processor; 0xff: idle.
    Switch = 2,
    /// A hypercall: `what` its number or [`NO_HYPERCALL`], `value` its status, `extra` its first argument.
    Hypercall = 3,
    /// A device interrupt came: `what` its index.
    Interrupt = 4,
    /// A message went: `what` the channel, `value` its length in the store, `extra` its number on the channel. Requests go out of the
    /// client and replies out of the server, without a number; those in registers have the length 0.
    MessageOut = 5,
    /// A message was taken, by the call that does so or by the end of a wait: as [`TraceKind::MessageOut`].
    MessageIn = 6,
    /// A health event: `what` the error, `value` the action, `extra` the instruction.
    Health = 7,
    /// The partition was started: `value` the reason.
    Start = 8,
    /// The partition was released: `value` its releases so far.
    Release = 9,
}

impl TraceKind {
    /// Every kind, in the order of its number, from 1 on without gaps.
    pub const ALL: [Self; 9] = [
        Self::Window,
        Self::Switch,
        Self::Hypercall,
        Self::Interrupt,
        Self::MessageOut,
        Self::MessageIn,
        Self::Health,
        Self::Start,
        Self::Release,
    ];

    /// The kind with this number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}
