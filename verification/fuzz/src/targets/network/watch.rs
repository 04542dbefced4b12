//! What the device finds in its memory: each chain of the two queues has to be right, and is the device's until it hands it back.

use std::collections::BTreeMap;

use network::model::{DRIVER_BYTES, PAYLOAD_BYTES, Wire};
use network::route::Header;
use network_messages::FRAME_BYTES_MAX;
use virtio::model::{ARENA_BUS_ADDRESS, Arena, ModelDevice};

use super::rules::{CLIENTS, ClientId, may_be_sent};

/// The queue for what comes, and the one for what is sent (5.1.2).
pub const RECEIVE: u16 = 0;
pub const TRANSMIT: u16 = 1;
/// How many entries each queue has.
const SIZES: [u16; 2] = [32, 128];
/// So many frames that came the driver takes in a turn.
const TAKEN_MAX: usize = 16;
/// What stands before each frame (5.1.6).
pub const PREFIX_BYTES: u32 = 12;
const HEADER_BYTES: u32 = 14;
const DESCRIPTOR_BYTES: u64 = 16;
const PAYLOADS: u64 = ARENA_BUS_ADDRESS as u64 + DRIVER_BYTES as u64;
// Flags of descriptors (2.7.5).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;

/// A client's frame: whose, where in the payload, and how long.
pub type Frame = (ClientId, Option<u32>, u32);

/// A chain that the device has.
#[derive(Clone, Copy, Debug)]
pub enum Chain {
    /// Room for a frame, at this address.
    Room(u64),
    /// A frame that a client sends, in which of its lives.
    Frame(Frame, u32),
}

#[derive(Debug, Default)]
struct Queue {
    seen: u16,
    taken: u16,
    at_device: BTreeMap<u16, Chain>,
}

/// The device's side of its memory.
#[derive(Debug)]
pub struct Watch {
    pub arena: Arena,
    pub device: ModelDevice<Wire>,
    device_lies: bool,
    resets: usize,
    queues: [Queue; 2],
}

impl Watch {
    pub fn new(arena: Arena, device: ModelDevice<Wire>, device_lies: bool) -> Self {
        Self {
            arena,
            device_lies,
            resets: 0,
            queues: Default::default(),
            device,
        }
    }

    pub fn word(&self, at: u64) -> u16 {
        let bytes = self.arena.read(at, 2);
        u16::from_le_bytes([bytes[0], bytes[1]])
    }

    fn number(&self, at: u64, bytes: usize) -> u64 {
        let bytes = self.arena.read(at, bytes);
        let bytes = bytes.iter().rev();
        bytes.fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// What the device has of a queue, by the numbers of the first descriptors.
    pub fn at_device(&self, queue: u16) -> impl Iterator<Item = (u16, Chain)> {
        let chains = &self.queues[usize::from(queue)].at_device;
        chains.iter().map(|(head, chain)| (*head, *chain))
    }

    /// Before a turn of the driver: what the used rings say, it will hear.
    pub fn before(&mut self) {
        if !self.device.is_running() {
            return;
        }
        for number in [RECEIVE, TRANSMIT] {
            self.before_of(number);
        }
    }

    fn before_of(&mut self, number: u16) {
        let size = SIZES[usize::from(number)];
        let [_, _, used] = self.device.queue_addresses(number);
        let index = self.word(used + 2);
        let most = if number == RECEIVE {
            TAKEN_MAX
        } else {
            usize::MAX
        };
        for _ in 0..most {
            let queue = &self.queues[usize::from(number)];
            let waiting = index.wrapping_sub(queue.taken);
            if waiting == 0 || usize::from(waiting) > queue.at_device.len() {
                return;
            }
            let at = used + 4 + 8 * u64::from(queue.taken % size);
            let head = u16::try_from(self.number(at, 4));
            let queue = &mut self.queues[usize::from(number)];
            if head.map(|head| queue.at_device.remove(&head)).is_err() {
                return;
            }
            queue.taken = queue.taken.wrapping_add(1);
        }
    }

    /// Behind a turn: what is new in the available rings has to be right. The frames among it, of clients in these lives.
    pub fn behind(&mut self, lives: &[u32; CLIENTS]) -> Vec<Frame> {
        if self.resets != self.device.resets() {
            self.resets = self.device.resets();
            self.queues = Default::default();
        }
        let mut frames = Vec::new();
        if !self.device.is_running() {
            return frames;
        }
        for number in [RECEIVE, TRANSMIT] {
            let size = SIZES[usize::from(number)];
            let [_, available, _] = self.device.queue_addresses(number);
            let index = self.word(available + 2);
            while self.queues[usize::from(number)].seen != index {
                let seen = self.queues[usize::from(number)].seen;
                let head = self.word(available + 4 + 2 * u64::from(seen % size));
                let parts = self.parts(number, head);
                let chain = match number {
                    RECEIVE => room(&parts),
                    _ => {
                        let frame = self.frame(&parts);
                        frames.push(frame);
                        Chain::Frame(frame, lives[frame.0])
                    }
                };
                let queue = &mut self.queues[usize::from(number)];
                let before = queue.at_device.insert(head, chain);
                // Room that a lying device hands back twice in one turn is given to it twice: it was its own already.
                let is_given_again = self.device_lies && number == RECEIVE;
                assert!(
                    before.is_none() || is_given_again,
                    "chain {head} is at the device already"
                );
                queue.seen = seen.wrapping_add(1);
            }
        }
        self.rooms_are_apart();
        frames
    }

    fn rooms_are_apart(&self) {
        let mut last = 0;
        let mut rooms: Vec<_> = self.at_device(RECEIVE).collect();
        rooms.sort_by_key(|(_, chain)| match chain {
            Chain::Room(at) => *at,
            Chain::Frame(..) => 0,
        });
        for (_, chain) in rooms {
            if let Chain::Room(at) = chain {
                assert!(last <= at, "two frames would have the same room");
                last = at + u64::from(PREFIX_BYTES + FRAME_BYTES_MAX);
            }
        }
    }

    /// Where, how long, and whether the device writes.
    fn parts(&self, queue: u16, head: u16) -> Vec<(u64, u32, bool)> {
        let [descriptors, ..] = self.device.queue_addresses(queue);
        let mut all = Vec::new();
        let mut next = head;
        loop {
            let is_one = next < SIZES[usize::from(queue)] && all.len() < 2;
            assert!(is_one, "no chain of a frame");
            let at = descriptors + DESCRIPTOR_BYTES * u64::from(next);
            let (address, length) = (self.number(at, 8), self.number(at + 8, 4));
            let flags = self.word(at + 12);
            all.push((address, length as u32, flags & DEVICE_WRITES != 0));
            next = self.word(at + 14);
            if flags & NEXT == 0 {
                return all;
            }
        }
    }

    /// A frame for the wire: its header is in the driver's memory, where no client can change it, the rest in its sender's payload.
    fn frame(&self, parts: &[(u64, u32, bool)]) -> Frame {
        let (at, length, writes) = parts[0];
        let is_head = (length, writes) == (PREFIX_BYTES + HEADER_BYTES, false);
        assert!(is_head && at + u64::from(length) <= PAYLOADS);
        let head = self.arena.read(at, length as usize);
        let (prefix, header) = head.split_at(PREFIX_BYTES as usize);
        assert_eq!(prefix, [0; PREFIX_BYTES as usize]);
        let header = Header(header.try_into().expect("14 bytes"));
        let client = may_be_sent(&header);
        let Some((at, length, writes)) = parts.get(1).copied() else {
            return (client, None, HEADER_BYTES);
        };
        assert!(!writes, "the device may write what a client sends");
        let place = at.checked_sub(PAYLOADS).expect("the driver's memory");
        let (owner, place) = (
            place / u64::from(PAYLOAD_BYTES),
            place % u64::from(PAYLOAD_BYTES),
        );
        assert_eq!(owner, client as u64, "the payload of another client");
        assert!(place + u64::from(length) <= PAYLOAD_BYTES.into());
        let length = HEADER_BYTES + length;
        assert!(length <= FRAME_BYTES_MAX, "{length} bytes");
        let offset = (place as u32).checked_sub(HEADER_BYTES);
        (
            client,
            Some(offset.expect("the header is before it")),
            length,
        )
    }
}

/// Room for what comes: in the driver's memory, and for one frame.
fn room(parts: &[(u64, u32, bool)]) -> Chain {
    let [(at, length, true)] = *parts else {
        panic!("{parts:?} is no room for a frame");
    };
    assert_eq!(length, PREFIX_BYTES + FRAME_BYTES_MAX);
    assert!(at + u64::from(length) <= PAYLOADS, "a client's payload");
    Chain::Room(at)
}
