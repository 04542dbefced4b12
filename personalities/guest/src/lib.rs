//! The monitor of a guest operating system, apart from the processor that the guest runs on.
//!
//! A partition that has a guest begins in its monitor, which sets the guest's registers and lets it run. The kernel models the
//! processor: its levels, its translations, its timer, and the privileged instructions that are frequent. What is left comes
//! here: the devices that the guest sees ([`devices`], [`mpic`], [`console`], [`uart`], [`pci`], [`virtio`]), on the [`board`] that its device tree describes, and
//! the instructions that are rare ([`instruction`]).
#![no_std]
#![forbid(unsafe_code)]

pub mod access;
pub mod board;
pub mod console;
pub mod devices;
pub mod foresight;
pub mod instruction;
mod monitor;
pub mod mpic;
pub mod output;
pub mod pci;
#[cfg(test)]
mod tests;
pub mod uart;
pub mod virtio;
pub mod watchdog;

pub use monitor::{Monitor, Processor, Strays, start};
