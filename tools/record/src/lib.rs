//! What a run leaves in its record, read and put into words.
//!
//! The record may be of a machine that died in the middle of a word, or a file from anywhere: whatever stands in it, there
//! is an answer.

#![forbid(unsafe_code)]

mod crash;
pub mod gathered;
mod snapshot;
pub mod trace;
mod words;

pub use crash::{Program, Symbols, failures};
pub use snapshot::Snapshot;
