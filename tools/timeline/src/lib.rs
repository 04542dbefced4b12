//! The trace of a run, held against the plan that the build made.
//!
//! The kernel writes events: a window begins, a partition gets the processor, a message goes out. The plan says which window that is, who may
//! have the processor in it, and between whom the channel is. Put together ([`Run`]) they are a [`Timeline`], which is
//! judged ([`Timeline::judge`]), drawn ([`chrome`], [`svg`]) or put into words ([`explain`]).
//!
//! Nothing here guesses. What the events do not say is left out, and what was lost of them is said.

#![forbid(unsafe_code)]

pub mod chrome;
pub mod explain;
mod explain_text;
mod frames;
mod judge;
mod messages;
mod most;
mod pieces;
mod run;
mod stretch;
pub mod svg;
mod svg_style;
mod system;
mod time;
mod used;
mod windows;

pub use frames::Frame;
pub use messages::{Flow, flows};
pub use most::{Waited, most_held, waited};
pub use run::Run;
pub use stretch::Stretch;
pub use system::{Channel, Interrupt, Partition, Port, Rank, Schedule, System, WindowPlan, has};
pub use time::{microseconds, point, text};
pub use used::{Used, used};
pub use windows::{InterruptFacts, Slice, Timeline, Window};

/// Nobody, where a partition's index stands in an event.
pub const NOBODY: u8 = 0xff;
