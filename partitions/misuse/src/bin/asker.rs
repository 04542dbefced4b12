//! Calls in odd orders: at a time it has more than one request under way, and looks for what came of them late.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall::{self, *};
use cofferdam_native::{Lines, Period, page, probe, time, wait};
use evidence::seen;
use misuse::{order, sleep_us, status, ticks_of};

cofferdam_native::partition!("asker", main);

const FIRST: u32 = ports::FIRST.slot();
const SECOND: u32 = ports::SECOND.slot();
/// What a reply with bytes has.
const LENGTH: u32 = 40;

const SCENES: [fn(); 19] = [
    expired,
    expired_before_a_fused_reply,
    abandoned_before_a_fused_reply,
    expired_while_it_waits_elsewhere,
    restarts_while_it_waits_elsewhere,
    restarts_behind_the_deadline,
    restarts_with_what_was_given_up,
    its_server_waits_elsewhere,
    its_server_answers_what_it_does_not_wait_for,
    expired_before_anybody_saw_it,
    answered_before_a_restart,
    fused,
    interrupted_while_its_server_waits,
    with_somebody_in_between,
    called_back,
    left_waiting,
    bytes_behind_a_release,
    called_back_behind_a_release,
    parted_behind_a_release,
];

/// One scene for each release.
fn main() -> ! {
    let mut period = Period::new();
    for scene in SCENES {
        period.wait_release();
        scene();
    }
    loop {
        period.wait_release();
    }
}

/// A request: how it is made, of which channel, what is asked, with a time, and the time-out, both in microseconds.
fn ask(how: Hypercall, slot: u32, order: u32, microseconds: u32, time_out: u32) -> u32 {
    status(how, [slot, ticks_of(time_out), order, microseconds])
}

fn collect(slot: u32) -> u32 {
    status(CallCollect, [slot, probe::scratch(), LENGTH])
}

/// The server has it when its deadline passes, and answers before anybody asks what came of it.
fn expired() {
    seen!("expired", ask(CallSubmit, FIRST, order::LATE, 400, 200));
    sleep_us(500);
    seen!("expired", collect(FIRST));
    seen!("expired", collect(FIRST));
}

fn expired_before_a_fused_reply() {
    seen!(
        "expired",
        ask(CallSubmit, FIRST, order::LATE_FUSED, 400, 200)
    );
    sleep_us(500);
    seen!("expired", collect(FIRST));
}

fn abandoned_before_a_fused_reply() {
    seen!("abandoned", ask(Call, FIRST, order::BUSY, 0, 100));
    seen!("abandoned", ask(Call, FIRST, order::NEXT, 0, 0));
    seen!("abandoned", ask(Call, FIRST, order::LATE_FUSED, 400, 200));
    sleep_us(400);
    seen!("abandoned", ask(Call, FIRST, order::NEXT, 0, 0));
}

/// The deadline of one request passes while it waits for the answer to another.
fn expired_while_it_waits_elsewhere() {
    seen!("elsewhere", ask(CallSubmit, FIRST, order::LATE, 400, 200));
    seen!("elsewhere", ask(Call, SECOND, order::NEXT, 0, 0));
    seen!("elsewhere", collect(FIRST));
}

/// Neither is answered, and each says so.
fn restarts_while_it_waits_elsewhere() {
    seen!("restarts", ask(CallSubmit, FIRST, order::RESTART, 200, 0));
    seen!("restarts", ask(Call, SECOND, order::NEXT, 0, 0));
    seen!("restarts", collect(FIRST));
}

/// What the request had come to before stands.
fn restarts_behind_the_deadline() {
    seen!(
        "restarts_late",
        ask(CallSubmit, FIRST, order::RESTART, 400, 200)
    );
    sleep_us(600);
    seen!("restarts_late", collect(FIRST));
}

/// The line says when the channel is free again.
fn restarts_with_what_was_given_up() {
    page::clear(ports::FIRST.line());
    seen!("restarts_later", ask(Call, FIRST, order::RESTART, 400, 200));
    seen!("restarts_later", ask(Call, FIRST, order::NEXT, 0, 0));
    wait(ports::FIRST.line());
    // Its peer is being started, or has started.
    sleep_us(500);
    seen!("restarts_later", ask(Call, FIRST, order::NEXT, 0, 0));
}

/// Waiting for a request of one channel, the server does not see one of another.
fn its_server_waits_elsewhere() {
    seen!("server_elsewhere", ask(Call, SECOND, order::FUSE, 0, 0));
    seen!("server_elsewhere", ask(Call, FIRST, order::NEXT, 0, 100));
    seen!("server_elsewhere", ask(Call, SECOND, order::PART, 0, 0));
    // Nothing is left of it.
    seen!("server_elsewhere", collect(FIRST));
}

/// It waits for the answer of one channel when that of the other comes.
fn its_server_answers_what_it_does_not_wait_for() {
    seen!(
        "answered_other",
        ask(CallSubmit, SECOND, order::FUSE, 100, 0)
    );
    seen!("answered_other", ask(Call, FIRST, order::NEXT, 0, 200));
    seen!("answered_other", collect(SECOND));
    seen!("answered_other", ask(Call, SECOND, order::PART, 0, 0));
}

/// The deadline passes while it waits elsewhere, and so does the server.
fn expired_before_anybody_saw_it() {
    seen!("unseen", ask(Call, SECOND, order::FUSE, 0, 0));
    seen!("unseen", ask(CallSubmit, FIRST, order::NEXT, 0, 100));
    seen!("unseen", ask(Call, SECOND, order::LATE, 300, 0));
    seen!("unseen", collect(FIRST));
    seen!("unseen", ask(CallSubmit, FIRST, order::NEXT, 0, 100));
    sleep_us(200);
    seen!("unseen", collect(FIRST));
    seen!("unseen", ask(Call, SECOND, order::PART, 0, 0));
}

/// An answer that was given stays, whatever becomes of who gave it.
fn answered_before_a_restart() {
    seen!("answered", ask(CallSubmit, FIRST, order::NEXT, 0, 0));
    seen!("answered", ask(Call, SECOND, order::RESTART, 0, 0));
    seen!("answered", collect(FIRST));
}

/// A line that is pending keeps it from waiting; the server has the request all the same.
fn interrupted_while_its_server_waits() {
    seen!("interrupted", ask(Call, SECOND, order::FUSE, 0, 0));
    page::clear(ports::SECOND.line());
    page::set_enabled(Lines::TIMER);
    time::set_timer(0);
    seen!("interrupted", ask(Call, SECOND, order::NEXT, 0, 0));
    // Of this one the server does not see anything until it has parted with the other.
    let scratch = probe::scratch();
    let message = [FIRST, 0, scratch, 8, scratch, LENGTH];
    seen!("interrupted", status(CallMessage, message));
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    wait(ports::SECOND.line());
    seen!("interrupted", collect(SECOND));
    seen!("interrupted", collect(FIRST));
    seen!("interrupted", ask(Call, SECOND, order::PART, 0, 0));
    seen!("interrupted", collect(FIRST));
}

/// While the server waits in the call that replies: each form of a request, and each thing that can be wrong with a reply.
fn fused() {
    let scratch = probe::scratch();
    seen!("fused", ask(Call, SECOND, order::FUSE, 0, 0));
    seen!("fused", ask(CallSubmit, SECOND, order::NEXT, 0, 0));
    seen!("fused", collect(SECOND));
    // The server has written nothing in this life of the module yet that could be longer than this.
    seen!("fused", ask(Call, SECOND, order::TOO_LONG, 0, 0));
    let message = |room| status(CallMessage, [SECOND, 0, scratch, 8, scratch, room]);
    seen!("fused_message", message(LENGTH));
    seen!("fused_message", message(LENGTH - 1));
    seen!("fused_message", collect(SECOND));
    seen!("fused_bytes", ask(Call, SECOND, order::BYTES, 0, 0));
    seen!("fused_bytes", collect(SECOND));
    seen!("fused_late", ask(Call, SECOND, order::LATE, 300, 100));
    sleep_us(300);
    seen!("fused_late", ask(Call, SECOND, order::FUSE, 0, 0));
    seen!("fused_pending", ask(Call, SECOND, order::PENDING, 0, 0));
    seen!("fused_pending", ask(Call, SECOND, order::NEXT, 0, 0));
}

/// Somebody more urgent than it wakes while the server has the processor.
fn with_somebody_in_between() {
    for order in [order::FUSE, order::POKE, order::NEXT, order::PART] {
        seen!("between", ask(Call, SECOND, order, 0, 0));
    }
}

/// The same with client and server in each other's place.
fn called_back() {
    let back = ports::BACK.slot();
    page::clear(ports::BACK.line());
    seen!("back", ask(Call, FIRST, order::BACK, 0, 0));
    wait(ports::BACK.line());
    seen!("back", status(Receive, [back]));
    for _ in 0..5 {
        seen!("back", status(ReplyReceive, [back]));
    }
    seen!("back", status(WriteReply, [back, probe::scratch(), LENGTH]));
    seen!("back", status(Reply, [back, LENGTH]));
}

/// From here on the server waits in the call that replies when the next release comes.
fn left_waiting() {
    seen!("behind", ask(Call, SECOND, order::FUSE, 0, 0));
}

fn bytes_behind_a_release() {
    seen!("behind", ask(Call, SECOND, order::BYTES, 0, 0));
    seen!("behind", collect(SECOND));
}

/// Nobody answers: it is itself who would have to.
fn called_back_behind_a_release() {
    seen!("behind", ask(Call, SECOND, order::BACK, 0, 0));
}

fn parted_behind_a_release() {
    seen!("behind", ask(Call, SECOND, order::PART, 0, 0));
}
