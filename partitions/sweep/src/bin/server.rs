//! Answers the intruder's calls.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::wait;

cofferdam_native::partition!("server", main);

fn main() -> ! {
    while !matches!(ports::ASK.receive(), Ok(Some(_))) {
        wait(ports::ASK.line());
    }
    let answer = Bytes::<8>::default();
    loop {
        let _ = ports::ASK.reply_receive(&answer);
    }
}
