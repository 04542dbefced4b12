//! The timebase and the decrementer (EREF, section 2.9).

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

core::arch::global_asm!(
    r#"
    .text
.macro WAITING_VECTORS
    li 5, vector_4_waiting@l
    mtspr 404, 5
    li 5, vector_10_waiting@l
    mtspr 410, 5
.endm

.macro SLEEP
    oris 7, 7, 0x0004
    msync
    mtmsr 7
    isync
    b .
.endm

# What MSR[WE] wants around it: EREF, section 2.9.
    .globl sleep_until_interrupt
sleep_until_interrupt:
    WAITING_VECTORS
    mfmsr 7
    ori 7, 7, 0x8000
    SLEEP

    .globl sleep_for_good
sleep_for_good:
    mfmsr 7
    SLEEP

    .globl let_interrupt_in
let_interrupt_in:
    WAITING_VECTORS
    wrteei 1
    isync
    wrteei 0
    li 5, vector_4@l
    mtspr 404, 5
    li 5, vector_10@l
    mtspr 410, 5
    blr

# Five looks at the timebase, one instruction apart: r5 is a number that tells where between two ticks they were.
.macro LOOK
    mfspr 5, 268
    mfspr 6, 268
    mfspr 7, 268
    mfspr 8, 268
    mfspr 9, 268
    add 5, 5, 6
    add 7, 7, 8
    add 5, 5, 7
    slwi 9, 9, 2
    subf 5, 5, 9
.endm

# r3: where five such numbers go, taken 5n + 1 instructions apart.
    .globl look_five_times
look_five_times:
    li 4, 5
    mtctr 4
    addi 3, 3, -4
1:  LOOK
    stwu 5, 4(3)
    nop
    nop
    nop
    nop
    bdnz 1b
    blr

# r3: when, as the lower half of the timebase; r4: an `Alignment`. Gives by how many ticks that was missed. The wait
# ends in `vector_10_window`.
    .globl wait_for_window
wait_for_window:
    li 5, vector_10_window@l
    mtspr 410, 5
    LOOK
    rlwinm 5, 5, 2, 27, 29
    lwzx 5, 4, 5
    mtctr 5
    bctr
    nop
    nop
    nop
    nop
    .globl aligned
aligned:
    lis 8, {STATUS_DECREMENTER}@h
    mtspr 336, 8
    mfspr 5, 268
    subf 5, 5, 3
    mtspr 22, 5
    wrteei 1
    b .
    "#,
    STATUS_DECREMENTER = const STATUS_DECREMENTER,
);

unsafe extern "C" {
    fn sleep_until_interrupt() -> !;
    fn sleep_for_good() -> !;
    fn let_interrupt_in();
    fn look_five_times(seen: *mut [u32; 5]);
    fn wait_for_window(at: u32, alignment: *const Alignment) -> u32;
    static aligned: u32;
}

/// How to make a moment stand to the ticks of the timebase always in the same way.
///
/// The decrementer counts whole ticks from the moment it is written, so that the part of a tick which had gone by
/// then is found again at the end. On an emulator whose clock counts instructions, five nanoseconds are two ticks and an
/// instruction is 2^n nanoseconds: so there are five relations between instructions and ticks, each instruction leads
/// from one to the next, and five looks at the timebase tell which it is. The sum that [`look_five_times`] makes of them
/// takes five values in a row. Each has an entry here, by its last three bits: where to jump, over how many of four
/// instructions that do nothing, to meet the first relation again. On a machine that knows no such relation any entry is
/// as good as another.
#[repr(C)]
pub(crate) struct Alignment([u32; 8]);

impl Alignment {
    /// Finds out which value leads where.
    pub(crate) fn learn() -> Self {
        let mut seen = [0u32; 5];
        // SAFETY: it writes five words there, and reads the timebase.
        unsafe { look_five_times(&raw mut seen) };
        // The address alone is taken: it is in the kernel's text.
        let end = (&raw const aligned).addr() as u32;
        let mut entries = [end; 8];
        for (value, skipped) in seen.into_iter().zip([0, 4, 3, 2, 1]) {
            if let Some(entry) = entries.get_mut(value as usize % 8) {
                *entry = end - 4 * skipped;
            }
        }
        Self(entries)
    }
}

/// The shortest wait that is aligned, in ticks: longer than what comes before it takes, at any clock.
const SHORTEST_WAIT: u32 = 1024;

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

/// Sleeps until there is an interrupt. It begins an entry of its own: what was under way is forgotten.
///
/// # Safety
/// Called by the kernel with interrupts off, while no partition's registers are in use.
pub unsafe fn idle() -> ! {
    // SAFETY: by the contract; the stack is abandoned, and nothing on it is used again.
    unsafe { sleep_until_interrupt() }
}

/// Lets an interrupt in, if one is there: it begins an entry of its own, as in [`idle`]. Comes back if there was none.
///
/// # Safety
/// As [`idle`].
pub unsafe fn preempt() {
    // SAFETY: as in `idle`.
    unsafe { let_interrupt_in() }
}

/// Nothing runs any more.
pub fn stop() -> ! {
    // SAFETY: interrupts are off in the kernel, and stay so: nothing ends this sleep.
    unsafe { sleep_for_good() }
}

/// Returns when the timebase has reached `at`, which was `ahead` ticks ahead a moment ago, with the decrementer set to
/// fire `shot` ticks behind that; gives by how many ticks it was missed.
///
/// A long wait is one of always the same instructions behind the tick, whatever came before: awake, for waking up takes
/// time; aligned ([`Alignment`]); and with no branch behind it.
///
/// # Safety
/// Called by the kernel with interrupts off, while no reference into a context is live; device interrupts are held back
/// meanwhile, so that nothing but the decrementer ends it.
#[inline(always)]
pub(crate) unsafe fn wait_until(at: u32, ahead: u32, shot: u32, alignment: &Alignment) -> u32 {
    let late = if ahead > SHORTEST_WAIT {
        // SAFETY: by the contract; the function keeps the registers that a C function keeps.
        unsafe { wait_for_window(at, alignment) }
    } else {
        watch_for(at, ahead)
    };
    let left = if late < shot { shot - late } else { 1 };
    // SAFETY: as in `set_timer`.
    unsafe { mtspr!(DECREMENTER, left) };
    late
}

/// As [`wait_until`], when the tick is too near for more.
#[cold]
fn watch_for(at: u32, ahead: u32) -> u32 {
    // SAFETY: as in `set_timer`.
    unsafe { mtspr!(TIMER_STATUS, STATUS_DECREMENTER) };
    loop {
        let late = now_lower().wrapping_sub(at);
        if ahead == 0 || late as i32 >= 0 {
            return late;
        }
    }
}
