//! Serves `caller`, as it is asked: at once, late, or not at all.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{Restart, page, probe, restart_self, wait};
use evidence::seen;
use exercise::{Answer, Request, of, sleep_us};

cofferdam_native::partition!("server", main);

type Long = Bytes<1024>;

fn main() -> ! {
    seen!("server.start", page::start_reason() as u32);
    without_a_request();
    loop {
        wait(ports::ASK.line() | ports::TELL.line());
        while let Ok(Some(request)) = ports::ASK.receive() {
            serve(request);
        }
        while let Ok(Some(request)) = ports::TELL.receive() {
            serve_long(&request);
        }
    }
}

/// What a server gets that has not taken any request.
fn without_a_request() {
    let (slot, scratch) = (ports::TELL.slot(), probe::scratch());
    let status = |call: Hypercall, arguments| probe::call(call.token(), arguments)[0];
    seen!(
        "server.receive_none",
        status(Hypercall::Receive, [slot, 0, 0, 0, 0, 0])
    );
    seen!(
        "server.reply_none",
        status(Hypercall::Reply, [slot, 0, 0, 0, 0, 0])
    );
    // Nobody has written a byte of a reply yet: in the first life.
    seen!(
        "server.reply_unwritten",
        status(Hypercall::Reply, [slot, 1, 0, 0, 0, 0])
    );
    seen!(
        "server.reply_too_long",
        status(Hypercall::Reply, [slot, 1025, 0, 0, 0, 0])
    );
    seen!(
        "server.reply_receive_none",
        status(Hypercall::ReplyReceive, [slot, 0, 0, 0, 0, 0])
    );
    seen!(
        "server.read_none",
        status(Hypercall::ReadRequest, [slot, scratch, 1024, 0, 0, 0])
    );
    seen!(
        "server.write_none",
        status(Hypercall::WriteReply, [slot, scratch, 4, 0, 0, 0])
    );
    seen!(
        "server.write_too_long",
        status(Hypercall::WriteReply, [slot, scratch, 1025, 0, 0, 0])
    );
}

fn serve(request: Request) {
    match request {
        Request::Next(number) => answer(number + 1),
        Request::Sleep(microseconds) => {
            sleep_us(microseconds);
            seen!("server.late_reply", of(&ports::ASK.reply(&Answer(0x200))));
        }
        Request::Fuse => serve_fused(),
        Request::Part => answer(0),
        Request::Restart => restart_self(Restart::Cold),
        Request::Fail => panic!("asked to fail"),
    }
}

fn answer(number: u32) {
    // If the caller has given up, it knows.
    let _ = ports::ASK.reply(&Answer(number));
}

/// Replies and waits in one call, until it is asked to part.
fn serve_fused() {
    let mut reply = Answer(0x300);
    while let Ok(Request::Next(number)) = ports::ASK.reply_receive(&reply) {
        reply = Answer(number + 1);
    }
    answer(0x301);
}

/// Each byte of the answer is one more than the question's.
fn serve_long(request: &Long) {
    let (slot, scratch) = (ports::TELL.slot(), probe::scratch());
    let status = |call: Hypercall, arguments| probe::call(call.token(), arguments)[0];
    seen!(
        "server.receive_again",
        status(Hypercall::Receive, [slot, 0, 0, 0, 0, 0])
    );
    seen!(
        "server.read_into_little",
        status(Hypercall::ReadRequest, [slot, scratch, 0, 0, 0, 0])
    );
    let mut bytes = [0; 1024];
    for (byte, asked) in bytes.iter_mut().zip(request.iter()) {
        *byte = asked.wrapping_add(1);
    }
    let reply = Long::try_from(bytes.get(..request.len()).unwrap_or_default()).unwrap_or_default();
    let _ = ports::TELL.reply(&reply);
}
