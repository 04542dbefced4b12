//! Everything that was chosen for a system, in one value: tools and reports read it, and the tables are made from it.

mod apex;
mod draft;
mod windows;

use cofferdam_check::programs;
use serde::Serialize;

use crate::guest::GuestPlan;
use crate::place::PAGE;

pub use apex::block_address;
pub use draft::{plan, segment_at};

/// A system as it will run.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The system's name.
    pub system: String,
    /// The board's name.
    pub board: String,
    /// The board's machine in QEMU.
    pub machine: String,
    /// The RAM of the machine in bytes.
    pub ram_bytes: u64,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// So many ticks before the end of a window the kernel takes the processor back.
    pub guard_ticks: u64,
    /// The kernel's mapping of partitions' memory.
    pub ram_blocks: Vec<BlockPlan>,
    /// The bus of devices, if one on it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<BusPlan>,
    /// In the order of their indices.
    pub partitions: Vec<PartitionPlan>,
    /// In the order of their indices.
    pub channels: Vec<ChannelPlan>,
    /// In the order of their indices.
    pub interrupts: Vec<InterruptPlan>,
    /// The most urgent first.
    pub ranks: Vec<RankPlan>,
    /// In the order of their indices.
    pub schedules: Vec<SchedulePlan>,
    /// The statements of `[require]`, each proved.
    pub proved: Vec<String>,
}

/// A block of RAM that the kernel maps.
#[derive(Clone, Debug, Serialize)]
pub struct BlockPlan {
    /// Its physical address.
    pub physical: u64,
    /// Its size: a power of four.
    pub bytes: u64,
}

/// The bus of devices.
#[derive(Clone, Debug, Serialize)]
pub struct BusPlan {
    /// The DMA arena, which is all that devices reach: a physical address.
    pub arena_physical: u64,
    /// Its size: a power of two; 0: there is none.
    pub arena_bytes: u64,
    /// Its address on the bus.
    pub arena_address: u32,
    /// The functions in use.
    pub functions: Vec<FunctionPlan>,
}

/// A function on the bus.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionPlan {
    /// The device's name.
    pub device: String,
    /// Whose.
    pub owner: usize,
    /// Its slot.
    pub slot: u64,
    /// `none`, `arena` or `trusted`.
    pub dma: &'static str,
    /// The partitions besides the owner whose memory it reaches by itself, by name: whoever has a piece of the arena; or, if it is trusted,
    /// everybody.
    pub reaches: Vec<String>,
    /// Where its registers are on the bus.
    pub address: u32,
    /// The same for the processor.
    pub physical: u64,
    /// How the emulator is told to have it.
    pub emulator: Option<String>,
    /// How large the disk behind it is.
    pub medium_bytes: Option<u64>,
    /// The port of the network behind it that the host reaches.
    pub forward: Option<u16>,
}

/// A partition.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionPlan {
    /// Its name.
    pub name: String,
    /// The PID that tags its translations.
    pub pid: u8,
    /// `pinned` or `refill`.
    pub tlb: &'static str,
    /// Where it starts.
    pub entry: u32,
    /// The lowest address of its stack.
    pub stack_bottom: u32,
    /// The address behind its stack.
    pub stack_top: u32,
    /// What it takes.
    pub memory: MemoryPlan,
    /// Its regions. Of a pinned partition each is one entry of TLB1.
    pub regions: Vec<RegionPlan>,
    /// What a cold start copies.
    pub copies: Vec<CopyPlan>,
    /// Its ports, in the order of their slots.
    pub ports: Vec<PortPlan>,
    /// Its other capabilities, in the order of their slots.
    pub capabilities: Vec<CapabilityPlan>,
    /// Its period.
    pub period_ticks: Option<u64>,
    /// Its deadline.
    pub deadline_ticks: Option<u64>,
    /// The names of the health events that a run is expected to show.
    pub expect: Vec<&'static str>,
    /// Whether its program was built here, else delivered.
    pub built_here: bool,
    /// Its guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestPlan>,
}

/// What a partition takes of TLB1 and of RAM. Memory that it shares by a ring counts for both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// The entries of TLB1 while one of its windows lasts; none if it is refilled.
    pub tlb1_entries: usize,
    /// The RAM that was asked for: program, memory, register page, rings and pristine copies.
    pub asked_bytes: u64,
    /// The RAM that it takes.
    pub taken_bytes: u64,
    /// The difference: what is lost to whole pages and to entries of TLB1, which are powers of four.
    pub lost_bytes: u64,
}

impl MemoryPlan {
    fn of(pinned: bool, regions: &[RegionPlan], copies: &[CopyPlan]) -> Self {
        let in_ram = regions
            .iter()
            .filter(|region| region.kind != RegionKind::Device)
            .map(|region| (region.asked_bytes, region.bytes));
        let copies = copies
            .iter()
            .map(|copy| (copy.bytes, copy.bytes.next_multiple_of(PAGE)));
        let (asked_bytes, taken_bytes) = in_ram
            .chain(copies)
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        Self {
            tlb1_entries: if pinned { regions.len() } else { 0 },
            asked_bytes,
            taken_bytes,
            lost_bytes: taken_bytes - asked_bytes,
        }
    }
}

/// What a region is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionKind {
    /// The program's instructions.
    Text,
    /// The program's constants.
    Constants,
    /// Its own memory.
    Data,
    /// Its register page.
    Page,
    /// Memory shared by a ring.
    Ring,
    /// A device's registers.
    Device,
    /// A piece of the DMA arena.
    Arena,
    /// A guest's memory.
    Guest,
    /// A guest's register page.
    GuestPage,
    /// The stack of an ARINC 653 process, of its error handler, or of exceptions.
    Stack,
    /// A memory block of ARINC 653.
    #[serde(rename = "memory block")]
    MemoryBlock,
}

/// A memory region of a partition.
#[derive(Clone, Debug, Serialize)]
pub struct RegionPlan {
    /// What it is for.
    pub kind: RegionKind,
    /// The ring's or device's name, else the kind's.
    pub name: String,
    /// What the device is, in the words of the board file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// `r`, `rw` or `rx`.
    pub rights: &'static str,
    /// Its effective address.
    pub effective: u32,
    /// Its physical address.
    pub physical: u64,
    /// What was asked for.
    pub asked_bytes: u64,
    /// What it takes; more than was asked for where one entry of TLB1 is larger.
    pub bytes: u64,
    /// Of a stack: so much below it is mapped by nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_bytes: Option<u64>,
}

/// A pristine copy.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CopyPlan {
    /// Where the copy lies.
    pub from_physical: u64,
    /// Where it goes.
    pub to_physical: u64,
    /// Where its bytes begin in the program's data segment, or in what lies in the guest's memory.
    pub offset: u64,
    /// Which of the things that lie in the guest's memory it is; none: the program's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<usize>,
    /// Whole words.
    pub bytes: u64,
}

/// A port.
#[derive(Clone, Debug, Serialize)]
pub struct PortPlan {
    /// Its name.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// Its line.
    pub line: Option<u8>,
    /// The channel that it is an end of.
    pub channel: Option<usize>,
    /// Which end.
    pub end: Option<usize>,
    /// The interrupt that it is.
    pub interrupt: Option<usize>,
}

/// A capability that is no port.
#[derive(Clone, Debug, Serialize)]
pub struct CapabilityPlan {
    /// As the file would write it.
    pub text: String,
    /// Its slot.
    pub slot: usize,
}

/// A channel.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelPlan {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The largest message.
    pub message_bytes: u64,
    /// The largest reply.
    pub reply_bytes: u64,
    /// The fingerprint of the messages, in hexadecimal. `None` where there are no messages, or nothing says their fingerprint.
    pub fingerprint: Option<String>,
    /// The same of the replies.
    pub reply_fingerprint: Option<String>,
    /// Places.
    pub depth: u64,
    /// Where the kernel keeps its messages.
    pub store_physical: u64,
    /// How much room they take.
    pub store_bytes: u64,
    /// Partition and port of each end, the source first.
    pub ends: Vec<(usize, String)>,
}

/// A device interrupt.
#[derive(Clone, Debug, Serialize)]
pub struct InterruptPlan {
    /// The device's name.
    pub device: String,
    /// Its number at the interrupt controller.
    pub source: u64,
    /// Whose.
    pub owner: usize,
}

/// A rank.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RankPlan {
    /// Whose.
    pub partition: usize,
    /// How much it may use in one window; 0: no limit.
    pub budget_ticks: u64,
}

/// A schedule.
#[derive(Clone, Debug, Serialize)]
pub struct SchedulePlan {
    /// Its name.
    pub name: String,
    /// Whether the module begins with it.
    pub initial: bool,
    /// The length of the frame.
    pub major_frame_ticks: u64,
    /// In the order of time.
    pub windows: Vec<WindowPlan>,
    /// What TLB1 holds in the first window, from nothing.
    #[serde(skip)]
    pub tlb_writes: Vec<cofferdam_tables::TlbWrite>,
}

/// A window.
#[derive(Clone, Debug, Serialize)]
pub struct WindowPlan {
    /// From the start of the frame.
    pub start_ticks: u64,
    /// Its length.
    pub length_ticks: u64,
    /// Its group.
    pub group: Vec<usize>,
    /// The set of eligible ranks, rank 0 the highest bit.
    pub eligible: u32,
    /// The set of partitions released, partition 0 the highest bit.
    pub releases: u32,
    /// The set of interrupts that may come, interrupt 0 the highest bit.
    pub interrupts: u32,
    /// The entries of TLB1 that the window's partitions need.
    pub tlb_entries: usize,
    /// What is written when it begins.
    #[serde(skip)]
    pub tlb_writes: Vec<cofferdam_tables::TlbWrite>,
    /// How many entries are written when it begins.
    pub tlb_reloads: usize,
}

impl Plan {
    /// Each piece of physical memory that a partition reaches, and whose it is.
    fn pieces(&self) -> Vec<programs::Piece> {
        let partitions = self.partitions.iter().enumerate();
        let regions = partitions.flat_map(|(partition, plan)| {
            let regions = plan.regions.iter();
            regions.map(move |region| (partition, region))
        });
        regions
            .map(|(partition, region)| programs::Piece {
                partition,
                effective: region.effective,
                physical: region.physical..region.physical + region.bytes,
                name: region.name.clone(),
                ring: matches!(region.kind, RegionKind::Ring | RegionKind::Arena),
                write: region.rights.contains('w'),
                execute: region.rights.contains('x'),
            })
            .collect()
    }

    fn counts(&self) -> programs::Counts {
        let windows = self.schedules.iter().flat_map(|schedule| &schedule.windows);
        let of_windows: usize = windows.map(|window| window.tlb_writes.len()).sum();
        let of_schedules: usize = self.schedules.iter().map(|one| one.tlb_writes.len()).sum();
        programs::Counts {
            ranks: self.ranks.len(),
            regions: self.partitions.iter().map(|one| one.regions.len()).sum(),
            copies: self.partitions.iter().map(|one| one.copies.len()).sum(),
            tlb_writes: of_windows + of_schedules,
        }
    }
}

impl RegionPlan {
    fn new(kind: RegionKind, name: &str, effective: u32, asked_bytes: u64) -> Self {
        let rights = match kind {
            RegionKind::Text => "rx",
            RegionKind::Constants => "r",
            _ => "rw",
        };
        Self {
            kind,
            name: name.to_string(),
            doc: None,
            rights,
            effective,
            physical: 0,
            asked_bytes,
            bytes: 0,
            guard_bytes: None,
        }
    }
}
