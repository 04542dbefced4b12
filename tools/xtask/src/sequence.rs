//! Sequences of events that a trace has to show, as the lines of `cargo cofferdam trace`.

use anyhow::{Result, ensure};
use cofferdam_record::trace::Event;
use serde::Deserialize;

/// Events that come one behind the other, if nothing but what is `of` something is looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Parts of the lines that count.
    of: Vec<String>,
    /// The lines of `cargo cofferdam trace`, without their times.
    events: Vec<String>,
}

impl Sequence {
    /// Fails if it is not there.
    pub fn judge(&self, events: &[Event]) -> Result<()> {
        let lines = events.iter().map(|event| event.what.to_string());
        let counting = lines.filter(|line| self.of.iter().any(|part| line.contains(part)));
        let counting: Vec<_> = counting.collect();
        let there = (counting.windows(self.events.len().max(1))).any(|some| some == self.events);
        ensure!(
            there,
            "{:?} is not in its {} events of {:?}",
            self.events,
            counting.len(),
            self.of
        );
        Ok(())
    }
}
