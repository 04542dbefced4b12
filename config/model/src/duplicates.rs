//! Keys and tables that stand in a file twice.
//!
//! The TOML parser names the second place only, and reports a table that is repeated once more for each key below it. Here that
//! becomes one finding with both places.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the parser says about a key that is there already.
pub(crate) const MESSAGE: &str = "duplicate key";

/// Something that is there twice.
#[derive(Debug)]
pub(crate) struct Duplicate {
    /// Its name, as the file writes it: of a table with the brackets.
    name: String,
    is_table: bool,
    /// Where it is repeated.
    pub again: Range<usize>,
    /// Where it stands first.
    pub first: Option<Range<usize>>,
}

impl Duplicate {
    pub fn message(&self) -> String {
        let what = if self.is_table { "table" } else { "key" };
        format!("the {what} `{}` is there twice", self.name)
    }

    pub fn hint(&self) -> &'static str {
        if self.is_table {
            "give one of them another name, or write the keys of both under one header"
        } else {
            "remove one of them"
        }
    }
}

/// What is twice in a text, from what could be read of it and where the parser met a key again.
pub(crate) fn find(text: &str, table: &DeTable<'_>, places: &[Range<usize>]) -> Vec<Duplicate> {
    let mut found = Vec::new();
    let mut repeated: Option<Range<usize>> = None;
    for place in places {
        if repeated
            .as_ref()
            .is_some_and(|table| table.contains(&place.start))
        {
            continue;
        }
        let line_start = text[..place.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let header = header(&text[line_start..]);
        if let Some(header) = header {
            let next = headers(text).find(|(at, _)| *at > line_start);
            repeated = Some(line_start..next.map_or(text.len(), |(at, _)| at));
            let first = headers(text).find(|(_, other)| *other == header);
            found.push(Duplicate {
                name: header.to_string(),
                is_table: true,
                again: line_start..line_start + header.len(),
                first: first
                    .filter(|(at, _)| *at < line_start)
                    .map(|(at, _)| at..at + header.len()),
            });
        } else {
            let name = &text[place.clone()];
            found.push(Duplicate {
                name: name.to_string(),
                is_table: false,
                again: place.clone(),
                first: key_before(text, table, name, place.start),
            });
        }
    }
    found
}

/// The header that a line begins with.
fn header(line: &str) -> Option<&str> {
    let end = line.split('\n').next()?.find(']')?;
    let closed = if line.starts_with("[[") {
        end + 2
    } else {
        end + 1
    };
    line.starts_with('[').then(|| line.get(..closed)).flatten()
}

fn headers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    starts.filter_map(|at| Some((at, header(&text[at..])?)))
}

/// The nearest key of this name before a place, in the table that the place is in.
fn key_before(text: &str, table: &DeTable<'_>, name: &str, at: usize) -> Option<Range<usize>> {
    let mut nearest: Option<Range<usize>> = None;
    for (key, value) in table.iter() {
        if value.span().contains(&at)
            && let Some(inline) = inline_table(value, at)
        {
            return key_before(text, inline, name, at);
        }
        let own = Some(key.span()).filter(|span| text.get(span.clone()) == Some(name));
        let candidate = own.or_else(|| match value.get_ref() {
            DeValue::Table(inner) if !text[value.span().start..].starts_with('{') => {
                key_before(text, inner, name, at)
            }
            _ => None,
        });
        if let Some(span) = candidate.filter(|span| span.start < at)
            && nearest
                .as_ref()
                .is_none_or(|nearest| nearest.start < span.start)
        {
            nearest = Some(span);
        }
    }
    nearest
}

/// The table that a value is, or that one of its elements is, around a place.
fn inline_table<'t, 'i>(value: &'t Spanned<DeValue<'i>>, at: usize) -> Option<&'t DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        DeValue::Array(items) => {
            let item = items.iter().find(|item| item.span().contains(&at))?;
            inline_table(item, at)
        }
        _ => None,
    }
}
