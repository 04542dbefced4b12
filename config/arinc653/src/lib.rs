//! XML configurations of ARINC 653 modules, to and from `system.toml`.
//!
//! The standard's schema is sold, not published. What is read here is the dialect of which public examples agree: a root
//! `ARINC_653_Module` with partitions, their ports and memory, schedules of windows, tables of the health monitor, and a table of
//! connections (`dialect`). What `system.toml` has besides travels in elements of a namespace of its own ([`NAMESPACE`]), which other tools may
//! drop: so what was exported comes back as it was.
//!
//! Both ways go through a value: XML is read into a [`module::Module`], every mistake at its line; then it is judged, written as TOML, and judged
//! by all rules of `system.toml`, whose findings are shown where the XML says it. Nothing comes out unless all of it is right.
#![forbid(unsafe_code)]

pub mod dialect;
mod export;
mod extension;
mod health;
mod import;
mod judge;
mod module;
mod numbers;
mod read;
mod rules;
mod text;

use cofferdam_model::Diagnostics;

pub use export::{Sizes, export};
pub use import::import;
pub use rules::rule_texts;

/// The namespace of what `system.toml` has and the dialect has not.
pub const NAMESPACE: &str = "urn:cofferdam:system:1";

/// A finished file.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its text.
    pub text: String,
    /// What was left out, and what was added.
    pub report: Diagnostics,
}
