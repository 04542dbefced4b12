//! What came of it: for each entry the longest path and the longest that was measured.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::analysis::Analysis;
use crate::entries;
use crate::facts::{Facts, Known};
use crate::instruction::{SIZE, transfers};
use crate::measured::{Walker, excursions, runs};
use crate::program::Program;
use crate::report::functions;
use crate::source::Source;
use crate::stack::Stack;
use crate::system::System;
use crate::work::Route;

/// Where the facts are, from the root of the tree.
const FACTS: &str = "verification/paths/facts.toml";
/// Those of a kernel for systems with guests, besides.
const FACTS_OF_GUESTS: &str = "verification/paths/facts-of-guests.toml";
/// Those of one for systems without.
const FACTS_OF_SIZE: &str = "verification/paths/facts-of-size.toml";
/// What it cannot see in a kernel for systems with devices on the bus.
const FACTS_OF_BUS: &str = "verification/paths/facts-of-bus.toml";
/// A wait for a window's tick that is shorter is no wait of always the same instructions: `SHORTEST_WAIT` of
/// microkernel/e500/src/time.rs.
pub const SHORTEST_WAIT_TICKS: u64 = 1024;
/// Where the kernel begins, and the ends of its stack.
const START: &str = "_start";
const STACK_BOTTOM: &str = "__stack_bottom";
const STACK_TOP: &str = "__stack_top";
/// The decrementer's entries, by the end of their names.
const DECREMENTER: &str = "decrementer";
/// A function with fewer instructions than this part of its path is not shown.
const SHOWN: u64 = 200;
/// One with fewer than this part counts for what it stands below, where parts are told.
const PARTS: u64 = 40;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The kernel's ELF.
    pub kernel: &'a Path,
    /// The image of the system.
    pub image: &'a Path,
    /// What was counted in a run of it.
    pub counts: Option<&'a Path>,
    /// The root of the source tree.
    pub root: &'a Path,
    /// The source of Rust's library.
    pub library: &'a Path,
}

/// The longest path of an entry.
#[derive(Clone, Debug, Serialize)]
pub struct Longest {
    /// The entry.
    pub entry: String,
    /// Of the longest path in the binary; `None`: it does not come back to a partition.
    pub instructions: Option<u64>,
    /// The same, with loads and stores of several registers counted once for each.
    pub register_transfers: Option<u64>,
    /// The longest path that was executed.
    pub measured: Option<u64>,
    /// The functions that most of its instructions are in, and how many.
    pub parts: Vec<(String, u64)>,
    /// All of that as a tree.
    #[serde(skip)]
    pub breakdown: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Every entry.
    pub entries: Vec<Longest>,
    /// How many excursions were held against the analysis.
    pub excursions: usize,
    /// From the moment that the guard of a window begins until the kernel waits for the window's tick, at most: whatever path
    /// is under way then, and the decrementer's own.
    pub until_wait: u64,
    /// The most bytes of its stack that the kernel takes, from its first instruction on.
    pub stack_bytes: u32,
    /// The entry that takes them.
    pub stack_of: String,
    /// What the stack has.
    pub stack_size: u32,
    /// What the guard has room for, if an instruction takes a nanosecond, without the shortest wait.
    pub guard: u64,
}

impl Outcome {
    /// Does all of it.
    ///
    /// # Errors
    /// Something cannot be read or followed; facts do not fit; or what was executed is more than the analysis knows.
    pub fn of(inputs: &Inputs<'_>) -> Result<Self> {
        let program = Program::read(inputs.kernel)?;
        let source = Source::open(inputs.kernel, inputs.root, inputs.library)?;
        let system = System::of_image(inputs.image)?;
        let mut facts = Facts::read(&inputs.root.join(FACTS))?;
        if system.number("guests")? != 0 {
            facts = facts.and(Facts::read(&inputs.root.join(FACTS_OF_GUESTS))?);
        } else {
            facts = facts.and(Facts::read(&inputs.root.join(FACTS_OF_SIZE))?);
        }
        if system.number("buses")? != 0 {
            facts = facts.and(Facts::read(&inputs.root.join(FACTS_OF_BUS))?);
        }
        let mut analysis = Analysis::new(&program, &source, Known::new(&facts, &system))?;
        let entries = entries::entries(&program, &mut analysis)?;
        let mut longest = Vec::new();
        for entry in &entries {
            let route = analysis
                .longest(entry, &entries)
                .with_context(|| entry.name.clone())?;
            longest.push(Longest::new(&entry.name, route, &program, &source)?);
        }
        analysis.known().settle()?;
        let start = program.symbol(START)?;
        let mut stack = Stack::of(&mut analysis);
        let (entered, by) = stack.deepest(&entries)?;
        let started = stack.below(start).context(START)?;
        let (stack_bytes, stack_of) = (entered, by).max((started, START));
        let stack_size = program.symbol(STACK_TOP)? - program.symbol(STACK_BOTTOM)?;
        let excursions = match inputs.counts {
            Some(path) => excursions(path)?,
            None => Vec::new(),
        };
        let mut walker = Walker::new(&mut analysis, &program, &entries);
        for steps in &excursions {
            let runs = runs(&program, &entries, steps)?;
            walker.follow(steps, &runs)?;
            for run in runs {
                longest[run.entry].measure(run.steps.len() as u64)?;
            }
        }
        let most = |of: &str| {
            let entries = longest.iter().filter(|entry| entry.entry.ends_with(of));
            entries
                .filter_map(|entry| entry.instructions)
                .max()
                .unwrap_or(0)
        };
        let guard = system
            .number("guard_ticks")?
            .saturating_sub(SHORTEST_WAIT_TICKS);
        let ticks_per_second = system.number("timebase_hz")?.max(1);
        Ok(Self {
            until_wait: most("") + most(DECREMENTER),
            stack_bytes,
            stack_of: stack_of.to_owned(),
            stack_size,
            guard: guard * 1_000_000_000 / ticks_per_second,
            entries: longest,
            excursions: excursions.len(),
        })
    }

    /// The longest of all.
    pub fn longest(&self) -> Option<&Longest> {
        self.entries.iter().max_by_key(|entry| entry.instructions)
    }
}

impl Longest {
    fn new(
        name: &str,
        route: Option<Rc<Route>>,
        program: &Program,
        source: &Source,
    ) -> Result<Self> {
        let Some(route) = route else {
            return Ok(Self {
                entry: name.to_owned(),
                instructions: None,
                register_transfers: None,
                measured: None,
                parts: Vec::new(),
                breakdown: "it does not come back to a partition".to_owned(),
            });
        };
        let functions = functions(&route, source);
        let mut breakdown = String::new();
        functions.show(&mut breakdown, route.cost / SHOWN)?;
        Ok(Self {
            entry: name.to_owned(),
            instructions: Some(route.cost),
            register_transfers: Some(route.transfers(program)?),
            measured: None,
            parts: functions
                .parts(PARTS)
                .into_iter()
                .map(|part| (part.function, part.instructions))
                .collect(),
            breakdown,
        })
    }

    /// It was executed with so many instructions.
    fn measure(&mut self, instructions: u64) -> Result<()> {
        ensure!(
            self.instructions.is_some_and(|most| instructions <= most),
            "{}: {instructions} instructions were executed, but the longest path has {:?}",
            self.entry,
            self.instructions,
        );
        self.measured = self.measured.max(Some(instructions));
        Ok(())
    }
}

impl Route {
    /// What it costs if each load and store of several registers counts once for each.
    fn transfers(&self, program: &Program) -> Result<u64> {
        let mut sum = 0;
        for (start, end, times) in &self.runs {
            for address in (*start..*end).step_by(SIZE as usize) {
                sum += times * transfers(program.word(address)?);
            }
        }
        for (_, times, inner) in &self.calls {
            sum += times * inner.transfers(program)?;
        }
        Ok(sum)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |one| one.to_string());
        writeln!(
            f,
            "{:<32} {:>9} {:>10} {:>9}",
            "interrupts off, release kernel", "analysed", "transfers", "measured"
        )?;
        for entry in &self.entries {
            writeln!(
                f,
                "{:<32} {:>9} {:>10} {:>9}",
                entry.entry,
                number(entry.instructions),
                number(entry.register_transfers),
                number(entry.measured)
            )?;
        }
        if let Some(longest) = self.longest() {
            write!(
                f,
                "\nthe longest, {}:\n{}",
                longest.entry, longest.breakdown
            )?;
        }
        writeln!(
            f,
            "\nfrom the guard's beginning to the wait for the tick: at most {}, of {}",
            self.until_wait, self.guard
        )?;
        writeln!(
            f,
            "its stack: at most {} bytes, of {} ({})",
            self.stack_bytes, self.stack_size, self.stack_of
        )?;
        write!(f, "{} excursions follow known paths", self.excursions)
    }
}
