//! Attacks on memory.

use core::hint::black_box;
use core::ops::Range;

use cofferdam_native::abi::{page, space};
use cofferdam_native::probe;
use rogue::Own;

use crate::attempts::Attempts;
use crate::ports;

/// A register holds one of these before a load. One that still does afterwards got nothing.
const PRESETS: [u32; 2] = [0x5eed_0001, 0xa112_fffe];
/// What it would like to leave in other people's memory.
const GRAFFITO: u32 = 0x0bad_f00d;

/// Where the kernel is, for those who know its addresses.
pub const KERNEL: &[Range<u32>] = &[
    0x0000_0000..0x0000_4000,
    space::kernel::TEXT..space::kernel::TEXT + 0x4000,
    space::kernel::CONSTANTS..space::kernel::CONSTANTS + 0x4000,
    space::kernel::TABLES..space::kernel::TABLES + 0x4000,
    space::kernel::DATA..space::kernel::DATA + 0x4000,
    space::kernel::RECORD..space::kernel::RECORD + 0x4000,
];

/// Where partitions' memory is: its physical addresses, the kernel's mapping of them, the addresses of shared memory.
pub const OTHERS: &[Range<u32>] = &[
    space::kernel::END..space::kernel::END + 0x2_0000,
    space::kernel::RAM + space::kernel::END..space::kernel::RAM + space::kernel::END + 0x2_0000,
    space::SHARED..space::SHARED + 0x4000,
    space::DATA + 0x0080_0000..space::DATA + 0x0080_4000,
];

/// Where devices are: those of partitions that have some, and the kernel's.
pub const DEVICES: &[Range<u32>] = &[
    space::DEVICES..space::DEVICES + 0x2000,
    space::DEVICES + space::STRIDE..space::DEVICES + space::STRIDE + 0x1000,
    space::kernel::DEVICES..space::kernel::DEVICES + 0x1_0000,
];

/// The distance of attempts within a range: no multiple of a page, so that all parts of pages are met.
const STEP: u32 = 0x404;

/// What belongs to the rogue itself.
pub fn own() -> Own {
    let text = probe::text();
    Own {
        slots: ports::PARTITION_STATUS_ROGUE.slot() + 1,
        constants: space::CONSTANTS..space::CONSTANTS + (text.end - text.start),
        text,
        data: space::DATA..space::DATA + ports::MEMORY_BYTES,
        scratch: probe::scratch(),
    }
}

fn places(ranges: &[Range<u32>]) -> impl Iterator<Item = u32> {
    ranges
        .iter()
        .flat_map(|range| range.clone().step_by(STEP as usize))
}

fn try_load(attempts: &mut Attempts, address: u32) {
    for preset in PRESETS {
        attempts.count(probe::load(address, preset) != preset);
    }
}

pub fn read(ranges: &[Range<u32>]) -> Attempts {
    let mut attempts = Attempts::none();
    for address in places(ranges) {
        try_load(&mut attempts, address);
    }
    attempts
}

/// Whether a store had an effect its victim knows best; the attacker knows that it was noticed.
pub fn write(ranges: &[Range<u32>]) -> Attempts {
    let mut attempts = Attempts::none();
    for address in places(ranges) {
        probe::store(address, GRAFFITO);
        attempts.count(false);
    }
    attempts
}

pub fn read_everywhere() -> Attempts {
    /// A mebibyte, and a little to be off the starts of regions.
    const STRIDE: usize = 0x0010_0000;
    const FIRST: u32 = 0x0008_0004;
    let mut attempts = Attempts::none();
    for address in (FIRST..page::ADDRESS).step_by(STRIDE) {
        try_load(&mut attempts, address);
    }
    attempts
}

/// Writes memory of its own that is there to be read: the word must be the same afterwards.
pub fn write_own(range: Range<u32>) -> Attempts {
    let mut attempts = Attempts::none();
    for address in [range.start, range.start + 0x20, range.start + 0x100] {
        let before = probe::load(address, PRESETS[0]);
        probe::store(address, !before);
        attempts.count(probe::load(address, PRESETS[1]) != before);
    }
    attempts
}

/// `li r3, 0x666` and `blr`: a function that gives itself away if it is ever executed.
const TELL_TALE: [u32; 2] = [0x3860_0666, 0x4e80_0020];

fn try_jump(attempts: &mut Attempts, address: u32) {
    attempts.count(probe::jump(address, PRESETS[0]) != PRESETS[0]);
}

pub fn execute_data() -> Attempts {
    let mut attempts = Attempts::none();
    probe::fill(&TELL_TALE);
    try_jump(&mut attempts, probe::scratch());
    attempts
}

pub fn execute_constants() -> Attempts {
    static CONSTANT: [u32; 2] = TELL_TALE;
    let mut attempts = Attempts::none();
    try_jump(
        &mut attempts,
        core::ptr::from_ref(black_box(&CONSTANT)).addr() as u32,
    );
    attempts
}

pub fn execute_page() -> Attempts {
    /// Room that the kernel does not use.
    const FREE: u32 = 0x800;
    let mut attempts = Attempts::none();
    for (word, offset) in TELL_TALE.into_iter().zip((FREE..).step_by(4)) {
        probe::write_page(offset, word);
    }
    try_jump(&mut attempts, page::ADDRESS + FREE);
    attempts
}

pub fn execute(ranges: &[Range<u32>]) -> Attempts {
    let mut attempts = Attempts::none();
    for address in places(ranges) {
        try_jump(&mut attempts, address & !3);
    }
    attempts
}

/// Calls itself until there is no stack left. Does not come back.
pub fn run_off_the_stack() -> Attempts {
    #[inline(never)]
    fn deeper(depth: u32) -> u32 {
        let frame = black_box([depth; 64]);
        if black_box(true) {
            deeper(depth + 1) + frame[0]
        } else {
            depth
        }
    }
    black_box(deeper(0));
    Attempts::none()
}
