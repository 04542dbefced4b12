//! Attacks by hypercalls.

use cofferdam_native::abi::Status;
use cofferdam_native::abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall, VENDOR};
use cofferdam_native::abi::page;
use cofferdam_native::{Lines, page as own_page, probe, time};
use rogue::{Combinations, judge_answer};
use rogue_attacks::HYPERCALLS_FROM;

use crate::attempts::Attempts;
use crate::memory::own;
use crate::ports;

/// At most so many combinations of arguments for a hypercall.
const LIMIT: u64 = 4096;
/// A line that nothing raises, pending so that a wait ends at once.
const SPARE_LINE: u8 = 31;

/// The hypercall that the attack of this number is on.
pub fn attacked(number: u16) -> Option<Hypercall> {
    let number = number.checked_sub(HYPERCALLS_FROM)?;
    Hypercall::ALL
        .iter()
        .copied()
        .find(|call| *call as u16 == number)
}

pub fn with_bad_arguments(call: Hypercall) -> Attempts {
    let own = own();
    let mut attempts = Attempts::none();
    let spare = Lines::of(SPARE_LINE);
    own_page::set_enabled(spare);
    for arguments in Combinations::new(&own, call, LIMIT) {
        if is_a_line(call, &arguments) {
            continue;
        }
        probe::write_page(page::PENDING, 1 << SPARE_LINE);
        let answer = probe::call(call.token(), arguments);
        attempts.count(!judge_answer(&own, call, &arguments, &answer));
    }
    own_page::set_enabled(Lines::NONE);
    own_page::clear(spare);
    time::cancel_timer();
    attempts
}

/// Whether it would do nothing worse than to write its memory to the console.
fn is_a_line(call: Hypercall, arguments: &[u32; 6]) -> bool {
    call == Hypercall::QueuingSend
        && arguments[0] == ports::LOG.slot()
        && arguments[2] <= 96
        && arguments[1].is_multiple_of(4)
}

pub fn unknown() -> Attempts {
    let known = Hypercall::ALL.len() as u32;
    let ours = VENDOR << 16;
    let tokens = [
        0,
        1,
        ours + known,
        ours + 0xffff,
        ours | 0x8000,
        (VENDOR + 1) << 16,
        EPAPR_IDLE_TOKEN + 1,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ];
    let arguments = [0, u32::MAX, 0x8000_0000, 0, u32::MAX, 0];
    let mut attempts = Attempts::none();
    for token in tokens {
        let answer = probe::call(token, arguments);
        let refused = answer[0] == Status::Unimplemented as u32;
        let kept = answer[1..6] == arguments[1..];
        attempts.count(!(refused && kept));
    }
    attempts
}
