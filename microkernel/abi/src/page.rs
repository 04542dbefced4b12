//! The register page: the state of a vCPU that its partition and the kernel share.
//!
//! One 4 KiB page of the partition's own memory, mapped read-write at [`ADDRESS`], the last page of the
//! effective address space: a load or store with a negative displacement from zero reaches it in a
//! single instruction, from anywhere, without a register to spare. That is what lets a guest's
//! privileged instruction become one ordinary instruction.
//!
//! The page belongs to the partition. The kernel takes nothing from it that could hurt anybody else:
//! a partition that writes nonsense here loses its own interrupts or jumps to its own wrong address.
//! A handler returns with the instruction `rfi`, which the kernel carries out on this page's SRR0 and SRR1.
//! Words are big-endian (native), and the kernel touches the page only while the partition does not run, so
//! that a partition needs atomic instructions only against interrupts that arrive in between.

/// Its effective address, in every partition.
pub const ADDRESS: u32 = 0xffff_f000;
/// Its size.
pub const SIZE: u32 = 0x1000;

/// The virtual machine state register. Only [`MSR_EE`] means something to the kernel for a native partition.
pub const MSR: u32 = 0x000;
/// The lines that are pending: set by the kernel, cleared by the partition.
pub const PENDING: u32 = 0x004;
/// The lines that may interrupt or end a wait: written by the partition.
pub const ENABLED: u32 = 0x008;
/// Where the last virtual exception came from.
pub const SRR0: u32 = 0x010;
/// The virtual machine state before the last virtual exception.
pub const SRR1: u32 = 0x014;
/// The data address of the last virtual exception.
pub const DEAR: u32 = 0x018;
/// The syndrome of the last virtual exception (e500 core reference manual, section 2.7.2.4).
pub const ESR: u32 = 0x01c;
/// Four words for software use, as SPRG0 to SPRG3 are.
pub const SPRG0: u32 = 0x020;
/// How many of them there are.
pub const SOFTWARE_WORDS: u32 = 4;
/// The handlers' addresses, one for each [`crate::health::Exception`] in the order of its number. 0: not wanted.
pub const VECTORS: u32 = 0x040;
/// How many vectors there are.
pub const VECTOR_COUNT: usize = 16;

/// Written by the kernel when the partition starts: the number of this life, from 1 on.
pub const EPOCH: u32 = 0x100;
/// Why it was started: a [`StartReason`].
pub const START_REASON: u32 = 0x104;
/// The partition's own index.
pub const PARTITION: u32 = 0x108;
/// Timebase ticks per second.
pub const TIMEBASE_HZ: u32 = 0x10c;
/// The timebase at the last release, upper word then lower word.
pub const RELEASE: u32 = 0x110;
/// The number of releases in this life.
pub const RELEASES: u32 = 0x118;

/// The bit of [`MSR`] that enables virtual interrupts; the same bit as in hardware.
pub const MSR_EE: u32 = 0x8000;

/// The virtual timer's line.
pub const LINE_TIMER: u32 = 0;
/// The line of the periodic release.
pub const LINE_RELEASE: u32 = 1;
/// The first line that the configuration gives to ports and interrupts.
pub const LINE_FIRST_FREE: u32 = 2;

/// Why a partition was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StartReason {
    /// The module was started.
    Power = 0,
    /// By itself or by a partition with the capability: memory cleared.
    Cold = 1,
    /// The same, memory kept.
    Warm = 2,
    /// By the health monitor: memory cleared.
    HealthCold = 3,
    /// By the health monitor: memory kept.
    HealthWarm = 4,
}

impl StartReason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 5] = [
        Self::Power,
        Self::Cold,
        Self::Warm,
        Self::HealthCold,
        Self::HealthWarm,
    ];

    /// The reason with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| *reason as u32 == number)
    }
}
