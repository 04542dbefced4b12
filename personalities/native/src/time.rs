//! The timebase, the virtual timer, and delays.

use core::arch::asm;

use cofferdam_abi::hypercall::Hypercall;
use embedded_hal::delay::DelayNs;

use crate::{Lines, hypercall, page, wait};

/// The timebase, in ticks.
#[inline]
pub fn now() -> u64 {
    let (mut upper, mut lower, mut again): (u32, u32, u32);
    loop {
        // SAFETY: reads the timebase (TBU, TBL, TBU), which user level may, and nothing else.
        unsafe {
            asm!(
                "mfspr {upper}, 269",
                "mfspr {lower}, 268",
                "mfspr {again}, 269",
                upper = out(reg) upper,
                lower = out(reg) lower,
                again = out(reg) again,
                options(nomem, nostack, preserves_flags),
            );
        }
        // Else the lower half ran over in between (Power ISA, "Reading the Time Base").
        if upper == again {
            return u64::from(upper) << 32 | u64::from(lower);
        }
    }
}

/// A point in time, as finely as the timebase can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The timebase, in ticks.
    pub tick: u64,
    /// What it did at the five instructions behind the one that read `tick`: a bit for each, the first one the highest, set if the tick changed.
    ///
    /// Where one instruction takes a fixed time that is less than a tick, as under an instruction clock, this says where in the tick the
    /// first one was: two points are whole ticks apart exactly if it is the same.
    pub steps: u32,
}

/// Now, to the instruction.
#[inline]
pub fn instant() -> Instant {
    let before = now();
    let mut reads = [0u32; 6];
    let [first, second, third, fourth, fifth, sixth] = &mut reads;
    // SAFETY: reads the timebase (TBL), which user level may, and nothing else.
    unsafe {
        asm!(
            "mfspr {0}, 268",
            "mfspr {1}, 268",
            "mfspr {2}, 268",
            "mfspr {3}, 268",
            "mfspr {4}, 268",
            "mfspr {5}, 268",
            out(reg) * first,
            out(reg) * second,
            out(reg) * third,
            out(reg) * fourth,
            out(reg) * fifth,
            out(reg) * sixth,
            options(nomem, nostack, preserves_flags),
        );
    }
    let steps = reads
        .windows(2)
        .fold(0, |steps, pair| steps << 1 | u32::from(pair[0] != pair[1]));
    Instant {
        tick: before + u64::from(reads[0].wrapping_sub(before as u32)),
        steps,
    }
}

/// Asks for [`Lines::TIMER`] when the timebase reaches `tick`, in place of what was asked before.
pub fn set_timer(tick: u64) {
    // Any value is an argument that the call takes.
    let _ = hypercall::call_plain(
        Hypercall::SetTimer,
        [(tick >> 32) as u32, tick as u32, 0, 0, 0, 0],
    );
}

/// Takes back what was asked of [`set_timer`].
pub fn cancel_timer() {
    set_timer(u64::MAX);
    page::clear(Lines::TIMER);
}

/// Waits until the timebase reaches `tick`, leaving the processor to others.
///
/// There is one virtual timer: what was asked of [`set_timer`] before is forgotten.
pub fn sleep_until(tick: u64) {
    set_timer(tick);
    wait(Lines::TIMER);
}

/// The processor time that the partition has used, in ticks.
pub fn processor_ticks() -> u64 {
    hypercall::call_plain(Hypercall::ProcessorTime, [0; 6])
        .map(|[upper, lower, ..]| u64::from(upper) << 32 | u64::from(lower))
        .unwrap_or_default()
}

/// A delay for drivers. It uses the virtual timer for what is longer than a hypercall's cost, in place of what the program itself asked
/// of [`set_timer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Delay;

/// Below this, setting the timer and waiting costs as much as the delay itself.
const SHORTEST_SLEEP_NS: u32 = 5_000;

impl DelayNs for Delay {
    fn delay_ns(&mut self, ns: u32) {
        let ticks = (u64::from(ns) * u64::from(page::timebase_hz())).div_ceil(1_000_000_000);
        let until = now() + ticks;
        if ns >= SHORTEST_SLEEP_NS {
            sleep_until(until);
        }
        while now() < until {}
    }
}
