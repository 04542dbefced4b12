//! The kernel's own map, found by carrying out the instructions that make it.
//!
//! From the entry of the image on, the kernel's start is straight code with two small loops: it writes entries of TLB1, sets the vectors
//! and branches to the rest of the kernel, which is compiled. That much is carried out here, on the words of the image, by an interpreter for
//! the few instructions that it needs (EREF, appendix A). What it has written to TLB1 by then is the kernel's map; devices and RAM follow,
//! by entries whose words `docs/image.md` gives.

use std::collections::BTreeMap;

use crate::image::Image;

/// So many instructions are carried out at most: the start clears the kernel's variables, 64 bytes in three of them.
const MOST: usize = 100_000;
const MAS: [u32; 5] = [624, 625, 626, 627, 944];
const SRR0: u32 = 26;
const SRR1: u32 = 27;
const CTR: u32 = 9;
const MMUCSR0: u32 = 1012;
/// MMUCSR0: invalidates TLB0.
const FLASH_TLB0: u32 = 4;
const ISYNC: u32 = 0x4c00_012c;
const RFI: u32 = 0x4c00_0064;

/// What the start has done when it branches to the compiled kernel.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The words MAS1, MAS2, MAS3, MAS7 of each entry of TLB1 that was written.
    pub entries: BTreeMap<u32, [u32; 4]>,
    /// The special-purpose registers.
    pub registers: BTreeMap<u32, u32>,
    /// The machine state.
    pub state: u32,
    /// TLB0 was emptied.
    pub emptied: bool,
    /// The stack pointer.
    pub stack: u32,
    /// Where it branches to; `None`: the interpreter met what it does not know, at `at`.
    pub target: Option<u32>,
    /// Where it ended.
    pub at: u32,
}

struct Machine<'a> {
    image: &'a Image<'a>,
    general: [u32; 32],
    less: bool,
    start: Start,
}

/// Carries out the start of an image.
pub fn start(image: &Image<'_>) -> Start {
    let mut machine = Machine {
        image,
        general: [0; 32],
        less: false,
        start: Start {
            at: image.entry,
            ..Start::default()
        },
    };
    for _ in 0..MOST {
        if machine.step().is_none() {
            break;
        }
    }
    machine.start.stack = machine.general[1];
    machine.start
}

/// Sign-extends the lowest 16 bits.
fn signed(word: u32) -> u32 {
    i32::from(word as u16 as i16) as u32
}

impl Machine<'_> {
    /// Carries out one instruction. `None`: it is the last.
    fn step(&mut self) -> Option<()> {
        let at = self.start.at;
        let word = self.image.word(at)?;
        let (d, a, b) = (
            (word >> 21 & 31) as usize,
            (word >> 16 & 31) as usize,
            (word >> 11 & 31) as usize,
        );
        let base = if a == 0 { 0 } else { self.general[a] };
        let mut next = at.wrapping_add(4);
        match word >> 26 {
            14 => self.general[d] = base.wrapping_add(signed(word)),
            15 => self.general[d] = base.wrapping_add(word << 16),
            24 => self.general[a] = self.general[d] | word & 0xffff,
            // rlwimi
            20 => {
                let (first, last) = (word >> 6 & 31, word >> 1 & 31);
                if first > last || word & 1 != 0 {
                    return None;
                }
                let mask = (u32::MAX >> first) & (u32::MAX << (31 - last));
                let turned = self.general[d].rotate_left(b as u32);
                self.general[a] = turned & mask | self.general[a] & !mask;
            }
            // bc: only `bdnz` and `blt` of the first field.
            16 if word & 3 == 0 => {
                let taken = match (d, a) {
                    (16, _) => {
                        let counter = self.start.registers.entry(CTR).or_default();
                        *counter = counter.wrapping_sub(1);
                        *counter != 0
                    }
                    (12, 0) => self.less,
                    _ => return None,
                };
                if taken {
                    next = at.wrapping_add(signed(word & 0xfffc));
                }
            }
            // b: to the compiled kernel.
            18 if word & 3 == 0 => {
                let offset = ((word & 0x03ff_fffc) << 6) as i32 >> 6;
                self.start.target = Some(at.wrapping_add(offset as u32));
                return None;
            }
            19 if word == ISYNC => {}
            19 if word == RFI => {
                next = self.register(SRR0);
                self.start.state = self.register(SRR1);
            }
            31 => self.extended(word, d, a, b)?,
            // Stores: stw, stwu, stmw. What they clear is of no account.
            36 | 47 => {}
            37 if a != 0 => self.general[a] = base.wrapping_add(signed(word)),
            _ => return None,
        }
        self.start.at = next;
        Some(())
    }

    fn extended(&mut self, word: u32, d: usize, a: usize, b: usize) -> Option<()> {
        match word >> 1 & 0x3ff {
            // mtspr: the halves of the number stand the other way round.
            467 => {
                let number = (b as u32) << 5 | a as u32;
                let value = self.general[d];
                self.start.registers.insert(number, value);
                if number == MMUCSR0 {
                    self.start.emptied |= value & FLASH_TLB0 != 0;
                }
            }
            // tlbwe: of TLB1 alone.
            978 => {
                let [mas0, words @ ..] = MAS.map(|number| self.register(number));
                if mas0 & 0xf000_0000 != 0x1000_0000 {
                    return None;
                }
                self.start.entries.insert(mas0 >> 16 & 15, words);
            }
            // cmplw, into the first field.
            32 if d == 0 => self.less = self.general[a] < self.general[b],
            _ => return None,
        }
        Some(())
    }

    fn register(&self, number: u32) -> u32 {
        self.start
            .registers
            .get(&number)
            .copied()
            .unwrap_or_default()
    }
}
