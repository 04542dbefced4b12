//! The I2C controller of the MPC85xx, and the real-time clock behind it.
//!
//! * [`Controller`]: the controller as `embedded-hal`'s [`embedded_hal::i2c::I2c`], over the trait [`Hardware`].
//! * [`WallClock`]: the DS1338, over any `I2c`.
//! * `Registers`, on the target: the `Hardware` that the partition owns.
//!
//! The first two run on the host as well, where a model of the controller and of the chip tests them.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod controller;
#[cfg(test)]
mod controller_tests;
#[cfg(test)]
mod model;
#[cfg(target_os = "none")]
mod registers;
mod wall_clock;
#[cfg(test)]
mod wall_clock_tests;

pub use controller::{BusError, Controller, Hardware};
#[cfg(target_os = "none")]
pub use registers::Registers;
pub use wall_clock::{Failure, Reading, WallClock};
