//! Fails again and again, each time with another stack that is none.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::space;
use cofferdam_native::{Lines, Restart, probe, wait};
use evidence::seen;

cofferdam_native::partition!("stray", main);

/// A chain has so many frames of so many bytes each: as many as a crash record holds, and one more.
const FRAMES: u32 = 9;
const FRAME_BYTES: u32 = 16;
const CHAIN_BYTES: u32 = FRAMES * FRAME_BYTES;
/// How a chain can end.
const ENDS: u32 = 4;
const WORDS: usize = (ENDS * CHAIN_BYTES / 4) as usize;

/// Which comes next: memory is kept.
static NEXT: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    let scratch = probe::scratch();
    let end = space::DATA + ports::MEMORY_BYTES;
    // Where chains end: beyond its own memory, where only the link would be beyond it, at what is not aligned, and back.
    let ends = [end, end - 4, scratch + 0x1002, scratch];
    // A frame begins with the back chain; behind it is the link of who called. The last one has an end in place of the chain.
    let word = |place: usize| {
        let address = scratch + 4 * place as u32;
        let (frame, chain) = (
            (address - scratch) / FRAME_BYTES,
            (address - scratch) / CHAIN_BYTES,
        );
        match (place % 4, frame % FRAMES + 1 == FRAMES) {
            (0, true) => ends.get(chain as usize).copied().unwrap_or_default(),
            (0, false) => address + FRAME_BYTES,
            (1, _) => 0x1000 + frame,
            _ => 0,
        }
    };
    probe::fill(&core::array::from_fn::<_, WORDS, _>(word));
    let next = NEXT.load(Relaxed);
    // Nobody's, the text, and one that is not aligned; then each frame of each chain.
    let stack = match next {
        0 => 0x1000,
        1 => space::TEXT,
        2 => scratch + 2,
        frame => scratch + FRAME_BYTES * (frame - 3),
    };
    if next < 3 + ENDS * FRAMES {
        NEXT.store(next + 1, Relaxed);
        probe::trap_with_stack(stack);
    }
    if next == 3 + ENDS * FRAMES {
        // It has a right over itself, as over another.
        NEXT.store(next + 1, Relaxed);
        let _ = ports::PARTITION_RESTART_STRAY.restart(Restart::Warm);
    }
    seen!("stray.failures", next);
    loop {
        wait(Lines::TIMER);
    }
}
