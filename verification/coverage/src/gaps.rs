//! What was not seen, by the lines of the source that it belongs to.

use std::collections::BTreeMap;

use cofferdam_symbols::Frame;
use serde::Serialize;

use crate::kernel::{Instruction, Kernel};

/// What is missing of one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It was never executed.
    Executed,
    /// It is a conditional branch that was executed and never taken.
    Taken,
    /// It is a conditional branch that was taken whenever it was executed.
    Passed,
}

impl Missing {
    /// What is missing of an instruction, if anything is.
    pub fn of(instruction: &Instruction) -> Option<Self> {
        let seen = instruction.seen;
        match (seen.executed, instruction.branch.is_some()) {
            (false, _) => Some(Self::Executed),
            (true, true) if !seen.taken => Some(Self::Taken),
            (true, true) if !seen.passed => Some(Self::Passed),
            _ => None,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Executed => "never executed",
            Self::Taken => "never taken",
            Self::Passed => "always taken",
        }
    }
}

/// A line of the source: the innermost function of the tree, and those that it was inlined into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// The file, from the root of the tree; empty for assembly.
    pub file: String,
    /// Its number; 0 for assembly.
    pub number: u32,
    /// The function that it stands in, as one says it.
    pub function: String,
    /// The functions that this one was inlined into, the innermost first.
    pub within: Vec<String>,
}

impl Line {
    /// The line that an instruction belongs to.
    pub fn of(kernel: &Kernel, address: u32) -> Self {
        let mut frames = kernel.frames(address).into_iter();
        let Frame { file, line, .. } = frames.as_slice().first().cloned().unwrap_or_default();
        let function = frames.next().map(|frame| frame.name()).unwrap_or_default();
        Self {
            file,
            number: line,
            function,
            within: frames.map(|frame| frame.name()).collect(),
        }
    }
}

/// What is missing of a line.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// The line.
    pub line: Line,
    /// What of it: addresses, and what is missing there.
    pub instructions: Vec<(u32, Missing)>,
}

/// Everything that is missing of a kernel, by lines.
pub fn gaps(kernel: &Kernel) -> Vec<Gap> {
    let mut lines: BTreeMap<Line, Vec<(u32, Missing)>> = BTreeMap::new();
    for instruction in &kernel.instructions {
        if let Some(missing) = Missing::of(instruction) {
            let line = Line::of(kernel, instruction.address);
            let all = lines.entry(line).or_default();
            all.push((instruction.address, missing));
        }
    }
    let gap = |(line, instructions)| Gap { line, instructions };
    lines.into_iter().map(gap).collect()
}
