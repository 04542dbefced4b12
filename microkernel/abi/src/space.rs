//! Where things lie.
//!
//! A native partition links at fixed effective addresses, so that a supplier's ELF fits any system; the
//! physical places alone are the build's to choose. Each area has room for a large region, and lies far
//! from the next, so that running off the end of one meets no mapping.
//!
//! TLB0 looks for a page by the lowest seven bits of its number (e500 core reference manual, section 12.3.2). Text, constants, data and the arena begin at
//! 0 there, as they can be large; what is small begins elsewhere, and is still aligned to 64 KiB.

/// A partition's text: read and execute.
pub const TEXT: u32 = 0x1000_0000;
/// A partition's constants: read.
pub const CONSTANTS: u32 = 0x2000_0000;
/// A partition's data: read and write. The stack lies at its lower end: below it is nothing.
pub const DATA: u32 = 0x3000_0000;
/// The stacks of a partition's processes and of its exceptions, [`STACK_STRIDE`] apart. The kernel's mapping of RAM ends here at the latest.
pub const STACKS: u32 = 0x5000_0000;
/// The distance of these stacks. Each has its upper end at a multiple; below its lower end is nothing, up to the stack before it. It is such that eight
/// stacks of up to 16 pages begin at other sets of TLB0 each.
pub const STACK_STRIDE: u32 = 0x7_0000;
/// The end of [`STACKS`].
pub const STACKS_END: u32 = MEMORY_BLOCKS;
/// The first of a partition's own blocks of memory, [`STRIDE`] apart.
pub const MEMORY_BLOCKS: u32 = 0x5800_0000;
/// The first of the regions shared with other partitions, [`STRIDE`] apart.
pub const SHARED: u32 = 0x6004_0000;
/// The first of the partition's devices, [`STRIDE`] apart.
pub const DEVICES: u32 = 0xa006_0000;
/// The memory that devices on the bus reach, the DMA arena. Here its effective address is its address on the bus too, for the partition
/// that has it and for its device.
pub const ARENA: u32 = 0x8000_0000;
/// The room of [`ARENA`].
pub const ARENA_SIZE: u32 = 0x1000_0000;
/// The distance of shared regions and of devices.
pub const STRIDE: u32 = 0x0101_0000;

/// The address behind the stack with this number.
pub const fn stack_top(number: u32) -> u32 {
    STACKS + (number + 1) * STACK_STRIDE
}

/// The kernel's own memory: physical and effective address alike. The lowest megabyte stays empty.
pub mod kernel {
    /// Text: read and execute.
    pub const TEXT: u32 = 0x0010_0000;
    /// The room of [`TEXT`].
    pub const TEXT_SIZE: u32 = 0x4_0000;
    /// Constants: read. The compiled tables are in the upper part.
    pub const CONSTANTS: u32 = 0x0014_0000;
    /// The room of [`CONSTANTS`], the tables included.
    pub const CONSTANTS_SIZE: u32 = 0x4_0000;
    /// The compiled tables.
    pub const TABLES: u32 = CONSTANTS + 0x2_0000;
    /// Data: read and write. The stack lies at its lower end: below it is nothing.
    pub const DATA: u32 = 0x0020_0000;
    /// The room of [`DATA`].
    pub const DATA_SIZE: u32 = 0x4_0000;
    /// The record, which the host reads: read and write.
    pub const RECORD: u32 = 0x0024_0000;
    /// The room of [`RECORD`].
    pub const RECORD_SIZE: u32 = 0x4_0000;
    /// What lies below belongs to the kernel; partitions' memory begins here.
    pub const END: u32 = 0x0400_0000;
    /// The effective address of the supervisor's mapping of physical address 0 of RAM. Only the blocks
    /// with partitions' memory are mapped.
    pub const RAM: u32 = 0x4000_0000;
    /// The effective address of the device block (CCSR).
    pub const DEVICES: u32 = 0xe000_0000;
    /// The room of [`DEVICES`].
    pub const DEVICES_SIZE: u32 = 0x10_0000;
}
