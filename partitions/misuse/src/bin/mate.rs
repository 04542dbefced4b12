//! The other end of the channels of `odd`: it has written, sent and asked before that one begins, and then serves it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::Status;
use cofferdam_native::abi::hypercall::Hypercall::*;
use cofferdam_native::{probe, wait};
use evidence::seen;
use misuse::{sleep_us, status};

cofferdam_native::partition!("mate", main);

const LENGTH: u32 = 40;

fn main() -> ! {
    let scratch = probe::scratch();
    let of = |slot| [slot, scratch, LENGTH];
    seen!("mate.ready", status(SamplingWrite, of(ports::TOLD.slot())));
    for _ in 0..2 {
        seen!("mate.ready", status(QueuingSend, of(ports::MAIL.slot())));
    }
    let serve = [ports::SERVE.slot(), 0, scratch, LENGTH, scratch, LENGTH];
    let mut asked = Status::PeerDown as u32;
    while asked == Status::PeerDown as u32 {
        sleep_us(10);
        asked = status(CallMessage, serve);
    }
    seen!("mate.asked", asked);
    let ask = ports::ASK.slot();
    loop {
        wait(ports::ASK.line());
        while status(Receive, [ask]) == 0 {
            status(WriteReply, of(ask));
            status(Reply, [ask, LENGTH]);
        }
    }
}
