//! A driver for a virtio disk that several partitions share.
//!
//! Each client has a ring with a payload, whose protocol stands at the head of `disk_messages`, and its own range of the disk. The driver
//! copies no data: the device's descriptors point into the clients' payloads. What it does have to do is to decide, and that is all here:
//!
//! * [`judge`]: whether a request stays within the client's range and payload.
//! * [`Disk`]: requests in the form of virtio, and how they ended. The device is not believed (see `virtio`).
//! * [`Server`]: whose request is next, who gets which answer, and what happens when the device or a client fails.
//!
//! The program around it, `main.rs`, waits for doorbells and the device's interrupt.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "model"))]
extern crate std;

mod block;
mod judge;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod server;

#[cfg(test)]
mod tests;

pub use block::{Command, Disk, Ended, SLOTS, Shape, Work};
pub use judge::{Range, Share, judge};
pub use server::{CLIENTS_MAX, Server};
