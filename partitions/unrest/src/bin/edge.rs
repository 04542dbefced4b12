//! Fails when the end of its window is so near that the kernel is not done with the failure before it has to take the processor back.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::{Period, page, probe, time};
use evidence::seen;

cofferdam_native::partition!("edge", main);

/// How long its window is, without the guard, in microseconds.
const WINDOW_US: u32 = 990;
/// So long before that it fails, in ticks: the kernel takes longer than any of these to write down what happened.
const BEFORE: [u32; 4] = [80, 60, 40, 20];
/// Something is due of it so long behind a release, which is behind the next one.
const DUE_US: u32 = 5_300;

/// How often it has failed: memory is kept.
static FAILURES: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    seen!("edge.start", page::start_reason() as u32);
    let ticks_of = |microseconds| u64::from(microseconds * (page::timebase_hz() / 1_000_000));
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        let failures = FAILURES.load(Relaxed);
        let Some(before) = BEFORE.get(failures as usize) else {
            seen!("edge.well", failures);
            break;
        };
        FAILURES.store(failures + 1, Relaxed);
        // The next release finds that its work is not complete.
        time::set_timer(release.tick + ticks_of(DUE_US));
        let end = release.tick + ticks_of(WINDOW_US) - u64::from(*before);
        while time::now() < end {}
        probe::trap();
        seen!("edge.went_on", failures);
    }
    loop {
        period.complete();
        period.wait_release();
    }
}
