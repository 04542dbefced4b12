//! Breaks each rule that there is for what is asked of a network's driver, and floods the one that it may talk with.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{RingConsumer, RingError, RingProducer, SharedMemory, wait};
use evidence::seen;
use network_check::{ANSWERER, ASKER, Address, BROADCAST, HOSTILE, PROTOCOL, header};
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request, Status};

cofferdam_native::partition!("hostile", main);

/// Some station on the wire, with which it may not talk.
const OUTSIDE: Address = [2, 0, 0, 0, 9, 9];

struct Network {
    requests: RingProducer<Request>,
    replies: RingConsumer<Reply>,
    payload: SharedMemory,
    last_id: u32,
}

fn main() -> ! {
    let Some((requests, replies)) = ports::NETWORK.attach() else {
        panic!("the ring was given away before");
    };
    let payload = ports::NETWORK.payload();
    let end = payload.length();
    let mut network = Network {
        requests,
        replies,
        payload,
        last_id: 0,
    };
    let own = header(ASKER, HOSTILE, PROTOCOL);
    seen!("allowed", network.send(own, 0, 60));
    seen!("shortest", network.send(own, 0, 14));
    seen!("longest", network.send(own, 0, FRAME_BYTES_MAX));
    seen!("anywhere", network.send(own, 1, 61));
    // Lengths and places that cannot be.
    seen!("runt", network.send(own, 0, 13));
    seen!("nothing", network.send(own, 0, 0));
    seen!("giant", network.send(own, 0, FRAME_BYTES_MAX + 1));
    seen!("huge", network.send(own, 0, u32::MAX));
    seen!("behind_the_end", network.ask(Operation::Send, end, 60));
    seen!("over_the_end", network.ask(Operation::Send, end - 59, 60));
    seen!("wraps", network.ask(Operation::Send, u32::MAX - 13, 60));
    seen!("room.small", network.ask(Operation::Receive, 0, 1513));
    seen!("room.behind", network.ask(Operation::Receive, end, 1514));
    seen!(
        "room.wraps",
        network.ask(Operation::Receive, u32::MAX, 1514)
    );
    // Whose frame it is, and for whom.
    let from = |from| header(ASKER, from, PROTOCOL);
    seen!("as_the_asker", network.send(from(ASKER), 0, 60));
    seen!("as_the_answerer", network.send(from(ANSWERER), 0, 60));
    seen!("as_nobody", network.send(from([0; 6]), 0, 60));
    seen!("as_everybody", network.send(from(BROADCAST), 0, 60));
    seen!("as_another", network.send(from(OUTSIDE), 0, 60));
    let to = |to| header(to, HOSTILE, PROTOCOL);
    seen!("to_no_peer", network.send(to(ANSWERER), 0, 60));
    seen!("to_the_wire", network.send(to(OUTSIDE), 0, 60));
    seen!("to_itself", network.send(to(HOSTILE), 0, 60));
    seen!("to_all_peers", network.send(to(BROADCAST), 0, 60));
    // Types that the file does not let through: another, a length, one of a tag, and none at all.
    let of = |protocol| header(ASKER, HOSTILE, protocol);
    seen!("type.ipv4", network.send(of(0x0800), 0, 60));
    seen!("type.length", network.send(of(46), 0, 60));
    seen!("type.tag", network.send(of(0x8100), 0, 60));
    seen!("type.zero", network.send(of(0), 0, 60));
    seen!("cases", 1);
    network.flood(own)
}

impl Network {
    /// Sends a frame that begins so. What came of it, as the number of the status.
    fn send(&mut self, header: [u8; 14], offset: u32, length: u32) -> u32 {
        self.payload.copy_in(offset, &header);
        self.ask(Operation::Send, offset, length)
    }

    fn ask(&mut self, operation: Operation, offset: u32, length: u32) -> u32 {
        self.last_id += 1;
        let id = self.last_id;
        let request = Request {
            id,
            operation,
            offset,
            length,
        };
        if self.requests.push(&request).is_err() {
            return u32::MAX;
        }
        let _ = self.requests.ring_doorbell();
        loop {
            match self.replies.pop() {
                Ok(Some(reply)) if reply.id == id => {
                    return match reply.status {
                        Status::Done => 0,
                        Status::Malformed => 1,
                        Status::Refused => 2,
                        Status::Dropped => 3,
                    };
                }
                Err(RingError::PeerRestarted) => return u32::MAX,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => wait_for_driver(),
            }
        }
    }

    /// As much as there is room for, without end; in between as somebody else. Nobody reads the answers but to have room for more, and now and then to see that
    /// there is one: without it nothing more is sent.
    fn flood(&mut self, own: [u8; 14]) -> ! {
        let spoofed = header(ASKER, ANSWERER, PROTOCOL);
        self.payload.copy_in(0, &own);
        self.payload.copy_in(2048, &spoofed);
        loop {
            for _ in 0..64 {
                self.last_id = self.last_id.wrapping_add(1);
                // A restart of the driver is no reason to stop.
                let _ = self.requests.push(&Request {
                    id: self.last_id,
                    operation: Operation::Send,
                    // No divisor of how many it asks for at once: the first ones, which the rate lets through, are of both kinds.
                    offset: if self.last_id.is_multiple_of(5) {
                        2048
                    } else {
                        0
                    },
                    length: FRAME_BYTES_MAX,
                });
                let _ = self.replies.pop();
            }
            let _ = self.requests.ring_doorbell();
            wait_for_driver();
            self.ask(Operation::Send, 0, FRAME_BYTES_MIN);
        }
    }
}

fn wait_for_driver() {
    wait(ports::NETWORK.line());
}
