//! A driver that tells its device to read and write what is not its own.
//!
//! The device is QEMU's `edu` (QEMU, `docs/specs/edu.rst`): it copies between a buffer of its own and an address on the bus, as it is told, and
//! asks nobody. First it shows that it can: between the buffer and this driver's part of the arena. Then the same goes to the kernel's
//! memory, to other partitions', to the block of devices, and to the edges of the arena, read and written. Whatever the device
//! was told to read from there must not come to the buffer; what it was told to write there, nobody may find.
//!
//! A second device of the kind is kept off the bus (`dma = "none"`). It is told to write into the arena, which the window leads to.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space::{self, kernel};
use cofferdam_native::{Device, Lines, log, page, time, wait};
use evidence::seen;

cofferdam_native::partition!("dma", main);

/// The device's registers.
mod register {
    pub const IDENTITY: u32 = 0;
    pub const SOURCE: u32 = 0x80;
    pub const TARGET: u32 = 0x88;
    pub const COUNT: u32 = 0x90;
    pub const COMMAND: u32 = 0x98;
}
const START: u32 = 1;
/// From the buffer to memory, else the other way.
const TO_MEMORY: u32 = 2;
/// The device's buffer, as it calls it.
const BUFFER: u32 = 0x4_0000;
const BYTES: u32 = 64;
/// What is written, and what stands in the buffer before something is read.
const PATTERN: u32 = 0xbad0_0000;
const UNTOUCHED: u32 = 0x600d_0000;

/// How large the arena is in `systems/dma`.
const ARENA_BYTES: u32 = 0x1000;
/// Where the kernel's stack ends (`microkernel/image/kernel.ld`).
const KERNEL_STACK_END: u32 = kernel::DATA + 0x1_0000;
/// Addresses that are not this driver's, as a device may call them. What lies at the first six is not 0: who could read it, would know. The
/// kernel's stack ends at [`KERNEL_STACK_END`], and the sentinel's pattern begins behind its own stack, at the beginning of partitions' memory.
const FOREIGN: [(&str, u32); 11] = [
    ("the kernel's text", kernel::TEXT),
    ("the kernel's constants", kernel::CONSTANTS),
    ("the compiled tables", kernel::TABLES),
    ("the kernel's stack", KERNEL_STACK_END - BYTES),
    ("the record", kernel::RECORD),
    ("the sentinel's pattern", kernel::END + 0x8000),
    ("memory of partitions", kernel::END + 0x7_0000),
    ("memory just below the arena", space::ARENA - 0x1000),
    ("memory just behind the arena", space::ARENA + ARENA_BYTES),
    ("the block of devices", 0xe000_0000 - 0x10_0000),
    ("the last page of the bus", 0xffff_f000),
];

fn main() -> ! {
    seen!(
        "dma.identity",
        ports::EDU_REGISTERS.read_u32(register::IDENTITY)
    );
    // It comes back from the arena as it went there.
    fill(PATTERN);
    copy(own(0), BUFFER);
    fill(0);
    copy(BUFFER, own(0));
    seen!("dma.own", count(PATTERN));
    shut();
    for (what, address) in FOREIGN {
        log!("reading {what} at {address:#x} by DMA");
        fill(UNTOUCHED);
        copy(own(0), BUFFER);
        copy(address, BUFFER);
        fill(UNTOUCHED);
        copy(BUFFER, own(0));
        // A read that is shut out gives zeros.
        seen!("dma.read", count(0));
        log!("writing {what} at {address:#x} by DMA");
        fill(PATTERN);
        copy(own(0), BUFFER);
        copy(BUFFER, address);
        seen!("dma.written", 1);
    }
    log!("nothing came of it");
    seen!("dma.done", 1);
    loop {
        wait(Lines::NONE);
    }
}

/// Of what the device writes that is kept off the bus nothing comes to the arena. Its registers are there.
fn shut() {
    let device = ports::EDU1_REGISTERS;
    seen!("shut.identity", device.read_u32(register::IDENTITY));
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
    copy_by(&ports::EDU_REGISTERS, from, to);
}

/// The same of any.
fn copy_by(device: &Device, from: u32, to: u32) {
    device.write_u32(register::SOURCE, from);
    device.write_u32(register::TARGET, to);
    device.write_u32(register::COUNT, BYTES);
    let direction = if from == BUFFER { TO_MEMORY } else { 0 };
    device.write_u32(register::COMMAND, START | direction);
    // A tenth of a second of the machine's time is what it takes.
    let until = time::now() + u64::from(ports::TIMEBASE_HZ / 5);
    while time::now() < until && device.read_u32(register::COMMAND) & START != 0 {
        page::clear(Lines::RELEASE);
        wait(Lines::RELEASE);
    }
}
