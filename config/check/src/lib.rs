//! The rules that a system has to obey.
//!
//! Each rule is one function, one sentence and one stable id. The sentence is the documentation comment of the rule, and what
//! `cofferdam explain` prints and the documents list; so the published rules are those that run. A function reports
//! every violation that it finds, and knows of no other rule.
//!
//! There are three occasions. Reading itself refuses what is no `system.toml` (`cofferdam_model::READING_RULES`). The rules
//! of a system ([`mod@rules`]) judge the file before anything is built. The rules of programs ([`programs`]) judge the finished ELFs
//! against it.
#![forbid(unsafe_code)]

pub mod arena;
pub mod flow;
pub mod latency;
pub mod program;
pub mod programs;
pub mod residency;
pub mod rules;
pub mod timing;
pub mod wiring;

mod checked;

pub use checked::{Checked, check_text, check_text_in, load};
pub use rules::{Findings, Rule, rules};

/// The text of every rule, whatever the occasion: what `cofferdam explain` knows.
pub fn rule_texts() -> impl Iterator<Item = &'static cofferdam_model::RuleText> {
    let reading = cofferdam_model::READING_RULES.iter().copied();
    let system = rules().map(|rule| rule.text);
    reading.chain(system).chain(programs::rule_texts())
}
