//! Fails again and again, each time with another stack that is none.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::space;
use cofferdam_native::{Lines, probe, wait};
use evidence::seen;

cofferdam_native::partition!("stray", main);

/// How many frames there are, of how many bytes each.
const FRAMES: usize = 12;
const BYTES: u32 = 16;
/// The words of all of them, and of the ends of chains.
const WORDS: usize = 4 * (FRAMES + 5);

/// Which comes next: memory is kept.
static NEXT: AtomicU32 = AtomicU32::new(0);

fn main() -> ! {
    let scratch = probe::scratch();
    let end = space::DATA + ports::MEMORY_BYTES;
    // Where chains end: beyond its own memory, with the link beyond it, with the link beyond the address space, at what is not aligned, and back.
    let ends = [end, end - 4, u32::MAX - 3, scratch + 0x182, scratch];
    // More frames than a crash record holds, with the back chain in the first word and a link in the second one; then these.
    let word = |place: usize| match (place / 4, place % 4) {
        (number @ ..FRAMES, 0) => scratch + BYTES * (number as u32 + 1),
        (number @ ..FRAMES, 1) => 0x1000 + number as u32,
        (number, 0) => ends.get(number - FRAMES).copied().unwrap_or_default(),
        _ => 0,
    };
    probe::fill(&core::array::from_fn::<_, WORDS, _>(word));
    let chain = |number: usize| scratch + BYTES * (FRAMES + number) as u32;
    let stacks = [
        // Nobody's, the text, and one that is not aligned.
        0x1000,
        space::TEXT,
        scratch + 2,
        chain(0),
        chain(1),
        chain(2),
        chain(3),
        chain(4),
        scratch,
    ];
    let next = NEXT.load(Relaxed);
    if let Some(stack) = stacks.get(next as usize) {
        NEXT.store(next + 1, Relaxed);
        probe::trap_with_stack(*stack);
    }
    seen!("stray.failures", next);
    loop {
        wait(Lines::TIMER);
    }
}
