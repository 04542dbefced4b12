//! The wire format: no bytes make a decoder panic, and what was decoded is encoded within its bound, and means the same.

use cofferdam_ipc::{Bytes, Message, decode, encode};
use heapless::{String, Vec as Bounded};
use serde::{Deserialize, Serialize};

use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "messages",
    seeds: || {
        let mut seeds = noise(8, 40);
        seeds.extend([wire(&Order::Hold), wire(&Order::Plan(plan()))]);
        seeds
    },
    run,
};

#[derive(Clone, Debug, Serialize, Deserialize, Message)]
enum Order {
    Hold,
    Turn(i16, Option<u8>),
    Climb { rate: f32, until: u64 },
    Plan(Plan),
}

#[derive(Clone, Debug, Serialize, Deserialize, Message)]
struct Plan {
    name: String<12>,
    legs: Bounded<(i32, u16), 6>,
    flags: [bool; 3],
    drift: f64,
    nothing: Bounded<(), 3>,
    note: Bytes<9>,
}

fn plan() -> Plan {
    Plan {
        name: String::try_from("home").unwrap_or_default(),
        legs: Bounded::from_iter([(-1, 2), (i32::MAX, u16::MAX)]),
        flags: [true, false, true],
        drift: -0.5,
        nothing: Bounded::new(),
        note: Bytes::try_from(&b"slowly"[..]).unwrap_or_default(),
    }
}

fn wire<T: Message>(message: &T) -> Vec<u8> {
    let mut buffer = T::EMPTY_BUFFER;
    let length = encode(message, buffer.as_mut()).expect("the buffer holds every message");
    assert!(length <= T::MAX_SIZE);
    buffer.as_ref()[..length].to_vec()
}

fn survives<T: Message>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        let written = wire(&message);
        let again = decode::<T>(&written).expect("what was encoded can be decoded");
        assert_eq!(wire(&again), written);
    }
}

fn run(bytes: &[u8]) {
    survives::<Order>(bytes);
    survives::<Plan>(bytes);
    survives::<Bytes<9>>(bytes);
    survives::<u64>(bytes);
    survives::<i64>(bytes);
}
