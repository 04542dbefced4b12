//! Is stopped and restarted, and notes what it finds in its memory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::{Lines, page, wait};
use evidence::seen;

cofferdam_native::partition!("victim", main);

static CLEARED: AtomicU32 = AtomicU32::new(0);
static FILLED: AtomicU32 = AtomicU32::new(0x1111);

fn main() -> ! {
    seen!("life.reason", page::start_reason() as u32);
    seen!("life.epoch", page::epoch());
    seen!("life.cleared", CLEARED.swap(0x2222, Relaxed));
    seen!("life.filled", FILLED.swap(0x3333, Relaxed));
    seen!("life.bell", page::pending().has(ports::BELL.line()).into());
    loop {
        wait(Lines::TIMER);
    }
}
