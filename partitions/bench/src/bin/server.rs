//! Answers the client.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::wait;

cofferdam_native::partition!("server", main);

fn main() -> ! {
    // The first request is waited for by its line; each later one comes with the reply to the one before.
    while !matches!(ports::ASK.receive(), Ok(Some(_))) {
        wait(ports::ASK.line());
    }
    let answer = Bytes::<8>::default();
    loop {
        reply_receive(&answer);
    }
}

#[inline(never)]
fn reply_receive(answer: &Bytes<8>) {
    let _ = ports::ASK.reply_receive(answer);
}
