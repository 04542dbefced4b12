//! How much of its stack the kernel takes at most.
//!
//! Every entry begins with an empty stack: the vectors set r1 to the top. A function takes its frame by a `stwu` of r1 (Power ABI for 32 bits, section 3.2), and what
//! it calls takes its own below. So the most is a sum of frames along calls, and there is one, for nothing calls itself. Which paths are
//! possible does not matter here: all calls count.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::analysis::{Analysis, Cause, Entry};
use crate::graph::{Callee, Target};
use crate::instruction::{SIZE, bits};

/// The stack pointer.
const R1: u32 = 1;
/// Primary opcodes (EREF, chapter 4): `stwu`, `addi`, `addis`.
const STWU: u32 = 37;
const ADDI: u32 = 14;
const ADDIS: u32 = 15;
/// The primary opcode of instructions with a second one, and `stwux`.
const EXTENDED: u32 = 31;
const STWUX: u32 = 183;

/// The frames of a program's functions.
pub struct Stack<'a, 'b> {
    analysis: &'a mut Analysis<'b>,
    known: BTreeMap<u32, u32>,
    under_way: BTreeSet<u32>,
}

impl<'a, 'b> Stack<'a, 'b> {
    /// Of what is analysed.
    pub const fn of(analysis: &'a mut Analysis<'b>) -> Self {
        Self {
            analysis,
            known: BTreeMap::new(),
            under_way: BTreeSet::new(),
        }
    }

    /// The most bytes that an entry takes, and which.
    ///
    /// # Errors
    /// Stack is taken in a way that is not understood, or a function calls itself.
    pub fn deepest<'e>(&mut self, entries: &'e [Entry]) -> Result<(u32, &'e str)> {
        let mut deepest = (0, "");
        for entry in entries {
            // Behind a wait a new entry begins, or the old one goes on, in frames that it has.
            let Cause::Vector(at, _) = entry.cause else {
                continue;
            };
            let bytes = self.below(at).with_context(|| entry.name.clone())?;
            deepest = deepest.max((bytes, &entry.name));
        }
        Ok(deepest)
    }

    /// The most bytes that a function and what it calls take.
    ///
    /// # Errors
    /// As [`Self::deepest`].
    pub fn below(&mut self, at: u32) -> Result<u32> {
        if let Some(known) = self.known.get(&at) {
            return Ok(*known);
        }
        ensure!(
            self.under_way.insert(at),
            "the function at {at:#x} calls itself"
        );
        let graph = self.analysis.graph(at)?;
        let (mut frame, mut calls) = (0, 0);
        for block in &graph.blocks {
            for address in (block.start..block.end).step_by(SIZE as usize) {
                frame += self.taken(address)?;
            }
            let others = block.edges.iter().filter_map(|edge| match edge.to {
                Target::Other(callee) => Some(callee),
                _ => None,
            });
            for callee in others.chain(block.call) {
                calls = calls.max(self.of_callee(callee)?);
            }
        }
        self.under_way.remove(&at);
        self.known.insert(at, frame + calls);
        Ok(frame + calls)
    }

    fn of_callee(&mut self, callee: Callee) -> Result<u32> {
        let mut most = 0;
        for target in self.analysis.all_targets(callee)? {
            most = most.max(self.below(target)?);
        }
        Ok(most)
    }

    /// How many bytes of stack an instruction takes.
    fn taken(&self, address: u32) -> Result<u32> {
        let word = self.analysis.word(address)?;
        let (opcode, target, base) = (bits(word, 0, 5), bits(word, 6, 10), bits(word, 11, 15));
        let displacement = word as i16;
        match opcode {
            STWU if base == R1 && displacement < 0 => Ok(displacement.unsigned_abs().into()),
            ADDI if target == R1 && base == R1 && displacement < 0 => {
                // The lower half of an address is no frame.
                let before = self.analysis.word(address - SIZE)?;
                let is_upper_half = bits(before, 0, 5) == ADDIS && bits(before, 6, 10) == R1;
                Ok(if is_upper_half {
                    0
                } else {
                    displacement.unsigned_abs().into()
                })
            }
            EXTENDED if bits(word, 21, 30) == STWUX && base == R1 => {
                bail!("{address:#x}: stack is taken by a register")
            }
            _ => Ok(0),
        }
    }
}
