//! `cargo xtask bench linux`: what Linux's operations cost in a partition, beside the same kernel without cofferdam.
//!
//! The guest measures itself (`personalities/guest/programs/benchmark.c`), first on the bare machine, then in the system
//! `linux_bench`, both with instructions as the clock. In a third run, of the same system, the plugin counts what the kernel
//! executes for one system call of the guest. `docs/linux-performance.md` says how the figures are to be read.
//!
//! The figures are committed (`systems/linux_bench/golden.json`), and one that moves fails the tests until somebody blesses it.
//! Once a figure is within its bound, none above it can be blessed.

pub(super) mod figures;
mod output;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_build::{Built, Kernel, locate};
use cofferdam_guest::native::{self, tick_of_init};
use cofferdam_progress::{Step, print_result};
use cofferdam_qemu::Serial;
use cofferdam_run::command::built;
use cofferdam_run::{Options, Outside, run};
use cofferdam_setup::{OF_LINUX_GUEST, provide};
use cofferdam_target_build::target_directory;

use super::counting::Counting;
use crate::parts::Tally;
use crate::workspace::Workspace;
use figures::{Committed, Figure, TOLERANCE, compare, show};
use output::{Others, Output};

/// Where the committed figures lie.
const GOLDEN: &str = "systems/linux_bench/golden.json";
/// The system, and the partition with the guest.
const SYSTEM: &str = "linux_bench";
const PARTITION: &str = "linux";
/// How long the system runs: until the benchmark has come to its end, and some more.
const MACHINE_TIME: Duration = Duration::from_secs(4);
/// How long it runs for the plugin: until the benchmark has made the first of its null system calls, and some more.
const COUNTED_TIME: Duration = Duration::from_millis(300);
/// The RAM of the bare machine: the least that QEMU's loader for Linux takes.
const NATIVE_MIB: u32 = 128;
/// After which time of the host's the bare machine has failed.
const NATIVE_LIMIT: Duration = Duration::from_secs(600);
/// What the guest is told on the bare machine, besides where its console is. That one has to end by itself.
const NATIVE_ARGUMENTS: &str = "bench off";
/// So long before a window of others, and behind it, the machine is not the guest's either, in ticks of the timebase.
const MARGIN_TICKS: u64 = 8_000;

/// A run of the guest.
struct Measured {
    output: Output,
    tick_of_init: u64,
}

impl Measured {
    fn of(console: &str) -> Result<Self> {
        Ok(Self {
            output: Output::parse(console)?,
            tick_of_init: tick_of_init(console).context("`/init` did not say when it began")?,
        })
    }
}

/// Measures, shows, and compares with what is committed, or commits it.
pub fn bench(workspace: &Workspace<'_>, json: bool, bless: bool) -> Result<()> {
    let target = target_directory(workspace.root);
    provide(workspace.root, &target, &OF_LINUX_GUEST, workspace.consent)?;
    let figures = measure(workspace)?;
    if json {
        print_result(serde_json::to_string_pretty(&figures)?)?;
    } else {
        print_result(show(&figures)?)?;
    }
    let golden = golden(workspace.root)?;
    let tally = compare(&figures, &golden, TOLERANCE);
    let committed = Committed {
        file: &workspace.root.join(GOLDEN),
        bench: "linux",
        page: "docs/linux-performance.md",
    };
    committed.settle(&figures, &golden, &tally, bless)
}

/// The same as test cases, one for each figure.
pub fn cases(workspace: &Workspace<'_>) -> Result<Tally> {
    Ok(compare(
        &measure(workspace)?,
        &golden(workspace.root)?,
        TOLERANCE,
    ))
}

fn golden(root: &Path) -> Result<Vec<Figure>> {
    let text = fs::read(root.join(GOLDEN)).with_context(|| format!("{GOLDEN} cannot be read"))?;
    serde_json::from_slice(&text).with_context(|| format!("{GOLDEN} is no list of figures"))
}

fn measure(workspace: &Workspace<'_>) -> Result<Vec<Figure>> {
    let counting = Counting::new(workspace)?;
    let native = on_the_bare_machine(workspace)?;
    let tree = workspace.tree();
    let system = built(tree.build(&locate(&tree.root, SYSTEM)?))?;
    let (guest, others) = in_a_partition(&system)?;
    ensure!(
        guest.output.null_system_call == native.output.null_system_call,
        "the two guests have different benchmarks"
    );
    let timebase_hz = system.plan.timebase_hz;
    let mut figures = Vec::new();
    for (native, guest) in native
        .output
        .operations
        .iter()
        .zip(&guest.output.operations)
    {
        let (name, ticks, count) = native;
        ensure!(
            (name, count) == (&guest.0, &guest.2),
            "the two guests measured different operations, {name} and {}",
            guest.0
        );
        let each = |ticks: u64| ticks as f64 / *count as f64;
        figures.push(Figure::compared(name, each(*ticks), each(guest.1)));
    }
    let alone = native.output.tick(timebase_hz, &Others::default())?;
    let tick = guest.output.tick(timebase_hz, &others)?;
    let most = |most: u64| most as f64;
    figures.push(Figure::compared("tick_gap_mean", alone.mean, tick.mean));
    figures.push(Figure::compared("tick_gap_sum", alone.sum, tick.sum));
    figures.push(Figure::compared(
        "tick_gap_max",
        most(alone.most),
        most(tick.most),
    ));
    let to_init = guest.tick_of_init - others.time_until(guest.tick_of_init);
    figures.push(Figure::compared(
        "boot_to_init",
        native.tick_of_init as f64,
        to_init as f64,
    ));
    let call = guest.output.null_system_call;
    let between = Some((call, call + 4));
    let (counts, _) = counting.count(&system, COUNTED_TIME, between)?;
    let walk = counts
        .usually_between()
        .context("no null system call was counted: the guest was too slow to come to it")?;
    figures.push(Figure::alone(
        "kernel_instructions_per_system_call",
        walk.instructions as f64,
    ));
    Ok(figures)
}

/// Linux without cofferdam.
fn on_the_bare_machine(workspace: &Workspace<'_>) -> Result<Measured> {
    let target = target_directory(workspace.root);
    let guest = cofferdam_guest::build(workspace.root, &target)?;
    let step = Step::start("measuring Linux without cofferdam".to_owned());
    let options = native::Options {
        qemu: &cofferdam_setup::qemu()?.path,
        memory_mib: NATIVE_MIB,
        arguments: NATIVE_ARGUMENTS,
        instruction_clock: true,
        serial: Serial::Captured,
        limit: Some(NATIVE_LIMIT),
        besides: native::Besides::default(),
    };
    let booted = native::boot(&guest, &cofferdam_guest::directory(&target), &options)?;
    let measured = Measured::of(&booted.console)?;
    step.done();
    Ok(measured)
}

/// Linux in a partition, and when it had not the machine.
fn in_a_partition(system: &Built) -> Result<(Measured, Others)> {
    let step = Step::start(format!("measuring Linux in the system {SYSTEM}"));
    let options = Options {
        qemu: cofferdam_setup::qemu()?.path,
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(MACHINE_TIME),
        until: None,
        until_marks: Vec::new(),
        serial: Serial::Captured,
        moments: Vec::new(),
        plugin: None,
        outside: Outside::Nobody,
        media: Vec::new(),
        enough: None,
        probe: None,
        resets: 0,
    };
    let outcome = run(system, &options)?;
    if !outcome.report.ok {
        bail!("{SYSTEM}: {}", outcome.report.reasons.join("; "));
    }
    let others = others(system, outcome.snapshot.header().start_tick.get())?;
    let measured = Measured::of(&String::from_utf8_lossy(&outcome.serial));
    let measured = measured.with_context(|| {
        let seconds = MACHINE_TIME.as_secs();
        format!("{SYSTEM} ran for {seconds} s of its own time")
    })?;
    step.done();
    Ok((measured, others))
}

/// The windows of the system's one schedule that are not the guest's.
fn others(system: &Built, start: u64) -> Result<Others> {
    let partitions = &system.plan.partitions;
    let linux = partitions.iter().position(|one| one.name == PARTITION);
    let linux = linux.with_context(|| format!("there is no partition {PARTITION}"))?;
    let schedule = system.plan.schedules.first();
    let schedule = schedule.context("there is no schedule")?;
    let windows = schedule.windows.iter();
    Ok(Others {
        start,
        frame: schedule.major_frame_ticks,
        windows: windows
            .filter(|window| !window.group.contains(&linux))
            .map(|window| window.start_ticks..window.start_ticks + window.length_ticks)
            .collect(),
        margin: MARGIN_TICKS,
    })
}
