//! Says how long it has been pumping.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, log};

cofferdam_native::partition!("pump", main);

/// It says something after so many releases.
const REPORT_RELEASES: u32 = 10;

fn main() -> ! {
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        if release.number.is_multiple_of(REPORT_RELEASES) {
            log!("pumped {} times", release.number);
        }
        period.complete();
    }
}
