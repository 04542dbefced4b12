//! A client with the bare ends of its rings, whose driver writes into them what it likes: one request, one answer, and what both of them came to,
//! by its name.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::wait;
use evidence::{Outcome, of_ring, seen};
use hostile_network::{CLIENT, VICTIM, header};
use network_messages::{Operation, Request};

cofferdam_native::partition!("victim", main);

/// A frame of its own, for which the other client's driver has no business.
const FRAME_BYTES: u32 = 100;

fn main() -> ! {
    let Some((mut requests, mut replies)) = ports::NETWORK.attach() else {
        panic!("the ring was given away before");
    };
    ports::NETWORK.payload().copy_in(0, &header(VICTIM, CLIENT));
    for id in 0.. {
        let pushed = requests.push(&Request {
            id,
            operation: Operation::Send,
            offset: 0,
            length: FRAME_BYTES,
        });
        seen!("victim.push", of_ring(&pushed));
        // Its only refusals concern the configuration, which is fixed.
        let _ = requests.ring_doorbell();
        wait(ports::NETWORK.line());
        let popped = match replies.pop() {
            Ok(None) => Outcome::Nothing as u32,
            other => of_ring(&other),
        };
        seen!("victim.pop", popped);
    }
    panic!("there are no more numbers");
}
