//! Time: nanoseconds as applications have them, ticks of the timebase as everything is kept.
//!
//! A tick need not be a whole number of nanoseconds (it is 2.5 ns on `ppce500`). A duration becomes ticks by rounding up: nobody is woken
//! too early. A tick becomes nanoseconds by rounding down, each from the tick itself and never by adding up, so the error stays
//! below a nanosecond for ever.

use crate::ReturnCode;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// A time or a duration in nanoseconds (`SYSTEM_TIME_TYPE`). -1 is without end; other negative values mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(pub i64);

impl SystemTime {
    /// Without end (`INFINITE_TIME_VALUE`).
    pub const INFINITE: Self = Self(-1);
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whether it is without end.
    pub const fn is_infinite(self) -> bool {
        self.0 == -1
    }

    /// The nanoseconds of a duration that has an end.
    pub(crate) fn finite(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

/// Until when somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Not at all.
    Now,
    /// Until this tick.
    Tick(u64),
    /// Without end.
    Never,
}

/// The timebase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    /// Ticks per second.
    hz: u32,
    /// A tick is `numerator / 2^shift` nanoseconds, if that is so with small numbers, as it is for each usual timebase: then no long
    /// division is needed. Else this is 0.
    numerator: u32,
    shift: u32,
}

/// The numerator of [`Clock`] is below this, and so is its denominator.
const SMALL: u32 = 1 << 16;

/// A number divided by a small one, and what is left: a long division by hand, for the processor divides words alone.
const fn divide(number: u64, by: u32) -> (u64, u32) {
    let mut quotient = 0;
    let mut rest = 0;
    let mut shift = 64;
    while shift > 0 {
        shift -= 16;
        let part = (rest << 16) | ((number >> shift) as u32 % SMALL);
        quotient = (quotient << 16) | (part / by) as u64;
        rest = part % by;
    }
    (quotient, rest)
}

const fn greatest_common_divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

impl Clock {
    /// The timebase with so many ticks per second.
    pub const fn new(hz: u32) -> Self {
        let second = NANOSECONDS_PER_SECOND as u32;
        let divisor = greatest_common_divisor(second, hz);
        let (numerator, denominator) = (second / divisor, hz / divisor);
        let small = numerator < SMALL && denominator < SMALL && denominator.is_power_of_two();
        Self {
            hz,
            numerator: if small { numerator } else { 0 },
            shift: if small {
                denominator.trailing_zeros()
            } else {
                0
            },
        }
    }

    /// A duration in ticks, rounded up.
    pub fn ticks(self, nanoseconds: u64) -> u64 {
        if self.numerator != 0 {
            let (whole, rest) = divide(nanoseconds, self.numerator);
            let rest = (rest << self.shift).div_ceil(self.numerator);
            return whole
                .saturating_mul(1 << self.shift)
                .saturating_add(rest.into());
        }
        let hz = u64::from(self.hz);
        let seconds = nanoseconds / NANOSECONDS_PER_SECOND;
        let rest = nanoseconds % NANOSECONDS_PER_SECOND;
        // Neither product overflows: `rest` has 30 bits and `hz` 32; a time of 63 bits in nanoseconds is less than 2^34 seconds, so
        // the first one stays below 2^66 only for timebases above 1 GHz, where it saturates.
        seconds
            .saturating_mul(hz)
            .saturating_add((rest * hz).div_ceil(NANOSECONDS_PER_SECOND))
    }

    /// A tick in nanoseconds, rounded down.
    pub fn nanoseconds(self, tick: u64) -> u64 {
        if self.numerator != 0 {
            let rest = (tick as u32 & ((1 << self.shift) - 1)) * self.numerator;
            return (tick >> self.shift)
                .saturating_mul(self.numerator.into())
                .saturating_add((rest >> self.shift).into());
        }
        let hz = u64::from(self.hz);
        (tick / hz)
            .saturating_mul(NANOSECONDS_PER_SECOND)
            .saturating_add((tick % hz) * NANOSECONDS_PER_SECOND / hz)
    }

    /// A tick as an application sees it.
    pub fn system_time(self, tick: u64) -> SystemTime {
        SystemTime(i64::try_from(self.nanoseconds(tick)).unwrap_or(i64::MAX))
    }

    /// `duration` behind `from`; `None` if the sum is no [`SystemTime`].
    pub fn behind(self, from: u64, duration: u64) -> Option<u64> {
        let sum = self.nanoseconds(from).checked_add(duration)?;
        i64::try_from(sum).ok()?;
        from.checked_add(self.ticks(duration))
    }

    /// Until when a caller waits that gives this time-out at this tick.
    pub fn until(self, now: u64, time_out: SystemTime) -> Result<Until, ReturnCode> {
        if time_out.is_infinite() {
            return Ok(Until::Never);
        }
        match time_out.finite().ok_or(ReturnCode::InvalidParam)? {
            0 => Ok(Until::Now),
            duration => self
                .behind(now, duration)
                .map(Until::Tick)
                .ok_or(ReturnCode::InvalidParam),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Clock, NANOSECONDS_PER_SECOND, SystemTime, Until};
    use crate::ReturnCode;

    /// Any, and those that a tick of so many nanoseconds, or of half or a quarter as many, belongs to.
    fn timebase() -> impl Strategy<Value = u32> {
        let usual = [
            1_000_000_000,
            500_000_000,
            400_000_000,
            250_000_000,
            62_500_000,
            33_333_333,
            1_000_000,
            32_768,
        ];
        prop_oneof![
            1u32..1_000_000_000,
            proptest::sample::select(usual.to_vec())
        ]
    }

    #[test]
    fn the_timebase_of_the_board_needs_no_long_division() {
        let clock = Clock::new(400_000_000);
        assert_eq!((clock.numerator, clock.shift), (5, 1));
        assert_eq!(Clock::new(33_333_333).numerator, 0);
    }

    proptest! {
        #[test]
        fn durations_round_up_and_ticks_down(hz in timebase(), time in 0..=i64::MAX as u64) {
            let clock = Clock::new(hz);
            let (wide, second) = (u128::from(hz), u128::from(NANOSECONDS_PER_SECOND));
            let ticks = (u128::from(time) * wide).div_ceil(second);
            prop_assert_eq!(u128::from(clock.ticks(time)), ticks);
            let tick = time / 16;
            let nanoseconds = (u128::from(tick) * second / wide).min(u128::from(u64::MAX));
            // Saturated, it is no time of an application's any more.
            prop_assert_eq!(
                u128::from(clock.nanoseconds(tick)).min(i64::MAX as u128),
                nanoseconds.min(i64::MAX as u128)
            );
        }

        #[test]
        fn nobody_is_woken_early(hz in timebase(), now in 0..1u64 << 50, duration in 1..1i64 << 40) {
            let clock = Clock::new(hz);
            if let Ok(Until::Tick(tick)) = clock.until(now, SystemTime(duration)) {
                let waited = u128::from(tick - now) * u128::from(NANOSECONDS_PER_SECOND);
                prop_assert!(waited >= duration as u128 * u128::from(hz));
            }
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let clock = Clock::new(400_000_000);
        for wrong in [-2, i64::MIN, i64::MAX] {
            let until = clock.until(1, SystemTime(wrong));
            assert_eq!(until, Err(ReturnCode::InvalidParam), "{wrong}");
        }
        assert!(clock.until(0, SystemTime(i64::MAX)).is_ok());
        assert_eq!(clock.until(1, SystemTime::INFINITE), Ok(Until::Never));
        assert_eq!(clock.until(1, SystemTime::ZERO), Ok(Until::Now));
    }
}
