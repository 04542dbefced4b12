//! Does not give the processor away for a while, and then for good.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::spin_loop;

use cofferdam_native::{Lines, page, time, wait};

cofferdam_native::partition!("spinner", main);

const SPINS_MS: u32 = 30;

fn main() -> ! {
    let end = time::now() + u64::from(page::timebase_hz() / 1000 * SPINS_MS);
    while time::now() < end {
        spin_loop();
    }
    loop {
        wait(Lines::TIMER);
    }
}
