//! Attacks by quantity: exhausting whatever can be exhausted.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::Status;
use cofferdam_native::abi::health::Exception;
use cofferdam_native::interrupts::{self, Frame};
use cofferdam_native::ipc::Bytes;
use cofferdam_native::{Error, Lines, application_error, mark, page, time};
use flight_messages::Question;

use crate::attempts::Attempts;
use crate::ports;

/// As many as leave room in the record for the evidence of the round before.
const MARKS: u32 = 600;
/// More than any queue keeps.
const MESSAGES: u32 = 500;
const CALLS: u32 = 2_000;
const ERRORS: u32 = 300;
const TIMERS: u32 = 1_000;
/// So many periods with interrupts off.
const SPIN_PERIODS: u64 = 3;

pub fn marks() -> Attempts {
    let mut attempts = Attempts::none();
    for number in 0..MARKS {
        mark(number, number);
        attempts.count(false);
    }
    attempts
}

pub fn channel() -> Attempts {
    let mut attempts = Attempts::none();
    let flood = Bytes::try_from(&[0x55; 1024][..]).unwrap_or_default();
    for _ in 0..MESSAGES {
        let answer = ports::NOISE.send(&flood);
        let expected = matches!(answer, Ok(()) | Err(Error::Refused(Status::Again)));
        attempts.count(!expected);
    }
    attempts
}

pub fn calls() -> Attempts {
    let mut attempts = Attempts::none();
    for _ in 0..CALLS {
        let answer = ports::QUESTION.call(&Question::Events, 0);
        attempts.count(!matches!(answer, Ok(_) | Err(Error::Refused(_))));
    }
    attempts
}

pub fn health() -> Attempts {
    let mut attempts = Attempts::none();
    for number in 0..ERRORS {
        application_error(number);
        attempts.count(false);
    }
    attempts
}

/// Virtual timer interrupts taken.
static TICKS: AtomicU32 = AtomicU32::new(0);

/// The handler of a flood of timers: counts, and lets the next one come.
pub fn count_timer(_: &mut Frame) {
    page::clear(Lines::TIMER);
    TICKS.fetch_add(1, Relaxed);
}

pub fn timer() -> Attempts {
    let mut attempts = Attempts::none();
    interrupts::set_handler(Exception::ExternalInput, count_timer);
    interrupts::enable_lines(Lines::TIMER);
    interrupts::enable();
    for number in 0..TIMERS {
        let now = time::now();
        let times = [0, 1, now - 1, now, now + 1, now + 2, now + 40, u64::MAX - 1];
        let at = times.get(number as usize % times.len()).copied();
        time::set_timer(at.unwrap_or(now));
        attempts.count(false);
    }
    interrupts::disable();
    interrupts::clear_handler(Exception::ExternalInput);
    page::set_enabled(Lines::NONE);
    time::cancel_timer();
    attempts
}

pub fn spin() -> Attempts {
    let mut attempts = Attempts::none();
    interrupts::disable();
    let until = time::now() + SPIN_PERIODS * u64::from(ports::PERIOD_TICKS);
    while time::now() < until {}
    attempts.count(false);
    attempts
}
