//! The client before a driver that behaves, restarts, or lies.

use std::cell::RefCell;
use std::rc::Rc;

use cofferdam_ring::RingError;
use disk_messages::{Operation, Reply, Request, Status};

use crate::{Client, Command, Event, Failure, Refused, Shape, Transfer};

const PAYLOAD_BYTES: u32 = 8192;
const SHAPE: Shape = Shape {
    sectors: 64,
    read_only: false,
};

type ModelChannel = driver_client::model::ModelChannel<Request, Reply>;
type Wire = driver_client::model::Wire<Request, Reply>;

struct Bench {
    wire: Rc<RefCell<Wire>>,
    client: Client<ModelChannel, u32, 4>,
}

impl Bench {
    /// A client that waits for the shape.
    fn new() -> Self {
        let channel = ModelChannel::new(PAYLOAD_BYTES, 8);
        Self {
            wire: Rc::clone(&channel.0),
            client: Client::new(channel, 0x5_0007),
        }
    }

    fn ready() -> Self {
        let mut bench = Self::new();
        bench.answer_describe();
        assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
        bench
    }

    fn take(&self) -> Request {
        self.wire
            .borrow_mut()
            .requests
            .pop_front()
            .expect("one was pushed")
    }

    fn answer(&self, id: u32, status: Status, sectors: u64) {
        self.wire.borrow_mut().replies.push_back(Reply {
            id,
            status,
            sectors,
            read_only: false,
        });
    }

    fn answer_describe(&self) {
        let request = self.take();
        assert_eq!(request.operation, Operation::Describe);
        self.answer(request.id, Status::Done, SHAPE.sectors);
    }

    fn restart(&self) {
        self.client.channel().restart_driver();
    }
}

const fn transfer(sector: u64, sectors: u32, offset: u32) -> Transfer {
    Transfer {
        sector,
        sectors,
        offset,
    }
}

const fn read(offset: u32) -> Command {
    Command::Read(transfer(1, 1, offset))
}

fn ended(command: Command, tag: u32, result: Result<(), Failure>) -> Option<Event<u32>> {
    Some(Event::Ended {
        command,
        tag,
        result,
    })
}

#[test]
fn the_shape_comes_first() {
    let mut bench = Bench::new();
    assert_eq!(bench.wire.borrow().doorbells, 1);
    assert_eq!(bench.client.submit(read(0), 0), Err(Refused::NotReady));
    assert_eq!(bench.client.poll(), None);
    bench.answer_describe();
    assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
    assert_eq!(bench.client.shape(), Some(SHAPE));
    assert_eq!(bench.client.submit(read(0), 0), Ok(()));
}

#[test]
fn whoever_waits_has_told_the_driver_before() {
    let mut bench = Bench::ready();
    bench.client.submit(read(0), 7).expect("it is right");
    let wire = Rc::clone(&bench.wire);
    let mut waits = 0;
    let event = bench.client.next_event(|| {
        waits += 1;
        let mut wire = wire.borrow_mut();
        assert_eq!(wire.doorbells, 2);
        if waits == 2 {
            let id = wire.requests.pop_front().expect("it was asked").id;
            wire.replies.push_back(Reply {
                id,
                status: Status::Done,
                sectors: 1,
                read_only: false,
            });
        }
    });
    assert_eq!(Some(event), ended(read(0), 7, Ok(())));
    assert_eq!(waits, 2);
}

#[test]
fn a_driver_without_a_disk_can_be_asked_again() {
    let mut bench = Bench::new();
    let request = bench.take();
    bench.answer(request.id, Status::Failed, 0);
    assert_eq!(bench.client.poll(), Some(Event::Down));
    assert_eq!(
        bench.client.submit(Command::Flush, 0),
        Err(Refused::NotReady)
    );
    bench.client.describe();
    bench.answer_describe();
    assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
}

#[test]
fn requests_end_in_any_order_with_their_tags() {
    let mut bench = Bench::ready();
    let write = Command::Write(transfer(60, 4, 1024));
    bench.client.submit(read(0), 10).expect("it is right");
    bench.client.submit(write, 11).expect("it is right");
    bench
        .client
        .submit(Command::Flush, 12)
        .expect("it is right");
    bench.client.announce();
    bench.client.announce();
    assert_eq!(bench.wire.borrow().doorbells, 2);
    let [first, second, third] = [bench.take(), bench.take(), bench.take()];
    assert_eq!(
        second,
        Request {
            id: second.id,
            operation: Operation::Write,
            sector: 60,
            sectors: 4,
            offset: 1024
        }
    );
    assert!(
        [first, second, third]
            .iter()
            .all(|request| request.id >> 16 == 7)
    );
    bench.answer(third.id, Status::Done, 0);
    bench.answer(first.id, Status::OutOfRange, 0);
    bench.answer(second.id, Status::Done, 4);
    assert_eq!(bench.client.poll(), ended(Command::Flush, 12, Ok(())));
    assert_eq!(
        bench.client.poll(),
        ended(read(0), 10, Err(Failure::OutOfRange))
    );
    assert_eq!(bench.client.poll(), ended(write, 11, Ok(())));
    assert_eq!((bench.client.poll(), bench.client.in_flight()), (None, 0));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut bench = Bench::ready();
    bench.client.submit(read(1024), 0).expect("it is right");
    let wrong = [
        (transfer(0, 0, 0), Refused::Malformed),
        (transfer(0, 1, 2), Refused::Malformed),
        (transfer(0, 1, PAYLOAD_BYTES - 508), Refused::Malformed),
        (transfer(0, 1 << 23, 0), Refused::Malformed),
        (transfer(0, 1, u32::MAX - 3), Refused::Malformed),
        (transfer(64, 1, 0), Refused::OutOfRange),
        (transfer(u64::MAX, 1, 0), Refused::OutOfRange),
        (transfer(0, 1, 1532), Refused::Overlap),
        (transfer(0, 4, 0), Refused::Overlap),
    ];
    for (transfer, expected) in wrong {
        assert_eq!(
            bench.client.submit(Command::Read(transfer), 0),
            Err(expected)
        );
        assert_eq!(
            bench.client.submit(Command::Write(transfer), 0),
            Err(expected)
        );
    }
    for offset in [512, 1536, 0] {
        assert_eq!(bench.client.submit(read(offset), 0), Ok(()));
    }
    assert_eq!(bench.client.submit(Command::Flush, 0), Err(Refused::Full));
}

#[test]
fn a_full_ring_refuses() {
    let mut bench = Bench::ready();
    bench.wire.borrow_mut().room = 0;
    assert_eq!(bench.client.submit(read(0), 0), Err(Refused::Full));
    bench.wire.borrow_mut().push_error = Some(RingError::Corrupt);
    assert_eq!(bench.client.submit(read(0), 0), Err(Refused::Broken));
    assert_eq!(bench.client.in_flight(), 0);
}

#[test]
fn nobody_writes_to_what_is_read_only() {
    let mut bench = Bench::new();
    let id = bench.take().id;
    bench.wire.borrow_mut().replies.push_back(Reply {
        id,
        status: Status::Done,
        sectors: 8,
        read_only: true,
    });
    assert!(matches!(bench.client.poll(), Some(Event::Ready(_))));
    let write = Command::Write(transfer(0, 1, 0));
    assert_eq!(bench.client.submit(write, 0), Err(Refused::ReadOnly));
}

#[test]
fn lies_of_the_driver_end_nothing_or_end_as_failed() {
    let mut bench = Bench::ready();
    bench.client.submit(read(0), 10).expect("it is right");
    let request = bench.take();
    // Nothing has these ids: one of another life, and one that comes later.
    bench.answer(request.id ^ 0x1_0000, Status::Done, 1);
    bench.answer(request.id + 1, Status::Done, 1);
    assert_eq!(bench.client.poll(), None);
    // More than was asked for.
    bench.answer(request.id, Status::Done, 2);
    // And again.
    bench.answer(request.id, Status::Done, 1);
    assert_eq!(
        bench.client.poll(),
        ended(read(0), 10, Err(Failure::Failed))
    );
    assert_eq!(bench.client.poll(), None);
}

#[test]
fn what_was_in_flight_is_interrupted_when_the_new_driver_has_answered() {
    // Whichever ring tells it first.
    for by_push in [false, true] {
        let mut bench = Bench::ready();
        bench.client.submit(read(0), 10).expect("it is right");
        bench.client.submit(read(512), 11).expect("it is right");
        let old = bench.take();
        bench.restart();
        if by_push {
            assert_eq!(bench.client.submit(read(1024), 12), Err(Refused::NotReady));
        }
        assert_eq!(bench.client.poll(), None);
        assert_eq!(bench.client.in_flight(), 2);
        assert_eq!(bench.client.submit(read(1024), 12), Err(Refused::NotReady));
        // An answer to what is lost counts no more.
        bench.answer(old.id, Status::Done, 1);
        // The second ring told it too: only the last question counts.
        let mut last = bench.take();
        while !bench.wire.borrow().requests.is_empty() {
            bench.answer(last.id, Status::Done, 1);
            assert_eq!(bench.client.poll(), None);
            last = bench.take();
        }
        bench.answer(last.id, Status::Done, 64);
        assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
        let interrupted = Err(Failure::Interrupted);
        assert_eq!(bench.client.poll(), ended(read(0), 10, interrupted));
        assert_eq!(bench.client.poll(), ended(read(512), 11, interrupted));
        assert_eq!(bench.client.poll(), None);
        assert_eq!(bench.client.submit(read(0), 13), Ok(()));
    }
}

#[test]
fn what_a_stopped_driver_had_ends_as_such_and_so_does_what_comes_later() {
    let mut bench = Bench::ready();
    for place in 0..3 {
        let asked = bench.client.submit(read(512 * place), place);
        asked.expect("it is right");
    }
    let first = bench.take();
    bench.wire.borrow_mut().stopped = true;
    // What it answered before counts.
    bench.answer(first.id, Status::Done, 1);
    assert_eq!(bench.client.poll(), ended(read(0), 0, Ok(())));
    assert_eq!(bench.client.poll(), Some(Event::Stopped));
    assert!(bench.client.is_stopped());
    for place in 1..3 {
        let expected = ended(read(512 * place), place, Err(Failure::Stopped));
        assert_eq!(bench.client.poll(), expected);
    }
    for _ in 0..2 {
        assert_eq!((bench.client.poll(), bench.client.in_flight()), (None, 0));
        assert_eq!(bench.client.submit(read(0), 9), Err(Refused::Stopped));
    }
    // Somebody starts it again.
    bench.restart();
    assert_eq!(bench.client.poll(), None);
    let mut last = bench.take();
    while !bench.wire.borrow().requests.is_empty() {
        last = bench.take();
    }
    bench.answer(last.id, Status::Done, SHAPE.sectors);
    assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
    assert_eq!(bench.client.submit(read(0), 9), Ok(()));
}

#[test]
fn a_driver_that_is_stopped_before_it_answers_is_stopped() {
    let mut bench = Bench::new();
    bench.wire.borrow_mut().stopped = true;
    assert_eq!(bench.client.poll(), Some(Event::Stopped));
    assert_eq!(bench.client.poll(), None);
}

#[test]
fn a_question_that_the_first_driver_took_along_is_asked_again() {
    let mut bench = Bench::new();
    bench.take();
    // For who has seen no answer yet, the way back does not tell of it.
    bench.wire.borrow_mut().push_error = Some(RingError::PeerRestarted);
    assert_eq!(bench.client.poll(), None);
    bench.client.announce();
    bench.answer_describe();
    assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
    assert_eq!(bench.wire.borrow().doorbells, 2);
}

#[test]
fn the_question_for_the_shape_waits_for_room() {
    let mut bench = Bench::ready();
    bench.restart();
    bench.wire.borrow_mut().room = 0;
    assert_eq!(bench.client.poll(), None);
    assert_eq!(bench.client.poll(), None);
    bench.wire.borrow_mut().room = 1;
    assert_eq!(bench.client.poll(), None);
    bench.client.announce();
    bench.answer_describe();
    assert_eq!(bench.client.poll(), Some(Event::Ready(SHAPE)));
}
