//! Frames for the partition with the page: whatever comes, whoever asks it for its address afterwards, and then for a connection, gets both.

use std::collections::VecDeque;

use smoltcp::iface::SocketStorage;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use status::{Buffers, CONNECTIONS, LIFE_MS, Server};

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "frames",
    seeds: || {
        let kinds = 0..KINDS;
        let whole = kinds.clone().map(|kind| vec![kind, 0]);
        let changed = kinds.map(|kind| vec![kind, 4, 14, 0x0f, 20, 0xff]);
        let all: Vec<u8> = (0..KINDS).flat_map(|kind| [kind, 0]).collect();
        whole.chain(changed).chain([all]).collect()
    },
    run,
};

const STATION: [u8; 6] = [2, 0, 0, 0, 1, 1];
const ADDRESS: [u8; 4] = [10, 0, 2, 15];
/// Who asks afterwards.
const ASKING: [u8; 6] = [2, 0, 0, 0, 9, 9];
const ASKING_ADDRESS: [u8; 4] = [10, 0, 2, 77];
const PORT: u16 = 80;
const SYN: u8 = 2;
const SYN_AND_ACK: u8 = 0x12;
/// Frames that come are one of so many sound ones, of which bytes are changed, or bytes as they are.
const KINDS: u8 = 5;
const RAW: u8 = 4;

/// The network's end of a cable.
#[derive(Default)]
struct Cable {
    comes: VecDeque<Vec<u8>>,
    goes: Vec<Vec<u8>>,
}

struct Came(Vec<u8>);
struct Goes<'c>(&'c mut Vec<Vec<u8>>);

impl RxToken for Came {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Goes<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Came;
    type TxToken<'a> = Goes<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Came, Goes<'_>)> {
        let frame = self.comes.pop_front()?;
        Some((Came(frame), Goes(&mut self.goes)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Goes<'_>> {
        Some(Goes(&mut self.goes))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// The Internet's checksum (RFC 1071), of an even number of bytes.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let (halves, _) = bytes.as_chunks::<2>();
    let mut sum: u32 = halves
        .iter()
        .map(|half| u32::from(u16::from_be_bytes(*half)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// Who has the server's address (RFC 826)?
fn question(hardware: [u8; 6], address: [u8; 4]) -> Vec<u8> {
    let mut frame = [&[0xff; 6][..], &hardware, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
    frame.extend([&hardware[..], &address, &[0; 6], &ADDRESS].concat());
    frame
}

/// A packet of IP (RFC 791) to the server.
fn packet(hardware: [u8; 6], address: [u8; 4], protocol: u8, content: &[u8]) -> Vec<u8> {
    let length = (20 + content.len() as u16).to_be_bytes();
    let mut head = [
        0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0,
    ]
    .to_vec();
    head.extend([address, ADDRESS].concat());
    let sum = checksum(&head);
    head[10..12].copy_from_slice(&sum);
    [&STATION[..], &hardware, &[8, 0], &head, content].concat()
}

/// A segment of TCP (RFC 9293) to the page's port, without content.
fn segment(hardware: [u8; 6], address: [u8; 4], port: u16, flags: u8) -> Vec<u8> {
    let mut segment = [port.to_be_bytes(), PORT.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    let pseudo = [
        &address[..],
        &ADDRESS,
        &[0, 6, 0, segment.len() as u8],
        &segment,
    ]
    .concat();
    let sum = checksum(&pseudo);
    segment[16..18].copy_from_slice(&sum);
    packet(hardware, address, 6, &segment)
}

fn sound(kind: u8, number: u16) -> Vec<u8> {
    let (hardware, address) = ([2, 0, 0, 0, 9, 1], [10, 0, 2, 70]);
    match kind {
        0 => question(hardware, address),
        1 => segment(hardware, address, 40_000 + number, SYN),
        2 => segment(hardware, address, 40_000 + number, 0x18),
        // A request for an echo (RFC 792).
        _ => packet(hardware, address, 1, &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]),
    }
}

/// A byte for the kind of a frame, one for how many bytes follow; of a sound frame these are places and what is added there.
fn run(bytes: &[u8]) {
    let mut cable = Cable::default();
    let mut buffers = Box::new([const { Buffers::EMPTY }; CONNECTIONS]);
    let mut storage = [const { SocketStorage::EMPTY }; CONNECTIONS];
    let memory = (&mut *buffers, &mut storage);
    let mut server = Server::new(&mut cable, STATION, (ADDRESS, 24), 7, memory);
    let mut now_ms = 0;
    let mut serve = |cable: &mut Cable, now_ms: u64| {
        server.serve(cable, now_ms, &mut |response| {
            response.clear();
            let _ = response.push_str("page");
        });
    };
    let mut rest = bytes;
    let mut number = 0;
    while let [kind, length, more @ ..] = rest {
        let (own, behind) = more.split_at(more.len().min((*length).into()));
        let kind = kind % KINDS;
        let frame = if kind == RAW {
            own.to_vec()
        } else {
            let mut frame = sound(kind, number);
            let end = frame.len();
            let (changes, _) = own.as_chunks::<2>();
            for [place, change] in changes {
                frame[usize::from(*place) % end] ^= change;
            }
            frame
        };
        cable.comes.push_back(frame);
        number += 1;
        now_ms += 1;
        serve(&mut cable, now_ms);
        rest = behind;
    }
    // Whoever has a connection and says nothing is sent away.
    for _ in 0..4 {
        now_ms += LIFE_MS;
        serve(&mut cable, now_ms);
    }
    let mut asked = |frame: Vec<u8>| -> Vec<Vec<u8>> {
        cable.goes.clear();
        cable.comes.push_back(frame);
        for _ in 0..4 {
            now_ms += 1;
            serve(&mut cable, now_ms);
        }
        cable.goes.clone()
    };
    let answers = asked(question(ASKING, ASKING_ADDRESS));
    let says_who = |frame: &Vec<u8>| {
        frame.len() >= 42
            && frame[..6] == ASKING
            && frame[12..14] == [8, 6]
            && frame[20..22] == [0, 2]
            && frame[22..32] == [&STATION[..], &ADDRESS].concat()
    };
    assert!(answers.iter().any(says_who), "nobody says who it is");
    let answers = asked(segment(ASKING, ASKING_ADDRESS, 50_000, SYN));
    let takes = |frame: &Vec<u8>| {
        frame.len() >= 54 && frame[..6] == ASKING && frame[23] == 6 && frame[47] == SYN_AND_ACK
    };
    assert!(answers.iter().any(takes), "nobody takes the connection");
}
