//! A driver that tells its device to read and write what is not its own.
//!
//! The device is QEMU's `edu`: it copies between a buffer of its own and an address on the bus, as it is told, and asks nobody. First it shows that it
//! can: between the buffer and this driver's part of the arena. Then the same goes to the kernel's memory, to other partitions', to the block of
//! devices, and to the edges of the arena, read and written. Whatever the device was told to read from there must not come to the buffer; what it
//! was told to write there, nobody may find.
//!
//! A second device of the kind is kept off the bus (`dma = "none"`). It is told to write into the arena, which the window leads to.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space::{self, kernel};
use cofferdam_native::{Lines, log, page, time, wait};
use dma::{BUFFER, BYTES, Edu};
use evidence::seen;

cofferdam_native::partition!("dma", main);

const EDU: Edu = Edu(ports::EDU_REGISTERS);
/// What is written, and what stands in the buffer before something is read.
const PATTERN: u32 = 0xbad0_0000;
const UNTOUCHED: u32 = 0x600d_0000;

/// How large the arena is in `systems/dma`.
const ARENA_BYTES: u32 = 0x1000;
/// Where the kernel's stack ends (`microkernel/image/kernel.ld`).
const KERNEL_STACK_END: u32 = kernel::DATA + 0x1_0000;
/// Between the record's head and the accounts of the partitions nothing stands.
const RECORD_GAP: u32 = 0x100;
/// The constants take less than that (`microkernel/image/kernel.ld` has the room): what a device would write there stays until somebody looks.
const CONSTANTS_GAP: u32 = 0x1800;
/// Where the bridge's own base address register leads to the block of devices, if a loader left it so and the kernel did not shut it.
const DEVICES_ON_BUS: u32 = 0xdff0_0000;
/// In that block: registers of interrupt sources that nobody uses. None of them reads as 0.
const SOURCES: u32 = 0x5_0600;
/// The second device's registers on the bus (`plan.json` says where they are).
const PEER: u32 = 0xe010_0000;

/// Addresses that are not this driver's, as a device may call them, to read from and to write to.
///
/// What lies at the first seven is not 0: who could read it, would know. The kernel's stack ends at [`KERNEL_STACK_END`], and the
/// sentinel's pattern begins behind its own stack, at the beginning of partitions' memory. Each is another one if a few of its bits are
/// left out, so that a device which cannot say them would write elsewhere (`systems/dma/expected/contained.toml`).
const FOREIGN: [(&str, u32, u32); 12] = [
    (
        "the block of devices",
        DEVICES_ON_BUS + SOURCES,
        DEVICES_ON_BUS + SOURCES,
    ),
    (
        "the sentinel's pattern",
        kernel::END + 0x8000,
        kernel::END + 0x8000,
    ),
    ("the record", kernel::RECORD, kernel::RECORD + RECORD_GAP),
    (
        "the kernel's stack",
        KERNEL_STACK_END - BYTES,
        KERNEL_STACK_END - BYTES,
    ),
    ("the compiled tables", kernel::TABLES, kernel::TABLES),
    (
        "the kernel's constants",
        kernel::CONSTANTS,
        kernel::CONSTANTS + CONSTANTS_GAP,
    ),
    ("the kernel's text", kernel::TEXT + 0x8000, kernel::TEXT),
    (
        "memory of partitions",
        kernel::END + 0x7_0000,
        kernel::END + 0x7_0000,
    ),
    (
        "memory that nobody has",
        kernel::END + 0x9_0000,
        kernel::END + 0x9_0000,
    ),
    (
        "memory just below the arena",
        space::ARENA - 0x1000,
        space::ARENA - 0x1000,
    ),
    (
        "memory just behind the arena",
        space::ARENA + ARENA_BYTES + 0x800,
        space::ARENA + ARENA_BYTES + 0x800,
    ),
    ("the last page of the bus", 0xffff_fc00, 0xffff_fc00),
];

fn main() -> ! {
    seen!("dma.identity", EDU.identity());
    // It comes back from the arena as it went there.
    fill(PATTERN);
    copy(own(0), BUFFER);
    fill(0);
    copy(BUFFER, own(0));
    seen!("dma.own", count(PATTERN));
    shut();
    // Who is no master is still a device on the bus, and whoever is one reaches its registers.
    seen!("dma.peer", u32::from(read(PEER) != BYTES / 4));
    for (what, address, _) in FOREIGN {
        log!("reading {what} at {address:#x} by DMA");
        // A read that is shut out gives zeros.
        seen!("dma.read", read(address));
    }
    for (what, _, address) in FOREIGN {
        log!("writing {what} at {address:#x} by DMA");
        fill(PATTERN);
        copy(own(0), BUFFER);
        copy(BUFFER, address);
        seen!("dma.written", 1);
    }
    // Some of it was 0 before: of that a second read says more than the first. A device that cannot say these addresses may have written into the arena instead.
    for offset in (0..ARENA_BYTES).step_by(4) {
        ports::EDU_MEMORY.write_u32(offset, 0);
    }
    for (what, _, address) in FOREIGN {
        log!("reading {what} again at {address:#x} by DMA");
        seen!("dma.read_again", read(address));
    }
    // What it may write it still can.
    fill(PATTERN);
    copy(own(0), BUFFER);
    copy(BUFFER, own(BYTES));
    log!("nothing came of it");
    seen!("dma.done", 1);
    loop {
        wait(Lines::NONE);
    }
}

/// How many words of what the device reads there are 0.
fn read(address: u32) -> u32 {
    fill(UNTOUCHED);
    copy(own(0), BUFFER);
    copy(address, BUFFER);
    fill(UNTOUCHED);
    copy(BUFFER, own(0));
    count(0)
}

/// Of what the device writes that is kept off the bus nothing comes to the arena. Its registers are there.
fn shut() {
    let device = Edu(ports::EDU1_REGISTERS);
    seen!("shut.identity", device.identity());
    fill(PATTERN);
    copy_by(&device, own(0), BUFFER);
    fill(UNTOUCHED);
    copy_by(&device, BUFFER, own(0));
    seen!("shut.untouched", count(UNTOUCHED));
}

/// The bus address of this driver's own memory.
fn own(offset: u32) -> u32 {
    ports::EDU_MEMORY.bus_address(offset)
}

/// Fills its own memory with a pattern, whose lower bits count.
fn fill(pattern: u32) {
    for offset in (0..BYTES).step_by(4) {
        let value = if pattern == 0 { 0 } else { pattern | offset };
        ports::EDU_MEMORY.write_u32(offset, value);
    }
}

/// How many words of its own memory have the pattern.
fn count(pattern: u32) -> u32 {
    let has = |offset: &u32| {
        let expected = if pattern == 0 { 0 } else { pattern | offset };
        ports::EDU_MEMORY.read_u32(*offset) == expected
    };
    (0..BYTES).step_by(4).filter(has).count() as u32
}

/// Has the device copy, and waits until it has.
fn copy(from: u32, to: u32) {
    copy_by(&EDU, from, to);
}

/// The same of any.
fn copy_by(device: &Edu, from: u32, to: u32) {
    device.begin(from, to);
    // A tenth of a second of the machine's time is what it takes.
    let until = time::now() + u64::from(ports::TIMEBASE_HZ / 5);
    while time::now() < until && !device.is_over() {
        page::clear(Lines::RELEASE);
        wait(Lines::RELEASE);
    }
}
