//! A driver with a part of the arena of its own, which only looks what becomes of it: whatever changes there, another's device has written.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::Period;
use evidence::seen;

cofferdam_native::partition!("neighbour", main);

/// The upper bits of each word; the others are its place.
const PATTERN: u32 = 0x600d_0000;
/// What it looks at as one.
const PIECE_BYTES: u32 = 0x400;

fn main() -> ! {
    let memory = ports::EDU1_MEMORY;
    for offset in (0..memory.length()).step_by(4) {
        memory.write_u32(offset, PATTERN | offset);
    }
    seen!("filled", memory.length());
    let changed = |piece: u32| {
        let offsets = (piece..piece + PIECE_BYTES).step_by(4);
        let is_changed = |offset: &u32| memory.read_u32(*offset) != PATTERN | offset;
        offsets.filter(is_changed).count() as u32
    };
    let mut known = [0; 4];
    let mut period = Period::new();
    loop {
        period.wait_release();
        for (number, known) in (0..).zip(&mut known) {
            let words = changed(number * PIECE_BYTES);
            if words != *known {
                seen!("changed.at", number * PIECE_BYTES);
                seen!("changed.words", words);
                *known = words;
            }
        }
    }
}
