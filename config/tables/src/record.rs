//! The records.

use cofferdam_abi::health::PARTITION_ERRORS;
use cofferdam_abi::limits;
use serde::{Deserialize, Serialize};

use crate::{bytes, number};

/// One item of the compiled configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The board. Exactly one, first.
    Board(Board),
    /// The module. Exactly one, second.
    Module(Module),
    /// A block of the supervisor's mapping of partition memory.
    RamBlock(RamBlock),
    /// A partition; its regions, copies and capabilities follow.
    Partition(Partition),
    /// A guest of the partition before it.
    Guest(#[serde(deserialize_with = "guest_or_damage")] Guest),
    /// A memory region of the partition before it.
    Region(Region),
    /// A pristine copy of the partition before it.
    Copy(Copy),
    /// A capability of the partition before it: the next slot, from 0 on.
    Capability(Capability),
    /// A channel; its ends follow.
    Channel(Channel),
    /// An end of the channel before it: first the source, then the destinations.
    End(End),
    /// A device interrupt.
    Interrupt(Interrupt),
    /// The next rank, the most urgent first.
    Rank(Rank),
    /// A schedule; its TLB writes and windows follow.
    Schedule(Schedule),
    /// A window of the schedule before it, in the order of time.
    Window(Window),
    /// A write to TLB1: behind a schedule, of what its first window needs from nothing; behind a window, of what
    /// differs from the window before it (before the first comes the last).
    TlbWrite(TlbWrite),
    // Last: a kernel for systems without a bus does not know these, and takes them for damage.
    /// The bus of devices. At most one, before the partitions.
    #[cfg(feature = "bus")]
    Bus(Bus),
    /// A function on the bus that the partition before it owns; its steps follow.
    #[cfg(feature = "bus")]
    Function(Function),
    /// A step of the function before it: first those of the beginning, then those of the end.
    #[cfg(feature = "bus")]
    Step(Step),
}

/// The board's facts that the kernel needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The physical address of the device block (CCSR), 1 MiB.
    pub devices_physical: u64,
    /// The interrupt controller (MPIC) in the device block.
    #[serde(deserialize_with = "number::deserialize")]
    pub interrupt_controller_offset: u32,
    /// The UART for last words, in the device block.
    #[serde(deserialize_with = "number::deserialize")]
    pub uart_offset: u32,
    /// The register that resets the machine, in the device block.
    #[serde(deserialize_with = "number::deserialize")]
    pub reset_offset: u32,
    /// What to write there.
    #[serde(deserialize_with = "number::deserialize")]
    pub reset_value: u32,
    /// Timebase ticks per second.
    #[serde(deserialize_with = "number::deserialize")]
    pub timebase_hz: u32,
}

/// What concerns the module as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// How long before a boundary the kernel takes the processor back, in ticks.
    #[serde(deserialize_with = "number::deserialize")]
    pub guard_ticks: u32,
    /// The schedule to begin with.
    pub initial_schedule: u8,
    /// The [`cofferdam_abi::health::Action`] for each module-level error, in the order of
    /// `Error::ALL[PARTITION_ERRORS..]`.
    #[serde(deserialize_with = "bytes::deserialize")]
    pub actions: [u8; 4],
    /// The target of [`cofferdam_abi::health::Action::SwitchSchedule`] at module level.
    pub switch_schedule: u8,
}

/// A block of RAM that the kernel maps for itself at [`cofferdam_abi::space::kernel::RAM`] + `physical`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RamBlock {
    /// Its physical address, aligned to its size.
    #[serde(deserialize_with = "number::deserialize")]
    pub physical: u32,
    /// Its size as a code of [`crate::mas::size_bytes`].
    pub size_code: u8,
}

/// The bus of devices (PCI), and what its devices reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bus {
    /// The registers of the bus's controller, in the device block.
    #[serde(deserialize_with = "number::deserialize")]
    pub registers_offset: u32,
    /// Where the processor reaches the devices' memory: a physical address.
    pub memory_physical: u64,
    /// The same on the bus.
    #[serde(deserialize_with = "number::deserialize")]
    pub memory_address: u32,
    /// How much of it: 2 to this power, in bytes.
    pub memory_log2: u8,
    /// The DMA arena, which is all that devices reach: a physical address, aligned to its size.
    #[serde(deserialize_with = "number::deserialize")]
    pub arena: u32,
    /// Its size: 2 to this power, in bytes; 0: there is none.
    pub arena_log2: u8,
}

/// A function on the bus. The partition before it owns it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its number on the bus: 8 times the slot, and which one of the slot's.
    pub number: u8,
}

/// What is done with a word of a function's configuration space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// It belongs to the end of the owner's life, else to the beginning.
    pub at_end: bool,
    /// The word.
    pub register: u8,
    /// The word must have `value` under this mask, else the function is unfit, and no further step is taken; 0: `value` is written.
    #[serde(deserialize_with = "number::deserialize")]
    pub mask: u32,
    /// See `mask`.
    #[serde(deserialize_with = "number::deserialize")]
    pub value: u32,
}

/// A partition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name, padded with zeros.
    #[serde(deserialize_with = "bytes::deserialize")]
    pub name: [u8; limits::NAME_BYTES],
    /// The PID that tags its translations, from 1 on.
    pub pid: u8,
    /// Where it starts: an effective address.
    #[serde(deserialize_with = "number::deserialize")]
    pub entry: u32,
    /// The top of its first stack: an effective address, r1 at the start.
    #[serde(deserialize_with = "number::deserialize")]
    pub stack_top: u32,
    /// The lowest address of its stack; an access at most `stack_guard` bytes below is a stack overflow.
    #[serde(deserialize_with = "number::deserialize")]
    pub stack_bottom: u32,
    /// See `stack_bottom`.
    #[serde(deserialize_with = "number::deserialize")]
    pub stack_guard: u32,
    /// Its register page: a physical address.
    #[serde(deserialize_with = "number::deserialize")]
    pub page_physical: u32,
    /// Its ranks: a set, rank 0 is the highest bit.
    #[serde(deserialize_with = "number::deserialize")]
    pub ranks: u32,
    /// Its period, in ticks; 0: it has none.
    #[serde(deserialize_with = "number::deserialize")]
    pub period_ticks: u32,
    /// The time from a release to its deadline, in ticks; 0: it has none.
    #[serde(deserialize_with = "number::deserialize")]
    pub deadline_ticks: u32,
    /// Whether it starts with the module.
    pub autostart: bool,
    /// The [`cofferdam_abi::health::Action`] for each partition-level error, in their order.
    #[serde(deserialize_with = "bytes::deserialize")]
    pub actions: [u8; PARTITION_ERRORS],
    /// The target of [`cofferdam_abi::health::Action::SwitchSchedule`] for this partition.
    pub switch_schedule: u8,
    /// Restarts by the health monitor within `restart_per_ticks` before `restart_limit` is raised; 0: no limit.
    pub restart_max: u16,
    /// See `restart_max`.
    pub restart_per_ticks: u64,
    /// The wait before the first restart in a row, in ticks; doubled with each further one, eight times at most.
    #[serde(deserialize_with = "number::deserialize")]
    pub back_off_ticks: u32,
}

/// Reads a guest. To a kernel for systems without guests it is damage, so that it has none of that in its text.
fn guest_or_damage<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Guest, D::Error> {
    if cfg!(feature = "guests") {
        Guest::deserialize(deserializer)
    } else {
        Err(serde::de::Error::custom("a guest"))
    }
}

/// A guest: what its partition has besides the program, which is its monitor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// Where guest-physical address 0 is: a physical address.
    #[serde(deserialize_with = "number::deserialize")]
    pub memory: u32,
    /// How much memory there is, in bytes: whole pages.
    #[serde(deserialize_with = "number::deserialize")]
    pub memory_bytes: u32,
    /// Its register page: a physical address.
    #[serde(deserialize_with = "number::deserialize")]
    pub page: u32,
    /// Where the kernel keeps its first translation array: a physical address of RAM that no partition has.
    #[serde(deserialize_with = "number::deserialize")]
    pub translations: u32,
    /// The tags for its translations: the first, and how many.
    pub tag_first: u8,
    /// See `tag_first`.
    pub tag_count: u8,
    /// The places of TLB1 that are its own: the first, and how many.
    pub tlb1_first: u8,
    /// See `tlb1_first`.
    pub tlb1_count: u8,
    /// What its kernel is.
    pub paravirtual: Paravirtual,
}

/// A guest's kernel that was rewritten beforehand, and where its page tables are. Addresses are the guest's effective ones. All of it is
/// 0 for a kernel that was not rewritten. Whatever stands here, a guest reaches nothing but its own memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paravirtual {
    /// Where the stubs begin that stand in for instructions: no interrupt is delivered while the guest is in one.
    #[serde(deserialize_with = "number::deserialize")]
    pub stubs: u32,
    /// Where those of them begin that enable interrupts ([`cofferdam_abi::guest::stub`] says how such a one is laid out).
    #[serde(deserialize_with = "number::deserialize")]
    pub enabling_stubs: u32,
    /// Where they end.
    #[serde(deserialize_with = "number::deserialize")]
    pub stubs_end: u32,
    /// Where the guest's kernel has guest-physical address 0, for good; addresses from here on are its own, those below its processes'.
    #[serde(deserialize_with = "number::deserialize")]
    pub linear: u32,
    /// The first level of its own page table; 0: the kernel walks none of its tables.
    #[serde(deserialize_with = "number::deserialize")]
    pub kernel_table: u32,
    /// How far behind where SPRG3 points the word is that says where the first level of the process's page table is.
    #[serde(deserialize_with = "number::deserialize")]
    pub process_table: u32,
}

/// What may be done with memory: read 1, write 2, execute 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights(pub u8);

impl Rights {
    /// Read.
    pub const READ: Self = Self(1);
    /// Read and write.
    pub const READ_WRITE: Self = Self(3);
    /// Read and execute.
    pub const READ_EXECUTE: Self = Self(5);

    /// Whether it may be read.
    pub const fn read(self) -> bool {
        self.0 & 1 != 0
    }
    /// Whether it may be written.
    pub const fn write(self) -> bool {
        self.0 & 2 != 0
    }
    /// Whether it may be executed.
    pub const fn execute(self) -> bool {
        self.0 & 4 != 0
    }
}

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum RegionKind {
    /// Text or constants of the image: never cleared.
    Image,
    /// The partition's own memory: cleared at a cold start.
    Private,
    /// Shared with another partition.
    Shared,
    /// A device's registers. A hypercall never takes a message from there.
    Device,
}

/// A memory region.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its effective address.
    #[serde(deserialize_with = "number::deserialize")]
    pub effective: u32,
    /// Its physical address.
    pub physical: u64,
    /// Its length in bytes: whole pages.
    #[serde(deserialize_with = "number::deserialize")]
    pub length: u32,
    /// What the partition may do with it.
    pub rights: Rights,
    /// What it is.
    pub kind: RegionKind,
}

/// Memory that a cold start fills from a pristine copy in the image, once cleared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// The pristine copy: a physical address, whole words.
    #[serde(deserialize_with = "number::deserialize")]
    pub from: u32,
    /// The partition's memory: a physical address, whole words.
    #[serde(deserialize_with = "number::deserialize")]
    pub to: u32,
    /// In bytes, whole words.
    #[serde(deserialize_with = "number::deserialize")]
    pub length: u32,
}

/// What a capability is for. `object` is the index of a thing of the kind named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum CapabilityKind {
    /// An empty slot.
    Empty,
    /// Write a sampling channel.
    SamplingSource,
    /// Read a sampling channel.
    SamplingDestination,
    /// Send on a queuing channel.
    QueuingSource,
    /// Receive from a queuing channel.
    QueuingDestination,
    /// Call on a call channel.
    CallClient,
    /// Serve a call channel.
    CallServer,
    /// Ring the doorbell of a signal or ring channel.
    Signal,
    /// A device interrupt.
    Interrupt,
    /// Ask for the schedule, and with right 1 set it.
    Schedule,
    /// Another partition: ask for its status, and with right 1 stop it, with right 2 restart it.
    Partition,
    /// Read the health log.
    HealthLog,
}

/// A capability. One word, for the kernel finds it by its slot on every hypercall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(align(4))]
pub struct Capability {
    /// What it is for.
    pub kind: CapabilityKind,
    /// Of which thing.
    pub object: u8,
    /// With which rights; the kind says what the bits mean.
    pub rights: u8,
}

/// What a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum ChannelKind {
    /// The last value.
    Sampling,
    /// A bounded queue.
    Queuing,
    /// Request and reply. The source is the client.
    Call,
    /// Shared memory and a doorbell each way.
    Ring,
    /// A doorbell alone.
    Signal,
}

/// A channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name, padded with zeros.
    #[serde(deserialize_with = "bytes::deserialize")]
    pub name: [u8; limits::NAME_BYTES],
    /// What it does.
    pub kind: ChannelKind,
    /// The largest message, or request, in bytes.
    #[serde(deserialize_with = "number::deserialize")]
    pub message_bytes: u32,
    /// The largest reply in bytes; 0 unless it is a call channel.
    #[serde(deserialize_with = "number::deserialize")]
    pub reply_bytes: u32,
    /// The places of a queue; 1 for the other kinds.
    #[serde(deserialize_with = "number::deserialize")]
    pub depth: u32,
    /// Where the kernel keeps its messages: a physical address of RAM that no partition has. A queue has `depth`
    /// places of `message_bytes` rounded up to words, a call channel a request and behind it a reply.
    #[serde(deserialize_with = "number::deserialize")]
    pub store: u32,
    /// How old a sampling value may be and still be valid, in ticks; 0: for ever.
    pub refresh_ticks: u64,
    /// How long a call may take when the caller does not say, in ticks; 0 unless it is a call channel.
    #[serde(deserialize_with = "number::deserialize")]
    pub deadline_ticks: u32,
}

/// One end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Whose.
    pub partition: u8,
    /// The line raised there when the other end does something; 0xff: none.
    pub line: u8,
}

/// No line.
pub const NO_LINE: u8 = 0xff;

/// A device interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interrupt {
    /// The source's number at the interrupt controller.
    pub source: u16,
    /// Level-sensitive, else edge.
    pub level: bool,
    /// Active high, or rising edge.
    pub high: bool,
    /// Whose.
    pub owner: u8,
    /// The owner's line.
    pub line: u8,
    /// How many may come in `storm_ticks`; one more masks the source; 0: no limit.
    pub storm_max: u16,
    /// See `storm_max`.
    #[serde(deserialize_with = "number::deserialize")]
    pub storm_ticks: u32,
}

/// A rank: a membership in a group, with its place in the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// Whose.
    pub partition: u8,
    /// How much it may use in one window, in ticks; 0: no limit.
    #[serde(deserialize_with = "number::deserialize")]
    pub budget_ticks: u32,
}

/// A schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name, padded with zeros.
    #[serde(deserialize_with = "bytes::deserialize")]
    pub name: [u8; limits::NAME_BYTES],
    /// The length of the major frame, in ticks.
    #[serde(deserialize_with = "number::deserialize")]
    pub major_frame_ticks: u32,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// From the start of the major frame, in ticks.
    #[serde(deserialize_with = "number::deserialize")]
    pub start_ticks: u32,
    /// In ticks. The next window begins where this one ends.
    #[serde(deserialize_with = "number::deserialize")]
    pub length_ticks: u32,
    /// The ranks that may run: a set, rank 0 is the highest bit.
    #[serde(deserialize_with = "number::deserialize")]
    pub eligible: u32,
    /// The partitions released at its start: a set, partition 0 is the highest bit.
    #[serde(deserialize_with = "number::deserialize")]
    pub releases: u32,
    /// The interrupts that may come: a set, interrupt 0 is the highest bit.
    #[serde(deserialize_with = "number::deserialize")]
    pub interrupts: u32,
}

/// A write to TLB1. The kernel's assembly takes the words in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct TlbWrite {
    /// Which entry.
    #[serde(deserialize_with = "number::deserialize")]
    pub mas0: u32,
    /// 0 makes the entry invalid.
    #[serde(deserialize_with = "number::deserialize")]
    pub mas1: u32,
    /// Effective page and attributes.
    #[serde(deserialize_with = "number::deserialize")]
    pub mas2: u32,
    /// Physical page, lower part, and rights.
    #[serde(deserialize_with = "number::deserialize")]
    pub mas3: u32,
    /// Physical page, upper part.
    #[serde(deserialize_with = "number::deserialize")]
    pub mas7: u32,
}
