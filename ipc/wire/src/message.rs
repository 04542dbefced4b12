//! Messages, and the two functions that turn them into bytes and back.

use serde::{Serialize, de::DeserializeOwned};

use crate::Bounded;

/// What a typed channel carries.
///
/// Derive it, beside serde's two traits. The derived [`NAME`](Self::NAME) is the type's path with its
/// crate and module; `#[message(name = "...")]` fixes another, which then survives a move of the type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    note = "add #[derive(serde::Serialize, serde::Deserialize, cofferdam_ipc::Message)] to its definition"
)]
pub trait Message: Bounded + Serialize + DeserializeOwned {
    /// The qualified name, as it stands in the system's file, for example `flight_messages::Attitude`.
    const NAME: &'static str;
    /// What both ends of a channel must agree in.
    const FINGERPRINT: u64 = Self::SCHEMA;
    /// The longest wire form in bytes.
    const MAX_SIZE: usize = Self::BOUND;

    /// An array of [`MAX_SIZE`](Self::MAX_SIZE) bytes: room for any wire form.
    type Buffer: AsRef<[u8]> + AsMut<[u8]>;
    /// A cleared buffer.
    const EMPTY_BUFFER: Self::Buffer;

    /// Writes the wire form to the start of `out`; returns its length.
    fn to_wire(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        match postcard::serialize_with_flavor(self, Slice { out, length: 0 }) {
            Ok(length) => Ok(length),
            Err(postcard::Error::SerializeBufferFull) => Err(EncodeError::BufferTooSmall),
            Err(_) => Err(EncodeError::Unencodable),
        }
    }

    /// Reads a value from its wire form, which must be exactly `wire`.
    fn from_wire(wire: &[u8]) -> Result<Self, DecodeError> {
        if wire.len() > Self::MAX_SIZE {
            return Err(DecodeError::TooLong);
        }
        match postcard::take_from_bytes(wire) {
            Ok((value, [])) => Ok(value),
            Ok((_, _)) => Err(DecodeError::TrailingBytes),
            Err(postcard::Error::DeserializeUnexpectedEnd) => Err(DecodeError::Truncated),
            Err(_) => Err(DecodeError::Malformed),
        }
    }
}

/// Where a wire form is written. Numbers have a few bytes each, and are written one by one: a call that copies them would cost more than all of them.
struct Slice<'o> {
    out: &'o mut [u8],
    length: usize,
}

impl postcard::ser_flavors::Flavor for Slice<'_> {
    type Output = usize;

    #[inline(always)]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        let place = self.out.get_mut(self.length);
        *place.ok_or(postcard::Error::SerializeBufferFull)? = data;
        self.length += 1;
        Ok(())
    }

    #[inline(always)]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        // A loop over as many places as there are bytes would become that call.
        data.iter().try_for_each(|byte| self.try_push(*byte))
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.length)
    }
}

/// Writes the wire form of `message` to the start of `out`; returns its length.
pub fn encode<T: Message>(message: &T, out: &mut [u8]) -> Result<usize, EncodeError> {
    message.to_wire(out)
}

/// Reads a message from its wire form, which must be exactly `wire`: any bytes are safe to pass.
pub fn decode<T: Message>(wire: &[u8]) -> Result<T, DecodeError> {
    T::from_wire(wire)
}

/// Why a message could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The buffer is shorter than this value's wire form.
    BufferTooSmall,
    /// The type's own `Serialize` refused the value.
    Unencodable,
}

/// Why bytes are not a message of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than the longest value of the type takes.
    TooLong,
    /// The bytes end in the middle of the value.
    Truncated,
    /// The value ends before the bytes do.
    TrailingBytes,
    /// A part is out of its type's range: an unknown variant, a number too large, text not in UTF-8,
    /// more elements than the capacity.
    Malformed,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BufferTooSmall => "the buffer is too small for the message",
            Self::Unencodable => "the value has no encoding",
        })
    }
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than any message of the type",
            Self::Truncated => "ends in the middle of the message",
            Self::TrailingBytes => "bytes follow the message",
            Self::Malformed => "not a message of the type",
        })
    }
}

impl core::error::Error for EncodeError {}
impl core::error::Error for DecodeError {}

macro_rules! primitive_messages {
    ($($type:ty),*) => {$(
        impl Message for $type {
            const NAME: &'static str = stringify!($type);
            type Buffer = [u8; <$type as Bounded>::BOUND];
            const EMPTY_BUFFER: Self::Buffer = [0; <$type as Bounded>::BOUND];
        }
    )*};
}

primitive_messages!((), bool, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
