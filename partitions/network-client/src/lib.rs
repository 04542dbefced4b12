//! The side of a network's channel that asks.
//!
//! The protocol stands at the head of `network_messages`. [`Client`] keeps to it: it divides the payload into buffers, chooses ids, knows what is
//! in flight, and checks what the driver answers. Frames go in and out by copies: whoever uses them has them in memory of its own, where nobody
//! changes them.
//!
//! ```ignore
//! client.poll();
//! while let Some(length) = client.receive(&mut room) {}    // a frame came
//! client.send(&frame);                                     // while `can_send`
//! client.announce();
//! ```
//!
//! # Restarts
//!
//! A client begins by asking for its address. When the answer is there, the driver has nothing of an earlier life, and no device reads or
//! writes the payload: before that nothing is sent or received. When the driver restarts, the rings say so, and all begins anew; what
//! was being sent may be lost, as on any network.
//!
//! A driver that is stopped for good has no new life: [`Client::is_stopped`] says so after the next [`Client::poll`], for which the channel's line comes. What was
//! being sent is lost. Should somebody start the driver again, all begins anew.
//!
//! # The driver is not trusted
//!
//! It can answer with lies, late or never, and write what it likes into the payload: what it may spoil is this client's frames. Answers to nothing
//! are dropped, lengths are checked, and each call ends.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod client;
#[cfg(test)]
mod tests;

pub use client::{Address, BUFFER_BYTES, Client};
use driver_client::Payload;
use network_messages::{Reply, Request};

/// The client's end of a network's rings, and the payload.
pub trait Channel: driver_client::Channel<Request = Request, Reply = Reply> + Payload {}

impl<C: driver_client::Channel<Request = Request, Reply = Reply> + Payload> Channel for C {}

/// A partition's end of them.
#[cfg(target_os = "none")]
pub type RingChannel = driver_client::RingChannel<Request, Reply>;
