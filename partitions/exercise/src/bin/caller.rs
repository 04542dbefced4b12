//! Leads through calls: each variant, and each state in which its server can be.
//!
//! Its frame has a window with the server, which is more urgent, and then one without it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{Error, Lines, Restart, page, probe, restart_self, time, wait};
use evidence::{Outcome, seen};
use exercise::{Answer, Request, begin, microseconds_since, of, sleep_us, ticks_of};

cofferdam_native::partition!("caller", main);

/// Behind the release: the end of the window with the server is near.
const NEAR_THE_END_US: u32 = 1900;
/// Behind the release: the window without the server has begun.
const WITHOUT_SERVER_US: u32 = 2100;

fn main() -> ! {
    if page::epoch() > 1 {
        behind_its_own_restart();
    }
    in_registers();
    fused();
    in_memory();
    into_too_little();
    with_bad_arguments();
    submitted();
    out_of_window();
    to_a_busy_server();
    past_the_deadline();
    past_the_deadline_unattended();
    interrupted();
    interrupted_beforehand();
    over_the_end_of_the_window();
    timed_out_in_its_own_window();
    timed_out_in_nobodys_window();
    to_a_server_that_restarts();
    to_a_server_that_is_being_started();
    to_a_dead_server();
    to_a_server_that_fails();
    to_a_server_that_need_not_wait();
    begin();
    let submitted = ports::ASK.submit(&Request::Sleep(600), 0);
    seen!("own_restart", of(&submitted));
    restart_self(Restart::Cold)
}

/// The server still has what the life before asked, and its answer is dropped.
fn behind_its_own_restart() -> ! {
    seen!("own_restart.again", ask(Request::Next(0)));
    seen!("own_restart.collect", collected());
    sleep_us(700);
    seen!("own_restart.over", ask(Request::Next(0x1a0)));
    loop {
        begin();
    }
}

/// The answer's number, or what came instead.
fn answer(result: Result<Answer, Error>) -> u32 {
    match result {
        Ok(Answer(number)) => number,
        Err(_) => of(&result),
    }
}

fn collected() -> u32 {
    match ports::ASK.collect() {
        Ok(None) => Outcome::Nothing as u32,
        Ok(Some(Answer(number))) => number,
        other => of(&other),
    }
}

fn ask(request: Request) -> u32 {
    answer(ports::ASK.call(&request, 0))
}

/// A long call: the length of the answer, and the sum of its bytes.
fn tell(length: usize, time_out_us: u32) -> u32 {
    let bytes: [u8; 1024] = core::array::from_fn(|index| index as u8);
    let request = bytes.get(..length).unwrap_or_default();
    let request = Bytes::try_from(request).unwrap_or_default();
    match ports::TELL.call(&request, ticks_of(time_out_us)) {
        Ok(reply) => {
            let sum: u32 = reply.iter().map(|byte| u32::from(*byte)).sum();
            (reply.len() as u32) << 20 | sum
        }
        other => of(&other),
    }
}

fn in_registers() {
    begin();
    seen!("call.registers", ask(Request::Next(0x100)));
}

/// While the server waits for the next request in its reply, a call is one switch there and one back.
fn fused() {
    begin();
    seen!("call.fused", ask(Request::Fuse));
    for number in 0x100..0x103 {
        seen!("call.fused", ask(Request::Next(number)));
    }
    seen!("call.fused", ask(Request::Part));
    seen!("call.fused", ask(Request::Next(0x110)));
}

fn in_memory() {
    begin();
    for length in [0, 1, 40, 1024] {
        seen!("call.memory", tell(length, 0));
    }
}

/// The reply stays until there is room for it.
fn into_too_little() {
    begin();
    let (slot, scratch) = (ports::TELL.slot(), probe::scratch());
    let call = |call: Hypercall, arguments| probe::call(call.token(), arguments);
    probe::fill(&[0; 64]);
    let message = [slot, 0, scratch, 40, scratch + 64, 39];
    seen!("call.into_little", call(Hypercall::CallMessage, message)[0]);
    let collect = |capacity| {
        call(
            Hypercall::CallCollect,
            [slot, scratch + 64, capacity, 0, 0, 0],
        )
    };
    seen!("call.into_little", collect(39)[0]);
    let [status, length, ..] = collect(40);
    seen!("call.into_little", status);
    seen!("call.into_little_length", length);
    seen!("call.into_little", collect(40)[0]);
}

fn with_bad_arguments() {
    begin();
    let (slot, scratch) = (ports::TELL.slot(), probe::scratch());
    let call = |arguments| probe::call(Hypercall::CallMessage.token(), arguments)[0];
    // Longer than the channel's message; not aligned; not its memory, for the request and for the reply.
    seen!("call.bad", call([slot, 0, scratch, 1025, scratch, 0]));
    seen!("call.bad", call([slot, 0, scratch + 2, 4, scratch, 0]));
    seen!("call.bad", call([slot, 0, 0x1000, 4, scratch, 0]));
    seen!("call.bad", call([slot, 0, scratch, 4, 0x1000, 4]));
    seen!("call.bad", call([slot + 0x100, 0, scratch, 4, scratch, 4]));
}

fn submitted() {
    begin();
    page::clear(ports::ASK.line());
    seen!("submit", of(&ports::ASK.submit(&Request::Sleep(200), 0)));
    seen!("submit.early", collected());
    seen!("submit.second", of(&ports::ASK.submit(&Request::Part, 0)));
    seen!("submit.second", ask(Request::Part));
    wait(ports::ASK.line());
    seen!("submit.uncollected", ask(Request::Part));
    seen!("submit.late", collected());
    seen!("submit.twice", collected());
}

fn out_of_window() {
    begin();
    sleep_us(WITHOUT_SERVER_US);
    seen!("out_of_window", ask(Request::Next(0)));
    seen!("out_of_window", tell(4, 0));
    seen!(
        "out_of_window",
        of(&ports::ASK.submit(&Request::Next(0), 0))
    );
    // Nothing was submitted.
    seen!("out_of_window", collected());
}

/// It sleeps over one request while another comes.
fn to_a_busy_server() {
    begin();
    page::clear(ports::ASK.line());
    seen!(
        "busy.submit",
        of(&ports::ASK.submit(&Request::Sleep(400), 0))
    );
    seen!("busy", tell(4, 100));
    let start = time::now();
    seen!("busy", tell(4, 0));
    seen!("busy.after_us", microseconds_since(start));
    wait(ports::ASK.line());
    seen!("busy.collect", collected());
}

/// The server has taken the request when the deadline passes.
fn past_the_deadline() {
    begin();
    let start = time::now();
    let time_out = ticks_of(200);
    seen!(
        "deadline",
        answer(ports::ASK.call(&Request::Sleep(600), time_out))
    );
    seen!("deadline.after_us", microseconds_since(start));
    // It still has it.
    seen!("deadline.again", ask(Request::Next(0)));
    sleep_us(500);
    seen!("deadline.over", ask(Request::Next(0x120)));
}

/// The same where the client does not wait.
fn past_the_deadline_unattended() {
    begin();
    page::clear(ports::ASK.line());
    let start = time::now();
    let time_out = ticks_of(200);
    let submitted = ports::ASK.submit(&Request::Sleep(600), time_out);
    seen!("expired", of(&submitted));
    wait(ports::ASK.line());
    seen!("expired.after_us", microseconds_since(start));
    seen!("expired.uncollected", ask(Request::Next(0)));
    seen!("expired", collected());
    seen!("expired.again", ask(Request::Next(0)));
    sleep_us(500);
    seen!("expired.over", ask(Request::Next(0x130)));
}

/// An enabled line ends the wait; the request stands.
fn interrupted() {
    begin();
    page::clear(ports::ASK.line());
    page::set_enabled(Lines::TIMER);
    time::set_timer(time::now() + u64::from(ticks_of(100)));
    seen!("interrupted", ask(Request::Sleep(300)));
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    seen!("interrupted.early", collected());
    wait(ports::ASK.line());
    seen!("interrupted.late", collected());
}

/// A line that is pending already keeps it from waiting.
fn interrupted_beforehand() {
    begin();
    page::clear(ports::ASK.line());
    time::set_timer(0);
    page::set_enabled(Lines::TIMER);
    seen!("interrupted", ask(Request::Next(0x140)));
    page::set_enabled(Lines::NONE);
    page::clear(Lines::TIMER);
    wait(ports::ASK.line());
    seen!("interrupted.late", collected());
}

/// The server's window ends before it answers: the answer comes in the next one.
fn over_the_end_of_the_window() {
    let release = begin();
    sleep_us(NEAR_THE_END_US);
    seen!("window_end", ask(Request::Sleep(300)));
    seen!("window_end.after_us", microseconds_since(release.tick));
}

fn timed_out_in_its_own_window() {
    let release = begin();
    sleep_us(NEAR_THE_END_US);
    let time_out = ticks_of(500);
    seen!(
        "window_end.deadline",
        answer(ports::ASK.call(&Request::Sleep(1000), time_out))
    );
    seen!(
        "window_end.deadline_after_us",
        microseconds_since(release.tick)
    );
    begin();
}

/// The deadline passes while neither may run: the client learns of it when its window comes.
fn timed_out_in_nobodys_window() {
    let release = begin();
    sleep_us(NEAR_THE_END_US);
    let time_out = ticks_of(3000);
    seen!(
        "nobodys_window",
        answer(ports::ASK.call(&Request::Sleep(2000), time_out))
    );
    seen!("nobodys_window.after_us", microseconds_since(release.tick));
    begin();
}

fn peer_epoch() -> u32 {
    match ports::ASK.summary() {
        Ok(summary) => summary.peer_epoch,
        other => of(&other),
    }
}

fn server_state() -> u32 {
    match ports::PARTITION_CONTROL_SERVER.status() {
        Ok(status) => status.state.map_or(u32::MAX, |state| state as u32),
        other => of(&other),
    }
}

fn to_a_server_that_restarts() {
    begin();
    page::clear(ports::ASK.line());
    seen!("restarts.epoch", peer_epoch());
    seen!("restarts", ask(Request::Restart));
    seen!("restarts.line", wait(ports::ASK.line()).is_empty().into());
    seen!("restarts.epoch", peer_epoch());
    seen!("restarts.over", ask(Request::Next(0x150)));
}

/// Restarted where it has no window, so that nothing prepares its memory.
fn to_a_server_that_is_being_started() {
    begin();
    sleep_us(WITHOUT_SERVER_US);
    let restarted = ports::PARTITION_CONTROL_SERVER.restart(Restart::Cold);
    seen!("starting", of(&restarted));
    seen!("starting.state", server_state());
    seen!("starting.call", ask(Request::Next(0)));
    begin();
    seen!("starting.over", ask(Request::Next(0x160)));
}

fn to_a_dead_server() {
    begin();
    let submitted = ports::ASK.submit(&Request::Sleep(500), 0);
    seen!("dead", of(&submitted));
    seen!("dead", of(&ports::PARTITION_CONTROL_SERVER.stop()));
    seen!("dead.state", server_state());
    seen!("dead.collect", collected());
    seen!("dead.call", ask(Request::Next(0)));
    seen!("dead.call", tell(4, 0));
    let submitted = ports::ASK.submit(&Request::Next(0), 0);
    seen!("dead.call", of(&submitted));
    let restarted = ports::PARTITION_CONTROL_SERVER.restart(Restart::Warm);
    seen!("dead", of(&restarted));
    begin();
    seen!("dead.over", ask(Request::Next(0x170)));
}

/// The health monitor restarts it, after a while.
fn to_a_server_that_fails() {
    begin();
    seen!("fails", ask(Request::Fail));
    seen!("fails.state", server_state());
    seen!("fails.call", ask(Request::Next(0)));
    begin();
    seen!("fails.over", ask(Request::Next(0x180)));
}

/// A restart that is ordered ends the wait for the one that the health monitor had put off.
fn to_a_server_that_need_not_wait() {
    begin();
    seen!("fails_again", ask(Request::Fail));
    seen!("fails_again.state", server_state());
    let restarted = ports::PARTITION_CONTROL_SERVER.restart(Restart::Cold);
    seen!("fails_again.restart", of(&restarted));
    // It is more urgent: it is up already.
    seen!("fails_again.over", ask(Request::Next(0x190)));
}
