//! A client's end of the channel to a driver that several partitions share: the rings, and the payload.
//!
//! The clients of the disk and of the network have it in common. What is said over the rings is theirs (`disk_client`, `network_client`). The driver's end
//! is `virtio::Channel`.
#![cfg_attr(not(feature = "model"), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "model")]
pub mod model;
#[cfg(target_os = "none")]
mod native;

use cofferdam_ring::RingError;
#[cfg(target_os = "none")]
pub use native::RingChannel;

/// A client's end of the rings.
pub trait Channel {
    /// What it asks for.
    type Request;
    /// What it is answered.
    type Reply;

    /// Appends a request.
    ///
    /// # Errors
    /// As the ring says: nothing was appended.
    fn push(&mut self, request: &Self::Request) -> Result<(), RingError>;
    /// How many requests there is room for.
    ///
    /// # Errors
    /// As the ring says.
    fn room(&mut self) -> Result<u32, RingError>;
    /// Takes the next answer.
    ///
    /// # Errors
    /// As the ring says.
    fn pop(&mut self) -> Result<Option<Self::Reply>, RingError>;
    /// Whether the driver is stopped, with no other life to come by itself. The line that tells of answers tells of this, too.
    fn is_stopped(&self) -> bool;
    /// Tells the driver that there are requests.
    fn ring_doorbell(&mut self);
    /// How many bytes of payload there are.
    fn payload_bytes(&self) -> u32;
}

/// The payload, for a client that copies what goes in and out.
pub trait Payload {
    /// Copies from the payload, within its length.
    fn copy_out(&self, offset: u32, to: &mut [u8]);
    /// Copies into the payload, within its length.
    fn copy_in(&self, offset: u32, from: &[u8]);
}
