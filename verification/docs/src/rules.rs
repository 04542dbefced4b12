//! The rules, as `cofferdam explain` prints them.

use std::fmt::Write as _;

/// Every rule of systems: id, sentence, explanation.
pub(crate) fn all() -> String {
    listed(cofferdam_check::rule_texts())
}

/// The same of modules of ARINC 653.
pub(crate) fn arinc653() -> String {
    listed(cofferdam_arinc653::rule_texts())
}

fn listed(rules: impl Iterator<Item = &'static cofferdam_model::RuleText>) -> String {
    let mut text = String::new();
    for rule in rules {
        // Writing to a string cannot fail.
        let _ = write!(text, "#### `{}`\n\n**{}**\n\n", rule.id, rule.sentence());
        let explanation = rule.explanation();
        if !explanation.is_empty() {
            let _ = write!(text, "{explanation}\n\n");
        }
    }
    text
}
