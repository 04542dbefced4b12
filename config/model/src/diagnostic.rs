//! What is wrong, where, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::rule::RuleText;
use crate::source::{Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is emitted.
    Error,
    /// The system is built; somebody should know.
    Warning,
}

/// A place and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to say; may be empty.
    pub text: String,
}

/// One violation of one rule. It is begun as a [`Violation`].
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule.
    pub rule: &'static RuleText,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where. `None` for what has no place in a text, such as a file that cannot be opened.
    pub primary: Option<Label>,
    /// Other places that have to do with it.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub hint: String,
}

/// A diagnostic that does not say yet what to do about it. It becomes a [`Diagnostic`] by its hint, so that none goes without.
#[derive(Clone, Debug)]
#[must_use]
pub struct Violation(Diagnostic);

impl Diagnostic {
    /// An error at `span`.
    pub fn error(rule: &'static RuleText, span: Span, message: impl Into<String>) -> Violation {
        let mut violation = Self::without_place(rule, message);
        violation.0.primary = Some(Label {
            span,
            text: String::new(),
        });
        violation
    }

    /// An error that no text holds the place of.
    pub fn without_place(rule: &'static RuleText, message: impl Into<String>) -> Violation {
        Violation(Self {
            rule,
            severity: Severity::Error,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            hint: String::new(),
        })
    }
}

impl Violation {
    /// The same as a warning.
    pub fn warning(mut self) -> Self {
        self.0.severity = Severity::Warning;
        self
    }

    /// With a text at the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.0.primary {
            primary.text = text.into();
        }
        self
    }

    /// With another place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.0.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// With what to do about it.
    pub fn hint(mut self, text: impl Into<String>) -> Diagnostic {
        self.0.hint = text.into();
        self.0
    }
}

/// Everything that a run has to say, and the texts it speaks of.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// The texts.
    pub sources: Sources,
    /// In the order of their places.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Puts `list` in the order of files and places, errors of no place first.
    pub fn new(sources: Sources, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|one| {
            (
                one.primary.as_ref().map(|label| label.span),
                one.severity,
                one.rule.id,
            )
        });
        Self { sources, list }
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
        self.list.iter().filter(is_error).count()
    }

    /// Each one as an object with its places in lines and columns, for programs.
    pub fn to_json(&self) -> serde_json::Value {
        let place = |label: &Label| {
            let position = self.sources.position(label.span);
            let end = self.sources.position(Span {
                start: label.span.end,
                ..label.span
            });
            serde_json::json!({
                "file": self.sources.name(label.span.file),
                "line": position.line,
                "column": position.column,
                "end_line": end.line,
                "end_column": end.column,
                "text": label.text,
            })
        };
        let one = |diagnostic: &Diagnostic| {
            serde_json::json!({
                "rule": diagnostic.rule.id,
                "severity": diagnostic.severity,
                "message": diagnostic.message,
                "primary": diagnostic.primary.as_ref().map(place),
                "secondary": diagnostic.secondary.iter().map(place).collect::<Vec<_>>(),
                "hint": diagnostic.hint,
            })
        };
        self.list.iter().map(one).collect()
    }
}

impl fmt::Display for Diagnostics {
    /// Without colours.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
