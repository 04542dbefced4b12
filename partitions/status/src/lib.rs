//! A page over HTTP that shows how the control loop and the partitions do, each time it is fetched as they do then.
//!
//! * [`Page`]: what it says.
//! * [`Request`]: whether that is what somebody asks for.
//! * [`Server`]: connections, on `smoltcp`.
//! * [`Wire`]: the network's driver, as `smoltcp` wants it.
//!
//! Whoever is outside may send anything: a connection has a fixed amount of memory and a fixed time, and then it is somebody else's.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod page;
mod request;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub use page::{Event, Page, PartitionRow, RESPONSE_BYTES, WindowRow};
pub use request::{Request, Verdict};
pub use server::{Buffers, CONNECTIONS, LIFE_MS, Server};
pub use smoltcp::iface::SocketStorage;
pub use wire::{RECEIVES, SENDS, Wire};
