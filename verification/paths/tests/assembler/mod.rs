//! As much of an assembler as the tests need.

#![allow(dead_code)] // Each test uses some of it.

use std::collections::BTreeSet;

use cofferdam_paths::facts::Place;
use cofferdam_paths::program::Program;
use cofferdam_paths::source::Names;

/// Where the text begins.
const START: u32 = 0x10_0000;

/// BO and BI of a branch if the comparison in CR0 found equality.
pub const BEQ: u32 = 12 << 21 | 2 << 16;
/// `bctr`.
pub const BCTR: u32 = 0x4e80_0420;
/// `sc`.
pub const SC: u32 = 0x4400_0002;
/// `rfci`.
pub const RFCI: u32 = 0x4c00_0066;
/// `trap`.
pub const TRAP: u32 = 0x7fe0_0008;
const NOP: u32 = 0x6000_0000;
const BLR: u32 = 0x4e80_0020;
const RFI: u32 = 0x4c00_0064;
const MTMSR: u32 = 0x7ce0_0124;
const WRTEEI_0: u32 = 0x7c00_0146;

/// `lwz register, 0(base)`.
pub fn lwz(register: u32, base: u32) -> u32 {
    32 << 26 | register << 21 | base << 16
}

/// `lmw register, 0(1)`.
pub fn lmw(register: u32) -> u32 {
    46 << 26 | register << 21 | 1 << 16
}

/// `mfspr register, 26`.
pub fn mfspr(register: u32) -> u32 {
    31 << 26 | register << 21 | 26 << 16 | 339 << 1
}

/// `stwu 1, -bytes(1)`.
pub fn frame(bytes: u16) -> u32 {
    37 << 26 | 1 << 21 | 1 << 16 | u32::from(bytes.wrapping_neg())
}

/// A text that is written from its beginning to its end.
#[derive(Default)]
pub struct Text {
    words: Vec<u32>,
    labels: Vec<(&'static str, u32)>,
    functions: Vec<u32>,
    /// Which word has to lead to which label.
    open: Vec<(usize, &'static str)>,
}

impl Text {
    pub fn new() -> Self {
        Self::default()
    }

    fn here(&self) -> u32 {
        START + 4 * self.words.len() as u32
    }

    pub fn label(&mut self, name: &'static str) -> &mut Self {
        self.labels.push((name, self.here()));
        self
    }

    /// A label where a compiler's function begins.
    pub fn function(&mut self, name: &'static str) -> &mut Self {
        self.functions.push(self.here());
        self.label(name)
    }

    pub fn word(&mut self, word: u32) -> &mut Self {
        self.words.push(word);
        self
    }

    fn leading(&mut self, word: u32, to: &'static str) -> &mut Self {
        self.open.push((self.words.len(), to));
        self.word(word)
    }

    pub fn nops(&mut self, count: usize) -> &mut Self {
        self.words.extend(std::iter::repeat_n(NOP, count));
        self
    }

    pub fn branch(&mut self, condition: u32, to: &'static str) -> &mut Self {
        self.leading(16 << 26 | condition, to)
    }

    pub fn jump(&mut self, to: &'static str) -> &mut Self {
        self.leading(18 << 26, to)
    }

    pub fn call(&mut self, to: &'static str) -> &mut Self {
        self.leading(18 << 26 | 1, to)
    }

    pub fn ret(&mut self) -> &mut Self {
        self.word(BLR)
    }

    pub fn rfi(&mut self) -> &mut Self {
        self.word(RFI)
    }

    pub fn enable(&mut self) -> &mut Self {
        self.word(MTMSR)
    }

    pub fn disable(&mut self) -> &mut Self {
        self.word(WRTEEI_0)
    }

    /// `b .`
    pub fn forever(&mut self) -> &mut Self {
        self.word(18 << 26)
    }

    /// `li register, value`
    pub fn load(&mut self, register: u32, value: u32) -> &mut Self {
        self.word(14 << 26 | register << 21 | value)
    }

    /// `cmplwi register, value`
    pub fn compare(&mut self, register: u32, value: u32) -> &mut Self {
        self.word(10 << 26 | register << 16 | value)
    }

    /// What was written, and its labels.
    pub fn program(mut self) -> (Program, Vec<(&'static str, u32)>) {
        for (index, to) in &self.open {
            let (_, target) = self.labels.iter().find(|(name, _)| name == to).unwrap();
            let offset = target.wrapping_sub(START + 4 * *index as u32);
            let word = &mut self.words[*index];
            let field = if *word >> 26 == 16 {
                0xfffc
            } else {
                0x03ff_fffc
            };
            *word |= offset & field;
        }
        let program = Program::of_words(START, self.words, &self.labels, &self.functions);
        (program, self.labels)
    }
}

/// Labels are all that is known of the source.
pub struct Labels(pub Vec<(&'static str, u32)>);

impl Names for Labels {
    fn function(&self, address: u32) -> String {
        let before = self.0.iter().filter(|(_, at)| *at <= address);
        let last = before.max_by_key(|(_, at)| *at);
        last.map_or_else(String::new, |(name, _)| (*name).to_owned())
    }

    fn place(&self, addresses: &[u32], _: usize) -> Place {
        Place {
            function: self.function(addresses[0]),
            lines: BTreeSet::new(),
            head: BTreeSet::new(),
        }
    }
}
