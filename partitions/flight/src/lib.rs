//! What the control loop computes, apart from the machine that it runs on.
#![no_std]
#![forbid(unsafe_code)]

mod controller;
mod jitter;

pub use controller::{Controller, LIMIT_MICRORADIANS};
pub use jitter::{ReleaseJitter, place_of_release};
