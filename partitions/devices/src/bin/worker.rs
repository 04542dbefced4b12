//! Has a window that it uses to the last instruction, and measures what others take of it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, page, time};
use evidence::seen;

cofferdam_native::partition!("worker", main);

/// Between two looks at the timebase no more time passes than this if nobody else has the processor, in ticks: half a
/// microsecond. To serve an interrupt takes the driver longer.
const UNDISTURBED_TICKS: u64 = 200;
/// It looks for so long in each window of 2 ms, the rest of which is the guard and a bit more.
const LOOKING_US: u64 = 1980;
/// It notes the most that was taken of a window, of so many.
const WINDOWS: u32 = 10;

fn main() -> ! {
    let ticks_per_us = page::timebase_hz() / 1_000_000;
    let looking = LOOKING_US * u64::from(ticks_per_us);
    let mut period = Period::new();
    loop {
        let mut most = 0;
        for _ in 0..WINDOWS {
            let release = period.wait_release();
            most = taken_until(release.tick + looking).max(most);
        }
        seen!("worker.taken_us", most as u32 / ticks_per_us);
    }
}

/// Spins until this tick: how much of the time was taken, in ticks.
fn taken_until(end: u64) -> u64 {
    let (mut taken, mut last) = (0, time::now());
    loop {
        let now = time::now();
        if now >= end {
            return taken;
        }
        if now - last > UNDISTURBED_TICKS {
            taken += now - last;
        }
        last = now;
    }
}
