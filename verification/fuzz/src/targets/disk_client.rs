//! A client of a disk whose driver answers what it likes, when it likes, and begins anew at any time.
//!
//! Beside the client stands a model of it, which sees what went over the rings. What has to hold: no two requests in flight have one id or a piece of payload
//! in common, none is outside of the payload or of the disk; what was submitted ends once, as the answer to its own id says, or as interrupted when a driver that
//! has nothing of it any more has answered; nothing is asked of a driver that has not said what there is; each call ends.

use std::collections::BTreeMap;
use std::ops::Range;

use arbitrary::Unstructured;
use disk_client::{Client, Command, Event, Failure, Shape, Transfer};
use disk_messages::{OFFSET_ALIGNMENT, Operation, Reply, Request, SECTOR_BYTES, Status};
use driver_client::model::{Happened, ModelChannel};

use super::choice::{any_error, either, one_of};
use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "disk_client",
    seeds: || noise(64, 400),
    run,
};

const IN_FLIGHT: usize = 4;
const PAYLOAD_BYTES: u32 = 16 * SECTOR_BYTES;
const LIFE: u32 = 7;
/// So many requests there is room for.
const ROOM: usize = 8;
/// How large the disk is as a driver that behaves says.
const SECTORS: u64 = 64;
/// The most uses of the rings in one call: the answers of a call, a question for each that it brings up, and what is said of restarts.
const USES_OF_CALL: usize = 2000;

/// What the model knows of a request in flight.
struct Open {
    command: Command,
    id: u32,
    /// A driver that is no more had it.
    lost: bool,
}

struct Bench {
    channel: ModelChannel<Request, Reply>,
    client: Client<ModelChannel<Request, Reply>, u32, IN_FLIGHT>,
    open: BTreeMap<u32, Open>,
    /// The question for the shape that was not answered yet.
    question: Option<u32>,
    shape: Option<Shape>,
    next_tag: u32,
    /// Ids that the driver has seen.
    seen: Vec<u32>,
    unannounced: bool,
}

impl Bench {
    fn new() -> Self {
        let channel = ModelChannel::new(PAYLOAD_BYTES, ROOM);
        let mut bench = Self {
            client: Client::new(channel.clone(), LIFE),
            channel,
            open: BTreeMap::new(),
            question: None,
            shape: None,
            next_tag: 0,
            seen: Vec::new(),
            unannounced: false,
        };
        // It has rung already.
        let (_, none) = bench.look();
        assert_eq!(none, None);
        bench.unannounced = false;
        bench
    }

    /// Follows what went over the rings since the last time: the request that was pushed besides questions, and the event that has to come of it.
    fn look(&mut self) -> (Option<Request>, Option<Event<u32>>) {
        let history = std::mem::take(&mut self.channel.0.borrow_mut().history);
        assert!(history.len() < USES_OF_CALL, "a call that goes on and on");
        let (mut pushed, mut event) = (None, None);
        for what in history {
            assert_eq!(event, None, "it went on behind what it has to say");
            match what {
                Happened::Restarted => {
                    self.lose();
                    (self.shape, self.question) = (None, None);
                }
                Happened::Pushed(request) => {
                    self.unannounced = true;
                    self.seen.push(request.id);
                    assert_eq!(request.id >> 16, LIFE);
                    let mut in_flight = self.open.values().map(|open| open.id);
                    assert!(in_flight.all(|id| id != request.id), "an id in flight");
                    if request.operation == Operation::Describe {
                        assert_eq!(self.shape, None, "it is known");
                        self.lose();
                        self.question = Some(request.id);
                    } else {
                        assert_eq!(pushed.replace(request), None);
                    }
                }
                Happened::Popped(reply) => event = self.answered(&reply),
                Happened::CopiedIn(..) | Happened::CopiedOut(..) => panic!("it moves no data"),
            }
        }
        (pushed, event)
    }

    fn lose(&mut self) {
        for open in self.open.values_mut() {
            open.lost = true;
        }
    }

    /// What has to come of an answer.
    fn answered(&mut self, reply: &Reply) -> Option<Event<u32>> {
        if self.question == Some(reply.id) {
            self.question = None;
            if reply.status != Status::Done {
                return Some(Event::Down);
            }
            let shape = Shape {
                sectors: reply.sectors,
                read_only: reply.read_only,
            };
            self.shape = Some(shape);
            return Some(Event::Ready(shape));
        }
        let mut named = self.open.iter();
        let (tag, open) = named.find(|(_, open)| open.id == reply.id && !open.lost)?;
        let moved = open.command.transfer().map_or(0, |moved| moved.sectors);
        let result = match reply.status {
            Status::Done if reply.sectors == u64::from(moved) => Ok(()),
            Status::Done | Status::Failed => Err(Failure::Failed),
            Status::ReadOnly => Err(Failure::ReadOnly),
            Status::OutOfRange => Err(Failure::OutOfRange),
            Status::Malformed => Err(Failure::Malformed),
        };
        Some(Event::Ended {
            command: open.command,
            tag: *tag,
            result,
        })
    }

    fn submit(&mut self, command: Command) {
        let tag = self.next_tag;
        self.next_tag += 1;
        let taken = self.client.submit(command, tag);
        let (pushed, event) = self.look();
        assert_eq!(event, None, "an answer was taken, and nobody heard of it");
        assert_eq!(taken.is_ok(), pushed.is_some());
        let Some(request) = pushed else {
            return;
        };
        self.may_be_asked(&request);
        let open = Open {
            command,
            id: request.id,
            lost: false,
        };
        assert!(self.open.insert(tag, open).is_none());
    }

    fn may_be_asked(&self, request: &Request) {
        let shape = self.shape.expect("nobody has said what there is");
        if request.operation == Operation::Flush {
            return;
        }
        let read_only = shape.read_only && request.operation == Operation::Write;
        assert!(!read_only, "it cannot be written");
        let end = request.sector.checked_add(request.sectors.into());
        assert!(end.is_some_and(|end| end <= shape.sectors), "{request:?}");
        let bytes = bytes(request.offset, request.sectors);
        assert!(!bytes.is_empty() && bytes.end <= PAYLOAD_BYTES.into());
        assert!(request.offset.is_multiple_of(OFFSET_ALIGNMENT));
        for open in self.open.values() {
            if let Some(moved) = open.command.transfer() {
                let theirs = self::bytes(moved.offset, moved.sectors);
                let apart = theirs.end <= bytes.start || bytes.end <= theirs.start;
                assert!(apart, "{bytes:?} are at the driver with {theirs:?}");
            }
        }
    }

    fn poll(&mut self) -> bool {
        let came = self.client.poll();
        let (pushed, event) = self.look();
        assert_eq!(pushed, None, "nobody submitted it");
        if let Some(Event::Ended { tag, result, .. }) = came {
            let ended = self.open.remove(&tag).expect("it ended once already");
            if result == Err(Failure::Interrupted) {
                assert!(ended.lost, "its driver may still have it");
                assert_eq!(self.question, None, "the new driver has not answered");
                assert_eq!(event, None, "an answer was taken, and nobody heard of it");
                return true;
            }
        }
        assert_eq!(came, event);
        came.is_some()
    }

    fn announce(&mut self) {
        let before = self.channel.0.borrow().doorbells;
        self.client.announce();
        let rung = self.channel.0.borrow().doorbells - before;
        let due = std::mem::take(&mut self.unannounced);
        assert_eq!(rung, usize::from(due));
    }

    /// The driver answers a request that it has, one that it had, or one that nobody asked.
    fn answer(&mut self, u: &mut Unstructured<'_>) {
        let wire = &mut *self.channel.0.borrow_mut();
        let place = one_of(u, wire.requests.len().max(1));
        let id = match one_of(u, 8) {
            0..5 => wire.requests.get(place).map(|request| request.id),
            5 => wire.requests.remove(place).map(|request| request.id),
            6 => (!self.seen.is_empty()).then(|| self.seen[one_of(u, self.seen.len())]),
            _ => u.arbitrary().ok(),
        };
        let status = match one_of(u, 8) {
            0..4 => Status::Done,
            4 => Status::Failed,
            5 => Status::Malformed,
            6 => Status::OutOfRange,
            _ => Status::ReadOnly,
        };
        let sectors = match one_of(u, 8) {
            0..5 => one_of(u, 4) as u64,
            5 | 6 => SECTORS,
            _ => u.arbitrary().unwrap_or_default(),
        };
        let reply = Reply {
            id: id.unwrap_or_default(),
            status,
            sectors,
            read_only: either(u),
        };
        // More than a call takes, now and then.
        let times = if one_of(u, 64) == 0 { 600 } else { 1 };
        wire.replies.extend(std::iter::repeat_n(reply, times));
    }

    /// A driver that behaves.
    fn answer_all(&self) {
        let wire = &mut *self.channel.0.borrow_mut();
        for request in std::mem::take(&mut wire.requests) {
            wire.replies.push_back(Reply {
                id: request.id,
                status: Status::Done,
                sectors: match request.operation {
                    Operation::Describe => SECTORS,
                    _ => request.sectors.into(),
                },
                read_only: false,
            });
        }
    }

    /// Whatever came before: a driver that begins anew and behaves gives back all that is open, and serves.
    fn settle(&mut self) {
        self.channel.0.borrow_mut().room = ROOM;
        self.channel.restart_driver();
        for _ in 0..2 * IN_FLIGHT + 6 {
            self.poll();
            self.answer_all();
        }
        assert_eq!((self.client.in_flight(), self.open.len()), (0, 0));
        self.submit(Command::Flush);
        assert_eq!(self.client.in_flight(), 1, "a request was refused");
        self.answer_all();
        assert!(self.poll() && self.open.is_empty());
    }
}

fn bytes(offset: u32, sectors: u32) -> Range<u64> {
    let from = u64::from(offset);
    from..from + u64::from(sectors) * u64::from(SECTOR_BYTES)
}

/// One that fits, mostly.
fn command(u: &mut Unstructured<'_>) -> Command {
    let wild = one_of(u, 8);
    let transfer = Transfer {
        sector: match wild {
            0 => u.arbitrary().unwrap_or_default(),
            _ => one_of(u, SECTORS as usize + 2) as u64,
        },
        sectors: match wild {
            1 => u.arbitrary().unwrap_or_default(),
            _ => one_of(u, 4) as u32,
        },
        offset: match wild {
            2 => u.arbitrary().unwrap_or_default(),
            _ => one_of(u, 34) as u32 * SECTOR_BYTES / 2,
        },
    };
    match one_of(u, 8) {
        0..4 => Command::Read(transfer),
        4..7 => Command::Write(transfer),
        _ => Command::Flush,
    }
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut bench = Bench::new();
    while !u.is_empty() {
        match one_of(&mut u, 24) {
            0..6 => bench.submit(command(&mut u)),
            6..12 => _ = bench.poll(),
            12..18 => bench.answer(&mut u),
            18 => {
                let error = any_error(&mut u);
                let wire = &mut *bench.channel.0.borrow_mut();
                match either(&mut u) {
                    true => wire.push_error = error,
                    false => wire.pop_error = error,
                }
            }
            19 => {
                let wire = &mut *bench.channel.0.borrow_mut();
                wire.requests.clear();
                (wire.push_error, wire.pop_error) = (None, None);
            }
            20 => bench.channel.restart_driver(),
            21 => bench.channel.0.borrow_mut().room = one_of(&mut u, ROOM + 1),
            22 => bench.announce(),
            _ => {
                bench.client.describe();
                let (pushed, event) = bench.look();
                assert_eq!((pushed, event), (None, None));
            }
        }
        assert_eq!(bench.client.in_flight(), bench.open.len());
        assert_eq!(bench.client.shape(), bench.shape);
    }
    bench.settle();
}
