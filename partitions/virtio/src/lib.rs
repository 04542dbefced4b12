//! The driver's side of a virtio device on PCI.
//!
//! The specification is Virtual I/O Device (VIRTIO) 1.2; numbers in comments are its sections. Only what it calls modern is
//! here: one BAR ([`registers`]), split virtqueues ([`Queue`]), level interrupts. A driver partition has the BAR and some memory
//! that the device reaches; both come in by the traits [`Registers`] and [`Memory`], so that everything runs on the host against
//! a device of its own (the feature `model`).
//!
//! A driver whose device several clients share has a [`Channel`] to each, and is a [`Driver`]: on the target `run` gives it its turns.
//!
//! # The device is not trusted
//!
//! It may be broken, and it can write everywhere in the memory that devices reach, at any time. So:
//!
//! * What the driver has to know later stands in its private memory: which descriptors are free, which chain has which
//!   token, how far the device has come. The shared structures are written, and never read back.
//! * From the used ring come an index, an identifier and a length. Each is read once and checked: no more than is in flight, a chain that
//!   is in flight, no more bytes than it has room for. Else it is [`Corrupt`], and the driver should reset the device.
//! * Each wait ends after a fixed number of reads: for the end of a reset, for a configuration that holds still.
//! * Where a queue is notified is what the device says, hence checked against the BAR.
//!
//! What the driver cannot know is whether the device did what it reports. A driver that wants to notice a write
//! which never came lays down a value beforehand that no device writes.
//!
//! # Byte order
//!
//! Virtio 1 is little-endian everywhere, and this processor's loads and stores are big-endian. [`Registers`] and [`Memory`] have what
//! these give; `little_*` and `set_little_*` swap. Nothing else in this crate knows of byte order. Models do as the
//! machine does, so a swap that is missing fails on the host too.
#![cfg_attr(not(any(test, feature = "model")), no_std)]
#![forbid(unsafe_code)]

mod driver;
#[cfg(any(test, feature = "model"))]
pub mod model;
#[cfg(target_os = "none")]
mod native;
mod queue;
pub mod registers;
pub mod slots;
mod transport;

#[cfg(test)]
mod tests;

pub use driver::{Channel, Driver, End, Next, PATIENCE_CHECKS};
#[cfg(target_os = "none")]
pub use native::{RingChannel, run};
pub use queue::{AddError, Buffer, Corrupt, Layout, Queue, Used};
pub use transport::{Features, InitError, Interrupts, NotReset, Transport};
pub use virtio_spec as spec;

macro_rules! swapped {
    ($($get:ident by $read:ident, $set:ident by $write:ident, $type:ty;)*) => { $(
        /// A little-endian number.
        #[inline(always)]
        fn $get(&self, offset: u32) -> $type {
            self.$read(offset).swap_bytes()
        }

        /// Writes a little-endian number.
        #[inline(always)]
        fn $set(&self, offset: u32, value: $type) {
            self.$write(offset, value.swap_bytes());
        }
    )* };
}

/// The registers of a device, by their offset in the BAR. Each access is one load or store of this width, big-endian.
///
/// Offsets that this crate uses are below [`registers::BAR_BYTES`], and aligned.
pub trait Registers {
    /// Reads a byte.
    fn read_u8(&self, offset: u32) -> u8;
    /// Reads two bytes, big-endian.
    fn read_u16(&self, offset: u32) -> u16;
    /// Reads four bytes, big-endian.
    fn read_u32(&self, offset: u32) -> u32;
    /// Writes a byte.
    fn write_u8(&self, offset: u32, value: u8);
    /// Writes two bytes, big-endian.
    fn write_u16(&self, offset: u32, value: u16);
    /// Writes four bytes, big-endian.
    fn write_u32(&self, offset: u32, value: u32);

    swapped! {
        little_u16 by read_u16, set_little_u16 by write_u16, u16;
        little_u32 by read_u32, set_little_u32 by write_u32, u32;
    }
}

/// Memory that the device reaches, by offset. Accesses are volatile, big-endian, aligned and within `length`.
pub trait Memory {
    /// How many bytes there are.
    fn length(&self) -> u32;
    /// Where the device finds the byte at `offset`.
    fn bus_address(&self, offset: u32) -> u32;
    /// Reads a byte.
    fn read_u8(&self, offset: u32) -> u8;
    /// Reads two bytes, big-endian.
    fn read_u16(&self, offset: u32) -> u16;
    /// Reads four bytes, big-endian.
    fn read_u32(&self, offset: u32) -> u32;
    /// Writes a byte.
    fn write_u8(&self, offset: u32, value: u8);
    /// Writes two bytes, big-endian.
    fn write_u16(&self, offset: u32, value: u16);
    /// Writes four bytes, big-endian.
    fn write_u32(&self, offset: u32, value: u32);

    swapped! {
        little_u16 by read_u16, set_little_u16 by write_u16, u16;
        little_u32 by read_u32, set_little_u32 by write_u32, u32;
    }
}
