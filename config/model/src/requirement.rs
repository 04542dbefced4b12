//! The statements of `[require]`: what they say. `config/check` proves them.

use std::fmt;

use crate::source::{Span, Spanned};

/// `A -/-> B except C, D`: whatever A does reaches B through C and D alone, or not at all.
#[derive(Clone, Debug)]
pub struct FlowRequirement {
    /// Who must not influence.
    pub from: Spanned<String>,
    /// Whom.
    pub to: Spanned<String>,
    /// Through whom it may.
    pub except: Vec<Spanned<String>>,
}

/// `interrupt DEVICE -> PARTITION <= TIME`: so long at most from the device's interrupt to the partition's getting the processor.
#[derive(Clone, Debug)]
pub struct LatencyRequirement {
    /// The device.
    pub device: Spanned<String>,
    /// Who has to run.
    pub partition: Spanned<String>,
    /// The text of the time; the reader gives it its unit.
    pub bound: Spanned<String>,
    /// The time.
    pub bound_ticks: u64,
}

/// A property of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryRequirement {
    /// `no page writable and executable`.
    WriteXorExecute,
    /// `no page shared except by ring`.
    NoSharing,
}

impl MemoryRequirement {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WriteXorExecute, Self::NoSharing];

    /// As the file writes it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::WriteXorExecute => "no page writable and executable",
            Self::NoSharing => "no page shared except by ring",
        }
    }
}

impl fmt::Display for FlowRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} -/-> {}", self.from, self.to)?;
        for (index, name) in self.except.iter().enumerate() {
            let before = if index == 0 { " except" } else { "," };
            write!(formatter, "{before} {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LatencyRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            partition,
            bound,
            ..
        } = self;
        write!(formatter, "interrupt {device} -> {partition} <= {bound}")
    }
}

impl fmt::Display for MemoryRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

/// The part of `whole` that is `part`, a slice of its text, as a spanned text. The statement's first character stands behind a quote.
fn piece(whole: &Spanned<String>, part: &str) -> Spanned<String> {
    let offset = part.as_ptr() as usize - whole.value.as_ptr() as usize;
    let start = (whole.span.start + 1 + offset).min(whole.span.end);
    let span = Span {
        file: whole.span.file,
        start,
        end: (start + part.len()).min(whole.span.end),
    };
    Spanned::new(part.to_string(), span)
}

/// A name in a statement: one word.
fn name(statement: &Spanned<String>, part: &str) -> Option<Spanned<String>> {
    let part = part.trim();
    let one_word = !part.is_empty() && !part.contains(char::is_whitespace);
    one_word.then(|| piece(statement, part))
}

pub(crate) fn flow(statement: &Spanned<String>) -> Option<FlowRequirement> {
    let (from, rest) = statement.value.split_once("-/->")?;
    let (to, except) = match rest.split_once(" except ") {
        Some((to, except)) => (to, except.split(',').collect()),
        None => (rest, Vec::new()),
    };
    let except = except.into_iter().map(|part| name(statement, part));
    Some(FlowRequirement {
        from: name(statement, from)?,
        to: name(statement, to)?,
        except: except.collect::<Option<_>>()?,
    })
}

pub(crate) fn latency(statement: &Spanned<String>) -> Option<LatencyRequirement> {
    let rest = statement.value.trim_start().strip_prefix("interrupt ")?;
    let (device, rest) = rest.split_once("->")?;
    let (partition, bound) = rest.split_once("<=")?;
    Some(LatencyRequirement {
        device: name(statement, device)?,
        partition: name(statement, partition)?,
        bound: name(statement, bound)?,
        bound_ticks: 0,
    })
}

pub(crate) fn memory(statement: &str) -> Option<MemoryRequirement> {
    let statement = statement.trim();
    let mut known = MemoryRequirement::ALL.into_iter();
    known.find(|one| one.text() == statement)
}
