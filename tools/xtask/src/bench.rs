//! `cargo xtask bench`: exact instruction counts of the kernel's paths.
//!
//! The system `bench` walks the paths, each from a function of its own; a QEMU plugin (`tools/icount`) counts what the kernel
//! executes between the trapping instruction and the next user instruction. Figures of the whole system are taken on
//! `flight`, with the attack suite as load. Every figure is of the release kernel, and of instructions: nothing here
//! says anything about caches.
//!
//! The figures are committed (`systems/bench/golden.json`), and one that moves fails the tests until somebody blesses it; one above
//! what it has to reach fails them whatever is blessed. Then
//! it is also written down which functions they are in; `docs/performance.md` shows both.

pub mod apex;
mod breakdown;
pub mod counting;
mod counts;
pub mod drivers;
mod lines;
pub mod linux;
mod paths;
mod table;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::store;
use cofferdam_progress::{print_result, say};
use serde::{Deserialize, Serialize};

use crate::machines::Systems;
use crate::parts::Tally;
use crate::workspace::Workspace;
use counting::Counting;
use counts::{Counts, Excursions};
use paths::Analyser;

/// Where the committed figures lie.
const GOLDEN: &str = "systems/bench/golden.json";
/// Where it is written down which functions they are in, for docs/performance.md.
const PARTS: &str = "systems/bench/breakdown.json";
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
    /// The functions that most of them are in.
    #[serde(skip)]
    pub parts: Vec<(String, u64)>,
}

/// Which functions the instructions of a path are in.
#[derive(Serialize)]
struct Parts<'a> {
    path: &'a str,
    parts: &'a [(String, u64)],
}

impl<'a> Parts<'a> {
    fn of(figure: &'a Figure) -> Option<Self> {
        (!figure.parts.is_empty()).then_some(Self {
            path: &figure.path,
            parts: &figure.parts,
        })
    }
}

/// Measures, shows, and compares with what is committed, or commits it.
pub fn bench(workspace: &Workspace<'_>, json: bool, bless: bool) -> Result<()> {
    let figures = measure(workspace)?;
    if json {
        print_result(serde_json::to_string_pretty(&figures)?)?;
    } else {
        print_result(table::show(&figures)?)?;
    }
    if bless {
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        store(&workspace.root.join(GOLDEN), text.as_bytes())?;
        let parts: Vec<_> = figures.iter().filter_map(Parts::of).collect();
        let text = serde_json::to_string_pretty(&parts)? + "\n";
        store(&workspace.root.join(PARTS), text.as_bytes())?;
        say!("blessed: {GOLDEN}, {PARTS}");
        say!("UPDATE_EXPECT=1 cargo test -p cofferdam-docs writes them into docs/performance.md");
    }
    let tally = if bless {
        reach(&figures)
    } else {
        compare(workspace.root, &figures)?
    };
    for failure in &tally.failed {
        say!("error: {failure}");
    }
    ensure!(
        tally.failed.is_empty(),
        "figures are not what is committed, or above their bounds; `cargo xtask bench --bless` commits what is within them"
    );
    Ok(())
}

/// The same as test cases, one for each figure.
pub fn cases(workspace: &Workspace<'_>) -> Result<Tally> {
    let mut tally = compare(workspace.root, &measure(workspace)?)?;
    for (path, shows) in [(None, "call_one_way"), (Some("call_one_way"), "rfi")] {
        let text = broken_down(workspace, path);
        let what = format!("what {} consists of", path.unwrap_or("each path"));
        tally.count(&what, text.and_then(|text| has(&text, shows)));
    }
    Ok(tally)
}

fn has(text: &str, word: &str) -> Result<()> {
    ensure!(text.contains(word), "there is no `{word}` in:\n{text}");
    Ok(())
}

fn compare(root: &Path, figures: &[Figure]) -> Result<Tally> {
    let text = fs::read(root.join(GOLDEN)).with_context(|| {
        format!("{GOLDEN} cannot be read; `cargo xtask bench --bless` makes it")
    })?;
    let golden: Vec<Figure> =
        serde_json::from_slice(&text).with_context(|| format!("{GOLDEN} is no list of figures"))?;
    let mut tally = reach(figures);
    for figure in figures {
        let blessed = golden.iter().find(|one| one.path == figure.path);
        tally.count(&figure.path, judge(figure, blessed));
    }
    let measured = |path: &str| figures.iter().any(|figure| figure.path == path);
    for blessed in golden.iter().filter(|one| !measured(&one.path)) {
        let gone = Err(anyhow::anyhow!("is committed, and was not measured"));
        tally.count(&blessed.path, gone);
    }
    Ok(tally)
}

/// Whether each figure reaches what it has to: nothing that can be blessed away.
fn reach(figures: &[Figure]) -> Tally {
    let mut tally = Tally::default();
    for figure in figures {
        let (now, must) = (figure.kernel_instructions, figure.must);
        let reached = if now <= must {
            Ok(())
        } else {
            Err(anyhow::anyhow!("is {now}, and has to be at most {must}"))
        };
        tally.count(&format!("{} within its bound", figure.path), reached);
    }
    tally
}

/// Whether a figure is the committed one. One that fell is blessed too, so that what is committed stays true.
fn judge(figure: &Figure, blessed: Option<&Figure>) -> Result<()> {
    let blessed = blessed.context("is not among the committed figures")?;
    let (now, then) = (figure.kernel_instructions, blessed.kernel_instructions);
    let moved = if now > then { "rose" } else { "fell" };
    ensure!(now == then, "{moved} from {then} to {now}");
    ensure!(
        figure.register_transfers == blessed.register_transfers,
        "moves {:?} registers, and moved {:?}",
        figure.register_transfers,
        blessed.register_transfers
    );
    let bounds = |figure: &Figure| (figure.must, figure.aim);
    ensure!(
        bounds(figure) == bounds(blessed),
        "has the bound and the aim {:?}, and {:?} are committed",
        bounds(figure),
        bounds(blessed)
    );
    Ok(())
}

/// Shows what the instructions of the paths are, or of one path each of them.
pub fn breakdown(workspace: &Workspace<'_>, path: Option<&str>) -> Result<()> {
    Ok(print_result(broken_down(workspace, path)?)?)
}

fn broken_down(workspace: &Workspace<'_>, path: Option<&str>) -> Result<String> {
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
    match path {
        None => breakdown::by_function(&figures, &kernel),
        Some(path) => {
            let known: Vec<&str> = figures.iter().map(|figure| figure.path.as_str()).collect();
            let figure = figures.iter().find(|figure| figure.path == path);
            let figure = figure.with_context(|| {
                let known = known.join(", ");
                format!("no path {path} is walked; there are {known}, and {INTERRUPTS_OFF}")
            })?;
            breakdown::by_instruction(figure, &kernel)
        }
    }
}

fn measure(workspace: &Workspace<'_>) -> Result<Vec<Figure>> {
    let counting = Counting::new(workspace)?;
    let analyser = Analyser::new(workspace)?;
    let (bench, paths, _) = counting.walk(WALK.0, WALK.1)?;
    let (flight, load, report) = counting.walk(LOAD.0, LOAD.1)?;
    let kernel = fs::read(bench.directory.join(KERNEL))?;
    let mut figures = of_paths(&Excursions::new(&bench, &paths)?)?;
    // Of every window, whether anybody was released with it or not.
    let jitter = report.window_jitter_max_ticks;
    let number = |path: &str, value: u64, must, aim| Figure {
        path: path.to_owned(),
        kernel_instructions: value,
        register_transfers: None,
        must,
        aim,
        steps: Vec::new(),
        parts: Vec::new(),
    };
    figures.push(number(
        "window_jitter_max",
        jitter.context("nothing is released")?.into(),
        0,
        0,
    ));
    say!(
        "the longest run with interrupts off goes {}",
        load.interrupts_off.place(&kernel)
    );
    figures.push(of_interrupts_off(&load));
    // Of `bench` only that what was executed is what the analysis knows; its bounds are those of a smaller system.
    analyser.analyse(&bench, true)?;
    let analysed = analyser.analyse(&flight, true)?;
    figures.push(analysed.interrupts_off()?);
    figures.push(number(
        "guard_needed_analysed",
        analysed.until_wait,
        analysed.guard,
        4_000,
    ));
    figures.push(
        load.boot
            .clone()
            .figure("boot_to_first_partition", 250_000, 50_000),
    );
    let text = counts::section_bytes(&kernel, ".text")?;
    let constants = counts::section_bytes(&kernel, ".rodata")?;
    let with_constants = "kernel_text_and_constants_bytes";
    figures.push(number("kernel_text_bytes", text, 48 << 10, 24 << 10));
    figures.push(number(with_constants, text + constants, 48 << 10, 24 << 10));
    let lines = lines::kernel_lines(workspace.root)?;
    figures.push(number("kernel_lines", lines, 8_000, 5_000));
    for figure in figures.iter_mut().filter(|one| !one.steps.is_empty()) {
        figure.parts = breakdown::parts(figure, &bench.directory.join(KERNEL))?;
    }
    Ok(figures)
}

/// The bounds of every system's paths with interrupts off, as test cases.
pub fn bounds(workspace: &Workspace<'_>, systems: &Systems) -> Result<Tally> {
    let analyser = Analyser::new(workspace)?;
    let mut tally = Tally::default();
    for (name, built) in systems.iter() {
        let bounded = analyser
            .analyse(built, false)
            .and_then(|one| one.bounded(built));
        tally.note(name, bounded);
    }
    for (of, shows) in [(None, "decrementer"), (Some("decrementer"), "vector_10")] {
        let text = longest(workspace, LOAD.0, of, false);
        let what = format!("the longest, {}", of.unwrap_or("of each entry"));
        tally.count(&what, text.and_then(|text| has(&text, shows)));
    }
    Ok(tally)
}

/// Shows the longest paths of a system's kernel with interrupts off, beside what a run of it came to; or what the longest path
/// of one entry consists of.
pub fn paths(workspace: &Workspace<'_>, system: &str, of: Option<&str>, json: bool) -> Result<()> {
    let text = longest(workspace, system, of, json)?;
    Ok(print_result(text.trim_end())?)
}

fn longest(
    workspace: &Workspace<'_>,
    system: &str,
    of: Option<&str>,
    json: bool,
) -> Result<String> {
    let times = [WALK, LOAD];
    let time = times.iter().find(|(name, _)| *name == system);
    let time = time.map_or(LOAD.1, |(_, time)| *time);
    let (built, _, _) = Counting::new(workspace)?.walk(system, time)?;
    let analyser = Analyser::new(workspace)?;
    let options = match of {
        Some(entry) => vec!["--of", entry],
        None if json => vec!["--json"],
        None => Vec::new(),
    };
    analyser.run(&built, true, &options)
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const PATHS: [&str; 15] = [
        "null_hypercall",
        "call_one_way",
        "call_round_trip",
        "signal_no_switch",
        "signal_switch",
        "partition_switch",
        "irq_to_driver",
        "irq_full_cycle",
        "sampling_write_40",
        "sampling_read_40",
        "window_jitter_max",
        "irq_off_longest",
        "boot_to_first_partition",
        "kernel_text_bytes",
        "kernel_lines",
    ];

    fn golden() -> (PathBuf, Vec<Figure>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = fs::read(root.join(GOLDEN)).unwrap();
        (root, serde_json::from_slice(&text).unwrap())
    }

    #[test]
    fn each_path_has_its_name_and_each_figure_its_keys() {
        let (_, figures) = golden();
        for path in PATHS {
            let named = figures.iter().filter(|one| one.path == path);
            assert_eq!(named.count(), 1, "{path}");
        }
        let json = serde_json::to_value(&figures).unwrap();
        for figure in json.as_array().unwrap() {
            let mut keys: Vec<_> = figure.as_object().unwrap().keys().collect();
            keys.sort();
            let all = [
                "aim",
                "kernel_instructions",
                "must",
                "path",
                "register_transfers",
            ];
            assert_eq!(keys, all);
        }
    }

    fn figure(kernel_instructions: u64, register_transfers: Option<u64>) -> Figure {
        Figure {
            path: "path".to_owned(),
            kernel_instructions,
            register_transfers,
            must: 100,
            aim: 50,
            steps: Vec::new(),
            parts: Vec::new(),
        }
    }

    #[test]
    fn a_figure_is_the_committed_one() {
        let blessed = figure(60, Some(70));
        assert!(judge(&figure(60, Some(70)), Some(&blessed)).is_ok());
        for (other, said) in [
            (figure(61, Some(70)), "rose from 60 to 61"),
            (figure(59, Some(70)), "fell from 60 to 59"),
            (figure(60, Some(71)), "moves"),
            (figure(60, None), "moves"),
            (
                Figure {
                    must: 200,
                    ..blessed.clone()
                },
                "bound",
            ),
        ] {
            let refused = judge(&other, Some(&blessed)).expect_err("it is another one");
            assert!(refused.to_string().contains(said), "{refused}");
        }
        assert!(judge(&blessed, None).is_err());
    }

    #[test]
    fn a_figure_above_its_bound_fails_whatever_is_committed() {
        assert!(reach(&[figure(100, None)]).failed.is_empty());
        assert_eq!(
            reach(&[figure(100, None), figure(101, None)]).failed.len(),
            1
        );
    }

    #[test]
    fn what_is_committed_is_measured_and_the_other_way_round() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("cofferdam-figures-{}", std::process::id()));
        fs::create_dir_all(folder.join("systems/bench"))?;
        let committed = serde_json::to_vec(&[figure(60, None)])?;
        fs::write(folder.join(GOLDEN), committed)?;
        let failed = |figures: &[Figure]| compare(&folder, figures).map(|tally| tally.failed.len());
        assert_eq!(failed(&[figure(60, None)])?, 0);
        assert_eq!(failed(&[])?, 1);
        let more = Figure {
            path: "other".to_owned(),
            ..figure(1, None)
        };
        assert_eq!(failed(&[figure(60, None), more])?, 1);
        Ok(fs::remove_dir_all(folder)?)
    }
}
