//! The keys of `system.toml` and of board files, one section for each table.

use std::fmt::Write as _;

use cofferdam_model::keys::{self, Key, Shape};

use crate::table;

/// The tables of `system.toml`.
pub(crate) fn system() -> String {
    sections(keys::FILE)
}

/// The tables of a board file.
pub(crate) fn board() -> String {
    sections(keys::BOARD_FILE)
}

fn sections(keys: &[Key]) -> String {
    let mut text = String::new();
    for key in keys {
        section(&mut text, String::new(), key);
    }
    text
}

/// One section for a table, then one for each table in it.
fn section(text: &mut String, path: String, key: &Key) {
    let path = if path.is_empty() {
        key.name.to_owned()
    } else {
        format!("{path}.{}", key.name)
    };
    let (path, inner) = match &key.shape {
        Shape::Table(inner) => (path, Some(*inner)),
        Shape::Tables(inner) => (format!("{path}[]"), Some(*inner)),
        Shape::Named(inner) => (format!("{path}.NAME"), Some(*inner)),
        _ => (path, None),
    };
    let necessary = if key.required { " Required." } else { "" };
    // Writing to a string cannot fail.
    let _ = write!(text, "### `[{path}]`\n\n{}{necessary}\n\n", key.doc);
    let Some(inner) = inner else {
        let _ = write!(text, "{}.\n\n", shape(&key.shape));
        return;
    };
    let rows = inner.iter().map(|key| {
        [
            format!("`{}`", key.name),
            shape(&key.shape),
            if key.required { "yes" } else { "" }.to_owned(),
            key.doc.to_owned(),
        ]
    });
    text.push_str(&table(["key", "value", "required", "meaning"], rows));
    text.push('\n');
    for key in inner {
        if matches!(key.shape, Shape::Table(_) | Shape::Tables(_)) {
            section(text, path.clone(), key);
        }
    }
}

fn shape(shape: &Shape) -> String {
    let text = match shape {
        Shape::Text => "text",
        Shape::Choice(choices) => {
            let choices: Vec<_> = choices.iter().map(|one| format!("`\"{one}\"`")).collect();
            return choices.join(", ");
        }
        Shape::Choices(choices) => {
            let choices: Vec<_> = choices.iter().map(|one| format!("`\"{one}\"`")).collect();
            return format!("list of {}", choices.join(", "));
        }
        Shape::Boolean => "`true`, `false`",
        Shape::Integer => "integer",
        Shape::Time => "time, at most 2^32 - 1 ticks",
        Shape::LongTime => "time, at most 2^64 - 1 ticks",
        Shape::Size => "size",
        Shape::Rate => "rate",
        Shape::Sizes => "list of sizes",
        Shape::Texts => "list of texts",
        Shape::TextOrTexts => "text, or list of texts",
        Shape::Table(_) => "table, see below",
        Shape::Tables(_) => "list of tables, see below",
        Shape::Named(_) => "tables by name",
        Shape::NamedText => "A text for each name",
        Shape::NamedTexts => "A list of texts for each name",
    };
    text.to_owned()
}
