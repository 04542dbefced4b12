//! Marks: what the rogue leaves behind, and how the host judges it.

use crate::Attack;

/// The upper half of the identifier of every mark that belongs to an attack.
const FAMILY: u32 = 0x4154;
/// The value of a mark at the end of an attack.
const END: u32 = 1 << 31;
const OUTCOME_SHIFT: u32 = 28;
const ATTEMPTS_MASK: u32 = (1 << OUTCOME_SHIFT) - 1;

/// What the rogue saw of its attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// What was expected.
    AsExpected = 0,
    /// It had no effect, but the health monitor did not count it, or the rogue's start had another reason.
    Unnoticed = 1,
    /// It had an effect: isolation is broken.
    Breached = 2,
}

/// A mark of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It begins.
    Begin {
        /// Its number.
        attack: u16,
    },
    /// It is over.
    End {
        /// Its number.
        attack: u16,
        /// What came of it.
        outcome: Outcome,
        /// How often it was tried.
        attempts: u32,
    },
}

impl Mark {
    /// The arguments of the hypercall `mark`: identifier and value.
    pub const fn encode(self) -> (u32, u32) {
        match self {
            Self::Begin { attack } => (FAMILY << 16 | attack as u32, 0),
            Self::End {
                attack,
                outcome,
                attempts,
            } => {
                let attempts = if attempts > ATTEMPTS_MASK {
                    ATTEMPTS_MASK
                } else {
                    attempts
                };
                let value = END | (outcome as u32) << OUTCOME_SHIFT | attempts;
                (FAMILY << 16 | attack as u32, value)
            }
        }
    }

    /// The mark with this identifier and value, if it is one of an attack.
    pub const fn decode(identifier: u32, value: u32) -> Option<Self> {
        if identifier >> 16 != FAMILY {
            return None;
        }
        let attack = identifier as u16;
        if value == 0 {
            return Some(Self::Begin { attack });
        }
        if value & END == 0 {
            return None;
        }
        let outcome = match (value & !END) >> OUTCOME_SHIFT {
            0 => Outcome::AsExpected,
            1 => Outcome::Unnoticed,
            2 => Outcome::Breached,
            _ => return None,
        };
        Some(Self::End {
            attack,
            outcome,
            attempts: value & ATTEMPTS_MASK,
        })
    }
}

/// What the marks say about an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Tried so often, with the outcome expected each time.
    Contained {
        /// How often.
        attempts: u32,
    },
    /// At least once it had no effect but was not noticed, or ended otherwise than expected.
    Unnoticed,
    /// At least once it had an effect.
    Breached,
    /// It was begun and never ended.
    Unfinished,
    /// The run was too short: it was not begun, or the marks were overwritten. Or it was begun and ended without an attempt:
    /// nobody carries it out.
    NotTried,
}

impl Verdict {
    /// In one word, as results write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contained { .. } => "contained",
            Self::Unnoticed => "unnoticed",
            Self::Breached => "breached",
            Self::Unfinished => "unfinished",
            Self::NotTried => "not_tried",
        }
    }
}

/// Judges an attack by the rogue's marks, as identifier and value in the order in which they were left. The worst
/// outcome counts.
pub fn judge(attack: &Attack, marks: impl Iterator<Item = (u32, u32)>) -> Verdict {
    let mut open = false;
    let mut worst = None;
    let mut total = 0u32;
    for (identifier, value) in marks {
        match Mark::decode(identifier, value) {
            Some(Mark::Begin { attack: number }) if number == attack.number => open = true,
            Some(Mark::End {
                attack: number,
                outcome,
                attempts,
            }) if number == attack.number => {
                open = false;
                total = total.saturating_add(attempts);
                if worst.is_none_or(|worst| outcome as u32 > worst as u32) {
                    worst = Some(outcome);
                }
            }
            _ => {}
        }
    }
    match worst {
        Some(Outcome::Breached) => Verdict::Breached,
        Some(Outcome::Unnoticed) => Verdict::Unnoticed,
        Some(Outcome::AsExpected) if total == 0 => Verdict::NotTried,
        Some(Outcome::AsExpected) => Verdict::Contained { attempts: total },
        None if open => Verdict::Unfinished,
        None => Verdict::NotTried,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::ATTACKS;

    #[test]
    fn a_mark_survives_the_record() {
        for outcome in [Outcome::AsExpected, Outcome::Unnoticed, Outcome::Breached] {
            for attempts in [0, 1, ATTEMPTS_MASK] {
                let mark = Mark::End {
                    attack: 77,
                    outcome,
                    attempts,
                };
                let (identifier, value) = mark.encode();
                assert_eq!(Mark::decode(identifier, value), Some(mark));
            }
        }
        let begin = Mark::Begin { attack: 0xffff };
        let (identifier, value) = begin.encode();
        assert_eq!(Mark::decode(identifier, value), Some(begin));
    }

    #[test]
    fn foreign_marks_are_no_marks_of_an_attack() {
        assert_eq!(Mark::decode(0, 0), None);
        assert_eq!(Mark::decode(FAMILY << 16, 1), None);
        assert_eq!(Mark::decode(FAMILY << 16, u32::MAX), None);
    }

    #[test]
    fn what_is_ended_without_an_attempt_was_not_tried() {
        let attack = &ATTACKS[0];
        let judged = |attempts: &[u32]| {
            let marks = attempts.iter().map(|&attempts| {
                Mark::End {
                    attack: attack.number,
                    outcome: Outcome::AsExpected,
                    attempts,
                }
                .encode()
            });
            judge(attack, marks)
        };
        assert_eq!(judged(&[0]), Verdict::NotTried);
        assert_eq!(judged(&[0, 0]), Verdict::NotTried);
        assert_eq!(judged(&[0, 1]), Verdict::Contained { attempts: 1 });
    }

    #[test]
    fn the_worst_outcome_counts() {
        let attack = &ATTACKS[0];
        let end = |outcome| {
            Mark::End {
                attack: attack.number,
                outcome,
                attempts: 3,
            }
            .encode()
        };
        let begin = Mark::Begin {
            attack: attack.number,
        }
        .encode();
        let other = Mark::Begin {
            attack: attack.number + 1,
        }
        .encode();
        let judged = |marks: &[(u32, u32)]| judge(attack, marks.iter().copied());
        assert_eq!(judged(&[other]), Verdict::NotTried);
        assert_eq!(judged(&[begin]), Verdict::Unfinished);
        let (good, bad) = (end(Outcome::AsExpected), end(Outcome::Breached));
        assert_eq!(
            judged(&[begin, good, begin, good, begin]),
            Verdict::Contained { attempts: 6 }
        );
        assert_eq!(judged(&[begin, bad, begin, good]), Verdict::Breached);
        assert_eq!(
            judged(&[begin, end(Outcome::Unnoticed)]),
            Verdict::Unnoticed
        );
    }
}
