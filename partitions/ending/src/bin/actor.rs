//! Does wrong in its first life: it raises an error, and then reads what is not its own. What becomes of it, and of the
//! module, is the health table's decision.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::page::StartReason;
use cofferdam_native::{Period, application_error, page, probe, time};
use evidence::seen;

cofferdam_native::partition!("actor", main);

/// Nothing is mapped there.
const NOWHERE: u32 = 0x7000_0000;
/// The number that the log keeps with the error.
const DETAIL: u32 = 0x0dd5;

static LIVES: AtomicU32 = AtomicU32::new(0);

/// More than what the kernel copies at a time when it prepares memory.
static TABLE: [AtomicU32; 300] = [const { AtomicU32::new(COMPILED) }; 300];
const COMPILED: u32 = 0xc0de_da7a;

fn main() -> ! {
    look_at_table();
    seen!("actor.start", page::start_reason() as u32);
    seen!("actor.lives_remembered", LIVES.fetch_add(1, Relaxed));
    let mut period = Period::new();
    for _ in 0..4 {
        period.wait_release();
    }
    if page::epoch() == 1 {
        // Nothing but a hypercall that nobody else here makes: a kernel that is broken there dies now.
        time::processor_ticks();
        application_error(DETAIL);
        seen!("actor.went_on", 1);
        period.wait_release();
        probe::load(NOWHERE, 0);
        seen!("actor.went_on", 2);
    }
    loop {
        period.wait_release();
    }
}

/// A life finds its memory as it was compiled, or as the life before left it.
fn look_at_table() {
    let is_kept = page::start_reason() == StartReason::HealthWarm;
    let expected = if is_kept { !COMPILED } else { COMPILED };
    for word in &TABLE {
        if word.swap(!COMPILED, Relaxed) != expected {
            seen!("actor.table", word.as_ptr().addr() as u32);
        }
    }
}
