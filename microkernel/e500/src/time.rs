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

/// Where the decrementer is set while nobody has asked for anything.
const LONGEST_SHOT: u32 = 0x7fff_ffff;

/// How often [`shoot_aligned`] looks: once more than there are relations to meet.
const ALIGNMENT_LOOKS: u32 = 6;

unsafe extern "C" {
    /// See the vectors.
    fn wait_for_interrupt(how: u32) -> u32;
}

/// The shortest wait that is worth sleeping for, in ticks: longer than the looks take, at any clock.
const SHORTEST_WAIT: u64 = 512;

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
        mtspr!(DECREMENTER, LONGEST_SHOT);
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

/// The lower half of the timebase.
#[inline(always)]
pub(crate) fn now_lower() -> u32 {
    mfspr!(TIMEBASE_LOWER)
}

/// Has the decrementer fire in `ticks` ticks.
#[inline(always)]
pub(crate) fn set_timer(ticks: u32) {
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

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Wait {
    /// Only let an interrupt in that is there.
    Not = 0,
    /// Asleep.
    Asleep = 1,
    /// Awake: it takes no time to wake up, and always none.
    Awake = 2,
}

/// Waits until there is an interrupt.
///
/// # Safety
/// Called by the kernel with interrupts off, while no reference into a context is live.
#[inline]
pub unsafe fn wait(how: Wait) -> Option<Wake> {
    // SAFETY: by the contract; the function keeps the registers that a C function keeps.
    match unsafe { wait_for_interrupt(how as u32) } {
        10 => {
            acknowledge();
            Some(Wake::Timer)
        }
        4 => Some(Wake::Device),
        _ => None,
    }
}

/// Writes the decrementer to fire at `at`, at a moment that stands to the ticks of the timebase as `alignment` says, and
/// gives how it stood.
///
/// Five looks at the timebase, one instruction apart, tell how many ticks went by between each and the next: that is
/// where between two ticks the first look was, as far as an instruction is shorter than a tick or has no fixed length of
/// whole ticks. The loop has 17 instructions, so that on an emulator whose clock counts instructions (five
/// nanoseconds are two ticks, and an instruction is 2^n nanoseconds) five turns meet every relation there is. On a
/// machine that knows no such relation it gives up after [`ALIGNMENT_LOOKS`].
#[inline(always)]
fn shoot_aligned(at: u32, alignment: u32) -> u32 {
    let seen;
    // SAFETY: reads of the timebase; the kernel alone uses the decrementer, and clears what it may have said before.
    unsafe {
        asm!(
            "mtctr {looks}",
            "2:",
            "mfspr {a}, 268", "mfspr {b}, 268", "mfspr {c}, 268", "mfspr {d}, 268", "mfspr {e}, 268",
            "subf {a}, {a}, {b}", "subf {b}, {b}, {c}", "subf {c}, {c}, {d}", "subf {d}, {d}, {e}",
            "slwi {a}, {a}, 8", "add {a}, {a}, {b}",
            "slwi {a}, {a}, 8", "add {a}, {a}, {c}",
            "slwi {a}, {a}, 8", "add {a}, {a}, {d}",
            "cmplw {a}, {alignment}",
            "bdnzf 2, 2b",
            "mtspr 336, {status}",
            "mfspr {b}, 268",
            "subf {b}, {b}, {at}",
            "mtspr 22, {b}",
            a = out(reg) seen, b = out(reg) _, c = out(reg) _, d = out(reg) _, e = out(reg) _,
            looks = in(reg) ALIGNMENT_LOOKS,
            alignment = in(reg) alignment,
            status = in(reg) STATUS_DECREMENTER,
            at = in(reg) at,
            out("ctr") _, out("cr0") _,
            options(nostack),
        );
    }
    seen
}

/// The alignment of every later wait: how things stand at the first look.
pub(crate) fn alignment() -> u32 {
    shoot_aligned(now_lower().wrapping_add(LONGEST_SHOT), 0)
}

/// Returns when the timebase has reached `at`, with the decrementer set to fire `shot` ticks behind that, and gives the
/// timebase's lower half then.
///
/// The decrementer counts whole ticks from the moment it is written, so that the part of a tick which had gone by
/// then is found again at the end: [`shoot_aligned`] makes it the same each time. Behind the wait there is no
/// branch, and no arithmetic of 64 bits, whose length could depend on the values.
///
/// # Safety
/// As [`wait`]; device interrupts are held back meanwhile, so that nothing but the decrementer ends it.
#[inline]
pub(crate) unsafe fn wait_until(at: u64, shot: u32, alignment: u32) -> u32 {
    if at.saturating_sub(now()) > SHORTEST_WAIT {
        shoot_aligned(at as u32, alignment);
        // SAFETY: by the contract.
        unsafe { while wait(Wait::Awake) != Some(Wake::Timer) {} }
    } else {
        while now() < at {}
    }
    let lower = mfspr!(TIMEBASE_LOWER);
    let left = shot.saturating_sub(lower.wrapping_sub(at as u32)).max(1);
    // SAFETY: as in `set_timer`.
    unsafe { mtspr!(DECREMENTER, left) };
    lower
}
