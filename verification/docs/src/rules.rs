//! The rules, as `cofferdam explain` prints them.

use std::fmt::Write as _;

/// Every rule: id, sentence, explanation.
pub(crate) fn all() -> String {
    let mut text = String::new();
    for rule in cofferdam_check::rule_texts() {
        // Writing to a string cannot fail.
        let _ = write!(text, "#### `{}`\n\n**{}**\n\n", rule.id, rule.sentence());
        let explanation = rule.explanation();
        if !explanation.is_empty() {
            let _ = write!(text, "{explanation}\n\n");
        }
    }
    text
}
