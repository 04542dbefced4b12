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
//! # The driver is not trusted
//!
//! It can answer with lies, late or never, and write what it likes into the payload: what it may spoil is this client's frames. Answers to nothing
//! are dropped, lengths are checked, and each call ends.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod client;
#[cfg(target_os = "none")]
mod native;
#[cfg(test)]
mod tests;

pub use client::{Address, BUFFER_BYTES, Client};
use cofferdam_ring::RingError;
#[cfg(target_os = "none")]
pub use native::RingChannel;
use network_messages::{Reply, Request};

/// The client's end of the rings, and the payload.
pub trait Channel {
    /// Appends a request.
    ///
    /// # Errors
    /// As the ring says: nothing was appended.
    fn push(&mut self, request: &Request) -> Result<(), RingError>;
    /// How many requests there is room for.
    ///
    /// # Errors
    /// As the ring says.
    fn room(&mut self) -> Result<u32, RingError>;
    /// Takes the next answer.
    ///
    /// # Errors
    /// As the ring says.
    fn pop(&mut self) -> Result<Option<Reply>, RingError>;
    /// Tells the driver that there are requests.
    fn ring_doorbell(&mut self);
    /// How many bytes of payload there are.
    fn payload_bytes(&self) -> u32;
    /// Copies from the payload, within its length.
    fn copy_out(&self, offset: u32, to: &mut [u8]);
    /// Copies into the payload, within its length.
    fn copy_in(&self, offset: u32, from: &[u8]);
}
