//! One step after the other, each at a release.

use cofferdam_native::{Period, Release, page, time};

/// Waits for the next step.
pub fn begin() -> Release {
    Period::new().wait_release()
}

/// So many ticks are that many microseconds.
pub fn ticks_of(microseconds: u32) -> u32 {
    microseconds * (page::timebase_hz() / 1_000_000)
}

/// How long ago a tick was.
pub fn microseconds_since(tick: u64) -> u32 {
    (time::now() - tick) as u32 / ticks_of(1)
}

/// Leaves the processor to others meanwhile.
pub fn sleep_us(microseconds: u32) {
    time::sleep_until(time::now() + u64::from(ticks_of(microseconds)));
}
