//! The timebase and the decrementer (EREF, section 2.9).

use core::arch::asm;

use crate::spr::{DECREMENTER, TIMEBASE_LOWER, TIMEBASE_UPPER, mfspr, mtspr};

/// TSR\[DIS\]: the decrementer has reached zero. Write it to clear it.
const STATUS_DECREMENTER: u32 = 0x0800_0000;
const TIMER_STATUS: u32 = 336;
const TIMER_CONTROL: u32 = 340;
/// TCR\[DIE\]: a decrementer interrupt is wanted.
const CONTROL_DECREMENTER: u32 = 0x0400_0000;
const HID0: u32 = 1008;
/// HID0\[DOZE\]: what MSR\[WE\] does (e500 core reference manual, section 2.10.1).
const HID0_DOZE: u32 = 0x0080_0000;

/// The longest that the decrementer is set for; somebody who wants more is woken, and sets it again.
const LONGEST_SHOT: u64 = 0x7fff_ffff;

/// How often [`wait_until`] looks for the alignment that it wants. Five looks see every one there is under an emulator's
/// exact clock; on a machine without such a relation none is ever found twice, and it goes on.
const ALIGNMENT_LOOKS: u32 = 12;

unsafe extern "C" {
    /// See the vectors.
    fn wait_for_interrupt(sleep: u32) -> u32;
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The decrementer.
    Timer,
    /// A device.
    Device,
}

/// Prepares the timers.
pub(crate) fn initialise() {
    let mode = mfspr!(HID0) | HID0_DOZE;
    // SAFETY: the kernel alone uses the decrementer, and HID0's doze mode only takes effect with MSR[WE].
    unsafe {
        mtspr!(DECREMENTER, LONGEST_SHOT as u32);
        mtspr!(TIMER_STATUS, STATUS_DECREMENTER);
        mtspr!(TIMER_CONTROL, CONTROL_DECREMENTER);
        mtspr!(HID0, mode);
    }
}

/// The timebase: the upper half is read again, for the lower may wrap in between.
#[inline(always)]
pub(crate) fn now() -> u64 {
    loop {
        let upper = mfspr!(TIMEBASE_UPPER);
        let lower = mfspr!(TIMEBASE_LOWER);
        if upper == mfspr!(TIMEBASE_UPPER) {
            return (u64::from(upper) << 32) | u64::from(lower);
        }
    }
}

/// Has the decrementer fire at `at`, or at once.
#[inline]
pub(crate) fn set_timer(at: u64) {
    let ticks = at.saturating_sub(now()).clamp(1, LONGEST_SHOT) as u32;
    // SAFETY: the kernel alone uses the decrementer. The status is cleared first: what it may have said concerned the
    // time before.
    unsafe {
        mtspr!(TIMER_STATUS, STATUS_DECREMENTER);
        mtspr!(DECREMENTER, ticks);
    }
}

/// The decrementer's interrupt was taken.
#[inline(always)]
pub fn acknowledge() {
    // SAFETY: as in `set_timer`.
    unsafe { mtspr!(TIMER_STATUS, STATUS_DECREMENTER) }
}

/// No timer interrupt comes any more.
pub fn stop() {
    // SAFETY: the kernel alone uses the timers.
    unsafe { mtspr!(TIMER_CONTROL, 0) }
}

/// Sleeps until there is an interrupt, or, if `sleep` is false, lets one in that is there.
///
/// # Safety
/// Called by the kernel with interrupts off, while no reference into a context is live.
#[inline]
pub unsafe fn wait(sleep: bool) -> Option<Wake> {
    // SAFETY: by the contract; the function keeps the registers that a C function keeps.
    match unsafe { wait_for_interrupt(u32::from(sleep)) } {
        10 => {
            acknowledge();
            Some(Wake::Timer)
        }
        4 => Some(Wake::Device),
        _ => None,
    }
}

/// Four successive looks at the timebase, one instruction apart: how many ticks went by between each and the next. It
/// tells where between two ticks the first look was, as far as an instruction is shorter than that.
#[inline(always)]
fn look() -> (u32, u32) {
    let (a, b, c, d, e): (u32, u32, u32, u32, u32);
    // SAFETY: reads of the timebase.
    unsafe {
        asm!(
            "mfspr {a}, 268", "mfspr {b}, 268", "mfspr {c}, 268", "mfspr {d}, 268", "mfspr {e}, 268",
            a = out(reg) a, b = out(reg) b, c = out(reg) c, d = out(reg) d, e = out(reg) e,
            options(nomem, nostack, preserves_flags),
        );
    }
    let step = |from: u32, to: u32| to.wrapping_sub(from) & 0xff;
    (a, (step(a, b) << 24) | (step(b, c) << 16) | (step(c, d) << 8) | step(d, e))
}

/// What [`look`] saw first of all: the alignment of every later wait.
pub(crate) fn alignment() -> u32 {
    look().1
}

/// Returns when the timebase has reached `at`, and gives its lower half then.
///
/// The decrementer counts whole ticks from the moment it is written, so that the part of a tick which had gone by
/// then is found again at the end. The loop makes that part the same each time: it writes the decrementer
/// only at a moment that stands to the ticks as `alignment` says. Its length in instructions has no factor in
/// common with a period of that relation, so a few turns meet every one.
///
/// # Safety
/// As [`wait`]; device interrupts are held back meanwhile, so that nothing but the decrementer ends it.
#[inline(never)]
pub(crate) unsafe fn wait_until(at: u64, alignment: u32) -> u32 {
    for _ in 0..ALIGNMENT_LOOKS {
        let (seen_at, seen) = look();
        if seen == alignment {
            break;
        }
        core::hint::black_box(seen_at);
    }
    let ahead = at.saturating_sub(now());
    if ahead > 0 && ahead < LONGEST_SHOT {
        set_timer(at);
        // SAFETY: by the contract.
        unsafe {
            while wait(true) != Some(Wake::Timer) {}
        }
    }
    mfspr!(TIMEBASE_LOWER)
}
