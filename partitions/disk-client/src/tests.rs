//! The client before a driver that behaves, restarts, or lies.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::vec::Vec;

use cofferdam_ring::RingError;
use disk_messages::{Operation, Reply, Request, Status};
use proptest::prelude::*;

use crate::{Channel, Client, Command, Event, Failure, Refused, Shape, Transfer};

const PAYLOAD_BYTES: u32 = 8192;
const SHAPE: Shape = Shape {
    sectors: 64,
    read_only: false,
};

#[derive(Debug, Default)]
struct Wire {
    requests: VecDeque<Request>,
    replies: VecDeque<Reply>,
    room: usize,
    push_error: Option<RingError>,
    pop_error: Option<RingError>,
    doorbells: usize,
}

#[derive(Clone, Debug)]
struct ModelChannel(Rc<RefCell<Wire>>);

fn told(error: &mut Option<RingError>) -> Result<(), RingError> {
    match *error {
        None => Ok(()),
        Some(told) => {
            if matches!(told, RingError::PeerRestarted | RingError::Decode(_)) {
                *error = None;
            }
            Err(told)
        }
    }
}

impl Channel for ModelChannel {
    fn push(&mut self, request: &Request) -> Result<(), RingError> {
        let wire = &mut *self.0.borrow_mut();
        told(&mut wire.push_error)?;
        if wire.requests.len() >= wire.room {
            return Err(RingError::Full);
        }
        wire.requests.push_back(*request);
        Ok(())
    }

    fn room(&mut self) -> Result<u32, RingError> {
        let wire = &mut *self.0.borrow_mut();
        told(&mut wire.push_error)?;
        Ok(wire.room.saturating_sub(wire.requests.len()) as u32)
    }

    fn pop(&mut self) -> Result<Option<Reply>, RingError> {
        let wire = &mut *self.0.borrow_mut();
        told(&mut wire.pop_error)?;
        Ok(wire.replies.pop_front())
    }

    fn ring_doorbell(&mut self) {
        self.0.borrow_mut().doorbells += 1;
    }

    fn payload_bytes(&self) -> u32 {
        PAYLOAD_BYTES
    }
}

struct Bench {
    wire: Rc<RefCell<Wire>>,
    client: Client<ModelChannel, u32, 4>,
}

impl Bench {
    /// A client that waits for the shape.
    fn new() -> Self {
        let wire = Rc::new(RefCell::new(Wire {
            room: 8,
            ..Wire::default()
        }));
        Self {
            client: Client::new(ModelChannel(Rc::clone(&wire)), 0x5_0007),
            wire,
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
        let wire = &mut *self.wire.borrow_mut();
        wire.requests.clear();
        wire.replies.clear();
        wire.push_error = Some(RingError::PeerRestarted);
        wire.pop_error = Some(RingError::PeerRestarted);
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

#[derive(Clone, Debug)]
enum Step {
    Submit(u64, u32, u32),
    Flush,
    /// The driver answers the request at this place, or one that it did not get.
    Answer(usize, bool, Status, u64),
    Tell(bool, RingError),
    Mend,
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        4 => Just(Status::Done),
        1 => Just(Status::Failed),
        1 => Just(Status::Malformed),
    ];
    let error = prop_oneof![
        2 => Just(RingError::PeerRestarted),
        1 => Just(RingError::Corrupt),
    ];
    prop_oneof![
        4 => (0u64..66, 0u32..4, 0..PAYLOAD_BYTES).prop_map(|(sector, sectors, offset)| {
            Step::Submit(sector, sectors, offset & !511)
        }),
        1 => Just(Step::Flush),
        4 => (0usize..4, any::<bool>(), status, 0u64..66)
            .prop_map(|(place, right, status, sectors)| Step::Answer(place, right, status, sectors)),
        1 => (any::<bool>(), error).prop_map(|(push, error)| Step::Tell(push, error)),
        1 => Just(Step::Mend),
        6 => Just(Step::Poll),
    ]
}

proptest! {
    /// Whatever the driver does, what was submitted ends once, no two in flight share an id or payload, and nothing panics.
    #[test]
    fn a_hostile_driver_gets_nowhere(steps in prop::collection::vec(step(), 0..300)) {
        let mut bench = Bench::ready();
        let mut open = BTreeSet::new();
        let mut tag = 0;
        for step in steps {
            match step {
                Step::Submit(sector, sectors, offset) => {
                    tag += 1;
                    let command = Command::Read(transfer(sector, sectors, offset));
                    if bench.client.submit(command, tag).is_ok() {
                        open.insert(tag);
                    }
                }
                Step::Flush => {
                    tag += 1;
                    if bench.client.submit(Command::Flush, tag).is_ok() {
                        open.insert(tag);
                    }
                }
                Step::Answer(place, right, status, sectors) => {
                    let request = {
                        let wire = bench.wire.borrow();
                        wire.requests.get(place).copied()
                    };
                    if let Some(request) = request {
                        let id = if right { request.id } else { request.id ^ 1 };
                        bench.answer(id, status, sectors);
                        if right {
                            bench.wire.borrow_mut().requests.remove(place);
                        }
                    }
                }
                Step::Tell(true, error) => bench.wire.borrow_mut().push_error = Some(error),
                Step::Tell(false, error) => bench.wire.borrow_mut().pop_error = Some(error),
                Step::Mend => {
                    let wire = &mut *bench.wire.borrow_mut();
                    wire.push_error = None;
                    wire.pop_error = None;
                    wire.requests.clear();
                }
                Step::Poll => {
                    if let Some(Event::Ended { tag, .. }) = bench.client.poll() {
                        prop_assert!(open.remove(&tag), "it ended before, or never began");
                    }
                }
            }
            prop_assert_eq!(bench.client.in_flight(), open.len());
            let wire = bench.wire.borrow();
            let ids: BTreeSet<u32> = wire.requests.iter().map(|request| request.id).collect();
            prop_assert_eq!(ids.len(), wire.requests.len());
        }
        // A driver that begins anew gives back all that is open.
        bench.restart();
        bench.wire.borrow_mut().room = 8;
        let mut ended = Vec::new();
        for _ in 0..20 {
            let asked: Vec<Request> = bench.wire.borrow_mut().requests.drain(..).collect();
            for request in asked {
                bench.answer(request.id, Status::Done, 64);
            }
            if let Some(Event::Ended { tag, .. }) = bench.client.poll() {
                ended.push(tag);
            }
        }
        prop_assert_eq!(BTreeSet::from_iter(ended), open);
    }
}
