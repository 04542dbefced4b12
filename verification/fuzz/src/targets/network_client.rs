//! A client of a network whose driver answers what it likes, when it likes, and begins anew at any time.
//!
//! Beside the client stands a model of it, which sees what went over the rings and in and out of the payload. What has to hold: no buffer is at the driver
//! twice, nor written or read by the client while it is there; no two requests have one id; each frame that is received is one that the driver answered
//! to a buffer that it had, in that order, and as long as it said; nothing is asked of a driver that has not said who the client is; each call ends.

use std::collections::{BTreeMap, VecDeque};

use arbitrary::Unstructured;
use driver_client::model::{Happened, ModelChannel};
use network_client::{Address, BUFFER_BYTES, Client};
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request, Status};

use super::choice::{any_error, either, one_of};
use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "network_client",
    seeds: || noise(64, 400),
    run,
};

const RECEIVES: usize = 4;
const SENDS: usize = 2;
const LIFE: u32 = 7;
/// So many requests there is room for.
const ROOM: usize = 8;
/// The most uses of the rings in one call: the answers of a call, a question for each that it brings up, and what is said of restarts.
const USES_OF_CALL: usize = 2000;

struct Bench {
    channel: ModelChannel<Request, Reply>,
    client: Client<ModelChannel<Request, Reply>, RECEIVES, SENDS>,
    /// The buffers at the driver, by the ids of their requests.
    at_driver: BTreeMap<u32, usize>,
    /// Buffers with frames of these lengths, the oldest first.
    arrived: VecDeque<(usize, u32)>,
    /// The question for the address that was not answered yet.
    question: Option<u32>,
    address: Option<Address>,
    /// A buffer that was filled to be sent, and with how many bytes.
    filled: Option<(u32, u32)>,
    /// Ids that the driver has seen.
    seen: Vec<u32>,
    unannounced: bool,
}

impl Bench {
    fn new() -> Self {
        let channel = ModelChannel::new((RECEIVES + SENDS) as u32 * BUFFER_BYTES, ROOM);
        let client = Client::new(channel.clone(), LIFE);
        let mut bench = Self {
            client: client.expect("there is payload enough"),
            channel,
            at_driver: BTreeMap::new(),
            arrived: VecDeque::new(),
            question: None,
            address: None,
            filled: None,
            seen: Vec::new(),
            unannounced: false,
        };
        assert_eq!(bench.look(), None);
        // It has rung already.
        bench.unannounced = false;
        bench
    }

    fn has(&self, buffer: usize) -> bool {
        self.at_driver.values().any(|theirs| *theirs == buffer)
    }

    /// Follows what the client did since the last time: the buffer that it read from, if it did.
    fn look(&mut self) -> Option<u32> {
        let history = std::mem::take(&mut self.channel.0.borrow_mut().history);
        assert!(history.len() < USES_OF_CALL, "a call that goes on and on");
        let mut read = None;
        for what in history {
            match what {
                Happened::Restarted => (self.address, self.question) = (None, None),
                Happened::Pushed(request) => self.pushed(&request),
                Happened::Popped(reply) => self.answered(&reply),
                Happened::CopiedIn(offset, length) => {
                    assert!(length <= FRAME_BYTES_MAX);
                    assert!(!self.has(buffer(offset)), "it is the driver's");
                    self.filled = Some((offset, length));
                }
                Happened::CopiedOut(offset, length) => {
                    assert!(length <= FRAME_BYTES_MAX);
                    assert!(!self.has(buffer(offset)), "it is the driver's");
                    assert_eq!(read.replace(offset), None);
                }
            }
        }
        read
    }

    fn pushed(&mut self, request: &Request) {
        self.unannounced = true;
        self.seen.push(request.id);
        assert_eq!(request.id >> 16, LIFE);
        assert!(!self.at_driver.contains_key(&request.id), "an id in flight");
        if request.operation == Operation::Describe {
            (self.address, self.question) = (None, Some(request.id));
            return;
        }
        assert_ne!(self.address, None, "nobody has said who it is");
        let buffer = buffer(request.offset);
        assert!(!self.has(buffer), "buffer {buffer} is at the driver twice");
        if request.operation == Operation::Receive {
            assert!(buffer < RECEIVES && request.length == BUFFER_BYTES);
            let is_full = self.arrived.iter().any(|(full, _)| *full == buffer);
            assert!(!is_full, "the frame in buffer {buffer} was not taken yet");
        } else {
            assert!((RECEIVES..RECEIVES + SENDS).contains(&buffer));
            let frames = FRAME_BYTES_MIN..=FRAME_BYTES_MAX;
            assert!(frames.contains(&request.length));
            assert_eq!(self.filled.take(), Some((request.offset, request.length)));
        }
        self.at_driver.insert(request.id, buffer);
    }

    fn answered(&mut self, reply: &Reply) {
        if self.question == Some(reply.id) {
            self.question = None;
            if reply.status == Status::Done {
                self.address = Some(reply.address);
                // It has none of them any more.
                self.at_driver.clear();
            }
        } else if self.address.is_some()
            && let Some(buffer) = self.at_driver.remove(&reply.id)
        {
            let is_frame = (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&reply.length);
            if buffer < RECEIVES && reply.status == Status::Done && is_frame {
                self.arrived.push_back((buffer, reply.length));
            }
        }
    }

    fn poll(&mut self) {
        self.client.poll();
        assert_eq!(self.look(), None);
    }

    fn send(&mut self, length: usize) {
        let before = self.at_driver.len();
        let sent = self.client.send(&vec![0x5a; length]);
        assert_eq!(self.look(), None);
        assert_eq!(self.at_driver.len(), before + usize::from(sent));
        self.filled = None;
    }

    fn receive(&mut self, room: usize) {
        let mut frame = vec![0; room];
        let came = self.client.receive(&mut frame);
        let read = self.look();
        let Some((buffer, length)) = self.arrived.pop_front() else {
            assert_eq!((came, read), (None, None), "a frame that nobody sent");
            return;
        };
        assert_eq!(came, Some(room.min(length as usize)));
        assert_eq!(read, Some(buffer as u32 * BUFFER_BYTES));
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
            0..3 => wire.requests.get(place).map(|request| request.id),
            3..6 => wire.requests.remove(place).map(|request| request.id),
            6 => (!self.seen.is_empty()).then(|| self.seen[one_of(u, self.seen.len())]),
            _ => u.arbitrary().ok(),
        };
        let status = match one_of(u, 8) {
            0..5 => Status::Done,
            5 => Status::Malformed,
            6 => Status::Refused,
            _ => Status::Dropped,
        };
        let length = match one_of(u, 8) {
            0..6 => one_of(u, FRAME_BYTES_MAX as usize + 4) as u32,
            6 => FRAME_BYTES_MAX,
            _ => u.arbitrary().unwrap_or_default(),
        };
        let reply = Reply {
            id: id.unwrap_or_default(),
            status,
            length,
            address: [2, 0, 0, 0, 1, one_of(u, 4) as u8],
        };
        // More than a call takes, now and then.
        let times = if one_of(u, 64) == 0 { 600 } else { 1 };
        wire.replies.extend(std::iter::repeat_n(reply, times));
    }

    /// Whatever came before: a driver that begins anew and behaves is given all buffers, and frames go out.
    fn settle(&mut self) {
        self.channel.0.borrow_mut().room = ROOM;
        self.channel.restart_driver();
        while !self.arrived.is_empty() {
            self.receive(FRAME_BYTES_MAX as usize);
        }
        for _ in 0..6 {
            self.poll();
            let wire = &mut *self.channel.0.borrow_mut();
            for request in std::mem::take(&mut wire.requests) {
                if request.operation == Operation::Describe {
                    wire.replies.push_back(Reply {
                        id: request.id,
                        status: Status::Done,
                        length: 0,
                        address: [2, 0, 0, 0, 1, 1],
                    });
                }
            }
        }
        assert!((0..RECEIVES).all(|buffer| self.has(buffer)));
        for _ in 0..SENDS {
            self.send(60);
        }
        assert_eq!(self.at_driver.len(), RECEIVES + SENDS);
    }
}

/// The buffer that begins there.
fn buffer(offset: u32) -> usize {
    assert!(offset.is_multiple_of(BUFFER_BYTES));
    (offset / BUFFER_BYTES) as usize
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut bench = Bench::new();
    while !u.is_empty() {
        match one_of(&mut u, 24) {
            0..5 => bench.poll(),
            5..8 => bench.send(match one_of(&mut u, 4) {
                0 => one_of(&mut u, FRAME_BYTES_MAX as usize + 4),
                _ => 60,
            }),
            8..11 => bench.receive(one_of(&mut u, FRAME_BYTES_MAX as usize + 4)),
            11..18 => bench.answer(&mut u),
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
            _ => bench.announce(),
        }
        assert_eq!(bench.client.address(), bench.address);
        assert_eq!(bench.client.has_arrived(), !bench.arrived.is_empty());
        let free = (RECEIVES..RECEIVES + SENDS).any(|buffer| !bench.has(buffer));
        assert_eq!(bench.client.can_send(), free && bench.address.is_some());
    }
    bench.settle();
}
