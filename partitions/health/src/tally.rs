//! Counting what comes too often to be said each time.

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::limits;
use cofferdam_abi::record::HealthRecord;

/// Rows: the partitions, and the module.
const ROWS: usize = limits::PARTITIONS + 1;

/// Whether an entry is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is: the first of its sort since the last summary, or one that changed something.
    Worth,
    /// It was counted for the summary.
    Counted,
}

/// Entries that were not said, by partition and error.
#[derive(Clone, Debug)]
pub struct Tally {
    counts: [[u32; Error::ALL.len()]; ROWS],
}

impl Tally {
    /// None.
    pub const fn new() -> Self {
        Self {
            counts: [[0; Error::ALL.len()]; ROWS],
        }
    }

    /// Takes an entry.
    pub fn see(&mut self, record: &HealthRecord) -> Seen {
        let row = usize::from(record.partition.get()).min(ROWS - 1);
        let Some(count) = self
            .counts
            .get_mut(row)
            .and_then(|row| row.get_mut(usize::from(record.error)))
        else {
            return Seen::Worth;
        };
        *count = count.saturating_add(1);
        let quiet = matches!(
            Action::from_number(record.action),
            Some(Action::Ignore | Action::Log)
        );
        if *count == 1 || !quiet {
            Seen::Worth
        } else {
            Seen::Counted
        }
    }

    /// Gives what was counted but not said, as partition index, error and number, and forgets it.
    pub fn summary(&mut self) -> impl Iterator<Item = (u16, Error, u32)> + use<> {
        let counts = core::mem::take(self).counts;
        counts.into_iter().enumerate().flat_map(|(row, counts)| {
            let errors = Error::ALL.iter().copied().zip(counts);
            errors.filter_map(move |(error, count)| {
                let more = count.checked_sub(1).filter(|more| *more > 0)?;
                Some((row as u16, error, more))
            })
        })
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use zerocopy::FromZeros;

    use super::*;

    #[test]
    fn the_first_is_said_and_the_others_are_summed_up() {
        let mut entry = HealthRecord::new_zeroed();
        entry.partition = 3.into();
        entry.error = Error::Alignment as u8;
        entry.action = Action::Log as u8;
        let mut tally = Tally::new();
        assert_eq!(tally.see(&entry), Seen::Worth);
        for _ in 0..9 {
            assert_eq!(tally.see(&entry), Seen::Counted);
        }
        let summary: Vec<_> = tally.summary().collect();
        assert_eq!(summary, [(3, Error::Alignment, 9)]);
        assert_eq!(tally.summary().count(), 0);
        assert_eq!(tally.see(&entry), Seen::Worth);
    }

    #[test]
    fn what_changed_something_is_always_said() {
        let mut entry = HealthRecord::new_zeroed();
        entry.action = Action::RestartWarm as u8;
        let mut tally = Tally::new();
        for _ in 0..3 {
            assert_eq!(tally.see(&entry), Seen::Worth);
        }
    }
}
