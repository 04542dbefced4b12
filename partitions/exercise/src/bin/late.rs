//! Completes its work in time, not at all, and too late.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::Period;
use exercise::microseconds_since;

cofferdam_native::partition!("late", main);

/// Longer than its deadline, and within its window.
const TOO_LONG_US: u32 = 300;

fn main() -> ! {
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        match release.number {
            // The next release finds it out.
            3 => {}
            5 => {
                while microseconds_since(release.tick) < TOO_LONG_US {}
                period.complete();
            }
            _ => period.complete(),
        }
    }
}
