//! `cargo cofferdam explain`.

use anyhow::{Result, bail};
use cofferdam_check::rule_texts;
use cofferdam_progress::print_result;

/// Explains one rule, or lists all.
pub fn explain(id: Option<&str>) -> Result<()> {
    let Some(id) = id else {
        let lines: Vec<_> = rule_texts()
            .map(|rule| format!("{:<24} {}", rule.id, rule.sentence()))
            .collect();
        return Ok(print_result(lines.join("\n"))?);
    };
    let id = id.to_ascii_uppercase();
    let Some(rule) = rule_texts().find(|rule| rule.id == id) else {
        let near: Vec<_> = rule_texts()
            .filter(|rule| rule.id.split('-').next() == id.split('-').next())
            .map(|rule| rule.id)
            .collect();
        match near.as_slice() {
            [] => bail!("there is no rule {id}; `cargo cofferdam explain` lists all"),
            near => bail!("there is no rule {id}; there are {}", near.join(", ")),
        }
    };
    let text = format!("{}: {}\n\n{}", rule.id, rule.sentence(), rule.explanation());
    Ok(print_result(text.trim_end())?)
}
