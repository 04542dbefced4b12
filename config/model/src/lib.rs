//! `system.toml` as typed, spanned data.
//!
//! What is read here is believed to be well formed and nothing more: each key known, each value of its shape, each unit
//! exact. Whether the parts fit each other is the business of `config/check`.
//!
//! Three things are separate on purpose. [`keys`] declares what may stand in the file, once: reading, the JSON Schema
//! and the reference are made from it. `reader` turns TOML into values of those shapes and reports *every* mistake, where a
//! deserialiser would stop at the first. `parse` gives the values their types ([`System`]).
#![forbid(unsafe_code)]

mod apex;
mod board;
mod diagnostic;
mod duplicates;
pub mod keys;
mod parse;
mod reader;
mod render;
mod requirement;
mod rule;
mod schema;
mod source;
mod system;
mod units;

pub use apex::{Apex, MemoryBlock, PROCESS_ERRORS, ScheduleChange};
pub use board::{Board, BoardBus, BoardDevice, BoardFunction, BoardInterrupt};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, Violation};
pub use parse::{Parsed, parse};
pub use reader::{closest, suggestion};
pub use requirement::{FlowRequirement, LatencyRequirement, MemoryRequirement};
pub use rule::{READING_RULES, RuleText};
pub use schema::schema;
pub use source::{FileId, Position, Sources, Span, Spanned};
pub use system::*;
pub use units::{show_bytes, show_ticks};
