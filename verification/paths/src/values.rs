//! What registers certainly hold: enough to see which branches a constant decides.
//!
//! A vector passes its number on in a register, and what follows is decided by comparisons with it. So the paths of
//! one vector, or of one reason to wake up, are told from those of the others by the binary itself.
//!
//! Only a few instructions are understood. Of any other it is enough to know what it may write: an integer instruction writes no
//! general register but those that its fields of bits 6 to 15 name (EREF, section 4.3), `lmw` all from the first on.

use std::cmp::Ordering;

use crate::instruction::{Condition, bits, signed};

/// The registers that a call may change (PowerPC EABI): r0, r3 to r12.
const LOST: [usize; 11] = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
/// The first register of a function's arguments and of its result.
const FIRST_ARGUMENT: usize = 3;
/// How many registers hold arguments, and behind them r11, which holds the token of a hypercall.
const ARGUMENTS: usize = 9;

/// The arguments of a function as far as they are known.
pub type Arguments = [Option<u32>; ARGUMENTS];

/// What is known of a hypercall with this token.
pub fn of_token(token: u32) -> Arguments {
    let mut arguments = Arguments::default();
    arguments[ARGUMENTS - 1] = Some(token);
    arguments
}

/// What is known at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    registers: [Option<u32>; 32],
    /// Per field of CR: how the two numbers stood that were compared last.
    compared: [Option<Ordering>; 8],
}

impl Values {
    /// At the start of a function.
    pub fn with_arguments(arguments: Arguments) -> Self {
        let mut values = Self::default();
        values.registers[FIRST_ARGUMENT..FIRST_ARGUMENT + ARGUMENTS].copy_from_slice(&arguments);
        values
    }

    /// The arguments for a function that is called here.
    pub fn arguments(&self) -> Arguments {
        let mut arguments = Arguments::default();
        arguments.copy_from_slice(&self.registers[FIRST_ARGUMENT..FIRST_ARGUMENT + ARGUMENTS]);
        arguments
    }

    /// The result of a function that returns here.
    pub fn result(&self) -> Option<u32> {
        self.registers[FIRST_ARGUMENT]
    }

    /// Behind a function with this result.
    pub fn returned(&mut self, result: Option<u32>) {
        for register in LOST {
            self.registers[register] = None;
        }
        self.registers[FIRST_ARGUMENT] = result;
        self.compared = Default::default();
    }

    /// What is known whichever of the two came here. Whether this one knows less now.
    pub fn join(&mut self, other: &Self) -> bool {
        let mut less = false;
        let mut meet = |differ: bool, forget: &mut dyn FnMut()| {
            if differ {
                forget();
                less = true;
            }
        };
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers) {
            meet(mine.is_some() && *mine != theirs, &mut || *mine = None);
        }
        for (mine, theirs) in self.compared.iter_mut().zip(other.compared) {
            meet(mine.is_some() && *mine != theirs, &mut || *mine = None);
        }
        less
    }

    /// Whether a branch is taken, if that is certain.
    pub fn decides(&self, condition: Condition) -> Option<bool> {
        // BO: 0x4 leaves CTR alone, 0x10 leaves CR alone, 0x8 is the value that the bit of CR shall have.
        if condition.bo & 0x14 != 0x04 {
            return None;
        }
        let ordering = self.compared[condition.bi as usize / 4]?;
        let bit = match condition.bi % 4 {
            0 => ordering.is_lt(),
            1 => ordering.is_gt(),
            2 => ordering.is_eq(),
            _ => return None,
        };
        Some(bit == (condition.bo & 0x08 != 0))
    }

    /// Behind an instruction.
    pub fn step(&mut self, word: u32) {
        let (a, b, c) = (
            bits(word, 6, 10) as usize,
            bits(word, 11, 15) as usize,
            bits(word, 16, 20) as usize,
        );
        let immediate = word & 0xffff;
        let extended = signed(immediate, 16);
        let field = bits(word, 6, 8) as usize;
        let register = |number: usize| self.registers[number];
        let base = if b == 0 { Some(0) } else { register(b) };
        match (bits(word, 0, 5), bits(word, 21, 30)) {
            (14, _) => self.registers[a] = base.map(|base| base.wrapping_add(extended)),
            (15, _) => self.registers[a] = base.map(|base| base.wrapping_add(immediate << 16)),
            (24, _) => self.registers[b] = register(a).map(|value| value | immediate),
            (25, _) => self.registers[b] = register(a).map(|value| value | immediate << 16),
            (28, _) => self.logical(b, register(a).map(|value| value & immediate), true),
            (21, _) => {
                let (shift, first, last) =
                    (bits(word, 16, 20), bits(word, 21, 25), bits(word, 26, 30));
                let mask = (u32::MAX >> first) & (u32::MAX << (31 - last));
                // A mask that wraps around is none of those that matter here.
                let value = register(a).filter(|_| first <= last);
                let value = value.map(|value| value.rotate_left(shift) & mask);
                self.logical(b, value, word & 1 != 0);
            }
            (31, code @ (24 | 28 | 444 | 536)) => {
                let values = register(a).zip(register(c));
                let value = values.map(|(one, other)| match code {
                    24 => one.checked_shl(other & 0x3f).unwrap_or(0),
                    28 => one & other,
                    444 => one | other,
                    _ => one.checked_shr(other & 0x3f).unwrap_or(0),
                });
                self.logical(b, value, word & 1 != 0);
            }
            (10, _) => {
                let value = register(b);
                self.compared[field] = value.map(|value| value.cmp(&immediate));
            }
            (11, _) => {
                let value = register(b);
                self.compared[field] = value.map(|value| (value as i32).cmp(&(extended as i32)));
            }
            (31, 0) => {
                let values = register(b).zip(register(c));
                self.compared[field] = values.map(|(one, other)| (one as i32).cmp(&(other as i32)));
            }
            (31, 32) => {
                let values = register(b).zip(register(c));
                self.compared[field] = values.map(|(one, other)| one.cmp(&other));
            }
            (primary, code) => self.step_unknown(primary, code, word, a, b),
        }
    }

    /// Behind an instruction with this result, which it compares with zero if it has a `.`.
    fn logical(&mut self, register: usize, value: Option<u32>, compares: bool) {
        self.registers[register] = value;
        if compares {
            self.compared[0] = value.map(|value| (value as i32).cmp(&0));
        }
    }

    /// Behind an instruction of which only this is known: what it may write.
    fn step_unknown(&mut self, primary: u32, code: u32, word: u32, a: usize, b: usize) {
        match primary {
            // Branches.
            16 | 18 => return,
            // Instructions on CR, and branches to registers.
            19 => return self.compared = Default::default(),
            // `lmw`.
            46 => self.registers[a..].fill(None),
            // `mtcrf` and `mcrxr`; `lswx` and `lswi` load as many registers as they like.
            31 if matches!(code, 144 | 512) => self.compared = Default::default(),
            31 if matches!(code, 533 | 597) => return *self = Self::default(),
            // What has a form with `.`, which compares with zero.
            20 | 21 | 23 | 31 if word & 1 != 0 => self.compared[0] = None,
            13 | 28 | 29 => self.compared[0] = None,
            // What has none: arithmetic with an immediate, loads and stores.
            7 | 8 | 12 | 20 | 21 | 23 | 26 | 27 | 31 | 32..=45 | 47..=55 => {}
            _ => return *self = Self::default(),
        }
        self.registers[a] = None;
        self.registers[b] = None;
    }
}
