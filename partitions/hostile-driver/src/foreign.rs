//! Memory that is not a driver's own, as its device may call it.

use cofferdam_native::abi::space::{self, kernel};

/// So much is read from, or written to, an address.
pub const BYTES: u32 = 64;

/// Where the bridge's own base address register leads to the block of devices, if a loader left it so and the kernel did not shut it; where this block is for
/// the processor; and, in it, registers of interrupt sources that nobody uses, none of whose first reads as 0.
const DEVICES_ON_BUS: u64 = 0xdff0_0000;
const DEVICES: u64 = 0xf_e000_0000;
const SOURCES: u64 = 0x5_0600;
/// The first device's registers on the bus (`plan.json` says where they are).
pub const PEER: u64 = 0xe000_0000;
/// Between the record's head and the accounts of the partitions nothing stands.
const RECORD_GAP: u32 = 0x100;
/// The constants take less than that (`microkernel/image/kernel.ld` has the room): what a device would write there stays until somebody looks.
const CONSTANTS_GAP: u32 = 0x1800;
/// The vectors of instructions that no partition has (IVOR32 and IVOR33, `microkernel/e500`): who writes there kills nobody.
const UNUSED_VECTORS: u32 = 0x1a0;
/// Where the kernel's stack ends (`microkernel/image/kernel.ld`). Its other end is not in use when partitions run: what a device would write there stays.
const KERNEL_STACK_END: u32 = kernel::DATA + 0x1_0000;

/// What it is, the address that is read from, and the one that is written to. A descriptor has room for 64 bits.
pub type Foreign = (&'static str, u64, u64);

/// All of it in a system with an arena of this size, whose partitions have less than 2 MiB. In the page that is `page` bytes behind the beginning of the partitions' memory a partition
/// has memory that it does not use.
pub const fn foreign(arena_bytes: u64, page: u32) -> [Foreign; 14] {
    const fn same(what: &'static str, address: u64) -> Foreign {
        (what, address, address)
    }
    const fn two(what: &'static str, from: u32, to: u32) -> Foreign {
        (what, from as u64, to as u64)
    }
    let partitions = kernel::END as u64;
    let arena = space::ARENA as u64;
    [
        same("the block of devices", DEVICES_ON_BUS + SOURCES),
        same("the sentinel's pattern", partitions + 0x8000),
        two("the record", kernel::RECORD, kernel::RECORD + RECORD_GAP),
        two("the kernel's stack", KERNEL_STACK_END - BYTES, kernel::DATA),
        same("the compiled tables", kernel::TABLES as u64),
        two(
            "the kernel's constants",
            kernel::CONSTANTS,
            kernel::CONSTANTS + CONSTANTS_GAP,
        ),
        two(
            "the kernel's text",
            kernel::TEXT + 0x8000,
            kernel::TEXT + UNUSED_VECTORS,
        ),
        same("memory of partitions", partitions + page as u64),
        same("memory that nobody has", partitions + 0x20_0000),
        same("memory just below the arena", arena - 0x1000),
        same("memory just behind the arena", arena + arena_bytes),
        same("the block where the processor has it", DEVICES + SOURCES),
        same("memory of 64 bits", 0x1_0000_0000 + kernel::TEXT as u64),
        same("the last page of the bus", 0xffff_f000),
    ]
}
