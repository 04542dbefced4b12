//! Does nothing wrong, and notes each of its releases for a while.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, page};
use evidence::seen;

cofferdam_native::partition!("witness", main);

fn main() -> ! {
    seen!("witness.start", page::start_reason() as u32);
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        if release.number.is_multiple_of(3) {
            seen!("witness.releases", release.number);
        }
        period.complete();
    }
}
