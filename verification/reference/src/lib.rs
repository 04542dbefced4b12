//! A plain reference model of the kernel, and what to try on both.
//!
//! The model knows the configuration and the documentation, and nothing of the kernel. It says which results a
//! hypercall may give, where the kernel may write, who may run when, and when windows begin. [`Operation`] is everything
//! that a partition, a device or time can do; [`perform`] does it to a kernel, and [`Model`] judges what came of it.

#![forbid(unsafe_code)]

mod answers;
mod before;
mod calls;
mod lines;
mod made;
mod messages;
mod model;
mod operation;
mod rules;

pub use made::{Called, Made};
pub use model::Model;
pub use operation::{EDGES, FAULTS, FIELDS, Operation, perform, system};
