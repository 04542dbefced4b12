//! The client that may ask, and neither set the clock nor switch the machine off. It tries both, and requests that are none.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use clock_messages::Request;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{Lines, Period, probe, wait};
use evidence::seen;
use power_messages::Request as Power;

cofferdam_native::partition!("visitor", main);

fn main() -> ! {
    Period::new().wait_release();
    seen!("visitor.now", ask(&Request::Now));
    seen!(
        "visitor.set",
        ask(&Request::Set(clock_messages::FIRST_SECOND))
    );
    no_request_to_the_clock();
    seen!(
        "visitor.off",
        steward::power(ports::POWER.call(&Power::PowerOff, 0))
    );
    seen!(
        "visitor.level",
        steward::power(ports::POWER.call(&Power::Level(1), 0))
    );
    no_request_to_the_power();
    // Both still serve.
    seen!("visitor.now", ask(&Request::Now));
    seen!(
        "visitor.level",
        steward::power(ports::POWER.call(&Power::Level(1), 0))
    );
    loop {
        wait(Lines::RELEASE);
    }
}

fn ask(request: &Request) -> u32 {
    steward::clock(ports::CLOCK.call(request, 0))
}

/// Bytes that are no request. There is no room for the reply, so that it stays to be collected.
fn no_request_to_the_clock() {
    let (slot, scratch) = (ports::CLOCK.slot(), probe::scratch());
    probe::fill(&[u32::MAX; 4]);
    for length in [1, 11] {
        let message = [slot, 0, scratch, length, scratch + 64, 0];
        let [status, ..] = probe::call(Hypercall::CallMessage.token(), message);
        seen!("visitor.no_room", status);
        let reply = match ports::CLOCK.collect() {
            Ok(Some(reply)) => steward::clock(Ok(reply)),
            Ok(None) => steward::NO_REPLY,
            Err(error) => steward::clock(Err(error)),
        };
        seen!("visitor.no_request", reply);
    }
}

/// The same in registers: a length that is none, and a request that is none. What comes back begins with length and number of the reply.
fn no_request_to_the_power() {
    for word in [0xffff_ffff, 0x01ff_ffff] {
        let arguments = [ports::POWER.slot(), 0, word, word, word, word];
        let [status, _, reply, ..] = probe::call(Hypercall::Call.token(), arguments);
        seen!("visitor.power_status", status);
        seen!("visitor.power_no_request", reply >> 16);
    }
}
