//! The numbers of the format: where things lie, and how many of them the kernel takes.
//!
//! Written down a second time from `docs/image.md`, on purpose: a number that the build and the kernel have wrong in common would not
//! be noticed by whoever reads it from them. A test compares both (`tests/numbers.rs`).

/// A page frame.
pub const FRAME: u64 = 0x1000;
/// The version of the hypercall ABI that tables are made for.
pub const ABI_VERSION: u16 = 0;

/// The kernel's own memory: physical and effective address alike.
pub mod kernel {
    /// Text.
    pub const TEXT: u64 = 0x0010_0000;
    /// Constants.
    pub const CONSTANTS: u64 = 0x0014_0000;
    /// The compiled tables.
    pub const TABLES: u64 = 0x0016_0000;
    /// The room of the tables.
    pub const TABLES_ROOM: u64 = 0x2_0000;
    /// Data.
    pub const DATA: u64 = 0x0020_0000;
    /// The record that the host reads.
    pub const RECORD: u64 = 0x0024_0000;
    /// The size of each of the four mappings of these.
    pub const MAPPING: u64 = 0x4_0000;
    /// Partitions' memory begins here.
    pub const END: u64 = 0x0400_0000;
    /// The effective address of the mapping of physical address 0 of RAM.
    pub const RAM: u64 = 0x4000_0000;
    /// The effective address of the block of devices.
    pub const DEVICES: u64 = 0xe000_0000;
    /// The size of that block.
    pub const DEVICES_SIZE: u64 = 0x10_0000;
}

/// A partition's effective addresses.
pub mod place {
    /// Text.
    pub const TEXT: u32 = 0x1000_0000;
    /// Constants.
    pub const CONSTANTS: u32 = 0x2000_0000;
    /// Data; the stack is at the lower end.
    pub const DATA: u32 = 0x3000_0000;
    /// Stacks of ARINC 653 processes: number n ends at this and n + 1 times the stride.
    pub const STACKS: u32 = 0x5000_0000;
    /// See [`STACKS`].
    pub const STACK_STRIDE: u32 = 0x7_0000;
    /// Memory blocks.
    pub const MEMORY_BLOCKS: u32 = 0x5800_0000;
    /// Rings.
    pub const RINGS: u32 = 0x6004_0000;
    /// The DMA arena, here and on the bus.
    pub const ARENA: u32 = 0x8000_0000;
    /// Devices.
    pub const DEVICES: u32 = 0xa006_0000;
    /// The distance of memory blocks, of rings and of devices.
    pub const STRIDE: u32 = 0x0101_0000;
    /// A guest's memory.
    pub const GUEST: u32 = 0xb000_0000;
    /// A guest's register page.
    pub const GUEST_PAGE: u32 = 0xffff_e000;
    /// The register page.
    pub const PAGE: u32 = 0xffff_f000;
}

/// How many there can be at most.
pub mod limit {
    /// Partitions.
    pub const PARTITIONS: usize = 16;
    /// Memory regions.
    pub const REGIONS: usize = 160;
    /// Capabilities.
    pub const CAPABILITIES: usize = 256;
    /// Channels.
    pub const CHANNELS: usize = 64;
    /// Ends of channels.
    pub const CHANNEL_ENDS: usize = 192;
    /// The longest message that the kernel copies.
    pub const MESSAGE_BYTES: u32 = 1024;
    /// The places of a queue.
    pub const QUEUE_DEPTH: u32 = 64;
    /// The longest window, in ticks.
    pub const TICKS: u32 = 1 << 30;
    /// Schedules.
    pub const SCHEDULES: usize = 8;
    /// Windows.
    pub const WINDOWS: usize = 128;
    /// Ranks.
    pub const RANKS: usize = 32;
    /// Interrupts.
    pub const INTERRUPTS: usize = 32;
    /// Functions on the bus.
    pub const FUNCTIONS: usize = 8;
    /// Their steps.
    pub const STEPS: usize = 96;
    /// Lines of a partition.
    pub const LINES: u8 = 32;
    /// Writes to TLB1.
    pub const TLB_WRITES: usize = 512;
    /// Pristine copies.
    pub const COPIES: usize = 64;
    /// Blocks of the kernel's mapping of RAM.
    pub const RAM_BLOCKS: usize = 3;
    /// Guests.
    pub const GUESTS: usize = 4;
}

/// The first line of a partition that is a port's.
pub const FIRST_LINE: u8 = 2;
/// What stands for no line.
pub const NO_LINE: u8 = 0xff;
/// How far below a stack an access counts as its overflow.
pub const STACK_GUARD: u32 = 0x1_0000;
/// Entries of TLB1.
pub const TLB1_ENTRIES: u32 = 16;
/// Those that the kernel keeps besides its blocks of RAM.
pub const TLB1_OF_KERNEL: u32 = 5;
/// Those that each guest has for good.
pub const TLB1_OF_GUEST: u32 = 2;
/// The bytes that the kernel keeps a guest's first translation array in.
pub const GUEST_TRANSLATIONS: u32 = 0x2000;

/// The errors of partitions, in the order of their numbers.
pub const PARTITION_ERRORS: [&str; 11] = [
    "memory_violation",
    "stack_overflow",
    "privileged_instruction",
    "illegal_instruction",
    "trap",
    "alignment",
    "deadline_missed",
    "application_error",
    "interrupt_storm",
    "restart_limit",
    "device_unfit",
];
/// The errors of the module.
pub const MODULE_ERRORS: [&str; 4] = [
    "kernel_exception",
    "machine_check",
    "window_late",
    "configuration",
];
/// The actions, in the order of their numbers.
pub const ACTIONS: [&str; 9] = [
    "ignore",
    "log",
    "reflect",
    "restart_cold",
    "restart_warm",
    "stop",
    "switch_schedule",
    "halt",
    "reset",
];
/// What an error does that the file says nothing of: in a partition.
pub const STOP: u8 = 5;
/// See [`STOP`]: to the module.
pub const HALT: u8 = 7;
/// The number of `switch_schedule`.
pub const SWITCH_SCHEDULE: u8 = 6;
/// The number of `reset`.
pub const RESET: u8 = 8;

/// The size of the entry of TLB1 that holds so much: a power of four from 4 KiB on.
pub fn entry_bytes(bytes: u64) -> u64 {
    let mut entry = FRAME;
    while entry < bytes && entry < 1 << 32 {
        entry *= 4;
    }
    entry
}

/// The size of an entry of TLB1 with this code.
pub fn size_of_code(code: u32) -> u64 {
    1024u64 << (2 * (code & 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_powers_of_four() {
        assert_eq!(entry_bytes(1), 0x1000);
        assert_eq!(entry_bytes(0x1001), 0x4000);
        assert_eq!(entry_bytes(u64::MAX), 1 << 32);
        assert_eq!(size_of_code(1), 0x1000);
        assert_eq!(size_of_code(5), 0x10_0000);
    }
}
