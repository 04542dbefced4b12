//! What was executed, to hold the analysis against: the steps that the plugin of `tools/icount` wrote down.
//!
//! Each excursion into the kernel is divided where interrupts are enabled, and each part belongs to the entry that it began with. Every
//! step has to be one that the analysis knows: from an instruction where it leads, from a call back behind it. No loop
//! turns more often than the facts say, and no entry comes to a function that it never comes to.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::analysis::{Analysis, Cause, Entry, Reason};
use crate::instruction::{Flow, SIZE, flow};
use crate::program::Program;

/// A line of the plugin's output; of most of them only the steps matter.
#[derive(Deserialize)]
struct Line {
    kind: String,
    #[serde(default)]
    steps: Vec<u32>,
}

/// A run of instructions with interrupts disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where in the entries it belongs.
    pub entry: usize,
    /// Its instructions.
    pub steps: Vec<u32>,
}

/// Reads every excursion.
pub fn excursions(path: &Path) -> Result<Vec<Vec<u32>>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(serde_json::from_str::<Line>);
    let lines: Vec<Line> = lines
        .collect::<Result<_, _>>()
        .with_context(|| format!("{}: not the plugin's output", path.display()))?;
    let excursions = lines.into_iter().filter(|line| line.kind == "excursion");
    Ok(excursions.map(|line| line.steps).collect())
}

/// What was before a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Partition,
    Enabled,
    Disabled,
}

/// Divides an excursion into runs. An interrupt that was there already comes as soon as a partition is resumed, before its
/// first instruction: that is a run more, as is each one that comes while the kernel waits.
pub fn runs(program: &Program, entries: &[Entry], steps: &[u32]) -> Result<Vec<Run>> {
    let find = |cause| entries.iter().position(|entry| entry.cause == cause);
    let mut runs: Vec<Run> = Vec::new();
    let mut before = Before::Partition;
    for (index, step) in steps.iter().enumerate() {
        let way = flow(*step, program.word(*step)?)?;
        let begins = match (before, way) {
            (Before::Partition, _) => {
                let mut behind = steps[index..].iter();
                let entry = behind.find_map(|other| handled(entries, *step, *other));
                let entry = entry.or(find(Cause::Vector(*step, None)));
                Some(entry.with_context(|| format!("{step:#x} is no vector"))?)
            }
            (Before::Enabled, Flow::DisableInterrupts) => find(Cause::Woken(Reason::Nothing)),
            (Before::Enabled, _) => {
                find(Cause::Woken(Reason::Interrupt(*step))).or(find(Cause::Vector(*step, None)))
            }
            (Before::Disabled, _) => None,
        };
        if let Some(entry) = begins {
            before = Before::Disabled;
            let steps = Vec::new();
            runs.push(Run { entry, steps });
        }
        if let Some(run) = runs.last_mut().filter(|_| before == Before::Disabled) {
            run.steps.push(*step);
        }
        before = match way {
            Flow::EnableInterrupts => Before::Enabled,
            Flow::ReturnFromInterrupt => Before::Partition,
            _ => before,
        };
    }
    Ok(runs)
}

/// The hypercall by this vector that is handled there.
fn handled(entries: &[Entry], vector: u32, handler: u32) -> Option<usize> {
    entries.iter().position(|entry| match entry.cause {
        Cause::Vector(at, Some(handled)) => at == vector && handled.handler == handler,
        _ => false,
    })
}

/// Follows excursions.
pub struct Walker<'w, 'a> {
    analysis: &'w mut Analysis<'a>,
    program: &'w Program,
    entries: &'w [Entry],
}

/// A function under way: where it returns to, and how often each of its loops has turned.
#[derive(Default)]
struct Frame {
    returns_to: u32,
    turned: BTreeMap<u32, u64>,
}

/// An excursion under way.
#[derive(Default)]
struct Walk<'w> {
    frames: Vec<Frame>,
    entry: &'w str,
    enabled: bool,
}

impl<'w, 'a> Walker<'w, 'a> {
    /// Holds them against an analysis that is done.
    pub fn new(analysis: &'w mut Analysis<'a>, program: &'w Program, entries: &'w [Entry]) -> Self {
        Self {
            analysis,
            program,
            entries,
        }
    }

    /// Fails where an excursion, of these runs, is none that the analysis knows.
    pub fn follow(&mut self, steps: &[u32], runs: &[Run]) -> Result<()> {
        let mut walk = Walk::default();
        let mut runs = runs.iter().peekable();
        for pair in steps.windows(2) {
            let &[from, to] = pair else { continue };
            if self.is_end(from)? {
                continue;
            }
            if let Some(run) = runs.next_if(|run| run.steps.first() == Some(&from)) {
                let entry = &self.entries[run.entry];
                walk.entry = &entry.name;
                // A wait is no part of a loop's turn, and behind it another path begins.
                walk.frames
                    .iter_mut()
                    .for_each(|frame| frame.turned.clear());
                if let Cause::Vector(..) = entry.cause {
                    walk.frames = vec![Frame::default()];
                }
            }
            self.step(&mut walk, from, to)
                .with_context(|| format!("{}: from {from:#x} to {to:#x}", walk.entry))?;
        }
        Ok(())
    }

    /// Whether a partition was resumed there: what comes next in the same excursion is an interrupt.
    fn is_end(&self, at: u32) -> Result<bool> {
        Ok(flow(at, self.program.word(at)?)? == Flow::ReturnFromInterrupt)
    }

    fn step(&mut self, walk: &mut Walk<'_>, from: u32, to: u32) -> Result<()> {
        let next = from + SIZE;
        let way = flow(from, self.program.word(from)?)?;
        let mut origin = from;
        let returns = match way {
            Flow::Return => true,
            Flow::ReturnIf(_) => to != next,
            _ => false,
        };
        if returns {
            let frame = walk.frames.pop().unwrap_or_default();
            ensure!(frame.returns_to == to, "it does not return there");
            origin = to.wrapping_sub(SIZE);
        } else {
            ensure!(
                walk.enabled || self.leads(way, from, to)?,
                "it does not lead there"
            );
        }
        if matches!(way, Flow::Call(_) | Flow::CallRegister) {
            ensure!(
                !self.analysis.is_never(walk.entry, to),
                "it never comes there"
            );
            walk.frames.push(Frame {
                returns_to: next,
                turned: BTreeMap::new(),
            });
        }
        // Where interrupts are enabled one may come, as if it were called there: its path returns from the function that enabled them.
        walk.enabled = match way {
            Flow::EnableInterrupts => true,
            Flow::DisableInterrupts => false,
            _ => walk.enabled && to == next,
        };
        if let Some(frame) = walk.frames.last_mut()
            && let Some((inside, at_most)) = self.analysis.turns(to)
        {
            let turned = frame.turned.entry(to).or_default();
            *turned = if inside.contains(&origin) {
                *turned + 1
            } else {
                0
            };
            ensure!(
                *turned <= *at_most,
                "the loop turns more than {at_most} times"
            );
        }
        Ok(())
    }

    fn leads(&mut self, way: Flow, from: u32, to: u32) -> Result<bool> {
        let next = from + SIZE;
        Ok(match way {
            Flow::Next | Flow::DisableInterrupts => to == next,
            Flow::Jump(target) | Flow::Call(target) => to == target,
            Flow::Branch(_, target) => to == target || to == next,
            Flow::CallRegister | Flow::JumpRegister => self.analysis.may_lead(from, to)?,
            Flow::ReturnIf(_) => to == next,
            Flow::EnableInterrupts => true,
            Flow::Return | Flow::ReturnFromInterrupt | Flow::Nowhere => false,
        })
    }
}
