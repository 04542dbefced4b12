//! What the plugin counted, and which of it is which path.

use std::ops::{Add, Range};

use anyhow::{Context, Result, ensure};
use cofferdam_build::Built;
use cofferdam_compile::plan::RegionKind;
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Deserialize;

use super::Figure;

/// A stretch of code that was executed, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Walk {
    /// Instructions.
    pub instructions: u64,
    /// The same, with loads and stores of several registers counted once for each.
    pub register_transfers: u64,
    /// Where each of the instructions lay; empty if that was not kept.
    #[serde(default)]
    pub steps: Vec<u32>,
}

impl Add for Walk {
    type Output = Self;

    /// One, then the other.
    fn add(mut self, other: Self) -> Self {
        self.instructions += other.instructions;
        self.register_transfers += other.register_transfers;
        self.steps.extend(other.steps);
        self
    }
}

impl Walk {
    /// As a figure.
    pub fn figure(&self, path: &str, must: u64, aim: u64) -> Figure {
        Figure {
            path: path.to_owned(),
            kernel_instructions: self.instructions,
            register_transfers: Some(self.register_transfers),
            must,
            aim,
            steps: self.steps.clone(),
            parts: Vec::new(),
        }
    }
}

/// A line of the plugin's output.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Boot(Walk),
    InterruptsOff(Run),
    Excursion(Excursion),
    Between(Between),
}

/// From one address to another.
#[derive(Debug, Deserialize)]
pub struct Between {
    /// The address at which it begins.
    pub first: u32,
    /// The address at which it ends.
    pub end: u32,
    /// All that was executed.
    pub instructions: u64,
    /// So many times it was that, and the rest the same.
    pub samples: u64,
    /// How often each event came that was to be counted.
    pub events: Vec<u64>,
    /// The kernel's part of it.
    kernel: Walk,
    /// Where each of the instructions lay, if that was to be kept.
    #[serde(default)]
    pub steps: Vec<u32>,
}

/// A run of instructions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Run {
    first: u32,
    last: u32,
    /// What it is.
    #[serde(flatten)]
    pub walk: Walk,
}

impl Run {
    /// Where it lies, in words.
    pub fn place(&self, kernel: &[u8]) -> String {
        let name = |address: u32| {
            let file = object::File::parse(kernel).ok();
            let map = file.map(|file| file.symbol_map());
            let symbol =
                map.and_then(|map| Some(map.before(u64::from(address))?.name().to_owned()));
            format!("{} ({address:#x})", symbol.as_deref().unwrap_or("?"))
        };
        format!("from {} to {}", name(self.first), name(self.last))
    }
}

/// Into the kernel and back.
#[derive(Clone, Debug, Deserialize)]
struct Excursion {
    from: u32,
    from_physical: u32,
    vector: u32,
    to_physical: u32,
    samples: u64,
    #[serde(flatten)]
    walk: Walk,
}

/// Everything that the plugin counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Before the first user instruction.
    pub boot: Walk,
    /// The longest run with interrupts off.
    pub interrupts_off: Run,
    excursions: Vec<Excursion>,
    /// What ran between the addresses that were given.
    pub betweens: Vec<Between>,
}

impl Counts {
    /// What the kernel usually executes between the two addresses that were given: of the most samples.
    pub fn usually_between(&self) -> Option<&Walk> {
        let usual = self.betweens.iter().max_by_key(|one| one.samples);
        usual.map(|between| &between.kernel)
    }

    /// Reads the plugin's output.
    pub fn parse(text: &str) -> Result<Self> {
        let mut counts = Self::default();
        for line in text.lines() {
            let line = serde_json::from_str(line).with_context(|| {
                // One with steps can be longer than a terminal is long.
                let begins: String = line.chars().take(100).collect();
                format!("the plugin wrote a line that is not understood: {begins}")
            })?;
            match line {
                Line::Boot(walk) => counts.boot = walk,
                Line::InterruptsOff(run) => counts.interrupts_off = run,
                Line::Excursion(excursion) => counts.excursions.push(excursion),
                Line::Between(between) => counts.betweens.push(between),
            }
        }
        Ok(counts)
    }
}

/// The excursions of a system, by partitions and functions.
pub struct Excursions<'a> {
    built: &'a Built,
    all: &'a [Excursion],
    /// The vectors of the external interrupt and the decrementer.
    external: u32,
    decrementer: u32,
}

impl<'a> Excursions<'a> {
    /// Of a system that was counted.
    pub fn new(built: &'a Built, counts: &'a Counts) -> Result<Self> {
        let kernel = std::fs::read(built.directory.join("programs/kernel-release.elf"))?;
        let address = |name: &str| -> Result<u32> {
            let range = symbol(&kernel, |symbol| symbol == name);
            Ok(range
                .with_context(|| format!("the kernel has no {name}"))?
                .start)
        };
        Ok(Self {
            built,
            all: &counts.excursions,
            external: address("vector_4")?,
            decrementer: address("vector_10")?,
        })
    }

    /// The usual cost from a function of one partition to another partition: of the most samples.
    pub fn usual(&self, (from, function): (&str, &str), to: &str) -> Result<Walk> {
        let elf = std::fs::read(self.built.directory.join(format!("programs/{from}.elf")))?;
        // Both manglings of Rust write a name behind its length.
        let name = format!("{}{function}", function.len());
        let code = symbol(&elf, |symbol| symbol.contains(&name))
            .with_context(|| format!("{from} has no function {function}"))?;
        let (from, to) = (self.text(from)?, self.text(to)?);
        self.most(|one| {
            from.contains(&one.from_physical)
                && code.contains(&one.from)
                && to.contains(&one.to_physical)
                && one.vector != self.external
                && one.vector != self.decrementer
        })
        .with_context(|| format!("{function} was never seen"))
    }

    /// The usual cost of a device interrupt that takes one partition from another.
    pub fn interrupt(&self, from: &str, to: &str) -> Result<Walk> {
        self.by_vector(self.external, from, to)
    }

    /// The usual cost of the end of a window.
    pub fn window_boundary(&self, from: &str, to: &str) -> Result<Walk> {
        self.by_vector(self.decrementer, from, to)
    }

    fn by_vector(&self, vector: u32, from: &str, to: &str) -> Result<Walk> {
        let (one, other) = (self.text(from)?, self.text(to)?);
        self.most(|excursion| {
            excursion.vector == vector
                && one.contains(&excursion.from_physical)
                && other.contains(&excursion.to_physical)
        })
        .with_context(|| format!("no interrupt was seen from {from} to {to}"))
    }

    /// What has the most samples among those wanted; of several, the most expensive.
    fn most(&self, wanted: impl Fn(&Excursion) -> bool) -> Option<Walk> {
        let mut samples: Vec<(&Walk, u64)> = Vec::new();
        for one in self.all.iter().filter(|one| wanted(one)) {
            let cost = |walk: &Walk| (walk.instructions, walk.register_transfers);
            match samples
                .iter_mut()
                .find(|(walk, _)| cost(walk) == cost(&one.walk))
            {
                Some((_, count)) => *count += one.samples,
                None => samples.push((&one.walk, one.samples)),
            }
        }
        samples
            .into_iter()
            .max_by_key(|(walk, count)| (*count, walk.instructions))
            .map(|(walk, _)| walk.clone())
    }

    /// Where the text of a partition lies.
    fn text(&self, partition: &str) -> Result<Range<u32>> {
        let plan = self.built.plan.partitions.iter();
        let region = plan
            .filter(|one| one.name == partition)
            .flat_map(|one| &one.regions)
            .find(|region| region.kind == RegionKind::Text)
            .with_context(|| format!("there is no partition {partition}"))?;
        let start = u32::try_from(region.physical)?;
        Ok(start..start + u32::try_from(region.bytes)?)
    }
}

/// The place of a symbol.
pub fn symbol(elf: &[u8], wanted: impl Fn(&str) -> bool) -> Option<Range<u32>> {
    let file = object::File::parse(elf).ok()?;
    let found = file
        .symbols()
        .find(|symbol| symbol.name().is_ok_and(&wanted))?;
    let start = found.address() as u32;
    Some(start..start + (found.size() as u32).max(4))
}

/// Where the kernel's vectors are. Other code stands between them.
pub fn vectors(kernel: &[u8]) -> Result<Vec<u32>> {
    let file = object::File::parse(kernel).context("the kernel is no ELF")?;
    let vectors: Vec<u32> = file
        .symbols()
        .filter(|symbol| symbol.name().is_ok_and(|name| name.starts_with("vector_")))
        .map(|symbol| symbol.address() as u32)
        .collect();
    ensure!(!vectors.is_empty(), "the kernel has no vectors");
    Ok(vectors)
}

/// The size of one of the kernel's sections.
pub fn section_bytes(kernel: &[u8], name: &str) -> Result<u64> {
    let file = object::File::parse(kernel).context("the kernel is no ELF")?;
    let section = file.section_by_name(name);
    let section = section.with_context(|| format!("the kernel has no {name}"))?;
    Ok(section.size())
}
