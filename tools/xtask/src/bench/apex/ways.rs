//! Ways that are counted instruction by instruction: from the first instruction of one function to that of another, which the processor reaches in
//! another process, in the caller again, in another partition or in the partition's next life.
//!
//! The functions that a way begins and ends with are in `partitions/apex-bench`; a switch begins in the services, where they have done their work and ask
//! who goes on. Of several walks of one way the shortest counts.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use cofferdam_abi::space::kernel;
use cofferdam_build::Built;
use cofferdam_compile::plan::RegionKind;
use cofferdam_qemu::Plugin;
use cofferdam_symbols::{Frame, Symbols, Tree};
use serde::{Deserialize, Serialize};

use super::{PARTITION, SWITCH};
use crate::bench::KERNEL;
use crate::bench::counting::COUNTS;
use crate::bench::counts::{Between, Counts, symbol};

/// A way, the function that it begins with, and the partition and its function that it ends with.
struct Way {
    name: &'static str,
    from: &'static str,
    to: (&'static str, &'static str),
}

const fn way(name: &'static str, from: &'static str, to: &'static str) -> Way {
    Way {
        name,
        from,
        to: (PARTITION, to),
    }
}

const fn to_another_partition(name: &'static str, from: &'static str) -> Way {
    Way {
        name,
        from,
        to: ("beside", "looks_again"),
    }
}

/// The partition's memory is prepared anew on these: they are as long as there is much of it.
pub const WARM_START: &str = "SET_PARTITION_MODE to WARM_START, to the next life";
pub const COLD_START: &str = "SET_PARTITION_MODE to COLD_START, to the next life";

/// All of them. The length of each is a figure.
const WAYS: [Way; 10] = [
    way(SWITCH, "settle", "goes_on"),
    way(
        "SET_PARTITION_MODE to NORMAL, to a process",
        "sets_normal",
        "goes_on",
    ),
    way(WARM_START, "restarts_warm", "lives_again"),
    way(COLD_START, "restarts_cold", "lives_again"),
    to_another_partition(
        "SET_PARTITION_MODE to IDLE, to another partition",
        "becomes_idle",
    ),
    way(
        "PERIODIC_WAIT, to another process",
        "waits_for_its_period",
        "goes_on",
    ),
    to_another_partition(
        "PERIODIC_WAIT, to another partition",
        "waits_for_its_period",
    ),
    way(
        "TIMED_WAIT of 0, to another process",
        "gives_way",
        "goes_on",
    ),
    way("WRITE_SAMPLING_MESSAGE", "writes_message", "comes_back"),
    way("READ_SAMPLING_MESSAGE", "reads_message", "comes_back"),
];

/// How long a way is, and which functions its instructions are in.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Its name.
    pub way: String,
    /// Its length.
    pub instructions: u64,
    parts: Vec<(String, u64)>,
}

fn program(built: &Built, partition: &str) -> PathBuf {
    built.directory.join(format!("programs/{partition}.elf"))
}

/// Where the first instruction of a function lies: its physical address, since partitions share effective ones.
fn address(built: &Built, (partition, function): (&str, &str)) -> Result<u32> {
    let elf = fs::read(program(built, partition))?;
    // Both manglings of Rust write a name behind its length.
    let name = format!("{}{function}", function.len());
    let code = symbol(&elf, |symbol| symbol.contains(&name))
        .with_context(|| format!("{partition} has no function {function}"))?;
    let plan = built.plan.partitions.iter();
    let text = plan
        .filter(|one| one.name == partition)
        .flat_map(|one| &one.regions)
        .find(|region| region.kind == RegionKind::Text)
        .with_context(|| format!("there is no partition {partition}"))?;
    Ok(u32::try_from(text.physical)? + (code.start - text.effective))
}

fn ends(built: &Built, way: &Way) -> Result<(u32, u32)> {
    Ok((
        address(built, (PARTITION, way.from))?,
        address(built, way.to)?,
    ))
}

/// The plugin, told to count all ways.
pub fn plugin(built: &Built, library: PathBuf) -> Result<Plugin> {
    let range = |(first, end): (u32, u32)| format!("{first:x}-{end:x}");
    let mut arguments = vec![
        ("out", built.directory.join(COUNTS).display().to_string()),
        (
            "kernel",
            range((kernel::TEXT, kernel::TEXT + kernel::TEXT_SIZE)),
        ),
        ("only", "between".to_owned()),
        ("steps", "between".to_owned()),
        ("places", "physical".to_owned()),
    ];
    for way in &WAYS {
        arguments.push(("between", range(ends(built, way)?)));
    }
    let arguments = arguments.into_iter();
    Ok(Plugin {
        library,
        arguments: arguments
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    })
}

/// What the ways consist of.
pub fn counted(built: &Built) -> Result<Vec<Parts>> {
    let out = built.directory.join(COUNTS);
    let text = fs::read_to_string(&out)
        .with_context(|| format!("the plugin left no counts in {}", out.display()))?;
    let counts = Counts::parse(&text)?;
    let mut names = Names::open(built)?;
    let of_way = |way: &Way| {
        let walk = shortest(&counts, ends(built, way)?);
        let walk = walk.with_context(|| format!("{} was never seen", way.name))?;
        Ok(Parts {
            way: way.name.to_owned(),
            instructions: walk.instructions,
            parts: names.parts(&walk.steps)?,
        })
    };
    WAYS.iter().map(of_way).collect()
}

fn shortest(counts: &Counts, (first, end): (u32, u32)) -> Option<&Between> {
    let walks = counts.betweens.iter();
    let walks = walks.filter(|walk| (walk.first, walk.end) == (first, end));
    walks.min_by_key(|walk| walk.instructions)
}

/// The functions of the services and of the kernel.
struct Names {
    services: Symbols,
    kernel: Symbols,
    known: HashMap<u32, Vec<Frame>>,
}

/// A function with less than one part in so many is counted for whom it was inlined into.
const PART: u64 = 25;

impl Names {
    fn open(built: &Built) -> Result<Self> {
        Ok(Self {
            services: Symbols::open(&program(built, PARTITION))?,
            kernel: Symbols::open(&built.directory.join(KERNEL))?,
            known: HashMap::new(),
        })
    }

    fn parts(&mut self, steps: &[u32]) -> Result<Vec<(String, u64)>> {
        ensure!(!steps.is_empty(), "no steps were kept");
        let mut tree = Tree::default();
        for step in steps {
            let text = kernel::TEXT..kernel::TEXT + kernel::TEXT_SIZE;
            let symbols = if text.contains(step) {
                &self.kernel
            } else {
                &self.services
            };
            let frames = self.known.entry(*step);
            let frames = frames.or_insert_with(|| symbols.own_frames(*step));
            tree.count(frames.iter().rev().map(Frame::name), 1);
        }
        let parts = tree.parts(PART).into_iter();
        Ok(parts
            .map(|part| (part.function, part.instructions))
            .collect())
    }
}
