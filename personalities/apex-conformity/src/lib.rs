//! Conformity cases for the ARINC 653 services, in the manner of the standard's Part 3.
//!
//! [`REQUIRED`] says which service can give which return code. [`CELLS`] has a case for each of these pairs, or an argument why the
//! code cannot come; a test fails if one is missing. [`BEHAVIOURS`] are cases about more than one call: who runs when, and in which order.
//!
//! A case is a function over [`Script`], which drives a [`System`]: a partition whose running process makes the calls that the case
//! says. [`Host`] is one on plain data. [`recorded`] makes steps of a case, which real processes take on the target: the cases stay the same.
//!
//! [`Call`] and [`Answer`] are the services as data, with plain numbers, as C has them. The exploration and the random sequences of
//! this crate's tests use them too.
#![no_std]
#![forbid(unsafe_code)]

mod behaviour;
mod call;
mod cells;
pub mod dispatch;
pub mod host;
pub mod recorded;
mod required;
pub mod script;
mod system;

pub use behaviour::{BEHAVIOURS, Behaviour};
pub use call::{Answer, Call, MESSAGE_BYTES, Message, ProcessAttributes, Value};
pub use cells::{CELLS, Cell, How};
pub use dispatch::{collect, dispatch};
pub use host::Host;
pub use required::{Code, REQUIRED, Required};
pub use script::Script;
pub use system::System;
