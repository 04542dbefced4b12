//! `cargo xtask bench apex`: what the services of ARINC 653 cost in a partition, the kernel's part included.
//!
//! The partition `figures` (`partitions/apex-bench`) reads the clock before and behind each call, and leaves the difference as a
//! mark. Instructions are the clock, and a tick is two and a half of them: a figure is right to the next two or three.
//!
//! What a partition takes of memory is read from its program and the plan: that of the least application, in Rust and in C.
//!
//! The figures are committed (`systems/apex_bench/golden.json`), and one that moves fails the tests until somebody blesses it; one
//! above what it has to reach fails them whatever is blessed. docs/apex.md shows them.

mod ways;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel, locate, store};
use cofferdam_compile::plan::RegionKind;
use cofferdam_progress::{print_result, say};
use cofferdam_qemu::Serial;
use cofferdam_run::command::built;
use cofferdam_run::{Options, Outside, run};
use evidence::identifier;
use object::BigEndian;
use object::elf::{FileHeader32, PF_W, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::counting;
use crate::parts::Tally;
use crate::workspace::Workspace;
use ways::Parts;

/// Where the committed figures lie.
const GOLDEN: &str = "systems/apex_bench/golden.json";
/// Where it is written down which functions some of them are in, for docs/apex.md.
const PARTS: &str = "systems/apex_bench/breakdown.json";
/// The system, the partition in it, and for how long it runs: until it has come to its end.
const SYSTEM: &str = "apex_bench";
const PARTITION: &str = "figures";
const TIME: Duration = Duration::from_millis(1_050);
/// So many runs are looked at where figures differ. While the processor waits, QEMU's main loop moves the clock on; where the host is so
/// busy that the count of instructions is behind by then, it moves too far, seldom, and all that comes later is a little out of step.
const RUNS: u32 = 3;
/// The clock's own part of each figure, which is taken off.
const CLOCK: &str = "clock";
/// So many instructions are so many ticks: one instruction is one nanosecond, and the timebase has 400 MHz.
const INSTRUCTIONS: u64 = 5;
const TICKS: u64 = 2;
/// By so many instructions may a figure differ from the committed one: as many as a tick is of.
const TOLERANCE: u64 = 3;

/// What a figure of memory is called.
macro_rules! memory_of {
    ($language:literal, $what:literal) => {
        concat!(
            "memory of the least application in ",
            $language,
            ": ",
            $what
        )
    };
}

/// Figures with something to reach, and to aim at. Every other one must not rise above [`MUST`].
const BOUNDS: [(&str, u64, u64); 20] = [
    ("WRITE_SAMPLING_MESSAGE", 350, 160),
    ("READ_SAMPLING_MESSAGE", 350, 160),
    (SWITCH, 250, 100),
    (ways::WARM_START, 16_000, 8_000),
    (ways::COLD_START, 80_000, 40_000),
    ("release jitter, of one that preempts another", 0, 0),
    ("release jitter, of one that is alone", 0, 0),
    (JITTER_BESIDE, 100, 0),
    (
        "release jitter, with the window, of one that preempts another",
        0,
        0,
    ),
    (
        "release jitter, with the window, of one that is alone",
        0,
        0,
    ),
    (
        "release jitter, with the window, beside another partition",
        0,
        0,
    ),
    (JITTER_ACROSS, 40, 0),
    (memory_of!("Rust", "text"), 32_768, 16_384),
    (memory_of!("Rust", "constants"), 4_096, 2_048),
    (memory_of!("Rust", "variables"), 8_192, 4_096),
    (memory_of!("Rust", "stacks"), 16_384, 16_384),
    (memory_of!("C", "text"), 65_536, 32_768),
    (memory_of!("C", "constants"), 4_096, 2_048),
    (memory_of!("C", "variables"), 8_192, 4_096),
    (memory_of!("C", "stacks"), 16_384, 16_384),
];
const MUST: u64 = 3_000;
/// From where a service has done its work, to the other process.
const SWITCH: &str = "a switch between two processes";
/// The partitions with the least application.
const LEAST: [(&str, &str); 2] = [("least", "Rust"), ("least_c", "C")];
/// The loads, each with so many errors at least: jitter that nobody disturbed is no figure.
const LOADS: [&str; 5] = ["sink", "load", "beside", "busy", "busy_c"];
const ERRORS: u32 = 5_000;
/// How far apart these are is a figure: release points, in ticks behind where they belong.
const JITTER: [(&str, &[&str]); 7] = [
    (
        "release jitter, of one that preempts another",
        &["late.behind.computing"],
    ),
    (
        "release jitter, of one that is alone",
        &["late.behind.alone"],
    ),
    (JITTER_BESIDE, &["late.behind.beside"]),
    (
        "release jitter, with the window, of one that preempts another",
        &["late.with.computing"],
    ),
    (
        "release jitter, with the window, of one that is alone",
        &["late.with.alone"],
    ),
    (
        "release jitter, with the window, beside another partition",
        &["late.with.beside"],
    ),
    (
        JITTER_ACROSS,
        &[
            "late.behind.computing",
            "late.behind.alone",
            "late.with.computing",
            "late.with.alone",
            "late.with.beside",
        ],
    ),
];
/// The kernel may be busy for the partition that loses the processor.
const JITTER_BESIDE: &str =
    "release jitter, of one that takes the processor from another partition";
/// Some of these have to go on first, some have to be interrupted: each takes its time.
const JITTER_ACROSS: &str = "release jitter, whichever of these, but that one";

/// What is measured, in the order of the standard's chapters.
const FIGURES: [&str; 80] = [
    "GET_PARTITION_STATUS",
    "GET_MY_PARTITION_ID",
    "CREATE_PROCESS",
    "SET_PRIORITY",
    "SUSPEND_SELF, to another process",
    "SUSPEND",
    "RESUME",
    "RESUME, to another process",
    "STOP_SELF, to another process",
    "STOP",
    "START",
    "START, of a more urgent process",
    "DELAYED_START",
    "LOCK_PREEMPTION",
    "UNLOCK_PREEMPTION",
    "GET_MY_ID",
    "GET_MY_INDEX",
    "GET_PROCESS_ID",
    "GET_PROCESS_STATUS",
    "INITIALIZE_PROCESS_CORE_AFFINITY",
    "GET_MY_PROCESSOR_CORE_ID",
    "TIMED_WAIT of 0",
    "TIMED_WAIT, to another process",
    "a release and PERIODIC_WAIT, of a process in between",
    "GET_TIME",
    "REPLENISH",
    "CREATE_SAMPLING_PORT",
    "WRITE_SAMPLING_MESSAGE, not from a word on",
    "READ_SAMPLING_MESSAGE, not from a word on",
    "GET_SAMPLING_PORT_ID",
    "GET_SAMPLING_PORT_STATUS",
    "READ_UPDATED_SAMPLING_MESSAGE",
    "GET_SAMPLING_PORT_CURRENT_STATUS",
    "READ_SAMPLING_MESSAGE_CONDITIONAL",
    "CREATE_QUEUING_PORT",
    "SEND_QUEUING_MESSAGE",
    "RECEIVE_QUEUING_MESSAGE",
    "GET_QUEUING_PORT_ID",
    "GET_QUEUING_PORT_STATUS",
    "CLEAR_QUEUING_PORT",
    "CREATE_BUFFER",
    "SEND_BUFFER",
    "RECEIVE_BUFFER",
    "GET_BUFFER_ID",
    "GET_BUFFER_STATUS",
    "CREATE_BLACKBOARD",
    "DISPLAY_BLACKBOARD",
    "READ_BLACKBOARD",
    "CLEAR_BLACKBOARD",
    "GET_BLACKBOARD_ID",
    "GET_BLACKBOARD_STATUS",
    "CREATE_SEMAPHORE",
    "WAIT_SEMAPHORE",
    "WAIT_SEMAPHORE, to another process",
    "SIGNAL_SEMAPHORE",
    "SIGNAL_SEMAPHORE, to another process",
    "GET_SEMAPHORE_ID",
    "GET_SEMAPHORE_STATUS",
    "CREATE_EVENT",
    "SET_EVENT",
    "RESET_EVENT",
    "WAIT_EVENT",
    "GET_EVENT_ID",
    "GET_EVENT_STATUS",
    "CREATE_MUTEX",
    "ACQUIRE_MUTEX",
    "RELEASE_MUTEX",
    "RESET_MUTEX",
    "GET_MUTEX_ID",
    "GET_MUTEX_STATUS",
    "GET_PROCESS_MUTEX_STATE",
    "REPORT_APPLICATION_MESSAGE",
    "CREATE_ERROR_HANDLER",
    "GET_ERROR_STATUS",
    "RAISE_APPLICATION_ERROR, to the error handler",
    "CONFIGURE_ERROR_HANDLER",
    "SET_MODULE_SCHEDULE",
    "GET_MODULE_SCHEDULE_ID",
    "GET_MODULE_SCHEDULE_STATUS",
    "GET_MEMORY_BLOCK_STATUS",
];

/// A figure. Its JSON form is part of the command's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// What is done.
    pub service: String,
    /// Instructions, the kernel's included; of jitter, ticks; of memory, bytes.
    pub instructions: u64,
    /// What has to be reached.
    pub must: u64,
    /// What is aimed at.
    pub aim: u64,
}

impl Figure {
    fn new(service: &str, instructions: u64) -> Self {
        let bound = BOUNDS.iter().find(|(name, ..)| *name == service);
        let (must, aim) = bound.map_or((MUST, MUST), |(_, must, aim)| (*must, *aim));
        Self {
            service: service.to_owned(),
            instructions,
            must,
            aim,
        }
    }
}

/// Measures, shows, and compares with what is committed, or commits it.
pub fn bench(workspace: &Workspace<'_>, json: bool, bless: bool) -> Result<()> {
    let (figures, tally) = if bless {
        let (figures, parts) = measure(workspace)?;
        commit(workspace, &figures, &parts)?;
        let tally = compare_with_committed(workspace, &figures, &parts)?;
        (figures, tally)
    } else {
        judged(workspace)?
    };
    if json {
        print_result(serde_json::to_string_pretty(&figures)?)?;
    } else {
        print_result(show(&figures))?;
    }
    for failure in &tally.failed {
        say!("error: {failure}");
    }
    ensure!(
        tally.failed.is_empty(),
        "figures are not what is committed, or above their bounds; `cargo xtask bench apex --bless` commits what is within them"
    );
    Ok(())
}

fn commit(workspace: &Workspace<'_>, figures: &[Figure], parts: &[Parts]) -> Result<()> {
    let text = serde_json::to_string_pretty(figures)? + "\n";
    store(&workspace.root.join(GOLDEN), text.as_bytes())?;
    let text = serde_json::to_string_pretty(parts)? + "\n";
    store(&workspace.root.join(PARTS), text.as_bytes())?;
    say!("blessed: {GOLDEN}, {PARTS}");
    say!("UPDATE_EXPECT=1 cargo test -p cofferdam-docs writes them into docs/apex.md");
    Ok(())
}

/// The same as test cases, one for each figure.
pub fn cases(workspace: &Workspace<'_>) -> Result<Tally> {
    Ok(judged(workspace)?.1)
}

/// Measures until the figures are the committed ones, and no more than [`RUNS`] times: one that moved has moved each time.
fn judged(workspace: &Workspace<'_>) -> Result<(Vec<Figure>, Tally)> {
    let mut runs = 0;
    loop {
        runs += 1;
        let (figures, parts) = measure(workspace)?;
        let tally = compare_with_committed(workspace, &figures, &parts)?;
        if tally.failed.is_empty() || runs == RUNS {
            return Ok((figures, tally));
        }
    }
}

fn compare_with_committed(
    workspace: &Workspace<'_>,
    figures: &[Figure],
    parts: &[Parts],
) -> Result<Tally> {
    let mut tally = compare(figures, &committed(workspace.root, GOLDEN)?);
    tally.add(compare_parts(parts, &committed(workspace.root, PARTS)?));
    Ok(tally)
}

fn committed<T: DeserializeOwned>(root: &Path, file: &str) -> Result<Vec<T>> {
    let text = fs::read(root.join(file)).with_context(|| {
        format!("{file} cannot be read; `cargo xtask bench apex --bless` makes it")
    })?;
    serde_json::from_slice(&text).with_context(|| format!("{file} is no list of figures"))
}

/// Counted instruction by instruction, what a way consists of is the same every time.
fn compare_parts(parts: &[Parts], committed: &[Parts]) -> Tally {
    let mut tally = Tally::default();
    for one in parts {
        let same = committed.contains(one);
        let what = format!("the functions of {}", one.way);
        tally.count(
            &what,
            same.then_some(()).context("are not the committed ones"),
        );
    }
    tally
}

fn compare(figures: &[Figure], golden: &[Figure]) -> Tally {
    let mut tally = Tally::default();
    for figure in figures {
        let blessed = golden.iter().find(|one| one.service == figure.service);
        tally.count(&figure.service, judge(figure, blessed));
    }
    let measured = |service: &str| figures.iter().any(|figure| figure.service == service);
    for blessed in golden.iter().filter(|one| !measured(&one.service)) {
        let gone = Err(anyhow::anyhow!("is committed, and was not measured"));
        tally.count(&blessed.service, gone);
    }
    tally
}

fn judge(figure: &Figure, blessed: Option<&Figure>) -> Result<()> {
    let (now, must) = (figure.instructions, figure.must);
    ensure!(now <= must, "is {now}, and has to be at most {must}");
    let blessed = blessed.context("is not among the committed figures")?;
    let then = blessed.instructions;
    ensure!(now.abs_diff(then) <= TOLERANCE, "was {then}, and is {now}");
    ensure!(
        (figure.must, figure.aim) == (blessed.must, blessed.aim),
        "has another bound than what is committed"
    );
    Ok(())
}

fn show(figures: &[Figure]) -> String {
    let mut text = format!(
        "{:<55} {:>7} {:>7} {:>7}\n",
        "service", "instr.", "must", "aim"
    );
    for figure in figures {
        let _ = writeln!(
            text,
            "{:<55} {:>7} {:>7} {:>7}",
            figure.service, figure.instructions, figure.must, figure.aim
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn measure(workspace: &Workspace<'_>) -> Result<(Vec<Figure>, Vec<Parts>)> {
    let tree = workspace.tree();
    let built = built(tree.build(&locate(&tree.root, SYSTEM)?))?;
    let plugin = ways::plugin(&built, counting::plugin(workspace)?)?;
    let options = Options {
        qemu: cofferdam_setup::qemu()?.path,
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(TIME),
        until: None,
        until_marks: Vec::new(),
        serial: Serial::Captured,
        moments: Vec::new(),
        plugin: Some(plugin),
        outside: Outside::Nobody,
        media: Vec::new(),
        enough: None,
        probe: None,
        resets: 0,
    };
    let outcome = run(&built, &options)?;
    let reasons = &outcome.report.reasons;
    ensure!(outcome.report.ok, "{SYSTEM}: {}", reasons.join("; "));
    for load in LOADS {
        let mut partitions = outcome.report.partitions.iter();
        let busy = partitions.any(|one| one.name == load && one.health_events >= ERRORS);
        ensure!(busy, "{SYSTEM}: {load} was no load");
    }
    let partitions = &built.plan.partitions;
    let index = partitions.iter().position(|one| one.name == PARTITION);
    let index = index.with_context(|| format!("there is no partition {PARTITION}"))? as u32;
    let mut ticks: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for mark in &outcome.marks {
        if mark.partition.get() == index {
            let of_name = ticks.entry(mark.identifier.get()).or_default();
            of_name.push(mark.value.get().into());
        }
    }
    let mut all = figures(&ticks)?;
    let parts = ways::counted(&built)?;
    all.extend((parts.iter()).map(|way| Figure::new(&way.way, way.instructions)));
    for (partition, language) in LEAST {
        all.extend(memory(&built, partition, language)?);
    }
    Ok((all, parts))
}

/// What a partition takes of memory: its program, the services among it, its variables, and its stacks.
fn memory(built: &Built, partition: &str, language: &str) -> Result<Vec<Figure>> {
    let plan = built.plan.partitions.iter();
    let plan = plan.clone().find(|one| one.name == partition);
    let plan = plan.with_context(|| format!("there is no partition {partition}"))?;
    let path = built.directory.join(format!("programs/{partition}.elf"));
    let elf = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let elf = elf.as_slice();
    let header = FileHeader32::<BigEndian>::parse(elf).context("the program is no ELF")?;
    let (mut text, mut constants, mut data) = (0, 0, 0);
    for segment in header.program_headers(BigEndian, elf)? {
        let kind = match segment.p_flags(BigEndian) {
            flags if flags & PF_X == PF_X => &mut text,
            flags if flags & PF_W == PF_W => &mut data,
            _ => &mut constants,
        };
        if segment.p_type(BigEndian) == PT_LOAD {
            *kind += u64::from(segment.p_memsz(BigEndian));
        }
    }
    let own_stack = u64::from(plan.stack_top - plan.stack_bottom);
    let stacks = plan.regions.iter();
    let stacks = stacks.filter(|region| region.kind == RegionKind::Stack);
    let stacks: u64 = stacks.map(|region| region.bytes).sum();
    let sizes = [
        ("text", text),
        ("constants", constants),
        ("variables", data.saturating_sub(own_stack)),
        ("stacks", stacks + own_stack),
    ];
    let figures = sizes.map(|(what, bytes)| {
        Figure::new(
            &format!("memory of the least application in {language}: {what}"),
            bytes,
        )
    });
    Ok(figures.into())
}

/// Makes figures of the ticks that were left.
fn figures(ticks: &BTreeMap<u32, Vec<u64>>) -> Result<Vec<Figure>> {
    let left = |name: &str| {
        let ticks = ticks
            .get(&identifier(name))
            .filter(|ticks| !ticks.is_empty());
        ticks.with_context(|| format!("{PARTITION} left nothing about {name}"))
    };
    let least = |name: &str| Ok::<_, anyhow::Error>(left(name)?.iter().copied().min().unwrap_or(0));
    let clock = least(CLOCK)?;
    let instructions = |name: &str| {
        Ok::<_, anyhow::Error>(least(name)?.saturating_sub(clock) * INSTRUCTIONS / TICKS)
    };
    let mut figures = Vec::new();
    for name in FIGURES {
        figures.push(Figure::new(name, instructions(name)?));
    }
    for (name, of) in JITTER {
        let ticks = of.iter().map(|of| left(of)).collect::<Result<Vec<_>>>()?;
        let ticks = || ticks.iter().copied().flatten().copied();
        let (least, latest) = (ticks().min(), ticks().max());
        figures.push(Figure::new(name, latest.unwrap_or(0) - least.unwrap_or(0)));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_counts_without_the_clock() -> Result<()> {
        let mut ticks: BTreeMap<_, _> = FIGURES
            .iter()
            .map(|name| (identifier(name), vec![12, 10]))
            .collect();
        ticks.insert(identifier(CLOCK), vec![2, 3]);
        for name in JITTER.iter().flat_map(|(_, of)| *of) {
            ticks.insert(identifier(name), vec![100, 104]);
        }
        ticks.insert(identifier("late.with.alone"), vec![110]);
        let all = figures(&ticks)?;
        let of = |name: &str| {
            all.iter()
                .find(|one| one.service == name)
                .map(|one| one.instructions)
        };
        assert_eq!(of("GET_TIME"), Some(20));
        assert_eq!(of(JITTER[0].0), Some(4));
        assert_eq!(of(JITTER_ACROSS), Some(10));
        ticks.remove(&identifier("GET_TIME"));
        assert!(figures(&ticks).is_err());
        Ok(())
    }

    #[test]
    fn a_figure_that_moves_or_is_above_its_bound_fails() {
        let figure = |instructions| Figure::new("WRITE_SAMPLING_MESSAGE", instructions);
        let blessed = figure(300);
        assert!(judge(&figure(302), Some(&blessed)).is_ok());
        for wrong in [290, 310, 351] {
            assert!(judge(&figure(wrong), Some(&blessed)).is_err(), "{wrong}");
        }
        assert!(judge(&figure(351), Some(&figure(351))).is_err());
        assert!(judge(&figure(300), None).is_err());
        assert_eq!(compare(&[], &[blessed]).failed.len(), 1);
    }
}
