//! `cargo cofferdam explain`.

use anyhow::{Result, bail};
use cofferdam_model::{RuleText, closest};
use cofferdam_progress::print_result;

/// The rules of systems, and those of modules of ARINC 653.
fn rule_texts() -> impl Iterator<Item = &'static RuleText> {
    cofferdam_check::rule_texts().chain(cofferdam_arinc653::rule_texts())
}

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
        match near(&id).as_slice() {
            [] => bail!("there is no rule {id}; `cargo cofferdam explain` lists all"),
            near => bail!(
                "there is no rule {id}; did you mean {}?",
                near.join(", or ")
            ),
        }
    };
    let text = format!("{}: {}\n\n{}", rule.id, rule.sentence(), rule.explanation());
    Ok(print_result(text.trim_end())?)
}

/// The rule that is written almost so; or else those that share a word with it.
fn near(id: &str) -> Vec<&'static str> {
    let known: Vec<_> = rule_texts().map(|rule| rule.id).collect();
    if let Some(one) = closest(id, &known) {
        return vec![one];
    }
    let shares = |rule: &&str| {
        id.split('-')
            .any(|word| rule.split('-').any(|of| of == word))
    };
    known.into_iter().filter(shares).collect()
}
