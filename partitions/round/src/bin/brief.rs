//! Sleeps, and fails when it is woken while nobody else wants the processor.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, probe, time};
use evidence::seen;

cofferdam_native::partition!("brief", main);

/// It fails in so many of its lives.
const FAILURES: u32 = 3;

fn main() -> ! {
    seen!("brief.epoch", page::epoch());
    time::sleep_until(time::now() + u64::from(page::timebase_hz() / 100));
    if page::epoch() <= FAILURES {
        probe::trap();
    }
    loop {
        time::sleep_until(u64::MAX - 1);
    }
}
