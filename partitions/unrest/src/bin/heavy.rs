//! Has much memory, which the kernel prepares anew for each of its lives; and it begins one at each release.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, Restart, page, restart_self};
use evidence::seen;

cofferdam_native::partition!("heavy", main);

const LIVES: u32 = 12;

fn main() -> ! {
    let mut period = Period::new();
    if page::epoch() < LIVES {
        period.wait_release();
        restart_self(Restart::Cold);
    }
    seen!("heavy.epoch", page::epoch());
    loop {
        period.wait_release();
        period.complete();
    }
}
