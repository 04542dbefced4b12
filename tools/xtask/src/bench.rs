//! `cargo xtask bench`: exact instruction counts of the kernel's paths.
//!
//! The system `bench` walks the paths, each from a function of its own; a QEMU plugin (`tools/icount`) counts what the kernel
//! executes between the trapping instruction and the next user instruction. Figures of the whole system are taken on
//! `flight`, with the attack suite as load. Every figure is of the release kernel, and of instructions: nothing here
//! says anything about caches.
//!
//! The figures are committed (`systems/bench/golden.json`), and one that rises fails the tests until somebody blesses it.

mod breakdown;
mod counts;
mod lines;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_build::{Built, Kernel, Tree, locate, store};
use cofferdam_progress::{Step, print_result};
use cofferdam_qemu::{Plugin, Serial};
use cofferdam_run::command::built;
use cofferdam_run::{Options, run};
use serde::{Deserialize, Serialize};

use crate::parts::Tally;
use crate::workspace::Workspace;
use counts::{Counts, Excursions};

/// Where the committed figures lie.
const GOLDEN: &str = "systems/bench/golden.json";
/// The system that walks the paths, and for how long.
const WALK: (&str, Duration) = ("bench", Duration::from_millis(200));
/// The system that is a load, and for how long: once round the attack suite.
const LOAD: (&str, Duration) = ("flight", Duration::from_millis(2500));
/// The kernel, in the folder of a system that was built.
const KERNEL: &str = "programs/kernel-release.elf";
/// The path that is measured under load.
const INTERRUPTS_OFF: &str = "irq_off_longest";

/// A figure. Its JSON form is part of the command's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// The path's name.
    pub path: String,
    /// The kernel's instructions; for the last few, the unit that the path's name says.
    pub kernel_instructions: u64,
    /// The same with a load or store of several registers counted once for each of them.
    pub register_transfers: Option<u64>,
    /// What has to be reached.
    pub must: u64,
    /// What is aimed at.
    pub aim: u64,
    /// Where each of the instructions lay, in the order of execution, if they are known.
    #[serde(skip)]
    pub steps: Vec<u32>,
}

/// Measures, shows, and compares with what is committed, or commits it.
pub fn bench(workspace: &Workspace<'_>, json: bool, bless: bool) -> Result<()> {
    let figures = measure(workspace)?;
    if json {
        print_result(serde_json::to_string_pretty(&figures)?)?;
    } else {
        print_result(table::show(&figures))?;
    }
    if bless {
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        store(&workspace.root.join(GOLDEN), text.as_bytes())?;
        eprintln!("blessed: {GOLDEN}");
        return Ok(());
    }
    let tally = compare(workspace.root, &figures)?;
    for failure in &tally.failed {
        eprintln!("error: {failure}");
    }
    ensure!(
        tally.failed.is_empty(),
        "figures have risen; `cargo xtask bench --bless` accepts them"
    );
    Ok(())
}

/// The same as test cases, one for each figure.
pub fn cases(workspace: &Workspace<'_>) -> Result<Tally> {
    compare(workspace.root, &measure(workspace)?)
}

fn compare(root: &Path, figures: &[Figure]) -> Result<Tally> {
    let text = fs::read(root.join(GOLDEN)).with_context(|| {
        format!("{GOLDEN} cannot be read; `cargo xtask bench --bless` makes it")
    })?;
    let golden: Vec<Figure> =
        serde_json::from_slice(&text).with_context(|| format!("{GOLDEN} is no list of figures"))?;
    let mut tally = Tally::default();
    for figure in figures {
        let blessed = golden.iter().find(|one| one.path == figure.path);
        tally.count(&figure.path, judge(figure, blessed));
    }
    Ok(tally)
}

fn judge(figure: &Figure, blessed: Option<&Figure>) -> Result<()> {
    let blessed = blessed.context("is not among the committed figures")?;
    let (now, then) = (figure.kernel_instructions, blessed.kernel_instructions);
    ensure!(now <= then, "rose from {then} to {now}");
    Ok(())
}

/// Shows what the instructions of the paths are, or of one path each of them.
pub fn breakdown(workspace: &Workspace<'_>, path: Option<&str>) -> Result<()> {
    let counting = Counting::new(workspace)?;
    let load = path == Some(INTERRUPTS_OFF);
    let (system, time) = if load { LOAD } else { WALK };
    let (built, counts, _) = counting.walk(system, time)?;
    let figures = if load {
        vec![of_interrupts_off(&counts)]
    } else {
        of_paths(&Excursions::new(&built, &counts)?)?
    };
    let kernel = built.directory.join(KERNEL);
    let text = match path {
        None => breakdown::by_function(&figures, &kernel)?,
        Some(path) => {
            let known: Vec<&str> = figures.iter().map(|figure| figure.path.as_str()).collect();
            let figure = figures.iter().find(|figure| figure.path == path);
            let figure = figure.with_context(|| {
                let known = known.join(", ");
                format!("no path {path} is walked; there are {known}, and {INTERRUPTS_OFF}")
            })?;
            breakdown::by_instruction(figure, &kernel)?
        }
    };
    Ok(print_result(text)?)
}

/// What it takes to count.
struct Counting {
    tree: Tree,
    plugin: PathBuf,
    qemu: PathBuf,
}

impl Counting {
    fn new(workspace: &Workspace<'_>) -> Result<Self> {
        let qemu = cofferdam_setup::qemu().map_err(|lack| anyhow::anyhow!("{}", lack.why))?;
        Ok(Self {
            tree: Tree::new(workspace.root, workspace.toolchain),
            plugin: plugin(workspace)?,
            qemu: qemu.path,
        })
    }

    /// Builds a system, and runs it with the plugin.
    fn walk(&self, system: &str, time: Duration) -> Result<(Built, Counts, cofferdam_run::Report)> {
        let built = built(self.tree.build(&locate(&self.tree.root, system)?))?;
        let step = Step::start(format!("counting the instructions of {system}"));
        let (counts, report) = count(&built, &self.qemu, &self.plugin, time)?;
        step.done();
        Ok((built, counts, report))
    }
}

fn measure(workspace: &Workspace<'_>) -> Result<Vec<Figure>> {
    let counting = Counting::new(workspace)?;
    let (bench, paths, _) = counting.walk(WALK.0, WALK.1)?;
    let (_, load, flight) = counting.walk(LOAD.0, LOAD.1)?;
    let kernel = fs::read(bench.directory.join(KERNEL))?;
    let mut figures = of_paths(&Excursions::new(&bench, &paths)?)?;
    let jitter = flight
        .partitions
        .iter()
        .filter(|one| one.releases > 0 && one.restarts == 0)
        .map(|one| u64::from(one.jitter_max_ticks))
        .max();
    let number = |path: &str, value: u64, must, aim| Figure {
        path: path.to_owned(),
        kernel_instructions: value,
        register_transfers: None,
        must,
        aim,
        steps: Vec::new(),
    };
    figures.push(number(
        "window_jitter_max",
        jitter.context("nothing is released")?,
        0,
        0,
    ));
    eprintln!(
        "the longest run with interrupts off goes {}",
        load.interrupts_off.place(&kernel)
    );
    figures.push(of_interrupts_off(&load));
    figures.push(
        load.boot
            .clone()
            .figure("boot_to_first_partition", 250_000, 50_000),
    );
    let text = counts::text_bytes(&kernel)?;
    figures.push(number("kernel_text_bytes", text, 48 << 10, 24 << 10));
    let lines = lines::kernel_lines(workspace.root)?;
    figures.push(number("kernel_lines", lines, 8_000, 5_000));
    Ok(figures)
}

/// The figure of the longest run with interrupts off.
fn of_interrupts_off(load: &Counts) -> Figure {
    load.interrupts_off.walk.figure(INTERRUPTS_OFF, 2_000, 400)
}

/// The figures of the paths that `systems/bench` walks.
fn of_paths(excursions: &Excursions<'_>) -> Result<Vec<Figure>> {
    let path = |from: (&str, &str), to: &str| excursions.usual(from, to);
    let one_way = path(("client", "call_round_trip"), "server")?;
    let back = path(("server", "reply_receive"), "client")?;
    let interrupt = excursions.interrupt("client", "driver")?;
    let served = path(("driver", "acknowledge_and_wait"), "client")?;
    Ok(vec![
        path(("client", "null_hypercall"), "client")?.figure("null_hypercall", 60, 25),
        one_way.figure("call_one_way", 150, 80),
        (one_way + back).figure("call_round_trip", 300, 160),
        path(("high", "signal_no_switch"), "high")?.figure("signal_no_switch", 120, 40),
        path(("client", "signal_switch"), "high")?.figure("signal_switch", 250, 110),
        excursions
            .window_boundary("spin", "after")?
            .figure("partition_switch", 300, 130),
        interrupt.figure("irq_to_driver", 250, 110),
        (interrupt + served).figure("irq_full_cycle", 600, 250),
        path(("client", "sampling_write_40"), "client")?.figure("sampling_write_40", 250, 120),
        path(("high", "sampling_read_40"), "high")?.figure("sampling_read_40", 250, 120),
    ])
}

/// Runs a system with the plugin.
fn count(
    built: &Built,
    qemu: &Path,
    plugin: &Path,
    time: Duration,
) -> Result<(Counts, cofferdam_run::Report)> {
    use cofferdam_abi::space::kernel;
    let out = built.directory.join("instructions.jsonl");
    let image = fs::read(built.directory.join(KERNEL))?;
    let text = kernel::TEXT..kernel::TEXT + kernel::TEXT_SIZE;
    let mut arguments = vec![
        ("out", out.display().to_string()),
        ("kernel", format!("{:x}-{:x}", text.start, text.end)),
    ];
    for vector in counts::vectors(&image)? {
        arguments.push(("vector", format!("{vector:x}")));
    }
    let options = Options {
        qemu: qemu.to_path_buf(),
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(time),
        serial: Serial::Captured,
        typed: None,
        plugin: Some(Plugin {
            library: plugin.to_path_buf(),
            arguments: arguments
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }),
        resets: 0,
    };
    let report = run(built, &options)?.report;
    if !report.ok {
        bail!("{}: {}", built.plan.system, report.reasons.join("; "));
    }
    let text = fs::read_to_string(&out)
        .with_context(|| format!("the plugin left no counts in {}", out.display()))?;
    Ok((Counts::parse(&text)?, report))
}

/// Builds the plugin.
fn plugin(workspace: &Workspace<'_>) -> Result<PathBuf> {
    const PROFILE: &str = "host";
    workspace.cargo(&[
        "build",
        "--quiet",
        "--package",
        "cofferdam-icount",
        "--profile",
        PROFILE,
    ])?;
    let path = cofferdam_target_build::target_directory(workspace.root)
        .join(PROFILE)
        .join("libcofferdam_icount.so");
    ensure!(path.is_file(), "cargo left no {}", path.display());
    Ok(path)
}
