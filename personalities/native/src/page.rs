//! The register page: what the partition and the kernel tell each other without a call.

use core::sync::atomic::{AtomicU32, Ordering};

use cofferdam_abi::page::{self, StartReason};

use crate::Lines;

/// A word of the page.
pub(crate) fn word(offset: u32) -> &'static AtomicU32 {
    debug_assert!(offset < page::SIZE && offset.is_multiple_of(4));
    // SAFETY: the page is mapped read-write at this address for as long as the partition lives, words are aligned, and
    // they are only ever reached as atomics, since the kernel changes them between any two instructions.
    unsafe { AtomicU32::from_ptr((page::ADDRESS + offset) as *mut u32) }
}

fn load(offset: u32) -> u32 {
    word(offset).load(Ordering::Relaxed)
}

/// The lines that are pending, whether enabled or not.
pub fn pending() -> Lines {
    Lines::from_word(load(page::PENDING))
}

/// Makes lines no longer pending.
pub fn clear(lines: Lines) {
    word(page::PENDING).fetch_and(!lines.word(), Ordering::Relaxed);
}

/// The lines that may interrupt or end a wait.
pub fn enabled() -> Lines {
    Lines::from_word(load(page::ENABLED))
}

/// Sets the lines that may interrupt or end a wait.
pub fn set_enabled(lines: Lines) {
    word(page::ENABLED).store(lines.word(), Ordering::Relaxed);
}

/// Sets one of the four words for software, by its number: what handlers find without a register to spare.
pub fn set_software_word(number: u32, value: u32) {
    assert!(number < page::SOFTWARE_WORDS);
    word(page::SPRG0 + 4 * number).store(value, Ordering::Relaxed);
}

/// The number of this life of the partition, from 1 on.
pub fn epoch() -> u32 {
    load(page::EPOCH)
}

/// Why the partition was started.
pub fn start_reason() -> StartReason {
    const REASONS: [StartReason; 5] = [
        StartReason::Power,
        StartReason::Cold,
        StartReason::Warm,
        StartReason::HealthCold,
        StartReason::HealthWarm,
    ];
    let number = load(page::START_REASON);
    REASONS
        .into_iter()
        .find(|reason| *reason as u32 == number)
        .unwrap_or(StartReason::Power)
}

/// The partition's own index.
pub fn partition() -> u32 {
    load(page::PARTITION)
}

/// Timebase ticks per second.
pub fn timebase_hz() -> u32 {
    load(page::TIMEBASE_HZ)
}

/// The releases in this life.
pub fn releases() -> u32 {
    load(page::RELEASES)
}

/// The timebase at the last release.
pub fn release_tick() -> u64 {
    loop {
        let upper = load(page::RELEASE);
        let lower = load(page::RELEASE + 4);
        // The kernel may have begun a new release between the two loads.
        if upper == load(page::RELEASE) {
            return u64::from(upper) << 32 | u64::from(lower);
        }
    }
}
