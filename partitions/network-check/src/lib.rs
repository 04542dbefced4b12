//! Frames whose content says which they are, so that one that is lost, changed, or another's is noticed; who has which address in the
//! system `switch`; and [`Lives`], by which whoever asks notices that the driver was restarted.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
mod lives;

#[cfg(target_os = "none")]
pub use lives::Lives;
use network_messages::FRAME_BYTES_MAX;

/// A hardware address.
pub type Address = [u8; 6];

/// The one that asks.
pub const ASKER: Address = [2, 0, 0, 0, 2, 1];
/// The one that answers.
pub const ANSWERER: Address = [2, 0, 0, 0, 2, 2];
/// The one that breaks rules.
pub const HOSTILE: Address = [2, 0, 0, 0, 2, 3];
/// Everybody.
pub const BROADCAST: Address = [0xff; 6];

/// A type for experiments (IEEE 802, 9.2.4): the only one that the system's file lets through.
pub const PROTOCOL: u16 = 0x88b5;

/// Two addresses and the type.
pub const HEADER_BYTES: usize = 14;
/// Behind the header stands the frame's number.
const NUMBER_BYTES: usize = 4;
/// The shortest frame, and by how many bytes more a frame can have.
const LENGTH_MIN: usize = 60;
const LENGTHS: usize = FRAME_BYTES_MAX as usize + 1 - LENGTH_MIN;

/// The beginning of a frame.
pub fn header(to: Address, from: Address, protocol: u16) -> [u8; HEADER_BYTES] {
    let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (to, from);
    let [m, n] = protocol.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n]
}

/// How long the frame with a number is: numbers that follow each other have all lengths.
pub const fn length(number: u32) -> usize {
    // It has no factor in common with the number of lengths, which is 1,455.
    LENGTH_MIN + (number as usize).wrapping_mul(601) % LENGTHS
}

/// Fills `room` with the frame of this number. How long it is.
pub fn fill(
    room: &mut [u8; FRAME_BYTES_MAX as usize],
    to: Address,
    from: Address,
    number: u32,
) -> usize {
    let length = length(number);
    let header = header(to, from, PROTOCOL);
    let start = header.into_iter().chain(number.to_be_bytes());
    for (at, place) in room.iter_mut().enumerate() {
        *place = content(number, at);
    }
    for (place, byte) in room.iter_mut().zip(start) {
        *place = byte;
    }
    length
}

/// The number of a frame from `from` to `to`, if each byte of it is right.
pub fn number(frame: &[u8], to: Address, from: Address) -> Option<u32> {
    let (own, behind) = frame.split_at_checked(HEADER_BYTES)?;
    let number = u32::from_be_bytes(*behind.first_chunk::<NUMBER_BYTES>()?);
    let is_right = own == header(to, from, PROTOCOL)
        && frame.len() == length(number)
        && (frame.iter().enumerate().skip(HEADER_BYTES + NUMBER_BYTES))
            .all(|(at, byte)| *byte == content(number, at));
    is_right.then_some(number)
}

/// The byte at a place of a frame.
const fn content(number: u32, at: usize) -> u8 {
    (number.wrapping_mul(0x9e37_79b1) >> 24) as u8 ^ at as u8
}

/// Whether a frame says that it is from this address.
pub fn is_from(frame: &[u8], from: Address) -> bool {
    frame.get(6..12) == Some(&from[..])
}
