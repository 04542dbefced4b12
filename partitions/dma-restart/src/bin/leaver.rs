//! A driver that begins a transfer and ends at once, in each of its lives another one: into its own part of the arena, into its neighbour's, and to where
//! no device may write. The next life waits until the transfer is over, and tells what came of it.
//!
//! The device is QEMU's `edu`: it copies a tenth of a second after it was told to, and keeps what it was told when it is taken off the bus. Its buffer is
//! filled in the first life, and goes wherever the device is told to write later.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space::{self, kernel};
use cofferdam_native::{
    Lines, Restart, application_error, page, restart_self, stop_self, time, wait,
};
use dma::{BUFFER, BYTES, Edu};
use evidence::seen;

cofferdam_native::partition!("leaver", main);

const EDU: Edu = Edu(ports::EDU_REGISTERS);
const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;
/// Longer than a transfer takes.
const TRANSFER_TICKS: u64 = 150 * TICKS_PER_MS;
/// What is left of a life when a transfer has begun. Whoever ends others' lives has time to end this one before.
const REST_TICKS: u64 = TICKS_PER_MS;

/// What the device writes, but for the lower bits, which count.
const PATTERN: u32 = 0xbad0_0000;

/// The place in its own part of the arena.
const OWN: u32 = 0x400;
/// The neighbour's part comes behind its own.
const NEIGHBOUR: u32 = space::ARENA + 0x1000;

fn main() -> ! {
    let life = page::epoch();
    seen!("life", life);
    if life == 1 {
        fill_buffer();
    } else {
        seen!("still.due", u32::from(!EDU.is_over()));
        sleep(TRANSFER_TICKS);
        seen!("over", u32::from(EDU.is_over()));
        seen!(
            "own.came",
            words(|offset, value| value == PATTERN | (offset - OWN))
        );
        seen!(
            "own.other",
            words(|offset, value| value != 0 && value != PATTERN | (offset - OWN))
        );
        wipe();
    }
    match life {
        1 | 5 => EDU.begin(BUFFER, ports::EDU_MEMORY.bus_address(OWN)),
        2 => EDU.begin(BUFFER, NEIGHBOUR + 0x400),
        // Memory that nobody has, and the kernel's text.
        3 => EDU.begin(BUFFER, kernel::END + 0x9_0000),
        4 => EDU.begin(BUFFER, kernel::TEXT),
        6 => EDU.begin(BUFFER, NEIGHBOUR + 0x800),
        _ => EDU.begin(BUFFER, NEIGHBOUR + 0xc00),
    }
    let end = time::now() + REST_TICKS;
    while time::now() < end {}
    match life {
        1 | 3 => restart_self(Restart::Cold),
        2 | 4 => restart_self(Restart::Warm),
        // The health monitor waits before it begins the next life, and longer each time: meanwhile the transfer is due.
        5 | 6 => application_error(life),
        _ => stop_self(),
    }
    unreachable!("the health table says that the life ends here")
}

/// Puts the pattern into the device's buffer, and takes it out of memory.
fn fill_buffer() {
    for offset in (0..BYTES).step_by(4) {
        ports::EDU_MEMORY.write_u32(OWN + offset, PATTERN | offset);
    }
    EDU.begin(ports::EDU_MEMORY.bus_address(OWN), BUFFER);
    sleep(TRANSFER_TICKS);
    seen!("buffer.full", u32::from(EDU.is_over()));
    wipe();
}

/// How many words there are of a kind in its part of the arena, by place and value.
fn words(is_one: fn(u32, u32) -> bool) -> u32 {
    let is_one = |offset: &u32| is_one(*offset, ports::EDU_MEMORY.read_u32(*offset));
    let all = (0..ports::EDU_MEMORY.length()).step_by(4);
    all.filter(is_one).count() as u32
}

fn wipe() {
    for offset in (0..ports::EDU_MEMORY.length()).step_by(4) {
        ports::EDU_MEMORY.write_u32(offset, 0);
    }
}

fn sleep(ticks: u64) {
    time::set_timer(time::now() + ticks);
    wait(Lines::TIMER);
}
