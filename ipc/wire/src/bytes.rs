//! `bytes(N)`: up to N bytes that mean nothing to this crate.
//!
//! As a message by itself, its wire form is the bytes and nothing else, so that an end written in C,
//! or a guest operating system, needs no encoder. As a field of another message it is framed like any
//! other sequence, because something has to say where it ends.

use core::fmt;
use core::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::bounded::{Bounded, varint_length};
use crate::fingerprint::Fingerprint;
use crate::{DecodeError, EncodeError, Message};

/// The fingerprint of `bytes(capacity)`, for ends that have no Rust type: C partitions, guests.
pub const fn bytes_fingerprint(capacity: usize) -> u64 {
    Fingerprint::of("bytes").number(capacity as u64).finish()
}

/// The capacity in the type name `bytes(N)`, or `None` where `name` is not of this form.
pub fn bytes_capacity(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("bytes(")?.strip_suffix(')')?;
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    canonical.then(|| digits.parse().ok()).flatten()
}

/// Up to `N` opaque bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes<const N: usize>(heapless::Vec<u8, N>);

/// More bytes than the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityError;

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more bytes than the capacity")
    }
}

impl core::error::Error for CapacityError {}

impl<const N: usize> Bytes<N> {
    /// No bytes.
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }
}

impl<const N: usize> TryFrom<&[u8]> for Bytes<N> {
    type Error = CapacityError;

    fn try_from(bytes: &[u8]) -> Result<Self, CapacityError> {
        heapless::Vec::from_slice(bytes)
            .map(Self)
            .map_err(|_| CapacityError)
    }
}

impl<const N: usize> Deref for Bytes<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> Bounded for Bytes<N> {
    const BOUND: usize = varint_length(N as u64) + N;
    const SCHEMA: u64 = bytes_fingerprint(N);
}

impl<const N: usize> Message for Bytes<N> {
    const NAME: &'static str = Self::TYPE_NAME.as_str();
    const MAX_SIZE: usize = N;
    type Buffer = [u8; N];
    const EMPTY_BUFFER: [u8; N] = [0; N];

    fn to_wire(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let room = out
            .get_mut(..self.len())
            .ok_or(EncodeError::BufferTooSmall)?;
        room.copy_from_slice(self);
        Ok(self.len())
    }

    fn from_wire(wire: &[u8]) -> Result<Self, DecodeError> {
        Self::try_from(wire).map_err(|CapacityError| DecodeError::TooLong)
    }
}

impl<const N: usize> Bytes<N> {
    const TYPE_NAME: &'static TypeName = &TypeName::new(N);
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for BytesVisitor<N> {
    type Value = Bytes<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes<N>, E> {
        Bytes::try_from(bytes).map_err(|CapacityError| E::invalid_length(bytes.len(), &self))
    }
}

/// The text `bytes(N)`, made in a constant, where there is no formatting.
struct TypeName {
    text: [u8; Self::CAPACITY],
    start: usize,
}

impl TypeName {
    const PREFIX: &'static [u8] = b"bytes(";
    /// `bytes(`, the 20 digits of the largest 64-bit number, `)`.
    const CAPACITY: usize = Self::PREFIX.len() + 20 + 1;

    /// Fills the text from its end, since the last digit is known first.
    const fn new(capacity: usize) -> Self {
        let mut text = [b')'; Self::CAPACITY];
        let mut start = Self::CAPACITY - 1;
        let mut rest = capacity;
        loop {
            start -= 1;
            text[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let mut i = Self::PREFIX.len();
        while i > 0 {
            i -= 1;
            start -= 1;
            text[start] = Self::PREFIX[i];
        }
        Self { text, start }
    }

    const fn as_str(&self) -> &str {
        let (_, text) = self.text.split_at(self.start);
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }
}
