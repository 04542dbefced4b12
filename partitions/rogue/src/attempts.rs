//! Counting what was tried.

use crate::ports;

/// What came of the attempts of an attack, as far as the attacker can see.
pub struct Attempts {
    /// How many there were.
    pub tried: u32,
    /// At least one had an effect that it must not have.
    pub breached: bool,
}

impl Attempts {
    /// None yet.
    pub const fn none() -> Self {
        Self {
            tried: 0,
            breached: false,
        }
    }

    /// One more, with or without the effect that it must not have.
    pub fn count(&mut self, breached: bool) {
        self.tried += 1;
        self.breached |= breached;
    }
}

/// The errors that the kernel has counted against this partition.
pub fn health_events() -> u32 {
    // Without the right to ask, every attack that must be noticed counts as unnoticed.
    ports::PARTITION_STATUS_ROGUE
        .read()
        .map_or(0, |summary| summary.health_events)
}
