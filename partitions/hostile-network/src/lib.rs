//! A driver of a network that is hostile to all who have to do with it, and two clients that it shall not harm.
//!
//! [`Card`] is its device, told to send what lies anywhere and to receive to anywhere. [`Peer`] is its end of a client's rings, of which it
//! writes each word itself.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

mod card;
mod peer;

pub use card::Card;
pub use peer::{Peer, answer, request_of};

/// How many places a ring of its clients has.
pub const DEPTH: u32 = 8;

/// Two addresses and the type.
pub const HEADER_BYTES: usize = 14;

/// Where the driver's frames to the wire come from, and go to.
pub const OUTSIDE: [u8; 6] = [2, 0, 0, 0, 9, 9];
/// The driver's own.
pub const DRIVER: [u8; 6] = [2, 0, 0, 0, 3, 1];
/// That of the client with a library.
pub const CLIENT: [u8; 6] = [2, 0, 0, 0, 3, 2];
/// That of the client with bare ends.
pub const VICTIM: [u8; 6] = [2, 0, 0, 0, 3, 3];

/// The beginning of a frame, of the type for experiments (IEEE 802, 9.2.4).
pub fn header(to: [u8; 6], from: [u8; 6]) -> [u8; HEADER_BYTES] {
    let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (to, from);
    [a, b, c, d, e, f, g, h, i, j, k, l, 0x88, 0xb5]
}
