//! What the rogue knows by heart, apart from the machine that it runs on: which arguments hurt, and which answers would
//! mean that isolation is broken.
#![no_std]
#![forbid(unsafe_code)]

mod answer;
mod dictionary;

pub use answer::{Own, judge_answer};
pub use dictionary::{Argument, Combinations, signature};
