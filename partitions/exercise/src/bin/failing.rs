//! Fails as soon as it is up. The health monitor restarts it, its memory kept, later and later, and then no more.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::page::StartReason;
use cofferdam_native::{page, time};
use evidence::seen;
use exercise::ticks_of;

cofferdam_native::partition!("failing", main);

/// When it failed last: the lower half of the timebase.
static FAILED: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    seen!("failing.start", page::start_reason() as u32);
    if page::start_reason() == StartReason::HealthWarm {
        let down = (time::now() as u32).wrapping_sub(FAILED.load(Relaxed));
        seen!("failing.down_us", down / ticks_of(1));
    }
    fail()
}

#[inline(never)]
fn fail() -> ! {
    FAILED.store(time::now() as u32, Relaxed);
    panic!("it fails, as it should");
}
