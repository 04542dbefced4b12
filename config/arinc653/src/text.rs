//! TOML that is written piece by piece, and where in the XML each piece comes from.

use std::fmt::Write;
use std::ops::Range;

use cofferdam_model::{Diagnostic, Diagnostics, FileId, Label, Sources, Span};

/// TOML as it is written.
#[derive(Debug, Default)]
pub struct Toml {
    pub text: String,
    /// Which range comes from where.
    places: Vec<(Range<usize>, Span)>,
}

impl Toml {
    /// A line of its own.
    pub fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// A line that comes from `span`.
    pub fn line_of(&mut self, line: &str, span: Span) {
        let start = self.text.len();
        self.line(line);
        self.places.push((start..self.text.len() - 1, span));
    }

    /// A header.
    pub fn table(&mut self, path: &[&str], span: Span) {
        let path: Vec<_> = path.iter().map(|part| key(part)).collect();
        self.line("");
        self.line_of(&format!("[{}]", path.join(".")), span);
    }

    /// A key and its value, which is TOML.
    pub fn entry(&mut self, name: &str, value: &str, span: Span) {
        self.line_of(&format!("{} = {value}", key(name)), span);
    }

    fn place(&self, span: Span) -> Option<Span> {
        let all = self.places.iter();
        let around = all.filter(|(range, _)| range.start <= span.start && span.start < range.end);
        let smallest = around.min_by_key(|(range, _)| range.len());
        smallest.map(|(_, place)| *place)
    }

    /// What there is to say about this text, which is file 0 of its sources, said about the XML that it comes from.
    pub fn translate(&self, found: Diagnostics, xml: (&str, &str)) -> Diagnostics {
        let mut sources = Sources::default();
        sources.add(xml.0, xml.1);
        let made = format!("system.toml of {}", xml.0);
        sources.add(made, self.text.as_str());
        // The files behind the first one move by one.
        let mut file = 1;
        while !found.sources.name(FileId(file)).is_empty() {
            let old = FileId(file);
            sources.add(found.sources.name(old), found.sources.text(old));
            file += 1;
        }
        let move_label = |label: Label| {
            let place = if label.span.file == FileId(0) {
                self.place(label.span)
            } else {
                None
            };
            let elsewhere = Span {
                file: FileId(label.span.file.0 + 1),
                ..label.span
            };
            Label {
                span: place.unwrap_or(elsewhere),
                ..label
            }
        };
        let list = found.list.into_iter().map(|one| Diagnostic {
            primary: one.primary.map(move_label),
            secondary: one.secondary.into_iter().map(move_label).collect(),
            ..one
        });
        Diagnostics::new(sources, list.collect())
    }
}

/// A key, in quotes if it needs them.
pub fn key(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_string()
    } else {
        quote(name)
    }
}

/// A text in quotes.
pub fn quote(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// A list of texts.
pub fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(quote).collect();
    format!("[{}]", texts.join(", "))
}
