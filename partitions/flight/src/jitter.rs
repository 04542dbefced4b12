//! Whether the releases stay where they belong, as the partition itself sees it.

/// Watches the timebase at each release.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseJitter {
    period_ticks: u64,
    /// The tick on which the release before this one was seen.
    last_tick: Option<u64>,
    earliest_ticks: i64,
    latest_ticks: i64,
    /// How far the releases have moved from the first one seen.
    drift_ticks: i64,
}

impl ReleaseJitter {
    /// Of releases that are this far apart.
    pub const fn new(period_ticks: u64) -> Self {
        Self {
            period_ticks,
            last_tick: None,
            earliest_ticks: 0,
            latest_ticks: 0,
            drift_ticks: 0,
        }
    }

    /// A release was seen at this tick: the first instruction that looked.
    pub fn seen(&mut self, tick: u64) {
        if let Some(last) = self.last_tick {
            let distance = tick.wrapping_sub(last) as i64;
            self.drift_ticks += distance - self.period_ticks as i64;
            self.earliest_ticks = self.earliest_ticks.min(self.drift_ticks);
            self.latest_ticks = self.latest_ticks.max(self.drift_ticks);
        }
        self.last_tick = Some(tick);
    }

    /// The distance between the earliest and the latest release, each taken from its own place in time.
    pub const fn moved_ticks(&self) -> u64 {
        (self.latest_ticks - self.earliest_ticks) as u64
    }
}

/// Where a release was first seen, as one number: the ticks behind its own, and where in that tick (`steps` of [`Instant`]). Under an instruction clock
/// equal numbers are the same instruction.
///
/// [`Instant`]: cofferdam_native::time::Instant
pub const fn place_of_release(release_tick: u64, seen_tick: u64, steps: u32) -> u32 {
    const STEPS: u32 = 5;
    (seen_tick.wrapping_sub(release_tick) as u32) << STEPS | steps & ((1 << STEPS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_place_is_another_number() {
        let place = place_of_release(1_000, 1_007, 0b01010);
        assert_eq!(place, place_of_release(5_000, 5_007, 0b01010));
        assert_ne!(place, place_of_release(1_000, 1_008, 0b01010));
        assert_ne!(place, place_of_release(1_000, 1_007, 0b10100));
    }

    #[test]
    fn exact_releases_do_not_move() {
        let mut jitter = ReleaseJitter::new(1_000);
        for number in 0..50 {
            jitter.seen(77 + number * 1_000);
        }
        assert_eq!(jitter.moved_ticks(), 0);
    }

    #[test]
    fn one_late_release_is_seen_and_not_forgotten() {
        let mut jitter = ReleaseJitter::new(1_000);
        for tick in [0, 1_000, 2_003, 3_000, 3_999, 5_000] {
            jitter.seen(tick);
        }
        assert_eq!(jitter.moved_ticks(), 4);
    }
}
