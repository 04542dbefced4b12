//! Phases: at which moments of what the kernel was doing for a partition its window came to an end.
//!
//! The kernel wants the processor back at a fixed tick before the boundary. If it is in the middle of something for a partition
//! then, with interrupts off, it takes the processor as many ticks later as were left of that. So the lateness is the
//! phase, and the partitions' accounts show it to anybody who may read them: together they used the window up to
//! the moment at which the kernel took the processor. A phase was met if its lateness was seen; from the earliest, which
//! the way into the kernel takes by itself, to the latest no tick may be missing: there would be a moment that nobody tried.

use core::ops::RangeInclusive;

/// What the kernel is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Interrupted {
    /// A hypercall that only asks something.
    Question = 0,
    /// The copy of the longest message that there is.
    Copy = 1,
    /// The record of an access that is denied.
    Fault = 2,
    /// The record of an instruction that does not exist.
    Instruction = 3,
    /// A timer that fires at once, and the virtual interrupt that it raises.
    Interrupt = 4,
    /// A call to a server in the same window, and its reply.
    Call = 5,
    /// A wait that is soon over, and the switches that it causes.
    Wait = 6,
    /// The record of an error that the partition raises itself.
    Error = 7,
    /// The end of a life and the beginning of the next, warm and cold.
    Restart = 8,
}

impl Interrupted {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Question,
        Self::Copy,
        Self::Fault,
        Self::Instruction,
        Self::Interrupt,
        Self::Call,
        Self::Wait,
        Self::Error,
        Self::Restart,
    ];

    /// In words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Question => "in a hypercall",
            Self::Copy => "in the longest copy",
            Self::Fault => "in a fault",
            Self::Instruction => "in an illegal instruction",
            Self::Interrupt => "in an interrupt",
            Self::Call => "in a call and its reply",
            Self::Wait => "in a wait",
            Self::Error => "in the record of an error",
            Self::Restart => "between two lives",
        }
    }
}

/// The upper half of the identifier of every mark of phases.
const FAMILY: u32 = 0x5048;
const WORDS: usize = 64;

/// The phases that were met in the middle of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    met: [u32; WORDS],
}

impl Phases {
    /// None.
    pub const NONE: Self = Self { met: [0; WORDS] };
    /// A lateness, in ticks, is less than this.
    pub const MOST_TICKS: u32 = 32 * WORDS as u32;

    /// The kernel was so many ticks late; more than can be noted count as the most.
    pub fn meet(&mut self, late_ticks: u32) {
        let tick = late_ticks.min(Self::MOST_TICKS - 1);
        if let Some(word) = self.met.get_mut(tick as usize / 32) {
            *word |= 1 << (tick % 32);
        }
    }

    /// Whether this one was met.
    pub fn has_met(&self, late_ticks: u32) -> bool {
        let word = self.met.get(late_ticks as usize / 32);
        word.is_some_and(|word| word & (1 << (late_ticks % 32)) != 0)
    }

    /// From the earliest that was met to the latest; `None` if none was.
    pub fn range(&self) -> Option<RangeInclusive<u32>> {
        let mut met = (0..Self::MOST_TICKS).filter(|tick| self.has_met(*tick));
        let first = met.next()?;
        Some(first..=met.next_back().unwrap_or(first))
    }

    /// Those between that were not met.
    pub fn missed(&self) -> impl Iterator<Item = u32> + '_ {
        let range = self.range().into_iter().flatten();
        range.filter(|tick| !self.has_met(*tick))
    }

    /// Identifier and value of the marks that say all this.
    pub fn marks(&self, interrupted: Interrupted) -> impl Iterator<Item = (u32, u32)> + '_ {
        let place = move |word: usize| FAMILY << 16 | (interrupted as u32) << 8 | word as u32;
        let words = self.met.iter().enumerate();
        words
            .filter(|(_, met)| **met != 0)
            .map(move |(word, met)| (place(word), *met))
    }

    /// Adds what a mark says of this. Other marks say nothing.
    pub fn add_mark(&mut self, interrupted: Interrupted, (identifier, value): (u32, u32)) {
        if identifier >> 8 == FAMILY << 8 | interrupted as u32
            && let Some(word) = self.met.get_mut((identifier & 0xff) as usize)
        {
            *word |= value;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn phases_survive_the_record() {
        let mut phases = Phases::NONE;
        assert_eq!(phases.range(), None);
        for tick in [3, 4, 31, 33, 2000, 5000] {
            phases.meet(tick);
        }
        let marks: Vec<_> = phases.marks(Interrupted::Call).collect();
        let mut read = Phases::NONE;
        let mut other = Phases::NONE;
        for mark in marks {
            read.add_mark(Interrupted::Call, mark);
            other.add_mark(Interrupted::Copy, mark);
        }
        assert_eq!(read, phases);
        assert_eq!(other, Phases::NONE);
        assert_eq!(read.range(), Some(3..=Phases::MOST_TICKS - 1));
        let missed: Vec<_> = read.missed().take(28).collect();
        assert_eq!(missed, (5..31).chain([32, 34]).collect::<Vec<_>>());
    }

    #[test]
    fn each_has_its_number() {
        for (number, interrupted) in Interrupted::ALL.iter().enumerate() {
            assert_eq!(*interrupted as usize, number);
        }
    }
}
