//! Partitions in Rust.
//!
//! A partition is a small program without an operating system under it: it has its memory, its ports, its
//! windows of time, and the hypercalls. This crate is what stands between a partition's safe code and those:
//! the entry, the register page, the only assembly and the only unsafe code on the user's side.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! #![forbid(unsafe_code)]
//!
//! cofferdam_native::partition!("flight", main);
//!
//! fn main() -> ! {
//!     let mut period = cofferdam_native::Period::new();
//!     loop {
//!         let release = period.wait_release();
//!         if let Ok(Some(attitude)) = ports::ATTITUDE.read() { /* ... */ }
//!         cofferdam_native::log!("release {}", release.number);
//!         period.complete();
//!     }
//! }
//! ```
//!
//! What a partition owns is fixed by the system's file; the build writes its ports as constants into a
//! generated module, which [`partition!`] includes. So a port that the file does not name does not compile, and
//! a handle cannot be forged: the kernel judges every use again.
//!
//! * [`SamplingSource`], [`SamplingDestination`], [`QueuingSource`], [`QueuingDestination`], [`CallClient`], [`CallServer`],
//!   [`SignalSource`], [`SignalDestination`], [`RingSource`], [`RingDestination`], [`RingInitiator`], [`RingResponder`]: the ends of channels.
//! * [`InterruptPort`], [`Device`]: a device's interrupt and registers.
//! * [`Guest`]: a guest operating system, in the partition that is its monitor.
//! * [`HealthLog`], [`PartitionControl`], [`PartitionStatus`], [`ScheduleControl`], [`ScheduleStatus`]: further capabilities.
//! * [`wait`], [`Lines`], [`Period`], [`time`], [`interrupts`]: what happens when.
//! * [`log!`]; [`stream`] for `embedded-io`; [`time::Delay`] for `embedded-hal`.
#![no_std]
#![cfg(target_os = "none")]

mod authority;
mod bytes;
mod call;
mod channel;
mod device;
mod entry;
mod error;
mod guest;
mod hypercall;
pub mod interrupts;
mod lines;
pub mod log;
mod memory;
pub mod page;
mod panic;
mod period;
mod ports;
#[cfg(feature = "probe")]
pub mod probe;
mod ring;
pub mod stream;
pub mod time;

pub use authority::{
    HealthLog, PartitionControl, PartitionStatus, PartitionSummary, Restart, ScheduleControl,
    ScheduleStatus, ScheduleSummary, application_error, mark, raise_error, restart_self, stop_self,
};
pub use bytes::{BytePort, ReceivedBytes, SampledBytes};
pub use call::{CallClient, CallServer};
pub use channel::{
    ChannelSummary, QueuingDestination, QueuingSource, Received, Sample, SamplingDestination,
    SamplingSource, SignalDestination, SignalSource,
};
pub use cofferdam_abi as abi;
pub use cofferdam_ipc as ipc;
pub use cofferdam_ring::RingError;
pub use device::{Device, InterruptPort};
pub use error::Error;
pub use guest::{Exit, Guest};
pub use lines::{Lines, wait};
pub use memory::SharedMemory;
#[doc(hidden)]
pub use panic::panicked_at;
pub use period::{Period, Release};
pub use ports::{DiskRange, NetworkClient, Peer, Schedule, Window};
#[doc(hidden)]
pub use ports::{Note, Stack, version_note};
pub use ring::{
    RingConsumer, RingDestination, RingInitiator, RingProducer, RingResponder, RingSource,
};
