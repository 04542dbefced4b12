//! Memory that a stranger would recognise if he could read it, and that tells if he could write it.
//!
//! The pattern fills most of the partition's memory, and each release checks the whole of it. A word that is not what it was is an
//! application error, hence a health event in the record, and is put right again. The attackers among the guests look for the
//! pattern in all that they can read: a word of it says by itself which one it is.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::{Period, application_error, log};

cofferdam_native::partition!("sentinel", main);

/// 64 KiB of words. `SENTINEL` and `SENTINEL_MASK` of the attackers are the same.
const WORDS: usize = 0x4000;
/// The upper bits of each word; the others are its number.
const PATTERN: u32 = 0x5ec2_0000;

static MEMORY: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

fn main() -> ! {
    for (number, word) in (0..).zip(&MEMORY) {
        word.store(PATTERN | number, Relaxed);
    }
    log!("{} words are being watched", WORDS);
    let mut period = Period::new();
    loop {
        period.wait_release();
        for (number, word) in (0..).zip(&MEMORY) {
            let expected = PATTERN | number;
            let value = word.load(Relaxed);
            if value != expected {
                log!("word {number:#x} became {value:#010x}");
                application_error(number);
                word.store(expected, Relaxed);
            }
        }
        period.complete();
    }
}
