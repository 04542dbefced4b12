//! A client against a driver that keeps to the protocol, and one that does not.

use std::vec;
use std::vec::Vec;

use cofferdam_ring::RingError;
use driver_client::Payload as _;
use network_messages::{Operation, Reply, Request, Status};

use crate::{Address, BUFFER_BYTES, Client};

const RECEIVES: usize = 4;
const SENDS: usize = 2;
const OWN: Address = [2, 0, 0, 0, 1, 1];

type Ring = driver_client::model::ModelChannel<Request, Reply>;

struct Bench {
    ring: Ring,
    client: Client<Ring, RECEIVES, SENDS>,
}

impl Bench {
    fn new() -> Self {
        let ring = Ring::new((RECEIVES + SENDS) as u32 * BUFFER_BYTES, 8);
        let client = Client::new(ring.clone(), 7).expect("there is payload");
        Self { ring, client }
    }

    fn ready() -> Self {
        let mut bench = Self::new();
        bench.describe();
        bench
    }

    /// The driver says who the client is, and the client gives its buffers.
    fn describe(&mut self) {
        let asked = self.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].operation, Operation::Describe);
        self.answer(asked[0].id, Status::Done, 0);
        self.client.poll();
    }

    fn asked(&self) -> Vec<Request> {
        self.ring.0.borrow_mut().requests.drain(..).collect()
    }

    fn answer(&self, id: u32, status: Status, length: u32) {
        self.ring.0.borrow_mut().replies.push_back(Reply {
            id,
            status,
            length,
            address: OWN,
        });
    }
}

#[test]
fn nothing_is_done_before_the_answer() {
    let mut bench = Bench::new();
    assert!(!bench.client.can_send() && !bench.client.send(&[0; 60]));
    bench.client.poll();
    assert_eq!(bench.client.address(), None);
    bench.describe();
    assert_eq!(bench.client.address(), Some(OWN));
    let given = bench.asked();
    assert_eq!(given.len(), RECEIVES);
    for (number, request) in (0..).zip(&given) {
        assert_eq!(request.operation, Operation::Receive);
        assert_eq!(request.offset, number * BUFFER_BYTES);
    }
}

#[test]
fn frames_come_in_their_order() {
    let mut bench = Bench::ready();
    let given = bench.asked();
    for (number, request) in given.iter().enumerate().take(2) {
        bench.ring.copy_in(request.offset, &[number as u8 + 1; 60]);
        bench.answer(request.id, Status::Done, 60 + number as u32);
    }
    bench.client.poll();
    let mut room = [0; 1514];
    assert_eq!(bench.client.receive(&mut room), Some(60));
    assert_eq!(room[..60], [1; 60]);
    assert_eq!(bench.client.receive(&mut room), Some(61));
    assert_eq!(room[..60], [2; 60]);
    assert_eq!(bench.client.receive(&mut room), None);
    // Its buffers are given again.
    bench.client.poll();
    assert_eq!(bench.asked().len(), 2);
}

#[test]
fn frames_go_out_of_buffers_that_are_free() {
    let mut bench = Bench::ready();
    bench.asked();
    for number in 0..SENDS {
        assert!(bench.client.send(&[number as u8; 60]));
    }
    assert!(!bench.client.can_send() && !bench.client.send(&[9; 60]));
    let before = bench.ring.0.borrow().doorbells;
    bench.client.announce();
    bench.client.announce();
    assert_eq!(bench.ring.0.borrow().doorbells, before + 1);
    let sent = bench.asked();
    assert_eq!(sent.len(), SENDS);
    assert_ne!(sent[0].offset, sent[1].offset);
    bench.answer(sent[1].id, Status::Dropped, 0);
    bench.client.poll();
    assert!(bench.client.send(&[7; 60]));
    assert_eq!(bench.asked()[0].offset, sent[1].offset);
    for length in [0, 13, 1515] {
        assert!(!bench.client.send(&vec![0; length]), "{length}");
    }
}

#[test]
fn lies_are_nothing() {
    let mut bench = Bench::ready();
    let given = bench.asked();
    let lies = [
        (given[0].id ^ 0x1_0000, Status::Done, 60),
        (given[0].id, Status::Done, 1515),
        (given[1].id, Status::Done, 13),
        (given[2].id, Status::Done, u32::MAX),
        (given[3].id, Status::Malformed, 60),
        (given[0].id, Status::Done, 60),
    ];
    for (id, status, length) in lies {
        bench.answer(id, status, length);
    }
    bench.client.poll();
    assert_eq!(bench.client.receive(&mut [0; 1514]), None);
    assert_eq!(bench.asked().len(), RECEIVES, "each is given again");
}

#[test]
fn a_driver_that_restarts_is_asked_again() {
    let mut bench = Bench::ready();
    let given = bench.asked();
    bench.answer(given[0].id, Status::Done, 60);
    bench.client.poll();
    assert!(bench.client.send(&[1; 60]));
    bench.asked();
    bench.ring.restart_driver();
    bench.client.poll();
    assert_eq!(bench.client.address(), None);
    assert!(!bench.client.can_send());
    // What the old driver answered is none any more.
    bench.answer(given[1].id, Status::Done, 60);
    bench.client.poll();
    bench.describe();
    // What had come is there still, and that buffer is not given.
    assert_eq!(bench.asked().len(), RECEIVES - 1);
    assert_eq!(bench.client.receive(&mut [0; 1514]), Some(60));
    assert_eq!(bench.client.receive(&mut [0; 1514]), None);
    assert!(bench.client.can_send());
}

#[test]
fn a_driver_that_restarts_before_it_answered_is_asked_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.asked().len(), 1);
    bench.ring.0.borrow_mut().push_error = Some(RingError::PeerRestarted);
    bench.client.poll();
    bench.describe();
    assert_eq!(bench.client.address(), Some(OWN));
}

#[test]
fn a_driver_that_is_stopped_has_nothing_and_gets_nothing() {
    let mut bench = Bench::ready();
    let given = bench.asked();
    assert!(bench.client.send(&[1; 60]));
    bench.asked();
    bench.answer(given[0].id, Status::Done, 60);
    bench.ring.0.borrow_mut().stopped = true;
    assert!(!bench.client.is_stopped(), "nobody has looked");
    bench.client.poll();
    assert!(bench.client.is_stopped());
    assert!(!bench.client.can_send() && !bench.client.send(&[1; 60]));
    // What came before is there.
    assert_eq!(bench.client.receive(&mut [0; 1514]), Some(60));
    bench.client.poll();
    assert_eq!(bench.asked(), []);
    // Somebody starts it again.
    bench.ring.restart_driver();
    bench.client.poll();
    assert!(!bench.client.is_stopped());
    bench.client.poll();
    let asked = bench.asked();
    bench.answer(asked[asked.len() - 1].id, Status::Done, 0);
    bench.client.poll();
    assert_eq!(bench.asked().len(), RECEIVES);
    assert!(bench.client.can_send());
}

#[test]
fn too_little_payload_is_none() {
    let ring = Ring::new((RECEIVES + SENDS) as u32 * BUFFER_BYTES - 1, 8);
    assert!(Client::<_, RECEIVES, SENDS>::new(ring, 1).is_none());
}
