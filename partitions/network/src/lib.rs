//! A driver for a virtio network that several partitions share, and the switch between them.
//!
//! Each client has a ring with a payload, whose protocol stands at the head of `network_messages`, and a hardware address of its own. What there
//! is to decide is all here:
//!
//! * [`route`]: where a frame may go, by who sends it, to whom, and of which type it is.
//! * [`Bucket`]: whether a client may send one more.
//! * [`Net`]: frames in the form of virtio, and which of them the device is done with. The device is not believed (see `virtio`).
//! * [`Server`]: whose request is next, who gets which frame, and what happens when the device or a client fails.
//!
//! The program around it waits for doorbells and the device's interrupt.
//!
//! # What is copied
//!
//! To the wire nothing but the frame's header: the device reads the rest from the client's payload. The header goes by the driver's own memory, for the
//! client can write its payload until the device has read it, and what was judged has to be what is sent. From the wire, and
//! between clients, a frame is copied once.
//!
//! # Nothing is learned
//!
//! A switch learns where an address is from the frames that come. Here the system's file says which addresses its partitions have, so
//! that every other address is on the wire; and nobody, inside or outside, can teach the switch something false.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "model"))]
extern crate std;

mod client;
mod device;
#[cfg(any(test, feature = "model"))]
pub mod model;
#[cfg(target_os = "none")]
mod native;
mod rate;
pub mod route;
mod server;

#[cfg(test)]
mod tests;

pub use client::{RECEIVES_MAX, Settings};
pub use device::{Net, TRANSMIT_SLOTS};
pub use network_messages::CLIENTS_MAX;
pub use rate::{BURST_MAX, Bucket};
pub use server::Server;

/// Memory that the device reaches, in which whole frames are moved.
pub trait FrameMemory: virtio::Memory + Clone {
    /// Copies from `offset` on into `to`; the caller has checked that it is there.
    fn copy_out(&self, offset: u32, to: &mut [u8]);
    /// Copies `from` to `offset`; the caller has checked that there is room.
    fn copy_in(&self, offset: u32, from: &[u8]);
    /// Copies from other memory; the caller has checked both.
    fn copy_from(&self, offset: u32, other: &Self, other_offset: u32, length: u32);
}
