//! What the health partition thinks, apart from the machine that it runs on.
#![no_std]
#![forbid(unsafe_code)]

mod supervisor;
mod tally;
mod wording;

pub use supervisor::Supervisor;
pub use tally::{Seen, Tally};
pub use wording::{Entry, action_taken, error_name};
