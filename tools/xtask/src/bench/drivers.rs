//! `cargo xtask bench drivers`: what requests to a disk and frames on a network cost a guest that has driver partitions for them,
//! beside the same kernel with the same devices of its own.
//!
//! The guest's program (`personalities/guest/programs/drivers.c`) goes through marks; the plugin of `tools/icount` counts what the whole
//! machine executes from one to the next, so that time in which the processor waits is in no figure.
//! `docs/driver-performance.md` says how the figures are to be read.
//!
//! The figures are committed (`systems/driver_bench/golden.json`), and one that moves fails the tests until somebody blesses it.
//! Once a figure is within its bound, none above it can be blessed.

mod samples;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::space;
use cofferdam_build::{Built, Kernel, locate};
use cofferdam_guest::native;
use cofferdam_progress::{Step, print_result};
use cofferdam_qemu::{Plugin, Serial};
use cofferdam_run::command::built;
use cofferdam_run::{Options, Outside, devices, run};
use cofferdam_setup::{OF_LINUX_GUEST, provide};
use cofferdam_target_build::target_directory;
use object::{Object, ObjectSymbol};

use super::KERNEL;
use super::counting::{COUNTS, plugin};
use super::counts::Counts;
use super::linux::figures::{Committed, Figure, compare};
use crate::parts::Tally;
use crate::workspace::Workspace;
use samples::{OPERATIONS, is_event, show};

/// Where the committed figures lie.
const GOLDEN: &str = "systems/driver_bench/golden.json";
/// The system.
const SYSTEM: &str = "driver_bench";
/// How long the system runs at the most. It ends when the program has come to its end: how much of the machine's time the waiting for devices takes is the host's
/// doing, for idle time passes as on its clock.
const MACHINE_TIME: Duration = Duration::from_secs(300);
/// The RAM of the bare machine: the least that QEMU's loader for Linux takes.
const NATIVE_MIB: u32 = 128;
/// After which time of the host's the bare machine has failed.
const NATIVE_LIMIT: Duration = Duration::from_secs(600);
/// What the guest is told on the bare machine, besides where its console is. That one has to end by itself.
const NATIVE_ARGUMENTS: &str = "drivers off";
/// What the program says at its end.
const END: &str = "drivers: end";
/// Where the program's marks are: two instructions for each operation.
const MARKS: u32 = 0x6000_1000;
const INSTRUCTION_BYTES: u32 = 4;
/// By so much of itself may a figure differ from the committed one: which completions a busy guest finds together is decided by the
/// speed of the host.
const TOLERANCE: f64 = 0.15;
/// How often something happens for one request may differ by so much of once: of 32 that are found together or not, the host decides.
const TOLERANCE_OF_EVENTS: f64 = 0.5;

/// Measures, shows, and compares with what is committed, or commits it.
pub fn bench(workspace: &Workspace<'_>, json: bool, bless: bool) -> Result<()> {
    let target = target_directory(workspace.root);
    provide(workspace.root, &target, &OF_LINUX_GUEST, workspace.consent)?;
    let figures = measure(workspace)?;
    if json {
        print_result(serde_json::to_string_pretty(&figures)?)?;
    } else {
        print_result(show(&figures))?;
    }
    let golden = golden(workspace.root)?;
    let tally = held_against(&figures, &golden);
    let committed = Committed {
        file: &workspace.root.join(GOLDEN),
        bench: "drivers",
        page: "docs/driver-performance.md",
    };
    committed.settle(&figures, &golden, &tally, bless)
}

/// The same as test cases, one for each figure.
pub fn cases(workspace: &Workspace<'_>) -> Result<Tally> {
    Ok(held_against(&measure(workspace)?, &golden(workspace.root)?))
}

/// Holds what was measured against what is committed.
fn held_against(figures: &[Figure], golden: &[Figure]) -> Tally {
    let costs = |figures: &[Figure]| -> Vec<_> {
        let costs = figures.iter().filter(|one| !is_event(one));
        costs.cloned().collect()
    };
    let mut all = compare(&costs(figures), &costs(golden), TOLERANCE);
    for event in golden.iter().filter(|one| is_event(one)) {
        let now = figures.iter().find(|one| one.op == event.op);
        all.count(&event.op, as_often(now, event));
    }
    all
}

/// Whether something happens as often as what is committed says.
fn as_often(now: Option<&Figure>, then: &Figure) -> Result<()> {
    let now = now.context("is committed, and was not measured")?;
    let of = |figure: &Figure| [Some(figure.cofferdam), figure.native];
    for (now, then) in of(now).into_iter().zip(of(then)) {
        let same = match (now, then) {
            (Some(now), Some(then)) => (now - then).abs() <= TOLERANCE_OF_EVENTS,
            _ => now == then,
        };
        ensure!(same, "was {then:?} times for one, and is {now:?} times");
    }
    Ok(())
}

fn golden(root: &Path) -> Result<Vec<Figure>> {
    let text = fs::read(root.join(GOLDEN)).with_context(|| format!("{GOLDEN} cannot be read"))?;
    serde_json::from_slice(&text).with_context(|| format!("{GOLDEN} is no list of figures"))
}

fn measure(workspace: &Workspace<'_>) -> Result<Vec<Figure>> {
    let plugin = plugin(workspace)?;
    let tree = workspace.tree();
    let system = built(tree.build(&locate(&tree.root, SYSTEM)?))?;
    let native = on_the_bare_machine(workspace, &system, &plugin)?;
    let partitions = in_partitions(&system, &plugin)?;
    samples::figures(&native, &partitions)
}

/// The plugin, told what to count: between the program's marks, `events`, and nothing else.
fn counting(library: &Path, out: &Path, events: &[(&'static str, u32, u32)]) -> Plugin {
    let range = |first: u32, end: u32| format!("{first:x}-{end:x}");
    let kernel = space::kernel::TEXT;
    let mut arguments = vec![
        ("out".to_owned(), out.display().to_string()),
        ("only".to_owned(), "between".to_owned()),
        (
            "kernel".to_owned(),
            range(kernel, kernel + space::kernel::TEXT_SIZE),
        ),
    ];
    for operation in 0..OPERATIONS.len() as u32 {
        let (begin, end) = marks(operation);
        arguments.push(("between".to_owned(), range(begin, end)));
    }
    for (kind, first, end) in events {
        arguments.push(((*kind).to_owned(), range(*first, *end)));
    }
    Plugin {
        library: library.to_path_buf(),
        arguments,
    }
}

/// The marks of an operation.
pub(super) fn marks(operation: u32) -> (u32, u32) {
    let begin = MARKS + 2 * INSTRUCTION_BYTES * operation;
    (begin, begin + INSTRUCTION_BYTES)
}

/// The instruction of that name, in an ELF file: once it is executed, the event has come.
fn at(file: &Path, name: &str) -> Result<(&'static str, u32, u32)> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let elf = object::File::parse(bytes.as_slice())
        .with_context(|| format!("{} is no ELF file", file.display()))?;
    let mut symbols = elf.symbols();
    let symbol = symbols.find(|symbol| symbol.name() == Ok(name));
    let symbol = symbol.with_context(|| format!("{} has no {name}", file.display()))?;
    let address = u32::try_from(symbol.address())?;
    Ok(("event", address, address + INSTRUCTION_BYTES))
}

fn counts(out: &Path) -> Result<Counts> {
    let text = fs::read_to_string(out)
        .with_context(|| format!("the plugin left no counts in {}", out.display()))?;
    Counts::parse(&text)
}

fn came_to_its_end(console: &str) -> Result<()> {
    if !console.contains(END) {
        let mut lines: Vec<_> = console.lines().rev().take(10).collect();
        lines.reverse();
        bail!(
            "the program did not come to its end; the console's last lines:\n{}",
            lines.join("\n")
        );
    }
    Ok(())
}

/// Linux without cofferdam, with the devices that the system has.
fn on_the_bare_machine(
    workspace: &Workspace<'_>,
    system: &Built,
    library: &Path,
) -> Result<Counts> {
    let target = target_directory(workspace.root);
    let guest = cofferdam_guest::build(workspace.root, &target)?;
    let folder = cofferdam_guest::directory(&target);
    let out = folder.join(COUNTS);
    let step = Step::start("counting in Linux without cofferdam".to_owned());
    let devices = devices(system, &options(PathBuf::new(), None))?;
    let options = native::Options {
        qemu: &cofferdam_setup::qemu()?.path,
        memory_mib: NATIVE_MIB,
        arguments: NATIVE_ARGUMENTS,
        instruction_clock: true,
        serial: Serial::Captured,
        limit: Some(NATIVE_LIMIT),
        besides: native::Besides {
            devices: devices.all,
            drives: devices.drives,
            networks: devices.networks,
            paced: true,
            plugin: Some(counting(
                library,
                &out,
                &[at(&guest.vmlinux, "ExternalInput")?],
            )),
        },
    };
    let booted = native::boot(&guest, &folder, &options)?;
    came_to_its_end(&booted.console)?;
    step.done();
    counts(&out)
}

fn options(qemu: PathBuf, plugin: Option<Plugin>) -> Options {
    Options {
        qemu,
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(MACHINE_TIME),
        until: Some(END.to_owned()),
        until_marks: Vec::new(),
        serial: Serial::Captured,
        moments: Vec::new(),
        plugin,
        outside: Outside::Paced,
        enough: None,
        probe: None,
        media: Vec::new(),
        resets: 0,
    }
}

/// Linux in a partition, its devices in others.
fn in_partitions(system: &Built, library: &Path) -> Result<Counts> {
    let step = Step::start(format!("counting in the system {SYSTEM}"));
    let out = system.directory.join(COUNTS);
    let events = [
        at(&system.directory.join(KERNEL), "kernel_interrupt")?,
        ("calls", space::TEXT, space::CONSTANTS),
    ];
    let plugin = counting(library, &out, &events);
    let outcome = run(
        system,
        &options(cofferdam_setup::qemu()?.path, Some(plugin)),
    )?;
    // Whether windows began in time is not asked: idle time passes as on the host's clock, which comes late now and then.
    came_to_its_end(&String::from_utf8_lossy(&outcome.serial))?;
    step.done();
    counts(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_more_for_each_request_is_seen() {
        let then = Figure::compared("interrupts_read_4k", 1.0, 0.06);
        let again = Figure::compared("interrupts_read_4k", 0.7, 0.3);
        assert!(as_often(Some(&again), &then).is_ok());
        let more = Figure::compared("interrupts_read_4k", 1.0, 1.06);
        assert!(as_often(Some(&more), &then).is_err());
        assert!(as_often(Some(&Figure::alone("interrupts_read_4k", 0.06)), &then).is_err());
        assert!(as_often(None, &then).is_err());
    }
}
