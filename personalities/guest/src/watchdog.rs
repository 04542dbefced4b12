//! Whether a guest makes progress: two watchdogs, looked at once a release.
//!
//! * **Interrupts off.** A guest that uses its timer has its interrupts off for some microseconds at a time. One that is found so at every release
//!   for the time that the system's file gives hangs. An idle guest has its interrupts on, and so has one that computes. Whether a tick is
//!   pending does not matter: a guest can hang in the handler that has just taken it.
//! * **The processor's own watchdog** (EREF, section 2.8.3), which a driver of the guest starts and keeps quiet: it notices a guest whose
//!   interrupts work, and whose programs do not. It counts changes of one bit of the timebase from 0 to 1. The first that finds nobody has cleared the
//!   status sets TSR\[ENW\], the next TSR\[WIS\], and the third would reset the processor. The critical interrupt in between is not delivered.
//!
//! Nothing of this costs a guest anything beyond the look itself.

use cofferdam_abi::guest::spr;

use crate::Processor;

/// MSR\[EE\]: interrupts are on.
const INTERRUPTS_ON: u32 = 0x8000;
/// TCR\[DIE\]: the timer may interrupt. It may not before the guest has set it up, with interrupts off.
const TICK_ENABLED: u32 = 0x0400_0000;
/// TSR\[ENW\] and TSR\[WIS\].
const NEXT_EXPIRY: u32 = 0x8000_0000;
const INTERRUPT_STATUS: u32 = 0x4000_0000;
/// TCR\[WRC\]: what the last expiry resets; 0: nothing.
const RESET_CONTROL: u32 = 0x3000_0000;

/// The watchdogs of a guest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watchdog {
    /// Releases at which interrupts may be found off; 0: for ever.
    releases: u32,
    /// Releases at which they were, in a row.
    off: u32,
    /// The timebase at the last look, while the processor's own watchdog is on.
    looked: Option<u64>,
}

impl Watchdog {
    /// Interrupts may be off for so many releases; 0: for ever.
    pub const fn new(releases: u32) -> Self {
        Self {
            releases,
            off: 0,
            looked: None,
        }
    }

    /// Whether there is something to look at.
    pub fn watches(&self, processor: &impl Processor) -> bool {
        self.releases > 0 || processor.special(spr::TCR) & RESET_CONTROL != 0
    }

    /// A release has come, and the timebase is `now`. Whether the guest hangs.
    pub fn look(&mut self, processor: &mut impl Processor, now: u64) -> bool {
        let expired = self.own_expired(processor, now);
        self.is_deaf(processor) || expired
    }

    fn is_deaf(&mut self, processor: &impl Processor) -> bool {
        let off = processor.special(spr::TCR) & TICK_ENABLED != 0
            && processor.state() & INTERRUPTS_ON == 0;
        self.off = if off { self.off + 1 } else { 0 };
        let hangs = self.releases > 0 && self.off >= self.releases;
        if hangs {
            // Whoever lets it go on hears of it again.
            self.off = 0;
        }
        hangs
    }

    fn own_expired(&mut self, processor: &mut impl Processor, now: u64) -> bool {
        let control = processor.special(spr::TCR);
        if control & RESET_CONTROL == 0 {
            self.looked = None;
            return false;
        }
        let before = self.looked.replace(now).unwrap_or(now);
        if !came_to_one(period(control), before, now) {
            return false;
        }
        let status = processor.special(spr::TSR);
        let next = match (status & NEXT_EXPIRY, status & INTERRUPT_STATUS) {
            (0, _) => NEXT_EXPIRY,
            (_, 0) => INTERRUPT_STATUS,
            _ => {
                processor.set_special(spr::TSR, status & !(NEXT_EXPIRY | INTERRUPT_STATUS));
                return true;
            }
        };
        processor.set_special(spr::TSR, status | next);
        false
    }
}

/// The bit of the timebase that counts, from the lowest one: TCR\[WPEXT\] and TCR\[WP\] number it from the highest.
fn period(control: u32) -> u32 {
    let number = ((control >> 17) & 0xf) << 2 | control >> 30;
    63 - number
}

/// Whether a bit went from 0 to 1 at least once.
fn came_to_one(bit: u32, before: u64, now: u64) -> bool {
    let half = 1_u128 << bit;
    // How often it has done so since the timebase was 0.
    let times = |ticks: u64| (u128::from(ticks) + half) >> (bit + 1);
    times(now) != times(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Numbers;

    fn guest(control: u32, state: u32) -> Numbers {
        let mut processor = Numbers::default();
        processor.set_special(spr::TCR, control);
        processor.set_state(state);
        processor
    }

    #[test]
    fn a_guest_with_interrupts_off_for_long_hangs() {
        let mut watchdog = Watchdog::new(3);
        let mut hung = guest(TICK_ENABLED, 0x0002_1000);
        assert!(watchdog.watches(&hung));
        for hangs in [false, false, true, false, false, true] {
            assert_eq!(watchdog.look(&mut hung, 0), hangs);
        }
    }

    #[test]
    fn one_look_at_a_guest_that_goes_on_begins_anew() {
        for mut well in [guest(0, 0), guest(TICK_ENABLED, INTERRUPTS_ON)] {
            let mut watchdog = Watchdog::new(2);
            for _ in 0..5 {
                let mut late = guest(TICK_ENABLED, 0);
                assert!(!watchdog.look(&mut late, 0));
                assert!(!watchdog.look(&mut well, 0));
            }
        }
    }

    #[test]
    fn without_a_time_nobody_looks() {
        let mut watchdog = Watchdog::new(0);
        let mut hung = guest(TICK_ENABLED, 0);
        assert!(!watchdog.watches(&hung));
        for _ in 0..1000 {
            assert!(!watchdog.look(&mut hung, 0));
        }
    }

    /// As Linux sets it: bit 36 from the highest, so 2^28 ticks from one change to the next.
    const STARTED: u32 = 0x1000_0000 | (36 & 3) << 30 | (36 >> 2) << 17;
    const CHANGE: u64 = 1 << 27;

    #[test]
    fn the_processors_own_watchdog_expires_at_the_third_change() {
        let mut watchdog = Watchdog::new(0);
        let mut silent = guest(STARTED, INTERRUPTS_ON);
        assert!(watchdog.watches(&silent));
        assert!(!watchdog.look(&mut silent, CHANGE - 1));
        assert_eq!(silent.special(spr::TSR), 0);
        assert!(!watchdog.look(&mut silent, CHANGE));
        assert_eq!(silent.special(spr::TSR), NEXT_EXPIRY);
        // The bit goes back to 0.
        assert!(!watchdog.look(&mut silent, 2 * CHANGE));
        assert!(!watchdog.look(&mut silent, 3 * CHANGE - 1));
        assert!(!watchdog.look(&mut silent, 3 * CHANGE));
        assert_eq!(silent.special(spr::TSR), NEXT_EXPIRY | INTERRUPT_STATUS);
        assert!(watchdog.look(&mut silent, 5 * CHANGE));
        // Whoever lets it go on: it begins anew.
        assert_eq!(silent.special(spr::TSR), 0);
    }

    #[test]
    fn a_guest_that_clears_the_status_keeps_it_quiet() {
        let mut watchdog = Watchdog::new(0);
        let mut lively = guest(STARTED, INTERRUPTS_ON);
        for change in 0..100 {
            assert!(!watchdog.look(&mut lively, change * CHANGE));
            lively.set_special(spr::TSR, 0);
        }
    }

    #[test]
    fn bit_0_does_not_change_in_our_days() {
        let stopped = 0x1000_0000;
        assert_eq!(period(stopped), 63);
        assert!(!came_to_one(63, 0, (1 << 63) - 1));
        assert!(came_to_one(63, 0, 1 << 63));
        assert!(came_to_one(0, 0, 1));
        assert!(!came_to_one(0, 1, 2));
    }
}
