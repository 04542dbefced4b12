//! Virtual interrupt lines, and waiting for them.
//!
//! Everything that happens to a partition raises a line: a message, an answer, a device, the timer, the
//! release of its period. The simplest partition takes no virtual interrupts at all: it waits for the lines that
//! matter, and looks what came. [`crate::interrupts`] has the other way.

use core::ops::{BitAnd, BitOr, BitOrAssign};

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;

use crate::{InterruptPort, hypercall, interrupts};

/// A set of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines(u32);

impl Lines {
    /// None.
    pub const NONE: Self = Self(0);
    /// The virtual timer's.
    pub const TIMER: Self = Self::of(page::LINE_TIMER as u8);
    /// That of the periodic release.
    pub const RELEASE: Self = Self::of(page::LINE_RELEASE as u8);

    /// The set of one line, line 0 being the lowest bit; none if there is no line of that number.
    pub const fn of(line: u8) -> Self {
        match 1u32.checked_shl(line as u32) {
            Some(word) => Self(word),
            None => Self::NONE,
        }
    }

    pub(crate) const fn from_word(word: u32) -> Self {
        Self(word)
    }

    pub(crate) const fn word(self) -> u32 {
        self.0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of `others` is in it.
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// The lines that are in `self` and not in `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl BitOr for Lines {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Lines {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Lines {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Waits until one of `lines` is pending; gives those that were, which then are no longer.
///
/// With virtual interrupts enabled, those of the other lines that may interrupt still do. The lines waited for do not.
pub fn wait(lines: Lines) -> Lines {
    wait_with(0, lines)
}

/// As [`wait`], and in the same call tells the kernel that the device interrupt was served.
pub fn acknowledge_and_wait(interrupt: &InterruptPort, lines: Lines) -> Lines {
    wait_with(interrupt.slot() + 1, lines)
}

fn wait_with(mut acknowledge: u32, lines: Lines) -> Lines {
    use crate::page::{clear, enabled, pending, set_enabled};
    let had_interrupts = interrupts::disable();
    let came = loop {
        let interrupting = enabled();
        set_enabled(interrupting | lines);
        // The call cannot fail: its only argument is a slot of ours.
        let _ = hypercall::call_plain(Hypercall::Wait, [acknowledge, 0, 0, 0, 0, 0]);
        acknowledge = 0;
        set_enabled(interrupting);
        let came = pending() & lines;
        if !came.is_empty() {
            break came;
        }
        if had_interrupts {
            // What ended the wait is for a handler: now it comes.
            interrupts::enable();
            interrupts::disable();
        }
    };
    clear(came);
    if had_interrupts {
        interrupts::enable();
    }
    came
}
