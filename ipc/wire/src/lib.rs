//! Typed messages: wire format, bounds, schema fingerprints, port notes.
//!
//! Two partitions that talk over a channel are compiled apart, perhaps by different suppliers. This
//! crate is what keeps them in agreement:
//!
//! * A [`Message`] is a Rust type with a bounded [`postcard`](https://postcard.jamesmunns.com/wire-format)
//!   encoding. Integers are variable-length and little-endian whatever the machine, so that a record
//!   means the same on the target and on the host. [`Bytes`] is the exception on purpose: raw bytes
//!   without any framing, so that a C partition or a guest operating system can be an end.
//! * Its [`FINGERPRINT`](Message::FINGERPRINT) is a hash of everything that gives those bytes their
//!   meaning ([`fingerprint`] says what goes in). Ends that differ in it are refused at build time.
//! * A [`note`] in each partition's ELF carries port names, kinds, sizes and fingerprints, so that the
//!   build can compare both ends with the system's file without having anybody's source.
//!
//! A decoder meets bytes that a hostile partition wrote. So decoding is bounded by the type, consumes
//! its whole input or fails, and never panics; what it returns is a copy.
//!
//! ```
//! use cofferdam_ipc::{Message, decode, encode};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
//! struct Attitude {
//!     roll_mrad: i16,
//!     pitch_mrad: i16,
//! }
//!
//! let sent = Attitude { roll_mrad: -5, pitch_mrad: 300 };
//! let mut wire = Attitude::EMPTY_BUFFER;
//! let length = encode(&sent, &mut wire).unwrap();
//! assert_eq!(decode::<Attitude>(&wire[..length]), Ok(sent));
//! ```

#![no_std]
#![forbid(unsafe_code)]

pub mod bounded;
mod bytes;
pub mod fingerprint;
mod message;
pub mod name;
pub mod note;

pub use bounded::Bounded;
pub use bytes::{Bytes, CapacityError, bytes_capacity, bytes_fingerprint};
pub use cofferdam_ipc_derive::Message;
pub use message::{DecodeError, EncodeError, Message, decode, encode};
