//! The side of a disk's channel that asks.
//!
//! The protocol stands at the head of `disk_messages`. [`Client`] keeps to it: it chooses ids, knows what is in flight, checks what the
//! driver answers, and knows when a piece of payload is the caller's again. It moves no data: that is the caller's, in the payload.
//!
//! ```ignore
//! client.submit(Command::Read(Transfer { sector: 0, sectors: 8, offset: 0 }), tag)?;
//! client.announce();
//! // When the line of the channel came:
//! while let Some(event) = client.poll() {
//!     match event {
//!         Event::Ready(shape) => {}                     // requests are taken from now on
//!         Event::Down => {}                             // there is no disk; `describe` asks again
//!         Event::Stopped => {}                          // the driver has no further life
//!         Event::Ended { tag, result, .. } => {}        // the payload is the caller's again
//!     }
//! }
//! client.announce();
//! ```
//!
//! # Restarts
//!
//! A client begins by asking for the disk's shape. When the answer is there, the driver has no request of an earlier life, and no
//! device writes into the payload: so the caller leaves the payload alone before [`Event::Ready`].
//!
//! When the driver restarts, the rings say so, each at another moment. The client asks for the shape again, and the answer shows that both have
//! said it, and that the new driver has nothing of what the old one had. Only then what was in flight ends, as [`Failure::Interrupted`], and
//! its payload is the caller's.
//!
//! A driver that is stopped for good (`device_unfit = "stop"`, a restart limit) has no new life. The kernel raises the line of the channel then, and says
//! that the peer has no epoch: after [`Event::Stopped`] what was in flight ends as [`Failure::Stopped`], and what is submitted is refused as
//! [`Refused::Stopped`]. Should somebody start the driver again, [`Event::Ready`] comes as ever, and until then the caller leaves the payload alone.
//!
//! # Ids
//!
//! The upper half of an id is the number of the client's life. So an answer that was on its way when the client restarted is none to the
//! new life's requests.
//!
//! # The driver is not trusted
//!
//! It can answer with lies, late or never: what it may spoil is this client's data. Answers to nothing are dropped, and each call ends.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod client;
#[cfg(test)]
mod tests;

pub use client::{Client, Refused};
use disk_messages::{OFFSET_ALIGNMENT, Operation, Reply, Request, SECTOR_BYTES};

/// The client's end of a disk's rings.
pub trait Channel: driver_client::Channel<Request = Request, Reply = Reply> {}

impl<C: driver_client::Channel<Request = Request, Reply = Reply>> Channel for C {}

/// A partition's end of them.
#[cfg(target_os = "none")]
pub type RingChannel = driver_client::RingChannel<Request, Reply>;

/// What there is of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many sectors.
    pub sectors: u64,
    /// They cannot be written.
    pub read_only: bool,
}

/// Sectors, and where in the payload they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The first sector.
    pub sector: u64,
    /// How many.
    pub sectors: u32,
    /// Where in the payload their data begins.
    pub offset: u32,
}

impl Transfer {
    /// Its bytes of the payload, from where to where. `None` if it is no transfer with a payload of this size.
    fn bytes(&self, payload_bytes: u32) -> Option<core::ops::Range<u32>> {
        let length = self.sectors.checked_mul(SECTOR_BYTES)?;
        let end = self.offset.checked_add(length)?;
        let right =
            length != 0 && self.offset.is_multiple_of(OFFSET_ALIGNMENT) && end <= payload_bytes;
        right.then_some(self.offset..end)
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sectors into the payload.
    Read(Transfer),
    /// Sectors from the payload.
    Write(Transfer),
    /// What was written and ended becomes durable.
    Flush,
}

impl Command {
    /// What it moves.
    pub const fn transfer(&self) -> Option<&Transfer> {
        match self {
            Self::Read(transfer) | Self::Write(transfer) => Some(transfer),
            Self::Flush => None,
        }
    }

    fn request(&self, id: u32) -> Request {
        let (operation, transfer) = match self {
            Self::Read(transfer) => (Operation::Read, Some(transfer)),
            Self::Write(transfer) => (Operation::Write, Some(transfer)),
            Self::Flush => (Operation::Flush, None),
        };
        Request {
            id,
            operation,
            sector: transfer.map_or(0, |transfer| transfer.sector),
            sectors: transfer.map_or(0, |transfer| transfer.sectors),
            offset: transfer.map_or(0, |transfer| transfer.offset),
        }
    }
}

/// How a request ended that was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk cannot be written.
    ReadOnly,
    /// The disk has no such sectors.
    OutOfRange,
    /// The driver says that it is none.
    Malformed,
    /// The device failed, or the driver answered with nonsense. How much was moved is unknown.
    Failed,
    /// The driver has restarted. How much was moved is unknown; it can be asked for again as it was.
    Interrupted,
    /// The driver is stopped, and has no further life. How much was moved is unknown.
    Stopped,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// Requests are taken from now on; after each restart of the driver anew.
    Ready(Shape),
    /// The driver has no disk.
    Down,
    /// The driver is stopped. What was in flight ends next, and nothing is taken.
    Stopped,
    /// A request ended.
    Ended {
        /// What was asked for.
        command: Command,
        /// What it was submitted with.
        tag: T,
        /// How it ended.
        result: Result<(), Failure>,
    },
}
