//! Goes through the conformity cases with real processes: contexts, exceptions, the kernel's timer, lines and channels. A case in each life.
//!
//! The case is recorded on plain data first (`cofferdam_apex_conformity::recorded`). Then each process, the error handler and the initialisation take
//! its steps, each if it is its own. So a case passes if the same contexts have the processor as on plain data, at the same times, and
//! each service answers the same. The partition at the other end of the ports (`peer.rs`) is more urgent: it does at once what it is told.
//!
//! The life ends, with all that is in it, when the other end restarts the partition: also if nobody runs, or the case hangs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use apex_conformity::Does;
use cofferdam_apex_conformity::dispatch::parts::{Progress, ReturnCode, Value};
use cofferdam_apex_conformity::recorded::{Action, Recorded, cases, record};
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes};
use cofferdam_apex_native::apex::{DeadlineKind, ErrorCode, Name, Runs, SystemTime};
use cofferdam_native::probe::{self, Sort};
use cofferdam_native::{mark, page, time};
use evidence::{identifier, seen};
use spin::Once;

cofferdam_apex_native::partition!("processes", initialise);

/// Nothing is mapped there; and below every stack.
const NOWHERE: u32 = 0x7000_0000;
const BELOW_STACKS: u32 = 0x5000_1000;
/// So much later than on plain data a step may be: all code before it takes its time.
const LATE_TICKS: u64 = TICKS_PER_MS / 2;
/// So long behind its end a case is over.
const END_TICKS: u64 = TICKS_PER_MS;
const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;

/// The case, once in each life.
static CASE: Once<Recorded> = Once::new();
/// The next step.
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn initialise() {
    let number = (page::epoch() - 1) as usize;
    let Some(case) = cases().nth(number) else {
        seen!("over", 1);
        return;
    };
    let recorded = match record(case.case) {
        Ok(recorded) => CASE.call_once(|| recorded),
        Err(_) => {
            seen!("on.data", number as u32);
            order(Does::Ends, &0u64.to_be_bytes());
            return;
        }
    };
    // Each case begins a millisecond behind a release.
    let releases = page::releases();
    while page::releases() == releases {}
    order(
        Does::Ends,
        &(due(recorded.end_ns) + END_TICKS).to_be_bytes(),
    );
    act(Runs::Main);
}

fn order(does: Does, bytes: &[u8]) {
    // There is room: the other end takes each at once.
    let _ = ports::ORDERS.send(&does.order(bytes));
}

/// A time of the case, as a tick. All of a case is counted from the release before it.
fn due(at_ns: u64) -> u64 {
    static RELEASE: Once<u64> = Once::new();
    RELEASE.call_once(page::release_tick) + ticks(at_ns)
}

fn ticks(ns: u64) -> u64 {
    ns * (ports::TIMEBASE_HZ as u64 / 1_000_000) / 1000
}

/// What every process begins with, and the error handler.
extern "C" fn process() {
    let me = APEX.get_my_id().map_or(Runs::ErrorHandler, Runs::Process);
    act(me);
}

/// Takes the steps that are its own, whenever it runs.
fn act(me: Runs) {
    let Some(recorded) = CASE.get() else {
        return;
    };
    // How the call ended for whose end it waited.
    let mut waited = None;
    loop {
        let place = NEXT.load(Relaxed);
        // Behind the last one somebody says that the case has passed.
        let step = recorded.steps.get(place);
        let (at_ns, by, before) = step.map_or((recorded.end_ns, recorded.last, None), |step| {
            (step.at_ns, step.by, step.before)
        });
        let (now, due) = (time::now(), due(at_ns));
        if now < due {
            if before.is_some_and(|before| before != me) {
                fail(Failed::Early, place);
            }
            continue;
        }
        if now > due + LATE_TICKS {
            fail(Failed::Late, place);
        }
        if by != me {
            // Whoever is to take it may be a little later than on plain data.
            continue;
        }
        let Some(step) = step else {
            end();
        };
        NEXT.store(place + 1, Relaxed);
        if place + 1 == recorded.steps.len() && recorded.last == Runs::Nobody {
            // Nobody will be there to say so. If somebody is nevertheless, it has failed all the same.
            pass();
        }
        match &step.action {
            Action::Call(call, expected) => {
                let called = time::now();
                let answer = call_service(*call);
                if let Some(waits_ns) = step.waits_ns {
                    let late = time::now() - called - ticks(waits_ns);
                    mark(identifier(call.service()), late as u32);
                }
                if *expected == Answer::Waits {
                    waited = Some(answer);
                } else if !answer.is_as(expected) {
                    fail(Failed::Answer, place);
                }
            }
            Action::Collect(expected) => {
                if !waited.take().is_some_and(|answer| answer.is_as(expected)) {
                    fail(Failed::Wait, place);
                }
            }
            Action::Fault(code) => fault(*code),
            Action::PeerSends(_, message, queued) => {
                let mut bytes = [u8::from(*queued); 9];
                let length = 1 + message.len().min(8);
                bytes[1..length].copy_from_slice(&message[..length - 1]);
                order(Does::Sends, &bytes[..length]);
            }
            Action::PeerReceives(_, first) => {
                order(
                    Does::Receives,
                    &[u8::from(first.is_some()), first.unwrap_or(0)],
                );
            }
            Action::PeerWrites(_, message) => order(Does::Writes, message),
        }
    }
}

fn number() -> u32 {
    page::epoch() - 1
}

fn pass() {
    seen!("passed", number());
}

/// Who is to run in the end runs.
fn end() -> ! {
    pass();
    loop {
        core::hint::spin_loop();
    }
}

/// How a case failed.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Failed {
    /// Somebody runs too early.
    Early = 1,
    /// Nobody has taken a step who was to, or too late.
    Late,
    /// A service answers otherwise.
    Answer,
    /// A wait ended otherwise.
    Wait,
}

/// The case has failed, at this step.
fn fail(how: Failed, place: usize) -> ! {
    seen!("failed.case", number());
    seen!("failed.step", place as u32);
    seen!("failed.how", how as u32);
    loop {
        core::hint::spin_loop();
    }
}

fn fault(code: ErrorCode) {
    match code {
        ErrorCode::StackOverflow => probe::store(BELOW_STACKS, 1),
        ErrorCode::MemoryViolation => probe::store(NOWHERE, 1),
        ErrorCode::NumericError => execute(Sort::SignalProcessing),
        _ => execute(Sort::Illegal),
    }
}

fn execute(sort: Sort) {
    if let Some(instruction) = probe::table().iter().find(|one| one.sort == sort) {
        instruction.execute(0);
    }
}

fn call_service(call: Call) -> Answer {
    service(call).into()
}

fn service(call: Call) -> Result<Progress<Value>, ReturnCode> {
    cofferdam_apex_conformity::service!(
        APEX,
        call,
        |given: &ProcessAttributes| APEX.create_process(&attributes(given)),
        |_, stack_bytes| APEX.create_error_handler(process, stack_bytes)
    )
}

fn attributes(given: &ProcessAttributes) -> cofferdam_apex_native::ProcessAttributes {
    cofferdam_apex_native::ProcessAttributes {
        name: Name::new(given.name),
        entry_point: process,
        base_priority: given.base_priority,
        period: SystemTime(given.period),
        time_capacity: SystemTime(given.time_capacity),
        deadline: DeadlineKind::Hard,
        stack_bytes: given.stack_bytes,
    }
}
