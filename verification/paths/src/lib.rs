//! The longest paths of the kernel's binary with interrupts off, found without running it.
//!
//! The release kernel is one ELF, and everything that decides how long it keeps interrupts off is in its text. This crate reads the
//! branches ([`instruction`]), makes of each function a graph of blocks ([`graph`]), follows constants so far as they
//! decide branches ([`values`]), and finds the longest path from each way in ([`entries`]) to where interrupts are enabled:
//! the return to a partition, or a wait ([`longest`] within a function, [`analysis`] across them). How often a loop turns,
//! and a few other things that no binary says, stand in `facts.toml` ([`facts`]), as expressions over the numbers of the system's
//! compiled tables ([`system`]); so each system has bounds of its own.
//!
//! The graph is never guessed: an instruction that changes the flow of control in another way, a loop with two ways in, a recursion, a
//! call by a register of which no fact speaks, a loop without a bound and a fact without a loop are errors. What was executed
//! in a run is held against all of it ([`measured`]): each step, each turn of a loop, each path's length.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod entries;
mod expression;
pub mod facts;
pub mod graph;
pub mod instruction;
pub mod longest;
pub mod measured;
mod outcome;
pub mod program;
pub mod report;
pub mod source;
pub mod stack;
pub mod system;
pub mod values;
pub mod work;

pub use outcome::{Inputs, Longest, Outcome, SHORTEST_WAIT_TICKS};
