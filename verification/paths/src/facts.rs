//! What the analysis cannot see in the binary, and takes from `facts.toml`: how often loops turn, which function an address in a
//! register is, what does not come back, and what does not happen together. Each fact says why it holds.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cofferdam_symbols::Frame;
use serde::Deserialize;

use crate::expression;
use crate::system::System;
use crate::values::Arguments;

/// All facts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    #[serde(default, rename = "loop")]
    loops: Vec<Loop>,
    #[serde(default, rename = "table")]
    tables: Vec<Table>,
    #[serde(default, rename = "end")]
    ends: Vec<End>,
    #[serde(default, rename = "never")]
    nevers: Vec<Never>,
    #[serde(default, rename = "jump")]
    jumps: Vec<Jump>,
    #[serde(default, rename = "wait")]
    waits: Vec<Wait>,
}

/// How often a loop turns.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loop {
    /// The function of the source that it stands in.
    function: String,
    /// What a line of the function holds that is executed in each turn. Not needed where the function has one loop.
    line: Option<String>,
    /// How often, at most, each time that it is come to. The function's own arguments are `argument_0` and so on.
    turns: String,
    /// Two expressions with `<=` between them, without which the fact would not hold.
    requires: Option<String>,
    why: String,
}

/// The functions that an address in a register can be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Where it is called: a function of the source, or a label of assembly.
    function: String,
    /// A table of constants: the addresses of all.
    symbol: String,
    why: String,
}

/// A function that does not come back to a partition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    function: String,
    why: String,
}

/// A function that certain entries do not come to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Never {
    /// Entries by their names; those that begin so, if a `*` stands behind it.
    entries: Vec<String>,
    /// Entries that are none of them.
    #[serde(default)]
    but: Vec<String>,
    function: String,
    why: String,
}

/// Where a jump by a register leads, within a function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jump {
    /// A label before it.
    pub function: String,
    /// A label behind it.
    pub to: String,
    /// To that label, or to one of so many instructions before it.
    pub before: u32,
    why: String,
}

/// A function that enables interrupts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    function: String,
    /// The vectors by which an interrupt makes the function return. Those of others are entries of their own.
    returns_by: Vec<String>,
    why: String,
}

/// Facts about a system, and which of them were of use.
#[derive(Debug)]
pub struct Known<'a> {
    facts: &'a Facts,
    system: &'a System,
    used: BTreeSet<(&'static str, usize)>,
    /// Loops that no fact speaks of, or more than one.
    unclear: BTreeSet<String>,
}

/// A place in the source that all instructions of a loop have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function, as one says it.
    pub function: String,
    /// The text of its lines that instructions of the loop are of.
    pub lines: BTreeSet<String>,
    /// Those that the beginning of the loop is of.
    pub head: BTreeSet<String>,
}

impl Facts {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// These and others.
    pub fn and(mut self, others: Self) -> Self {
        self.loops.extend(others.loops);
        self.tables.extend(others.tables);
        self.ends.extend(others.ends);
        self.nevers.extend(others.nevers);
        self.jumps.extend(others.jumps);
        self.waits.extend(others.waits);
        self
    }

    /// Reads its text.
    pub fn parse(text: &str) -> Result<Self> {
        let facts: Self = toml::from_str(text)?;
        let whys = (facts.loops.iter().map(|one| &one.why))
            .chain(facts.tables.iter().map(|one| &one.why))
            .chain(facts.ends.iter().map(|one| &one.why))
            .chain(facts.nevers.iter().map(|one| &one.why))
            .chain(facts.jumps.iter().map(|one| &one.why))
            .chain(facts.waits.iter().map(|one| &one.why));
        for why in whys {
            ensure!(why.ends_with('.'), "\"{why}\" is no sentence");
        }
        Ok(facts)
    }
}

impl<'a> Known<'a> {
    /// Of a system.
    pub fn new(facts: &'a Facts, system: &'a System) -> Self {
        Self {
            facts,
            system,
            used: BTreeSet::new(),
            unclear: BTreeSet::new(),
        }
    }

    /// How often a loop turns. One that no fact speaks of, or several, is remembered: see [`Known::settle`].
    ///
    /// # Errors
    /// The fact's expression is worth nothing.
    pub fn turns(&mut self, place: &Place, arguments: &Arguments) -> Result<u64> {
        let fitting = self.fitting(place);
        let &[index] = fitting.as_slice() else {
            let count = fitting.len();
            let unclear = format!("{count} facts speak of the loop in {place}");
            self.unclear.insert(unclear);
            return Ok(0);
        };
        self.used.insert(("loop", index));
        let fact = &self.facts.loops[index];
        let worth = |text: &str| {
            expression::value(text, &|name| self.number(name, arguments))
                .with_context(|| format!("the loop in {place}"))
        };
        if let Some(required) = &fact.requires {
            let sides = required.split_once("<=");
            let (less, more) = sides.with_context(|| format!("`{required}` has no `<=`"))?;
            let (less, more) = (worth(less)?, worth(more)?);
            ensure!(less <= more, "`{required}` does not hold: {less}, {more}");
        }
        worth(&fact.turns)
    }

    /// The facts that speak of a loop. A loop in another has lines that are the other's as well: then the beginning decides.
    fn fitting(&self, place: &Place) -> Vec<usize> {
        let has = |lines: &BTreeSet<String>, one: &Loop| {
            let line = one.line.as_ref();
            line.is_none_or(|line| lines.iter().any(|text| text.contains(line)))
        };
        let facts = self.facts.loops.iter().enumerate();
        let of_function = facts.filter(|(_, one)| one.function == place.function);
        let fitting: Vec<_> = of_function
            .filter(|(_, one)| has(&place.lines, one))
            .collect();
        let of_head = fitting.iter().filter(|(_, one)| has(&place.head, one));
        match fitting.len() {
            0 | 1 => fitting.iter().map(|(index, _)| *index).collect(),
            _ => of_head.map(|(index, _)| *index).collect(),
        }
    }

    fn number(&self, name: &str, arguments: &Arguments) -> Result<u64> {
        let Some(index) = name.strip_prefix("argument_") else {
            return self.system.number(name);
        };
        let argument = arguments.get(index.parse::<usize>()?).copied().flatten();
        Ok(u64::from(
            argument.with_context(|| format!("{name} is not known"))?,
        ))
    }

    /// The table of the functions that a register can hold where `function` calls it.
    pub fn table(&mut self, function: &str) -> Result<&'a str> {
        let facts = self.facts.tables.iter();
        let place = facts.clone().position(|one| one.function == function);
        let place = place.with_context(|| {
            format!("no fact says which functions {function} calls by a register")
        })?;
        self.used.insert(("table", place));
        Ok(&self.facts.tables[place].symbol)
    }

    /// Every jump by a register.
    pub fn jumps(&self) -> &'a [Jump] {
        &self.facts.jumps
    }

    /// The functions that return by an interrupt.
    pub fn woken(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let waits = self.facts.waits.iter();
        let woken = waits.filter(|one| !one.returns_by.is_empty());
        woken.map(|one| one.function.as_str())
    }

    /// The labels of the vectors by which an interrupt makes a function return that enables interrupts.
    pub fn returns_by(&mut self, function: &str) -> Result<&'a [String]> {
        let place = self
            .facts
            .waits
            .iter()
            .position(|one| one.function == function);
        let place = place.with_context(|| {
            format!("no fact says what an interrupt does that comes in {function}")
        })?;
        self.used.insert(("wait", place));
        Ok(&self.facts.waits[place].returns_by)
    }

    /// Whether a function does not come back to a partition.
    pub fn is_end(&mut self, function: &str) -> bool {
        let place = self
            .facts
            .ends
            .iter()
            .position(|one| one.function == function);
        self.used.extend(place.map(|place| ("end", place)));
        place.is_some()
    }

    /// Whether an entry does not come to a function.
    pub fn is_never(&mut self, entry: &str, function: &str) -> bool {
        let fits = |one: &Never| {
            let of_entry = one.entries.iter().any(|name| match name.strip_suffix('*') {
                Some(begin) => entry.starts_with(begin),
                None => entry == name,
            });
            of_entry && one.function == function && !one.but.iter().any(|name| name == entry)
        };
        let place = self.facts.nevers.iter().position(fits);
        self.used.extend(place.map(|place| ("never", place)));
        place.is_some()
    }

    /// Fails if a loop is not clear, or if a fact was of no use: what it speaks of is no longer there.
    pub fn settle(&self) -> Result<()> {
        let unused = |kind, function: &dyn Fn(usize) -> String, count: usize| {
            (0..count)
                .filter(|index| !self.used.contains(&(kind, *index)))
                .map(|index| format!("[[{kind}]] of {}", function(index)))
                .collect::<Vec<_>>()
        };
        let facts = self.facts;
        let of_loop = |index: usize| {
            let one: &Loop = &facts.loops[index];
            format!("{} ({})", one.function, one.line.as_deref().unwrap_or("-"))
        };
        let all = [
            unused("loop", &of_loop, facts.loops.len()),
            unused(
                "table",
                &|index| facts.tables[index].function.clone(),
                facts.tables.len(),
            ),
            unused(
                "end",
                &|index| facts.ends[index].function.clone(),
                facts.ends.len(),
            ),
            unused(
                "never",
                &|index| facts.nevers[index].function.clone(),
                facts.nevers.len(),
            ),
            unused(
                "wait",
                &|index| facts.waits[index].function.clone(),
                facts.waits.len(),
            ),
        ]
        .concat();
        let mut wrong: Vec<String> = self.unclear.iter().cloned().collect();
        wrong.extend(
            all.iter()
                .map(|fact| format!("nothing in the kernel is what {fact} speaks of")),
        );
        ensure!(
            wrong.is_empty(),
            "the facts do not fit:\n{}",
            wrong.join("\n")
        );
        Ok(())
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.function)?;
        self.lines
            .iter()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// The place in the source that the instructions of a loop have in common, given the functions that each belongs to, the
/// outermost first; how many of them are its beginning; and the text of a line of a file.
pub fn place(
    instructions: &[Vec<Frame>],
    head: usize,
    line: &dyn Fn(&str, u32) -> String,
) -> Place {
    let first = instructions.first().map_or(&[][..], Vec::as_slice);
    let mut depth = 0;
    // A level deeper they are in one function if they are inlined there by one line.
    while let Some(frame) = first.get(depth + 1) {
        let same = |frames: &Vec<Frame>| {
            frames.get(depth).map(|frame| frame.line) == Some(first[depth].line)
                && frames.get(depth + 1).map(|frame| &frame.function) == Some(&frame.function)
        };
        if !instructions.iter().all(same) {
            break;
        }
        depth += 1;
    }
    let lines = |instructions: &[Vec<Frame>]| {
        let frames = instructions.iter().filter_map(|frames| frames.get(depth));
        let known = frames.filter(|frame| frame.line != 0);
        known.map(|frame| line(&frame.file, frame.line)).collect()
    };
    Place {
        function: first.get(depth).map(Frame::name).unwrap_or_default(),
        lines: lines(instructions),
        head: lines(instructions.get(..head).unwrap_or_default()),
    }
}
