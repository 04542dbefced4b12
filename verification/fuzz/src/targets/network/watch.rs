//! What the device finds in its memory: each chain of the two queues has to be right, and is the device's until it hands it back.

use std::collections::BTreeMap;

use network::model::{DRIVER_BYTES, PAYLOAD_BYTES, Wire};
use network::route::Header;
use network_messages::FRAME_BYTES_MAX;
use virtio::model::ARENA_BUS_ADDRESS;

use super::rules::{CLIENTS, ClientId, may_be_sent};
use crate::targets::device::{AtDevice, Part, View};

/// The queue for what comes, and the one for what is sent (5.1.2).
pub const RECEIVE: u16 = 0;
pub const TRANSMIT: u16 = 1;
/// The features that a driver wants besides those that it must have.
const WANTED: u64 = 0;
/// So many frames that came the driver takes in a turn.
const TAKEN_MAX: usize = 16;
/// What stands before each frame (5.1.6).
pub const PREFIX_BYTES: u32 = 12;
const HEADER_BYTES: u32 = 14;
const PAYLOADS: u64 = ARENA_BUS_ADDRESS as u64 + DRIVER_BYTES as u64;

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

/// The device's side of its memory.
#[derive(Debug)]
pub struct Watch {
    pub view: View<Wire>,
    rings_lie: bool,
    resets: usize,
    queues: [AtDevice<Chain>; 2],
    /// What the device says it has sent, so often, of each client's present life, and the client was not told yet.
    pub sent: BTreeMap<Frame, usize>,
}

const fn nothing() -> [AtDevice<Chain>; 2] {
    [AtDevice::new(RECEIVE), AtDevice::new(TRANSMIT)]
}

impl Watch {
    pub const fn new(view: View<Wire>, rings_lie: bool) -> Self {
        Self {
            view,
            rings_lie,
            resets: 0,
            queues: nothing(),
            sent: BTreeMap::new(),
        }
    }

    /// What the device has of a queue, by the numbers of the first descriptors.
    pub fn at_device(&self, queue: u16) -> impl Iterator<Item = (u16, Chain)> {
        let chains = &self.queues[usize::from(queue)].chains;
        chains.iter().map(|(head, chain)| (*head, *chain))
    }

    /// Before a turn of the driver: what the used rings say, it will hear.
    pub fn before(&mut self, lives: &[u32; CLIENTS]) {
        if !self.view.device.is_running() {
            return;
        }
        let [receive, transmit] = &mut self.queues;
        for _ in 0..TAKEN_MAX {
            receive.next_back(&self.view);
        }
        while let Some(chain) = transmit.next_back(&self.view) {
            if let Chain::Frame(frame, life) = chain
                && life == lives[frame.0]
            {
                *self.sent.entry(frame).or_default() += 1;
            }
        }
    }

    /// Behind a turn: what is new in the available rings has to be right. The frames among it, of clients in these lives.
    pub fn behind(&mut self, lives: &[u32; CLIENTS]) -> Vec<Frame> {
        if self.resets != self.view.device.resets() {
            self.resets = self.view.device.resets();
            self.queues = nothing();
        }
        let mut frames = Vec::new();
        if !self.view.device.is_running() {
            return frames;
        }
        self.view.features_are_right(WANTED);
        for number in [RECEIVE, TRANSMIT] {
            while let Some(head) = self.queues[usize::from(number)].next_new(&self.view) {
                let parts = self.view.parts(number, head, 2);
                let chain = match number {
                    RECEIVE => room(&parts),
                    _ => {
                        let frame = self.frame(&parts);
                        frames.push(frame);
                        Chain::Frame(frame, lives[frame.0])
                    }
                };
                let queue = &mut self.queues[usize::from(number)];
                let before = queue.chains.insert(head, chain);
                // Room that is handed back twice in one turn by rings that lie is given twice: it was the device's own already.
                let is_given_again = self.rings_lie && number == RECEIVE;
                assert!(
                    before.is_none() || is_given_again,
                    "chain {head} is at the device already"
                );
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

    /// A frame for the wire: its header is in the driver's memory, where no client can change it, the rest in its sender's payload.
    fn frame(&self, parts: &[Part]) -> Frame {
        let Part { at, length, .. } = parts[0];
        let is_head = length == PREFIX_BYTES + HEADER_BYTES && !parts[0].device_writes;
        assert!(is_head && at + u64::from(length) <= PAYLOADS);
        let head = self.view.arena.read(at, length as usize);
        let (prefix, header) = head.split_at(PREFIX_BYTES as usize);
        assert_eq!(prefix, [0; PREFIX_BYTES as usize]);
        let header = Header(header.try_into().expect("14 bytes"));
        let client = may_be_sent(&header);
        let Some(rest) = parts.get(1) else {
            return (client, None, HEADER_BYTES);
        };
        assert!(
            !rest.device_writes,
            "the device may write what a client sends"
        );
        let length = rest.length;
        let place = rest.at.checked_sub(PAYLOADS).expect("the driver's memory");
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
fn room(parts: &[Part]) -> Chain {
    let [
        Part {
            at,
            length,
            device_writes: true,
        },
    ] = *parts
    else {
        panic!("{parts:?} is no room for a frame");
    };
    assert_eq!(length, PREFIX_BYTES + FRAME_BYTES_MAX);
    assert!(at + u64::from(length) <= PAYLOADS, "a client's payload");
    Chain::Room(at)
}
