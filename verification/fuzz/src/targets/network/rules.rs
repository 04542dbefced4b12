//! Who the clients are, what each may send and get, and what they ask for.

use std::ops::Range;

use arbitrary::Unstructured;
use network::Settings;
use network::model::{BROADCAST, OUTSIDE, PAYLOAD_BYTES, address, settings};
use network::route::{Address, Header, is_group};
use network_messages::{FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Request};

use super::super::choice::one_of;

pub const CLIENTS: usize = 4;
pub type ClientId = usize;
/// The only type that the third of them may send and get.
pub const PROTOCOL: u16 = 0x0806;
/// Of the second: so many frames in so many ticks.
pub const RATE: (u32, u64) = (5, 100);
/// Where in a payload a client has frames, and how far from each other: in the first half those that it sends.
pub const PLACES: usize = 8;
pub const PLACE_BYTES: u32 = 1600;

/// The first one may talk to all; the others to it alone, and the last not to the wire.
pub fn all() -> [Settings; CLIENTS] {
    let peers = |number, peers| Settings {
        peers,
        ..settings(number)
    };
    [
        peers(0, 0b1110),
        Settings {
            frames: RATE.0,
            per_ticks: RATE.1,
            ..peers(1, 0b0001)
        },
        Settings {
            protocols: Some(&[PROTOCOL]),
            ..peers(2, 0b0001)
        },
        Settings {
            wire: false,
            ..peers(3, 0b0001)
        },
    ]
}

pub fn of_address(one: Address) -> Option<ClientId> {
    (0..CLIENTS).find(|client| address(*client) == one)
}

/// Whether frames of the type are for the client, and from it.
pub fn lets(client: ClientId, header: &Header) -> bool {
    client != 2 || header.protocol() == PROTOCOL
}

/// Who sent a frame that is for the wire.
pub fn may_be_sent(header: &Header) -> ClientId {
    let client = of_address(header.source()).expect("it is from a client");
    assert!(client != 3 && lets(client, header), "{client}: {header:?}");
    let is_inside = of_address(header.destination()).is_some();
    assert!(!is_inside, "{header:?}");
    client
}

/// Whether no client may get what a client sends.
pub fn is_for_the_wire_alone(frame: &[u8]) -> bool {
    let to = *frame.first_chunk().expect("it is long enough");
    !is_group(to) && of_address(to).is_none()
}

/// Who sent a frame that a client got, if it was a client.
pub fn may_get(client: ClientId, header: &Header) -> Option<ClientId> {
    let to = header.destination();
    let is_for_it = is_group(to) || to == address(client);
    assert!(is_for_it && lets(client, header), "{client}: {header:?}");
    let sender = of_address(header.source());
    match sender {
        Some(sender) => {
            assert!(lets(sender, header), "{sender}: {header:?}");
            let talk = sender != client && (sender == 0 || client == 0);
            assert!(talk, "client {client} got a frame of client {sender}");
        }
        None => assert!(client != 3 && !is_group(header.source()), "{header:?}"),
    }
    sender
}

pub fn place(request: &Request) -> Range<u32> {
    let length = match request.operation {
        Operation::Describe => 0,
        Operation::Receive => FRAME_BYTES_MAX,
        Operation::Send => request.length,
    };
    request.offset..request.offset.saturating_add(length)
}

pub fn overlap(one: &Range<u32>, other: &Range<u32>) -> bool {
    one.start < other.end && other.start < one.end
}

pub fn is_malformed(request: &Request) -> bool {
    let end = request.offset.checked_add(request.length);
    let outside = end.is_none_or(|end| end > PAYLOAD_BYTES);
    match request.operation {
        Operation::Describe => false,
        Operation::Receive => outside || request.length < FRAME_BYTES_MAX,
        Operation::Send => {
            outside || !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&request.length)
        }
    }
}

pub fn header_of(to: Address, from: Address, protocol: u16) -> Header {
    let bytes = [&to[..], &from, &protocol.to_be_bytes()].concat();
    Header(bytes.try_into().expect("14 bytes"))
}

pub fn any_address(u: &mut Unstructured<'_>) -> Address {
    match one_of(u, 8) {
        0..5 => address(one_of(u, CLIENTS)),
        5 => OUTSIDE,
        6 => BROADCAST,
        _ => u.arbitrary().unwrap_or_default(),
    }
}

pub fn header(u: &mut Unstructured<'_>) -> Header {
    let (to, from) = (any_address(u), any_address(u));
    let protocol = match one_of(u, 4) {
        0 | 1 => PROTOCOL,
        2 => 0x0800,
        _ => u.arbitrary().unwrap_or_default(),
    };
    header_of(to, from, protocol)
}

/// A place in this half of the payload, mostly.
pub fn offset(u: &mut Unstructured<'_>, first: usize) -> u32 {
    match one_of(u, 16) {
        0 => u.arbitrary().unwrap_or_default(),
        1 => PAYLOAD_BYTES - one_of(u, 1600) as u32,
        2 => one_of(u, PAYLOAD_BYTES as usize) as u32,
        _ => (first + one_of(u, PLACES / 2)) as u32 * PLACE_BYTES,
    }
}

/// As frames have it, mostly.
pub fn length(u: &mut Unstructured<'_>) -> u32 {
    match one_of(u, 8) {
        0 => one_of(u, 20) as u32,
        1 => one_of(u, FRAME_BYTES_MAX as usize + 1) as u32,
        2 => FRAME_BYTES_MAX - one_of(u, 3) as u32,
        _ => 60,
    }
}
