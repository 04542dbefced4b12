//! Sleeps again and again while the lower half of the timebase goes round, and notes how late it ever woke.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, time};
use evidence::seen;

cofferdam_native::partition!("sleeper", main);

/// So long each time: some of it ends in its own windows, some in those of nobody.
const SLEEP_MS: u32 = 30;
/// Altogether longer than 2^32 ticks.
const TIMES: u32 = 360;

fn main() -> ! {
    let ticks_per_us = page::timebase_hz() / 1_000_000;
    let sleep = u64::from(SLEEP_MS * 1000 * ticks_per_us);
    let (mut next, mut most) = (time::now(), 0);
    let rounds = next >> 32;
    for _ in 0..TIMES {
        next += sleep;
        time::sleep_until(next);
        most = most.max(time::now() - next);
    }
    seen!("sleeper.rounds", (time::now() >> 32) as u32 - rounds as u32);
    seen!("sleeper.late_us", most as u32 / ticks_per_us);
    loop {
        time::sleep_until(u64::MAX - 1);
    }
}
