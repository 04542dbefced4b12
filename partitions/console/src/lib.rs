//! One terminal for every partition, apart from the UART behind it.
#![no_std]
#![forbid(unsafe_code)]

mod input;
mod output;

pub use input::{Input, Keys, SWITCH_KEY};
pub use output::Output;
