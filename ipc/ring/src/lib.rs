//! Rings in memory shared by exactly two partitions.
//!
//! A ring carries messages one way: from the one [`Producer`] to the one [`Consumer`]. A channel that
//! goes both ways is two rings, one after the other in the same region. The kernel has no part in it
//! but the mapping and the doorbells.
//!
//! # The peer is not trusted
//!
//! Both ends map the region readable and writable, so the peer may write anything anywhere at any
//! time. What follows from that:
//!
//! * No Rust reference to shared memory is ever formed, since its target could change underneath. All
//!   accesses are volatile, through raw pointers, in the module `memory`: the only unsafe code.
//! * Each end keeps its own index and the ring's geometry in private memory. From the ring it takes the
//!   peer's index, the epochs and a message's length, reads each once, and checks the copy.
//! * A message is copied out first, and decoded then.
//! * Whatever the peer writes, an operation ends after a bounded number of accesses in a value or an
//!   error; [`RingError::Corrupt`] if what it read is impossible. A peer can thus spoil the messages of
//!   this ring, and nothing else.
//!
//! # Layout
//!
//! Words have 32 bits in the byte order of the machine. Each line of 32 bytes (a cache line of the
//! e500v2) has one writer.
//!
//! | offset | word | written by |
//! |---|---|---|
//! | 0 | magic `CFRG` | producer |
//! | 4 | version of this layout: 1 | producer |
//! | 8 | longest message in bytes | producer |
//! | 12 | number of slots, a power of two | producer |
//! | 16 | producer's epoch: 0 before it first attached | producer |
//! | 32 | producer's index: messages pushed in its epoch, wrapping | producer |
//! | 36 | epoch that the index belongs to | producer |
//! | 64 | consumer's index: messages taken, wrapping | consumer |
//! | 68 | producer's epoch that the index belongs to; 0 for none | consumer |
//! | 72 | consumer's epoch: 0 before it first attached | consumer |
//! | 96 | slots: a word with the message's length, then its bytes, filled up to whole words | producer |
//!
//! # Restarts
//!
//! The region is cleared once, before either end runs. After that each end restarts when it likes:
//!
//! * A producer that attaches takes the next epoch, and begins with an empty ring: what its predecessor
//!   pushed is gone.
//! * A consumer that attaches for the first time takes what has been pushed so far. One that attaches
//!   again discards it: answers to its predecessor's questions must not reach it.
//! * The end that stays is told once, by [`RingError::PeerRestarted`], and then goes on.
//!
//! An index counts only if the epoch beside it is the producer's. A producer that attaches changes its
//! epoch first, then clears its index, and writes the epoch beside it last; a consumer writes its index
//! before the epoch beside it. So an end that is interrupted in between, or dies there, leaves nothing
//! that could be taken for an index.
//!
//! # Ordering
//!
//! A message is written before the index that announces it (release), and read after it (acquire). The
//! same holds back for the slot that becomes free. The producer's epoch is read again after copying a
//! message out, so a message that a restarted producer overwrote meanwhile is not delivered. Accesses
//! are volatile, hence neither merged nor repeated; fences order them for the other core there may be.

#![no_std]

#[cfg(all(test, not(miri)))]
extern crate std;

mod consumer;
mod geometry;
#[cfg(feature = "hostile")]
pub mod hostile;
mod memory;
mod producer;
// Has no unsafe code for Miri to judge, and hundreds of interleavings.
#[cfg(all(test, not(miri)))]
mod tests;

pub use consumer::Consumer;
pub use geometry::Geometry;
pub use memory::AttachError;
pub use producer::Producer;

use cofferdam_ipc::{DecodeError, EncodeError};

/// Why an operation on a ring did nothing; or, for [`Decode`](Self::Decode), took a message in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// Every slot holds a message that the consumer has not taken.
    Full,
    /// The message is longer than the ring's slots hold.
    TooLong,
    /// The next message has this many bytes, more than the buffer. It stays in the ring.
    BufferTooSmall {
        /// The message's length in bytes.
        needed: usize,
    },
    /// The peer has restarted since the last operation. The next one goes on with the new peer.
    PeerRestarted,
    /// The producer uses another layout or geometry.
    Mismatch,
    /// The peer wrote an index or length that cannot be.
    Corrupt,
    /// The message could not be encoded.
    Encode(EncodeError),
    /// The message taken is not one of the expected type.
    Decode(DecodeError),
}

impl core::fmt::Display for RingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full"),
            Self::TooLong => f.write_str("the message is longer than a slot of the ring"),
            Self::BufferTooSmall { needed } => {
                write!(
                    f,
                    "the buffer is too small for the message of {needed} bytes"
                )
            }
            Self::PeerRestarted => f.write_str("the other end of the ring has restarted"),
            Self::Mismatch => f.write_str("the other end uses another layout of the ring"),
            Self::Corrupt => f.write_str("the other end wrote an impossible index or length"),
            Self::Encode(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RingError {}
