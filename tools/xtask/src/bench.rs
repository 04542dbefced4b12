//! `cargo xtask bench`: exact instruction counts of the kernel's paths.
//!
//! The system `bench` walks the paths, each from a function of its own; a QEMU plugin (`tools/icount`) counts what the kernel
//! executes between the trapping instruction and the next user instruction. Figures of the whole system are taken on
//! `flight`, with the attack suite as load. Every figure is of the release kernel, and of instructions: nothing here
//! says anything about caches.
//!
//! The figures are committed (`systems/bench/golden.json`), and one that rises fails the tests until somebody blesses it.

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
/// How long the paths are walked.
const WALK: Duration = Duration::from_millis(200);
/// How long `flight` runs: once round the attack suite.
const LOAD: Duration = Duration::from_millis(2500);

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

fn measure(workspace: &Workspace<'_>) -> Result<Vec<Figure>> {
    let tree = Tree::new(workspace.root, workspace.toolchain);
    let plugin = plugin(workspace)?;
    let qemu = cofferdam_setup::qemu().map_err(|lack| anyhow::anyhow!("{}", lack.why))?;
    let walk = |system: &str, time| -> Result<(Built, Counts, cofferdam_run::Report)> {
        let built = built(tree.build(&locate(&tree.root, system)?))?;
        let step = Step::start(format!("counting the instructions of {system}"));
        let (counts, report) = count(&built, &qemu.path, &plugin, time)?;
        step.done();
        Ok((built, counts, report))
    };
    let (bench, paths, _) = walk("bench", WALK)?;
    let (_, load, flight) = walk("flight", LOAD)?;
    let kernel = fs::read(bench.directory.join("programs/kernel-release.elf"))?;
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
    };
    figures.push(number(
        "window_jitter_max",
        jitter.context("nothing is released")?,
        0,
        0,
    ));
    let off = load.interrupts_off;
    eprintln!(
        "the longest run with interrupts off goes {}",
        off.place(&kernel)
    );
    figures.push(off.cost.figure("irq_off_longest", 2_000, 400));
    figures.push(load.boot.figure("boot_to_first_partition", 250_000, 50_000));
    let text = counts::text_bytes(&kernel)?;
    figures.push(number("kernel_text_bytes", text, 48 << 10, 24 << 10));
    let lines = lines::kernel_lines(workspace.root)?;
    figures.push(number("kernel_lines", lines, 8_000, 5_000));
    Ok(figures)
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
    let range = |start: u32, end: u32| format!("{start:x}-{end:x}");
    let image = fs::read(built.directory.join("programs/kernel-release.elf"))?;
    let vectors = counts::vectors(&image)?;
    let arguments = [
        ("out", out.display().to_string()),
        (
            "kernel",
            range(kernel::TEXT, kernel::TEXT + kernel::TEXT_SIZE),
        ),
        ("vectors", range(vectors.start, vectors.end)),
    ];
    let options = Options {
        qemu: qemu.to_path_buf(),
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(time),
        serial: Serial::Captured,
        typed: None,
        plugin: Some(Plugin {
            library: plugin.to_path_buf(),
            arguments: arguments.map(|(key, value)| (key.to_owned(), value)).into(),
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
