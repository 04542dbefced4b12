//! Clients, a wire and a device that do whatever bytes say, in any order.
//!
//! What has to hold whatever they do: nothing panics, a turn ends, and on the wire there are only frames that the file lets a client send.

use std::vec::Vec;

use cofferdam_ring::RingError;
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Request};
use virtio::Driver as _;

use crate::model::{Bench, DRIVER_BYTES, OUTSIDE, PAYLOAD_BYTES, address, describe, settings};
use crate::route::Header;
use crate::{FrameMemory, Settings};

const CLIENTS: usize = 3;
/// The only type that the last of them may send.
const PROTOCOL: u16 = 0x0806;
/// Where in a payload a client has frames, and how far from each other.
const PLACES: u8 = 8;
const PLACE_BYTES: u32 = 1600;

/// Bytes that decide what happens; zeros when they are used up.
struct Choices<'b>(&'b [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn client(&mut self) -> usize {
        usize::from(self.byte()) % CLIENTS
    }

    /// A place for a frame, or near the end of the payload, or anything.
    fn offset(&mut self) -> u32 {
        match self.byte() % 4 {
            0 | 1 => u32::from(self.byte() % PLACES) * PLACE_BYTES,
            2 => (PAYLOAD_BYTES + 16).wrapping_sub(self.byte().into()),
            _ => u32::from(self.half()) << 16 | u32::from(self.half()),
        }
    }

    /// As frames have it, or anything.
    fn length(&mut self) -> u32 {
        match self.byte() % 4 {
            0 => self.byte().into(),
            1 | 2 => u32::from(self.half()) % (FRAME_BYTES_MAX + 8),
            _ => u32::from(self.half()) << 16 | u32::from(self.half()),
        }
    }

    fn address(&mut self) -> [u8; 6] {
        match self.byte() % 8 {
            0..4 => address(self.client()),
            4 => OUTSIDE,
            5 => [0xff; 6],
            _ => core::array::from_fn(|_| self.byte()),
        }
    }

    fn header(&mut self) -> Header {
        let (to, from) = (self.address(), self.address());
        let protocol = match self.byte() % 3 {
            0 => PROTOCOL,
            1 => 0x0800,
            _ => self.half(),
        };
        let bytes = to.into_iter().chain(from).chain(protocol.to_be_bytes());
        let mut header = Header([0; 14]);
        header
            .0
            .iter_mut()
            .zip(bytes)
            .for_each(|(at, byte)| *at = byte);
        header
    }
}

/// Those that the clients have.
fn all() -> [Settings; CLIENTS] {
    [
        settings(0),
        Settings {
            frames: 5,
            per_ticks: 100,
            peers: 0b001,
            ..settings(1)
        },
        Settings {
            protocols: Some(&[PROTOCOL]),
            ..settings(2)
        },
    ]
}

/// Does what the bytes say. The first one decides whether the device keeps to its rules.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let device_lies = choices.byte() % 2 == 1;
    let mut bench = Bench::with(&all());
    while !choices.0.is_empty() {
        step(&mut bench, &mut choices, device_lies);
        for client in 0..CLIENTS {
            // Nobody reads for ever what is not to be read.
            let mut ring = bench.clients[client].ring.borrow_mut();
            ring.requests.truncate(64);
        }
    }
    bench.serve();
    if !device_lies {
        bench.work();
    }
    for frame in bench.sent().iter() {
        may_be_sent(frame);
    }
    let counts = bench.server.counts();
    assert_eq!(counts.clients.len(), CLIENTS);
}

fn step(bench: &mut Bench, choices: &mut Choices<'_>, device_lies: bool) {
    match choices.byte() % 12 {
        0..3 => {
            let (client, operation) = (choices.client(), choices.byte() % 4);
            let request = Request {
                id: choices.byte().into(),
                operation: match operation {
                    0 => Operation::Describe,
                    1 => Operation::Receive,
                    _ => Operation::Send,
                },
                offset: choices.offset(),
                length: choices.length(),
            };
            bench.ask(client, request);
        }
        3..5 => {
            let (client, place) = (choices.client(), choices.byte() % PLACES);
            let header = choices.header();
            bench.clients[client]
                .payload
                .copy_in(u32::from(place) * PLACE_BYTES, &header.0);
        }
        5 => {
            let mut ring = bench.clients[choices.client()].ring.borrow_mut();
            let error = match choices.byte() % 3 {
                0 => RingError::Corrupt,
                1 => RingError::PeerRestarted,
                _ => RingError::Full,
            };
            (ring.pop_error, ring.push_error) = (Some(error), Some(error));
        }
        6 => {
            let client = choices.client();
            bench.restart(client);
            bench.ask(client, describe(choices.byte().into()));
        }
        7 => drop(bench.answers(choices.client())),
        8 => {
            let mut frame = choices.header().0.to_vec();
            frame.resize(choices.length().min(FRAME_BYTES_MAX) as usize, 0x5a);
            bench.comes(frame);
        }
        9 => {
            bench.now += u64::from(choices.half());
            bench.serve();
        }
        10 if device_lies => {
            let memory = bench.arena.memory(0, DRIVER_BYTES);
            let (at, word) = (choices.half() % 4096, choices.half());
            virtio::Memory::write_u16(&memory, 2 * u32::from(at), word);
        }
        11 if device_lies => bench.device.fail(),
        // A device whose queues were overwritten may find in them what it takes for a fault of the driver's.
        _ if device_lies => bench.server.interrupted(),
        _ => bench.work(),
    }
}

/// Whether one of the clients may send it to the wire.
fn may_be_sent(frame: &[u8]) {
    let length = frame.len() as u32;
    assert!((FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&length));
    let header = Header(*frame.first_chunk().expect("it is long enough"));
    let all = all();
    let sender = all.iter().find(|one| one.address == header.source());
    let sender = sender.expect("it is from a client");
    assert!(sender.lets(header.protocol()), "{header:?}");
    let is_inside = all.iter().any(|one| one.address == header.destination());
    assert!(!is_inside, "{header:?}");
}

/// Bytes that get far: frames of each client to somebody, with the turns that they take.
pub fn seed(number: u8) -> Vec<u8> {
    let mut bytes = std::vec![number % 2];
    for round in 0..16 {
        let client = (number / 2 + round) % CLIENTS as u8;
        // The header at the first place, from the client to one that the number says, and a request to send it.
        bytes.extend([3, client, 0, number.wrapping_add(round) % 6, round % 3]);
        bytes.extend([0, client, 0]);
        bytes.extend([0, client, 2, round, 0, 0, 1, 60 + number, 1]);
        bytes.extend([1, client, 1, 100 + round, 0, 3, 1, 0xea, 5]);
        bytes.extend([9, 1, 0, 12, 7, client]);
    }
    bytes
}
