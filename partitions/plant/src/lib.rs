//! The physics, apart from the machine that it runs on.
#![no_std]
#![forbid(unsafe_code)]

mod aircraft;
mod gusts;

pub use aircraft::Aircraft;
pub use gusts::Gusts;
