//! One terminal for every partition, and the UART behind it.
#![no_std]
#![forbid(unsafe_code)]

mod input;
mod output;
#[cfg(target_os = "none")]
mod terminal;
#[cfg(target_os = "none")]
mod uart;

pub use input::{Input, Keys, SWITCH_KEY};
pub use output::Output;
#[cfg(target_os = "none")]
pub use terminal::{KEY_BYTES, LINE_BYTES, Terminal};
#[cfg(target_os = "none")]
pub use uart::Uart;
