//! Whole systems in the emulator, each bounded in time: rings three and four.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use cofferdam_build::{Built, Kernel, Needs, Tree, store, systems};
use cofferdam_progress::say;
use cofferdam_qemu::Serial;
use cofferdam_run::command::built;
use cofferdam_run::{Moment, Options, Outcome, Outside, PartitionReport, run, run_image};

use crate::conformity;
use crate::crash;
use crate::exact;
use crate::expected::{self, Expected};
use crate::guests;
use crate::parts::Tally;
use crate::timeline;
use crate::variant::Variant;
use crate::vectors;
use crate::wrong_tables;

/// So many machines run at a time.
const AT_A_TIME: usize = 2;
/// The attack suite goes round once in this time.
const ONE_ROUND: Duration = Duration::from_millis(2500);
/// The system with a clock.
const INSTRUMENTS: &str = "instruments";
/// The system with a guest.
const LINUX: &str = "linux";
/// The system with a guest that nobody here has compiled.
const UBOOT: &str = "uboot";
/// The systems whose windows have more events each than the trace holds: none is there to be judged.
const BUSY: [&str; 3] = ["apex_bench", "bench", "driver_bench"];
/// The system of the first runs.
pub(crate) const FLIGHT: &str = "flight";
/// The same with its control loop as an ARINC 653 application.
const FLIGHT_APEX: &str = "flight_apex";

/// Every system of the tree, built.
pub struct Systems {
    tree: Tree,
    qemu: PathBuf,
    all: Vec<(String, Built)>,
}

impl Systems {
    /// Builds them.
    pub fn build(tree: &Tree) -> Result<Self> {
        Self::build_some(tree, |_| true)
    }

    /// Builds those with these names.
    pub fn build_some(tree: &Tree, wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let qemu = cofferdam_setup::qemu()?;
        let mut all = Vec::new();
        for system in systems(&tree.root) {
            if !wanted(&system.name) {
                continue;
            }
            all.push((system.name, built(tree.build(&system.file))?));
        }
        Ok(Self {
            tree: tree.clone(),
            qemu: qemu.path,
            all,
        })
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| name.as_str())
    }

    /// Each one.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Built)> {
        self.all.iter().map(|(name, built)| (name.as_str(), built))
    }

    /// The one with this name.
    pub fn get(&self, name: &str) -> Result<&Built> {
        let found = self.iter().find(|(other, _)| *other == name);
        found
            .map(|(_, built)| built)
            .with_context(|| format!("there is no system {name}"))
    }

    /// The tree that they are of.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Runs a system for so long, with instructions as the clock.
    pub fn run(&self, built: &Built, milliseconds: u64) -> Result<Outcome> {
        run(built, &self.options(Kernel::Release, milliseconds))
    }

    /// How to run a system for so long, with instructions as the clock.
    pub fn options(&self, kernel: Kernel, milliseconds: u64) -> Options {
        Options {
            qemu: self.qemu.clone(),
            kernel,
            instruction_clock: true,
            machine_time: Some(Duration::from_millis(milliseconds)),
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
        }
    }
}

/// A machine to run, and what came of it: one result, or several.
pub(crate) type Case<'a> = (String, Box<dyn FnOnce() -> Result<Tally> + Send + 'a>);

/// A case with one result.
pub(crate) fn case<'a>(
    title: impl Into<String>,
    action: impl FnOnce() -> Result<()> + Send + 'a,
) -> Case<'a> {
    let one = || action().map(|()| Tally::one());
    (title.into(), Box::new(one))
}

/// Runs cases side by side.
pub fn run_all(cases: Vec<Case<'_>>) -> Tally {
    let waiting = Mutex::new(cases.into_iter());
    let tally = Mutex::new(Tally::default());
    let count = |name: &str, result: Result<Tally>| {
        let of_case = result.unwrap_or_else(|error| Tally {
            failed: vec![format!("{error:#}")],
            ..Tally::default()
        });
        // Hundreds of lines that say "ok" hide the one that does not, where they do not pass by under somebody's eyes.
        if of_case.failed.is_empty() && stderr().is_terminal() {
            say!("    ok  {name}");
        }
        for failure in &of_case.failed {
            say!("FAILED  {name}: {failure}");
        }
        tally
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .add(of_case.within(name));
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner())
                        .next();
                    let Some((name, case)) = next else { break };
                    let result = case();
                    count(&name, result);
                }
            });
        }
    });
    tally
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The runs that the files beside systems say, and one without a file of each.
pub fn expected_runs(systems: &Systems, kernels: &[Kernel]) -> Result<Tally> {
    Ok(run_all(expected_cases(systems, kernels)?))
}

fn expected_cases<'s>(systems: &'s Systems, kernels: &[Kernel]) -> Result<Vec<Case<'s>>> {
    let is_on_larger = systems.tree.kernels_have != Needs::default();
    let mut cases: Vec<Case<'_>> = Vec::new();
    for (name, built) in systems.iter() {
        for &kernel in kernels {
            let title = format!("{name} runs, {} kernel", kernel.name());
            cases.push(case(title, move || runs_well(systems, built, kernel)));
        }
        for (file, expected) in expected::of_system(built)? {
            // A device that overwrites a kernel on purpose knows where the one of its own system has what.
            let is_on_bus = Needs::of(&built.checked).bus;
            if expected.variant.is_of_kernel() && is_on_bus && is_on_larger {
                continue;
            }
            let expected = Arc::new(expected);
            for &kernel in kernels {
                let title = format!("{name}: {}, {} kernel", expected.title, kernel.name());
                let (expected, file) = (expected.clone(), file.clone());
                let action = move || as_expected(systems, built, kernel, &file, &expected);
                cases.push((title, Box::new(action)));
            }
        }
        if name == vectors::SYSTEM {
            cases.extend(vectors::cases(systems, built, kernels)?);
        }
    }
    Ok(cases)
}

/// Ring three.
pub fn systems_in_emulator(systems: &Systems) -> Result<Tally> {
    let mut cases = expected_cases(systems, &Kernel::ALL)?;
    let instruments = systems.get(INSTRUMENTS)?;
    cases.push(case("a clock that is set", move || {
        clock_is_set(systems, instruments)
    }));
    let flight = systems.get(FLIGHT)?;
    let of_flight = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, flight))
    };
    cases.push(of_flight("two runs leave the same record", same_every_time));
    cases.push(of_flight("the host's clock", on_the_hosts_clock));
    cases.push(of_flight("a key reaches its partition", keys_arrive));
    cases.push(told_to_stop(systems)?);
    let flight_apex = systems.get(FLIGHT_APEX)?;
    cases.push(case(
        "the control loop with ARINC 653 is as exact as without",
        move || exact::is_as_exact(systems, [flight, flight_apex]),
    ));
    cases.push(case("the error handler of the control loop", move || {
        exact::errors_are_handled(systems, flight_apex)
    }));
    let linux = systems.get(LINUX)?;
    let of_linux = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, linux))
    };
    cases.push(of_linux(
        "what was rewritten of Linux is what the list says",
        linux_disassembled,
    ));
    cases.push(of_linux("upstream Linux comes to its shell", linux_boots));
    cases.push(of_linux("and with nothing rewritten", linux_boots_as_it_is));
    cases.push(of_linux("the shell does what it is told", linux_obeys));
    cases.extend(guests::cases(systems)?);
    let uboot = systems.get(UBOOT)?;
    cases.push(case("Debian's U-Boot comes to its prompt", move || {
        uboot_obeys(systems, uboot)
    }));
    cases.extend(wrong_tables::cases(systems, flight)?);
    for name in wrong_tables::OF_NEEDS {
        cases.extend(wrong_tables::cases_of_needs(systems, systems.get(name)?)?);
    }
    Ok(run_all(cases))
}

/// Ring four: one case per attack and kernel. The verdicts go to a file as well.
pub fn attacks(systems: &Systems) -> Result<Tally> {
    attacks_for(systems, ONE_ROUND)
}

/// The same for as long as wanted.
pub fn attacks_for(systems: &Systems, time: Duration) -> Result<Tally> {
    let flight = systems.get(FLIGHT)?;
    let mut tally = Tally::default();
    for kernel in Kernel::ALL {
        let options = systems.options(kernel, time.as_millis() as u64);
        let report = run(flight, &options)?.report;
        let json = serde_json::to_vec_pretty(&report)?;
        let name = format!("attacks-{}.json", kernel.name());
        store(&flight.directory.join(name), &json)?;
        ensure!(!report.attacks.is_empty(), "nobody attacked");
        for attack in &report.attacks {
            let result = match attack.verdict {
                "contained" => Ok(()),
                verdict => Err(anyhow::anyhow!("{verdict}; expected: {}", attack.expected)),
            };
            let title = format!("{} ({}), {} kernel", attack.id, attack.title, kernel.name());
            tally.count(&title, result);
        }
        let others = format!("nobody else noticed, {} kernel", kernel.name());
        tally.count(&others, no_reasons(&report.reasons));
    }
    Ok(tally)
}

/// Fails with the reasons, if there are any.
pub fn no_reasons(reasons: &[String]) -> Result<()> {
    ensure!(reasons.is_empty(), "{}", reasons.join("; "));
    Ok(())
}

/// Fails if one of these partitions began anew or has health events.
pub fn undisturbed<'r>(partitions: impl IntoIterator<Item = &'r PartitionReport>) -> Result<()> {
    for one in partitions {
        ensure!(
            (one.restarts, one.health_events) == (0, 0),
            "{} was restarted {} times, and has {} health events",
            one.name,
            one.restarts,
            one.health_events
        );
    }
    Ok(())
}

/// The reasons are as expected: one that is expected with dots at its end is only how it begins.
fn ensure_equal(reasons: &[String], expected: &[String]) -> Result<()> {
    let is = |(reason, expected): (&String, &String)| {
        let beginning = expected.strip_suffix("...");
        beginning.map_or(reason == expected, |beginning| {
            reason.starts_with(beginning)
        })
    };
    ensure!(
        reasons.len() == expected.len() && reasons.iter().zip(expected).all(is),
        "its reasons are {reasons:?}, expected {expected:?}"
    );
    Ok(())
}

fn runs_well(systems: &Systems, built: &Built, kernel: Kernel) -> Result<()> {
    let outcome = run(built, &systems.options(kernel, 500))?;
    no_reasons(&outcome.report.reasons)?;
    let traced = outcome.snapshot.header().trace.get();
    ensure!(
        (kernel == Kernel::Trace) == (traced > 0),
        "the {} kernel left {traced} events in its trace",
        kernel.name()
    );
    let described = &built.checked.system.partitions;
    for (partition, described) in outcome.report.partitions.iter().zip(described) {
        ensure!(
            partition.cpu_ticks > 0 || !described.autostart,
            "{} never had the processor",
            partition.name
        );
    }
    match kernel {
        Kernel::Trace if BUSY.contains(&built.plan.system.as_str()) => Ok(()),
        Kernel::Trace => timeline::judge(&timeline::of(&outcome.snapshot), built),
        Kernel::Release => Ok(()),
    }
}

/// A run, or one of a variant of the system, leaves in the record what the file says.
pub(crate) fn as_expected(
    systems: &Systems,
    built: &Built,
    kernel: Kernel,
    name: &str,
    expected: &Expected,
) -> Result<Tally> {
    let (built, image) = expected.variant.build(built, kernel)?;
    let folder = tempfile::tempdir_in(&built.directory)?;
    let media = expected.disk.iter();
    let media = media.map(|(device, disk)| disk.make(device, folder.path()));
    let options = Options {
        machine_time: Some(expected.run_for()?),
        resets: expected.resets(),
        until_marks: expected.last_marks(&built),
        media: media.collect::<Result<_>>()?,
        probe: expected.machine.probe(&built)?,
        ..systems.options(kernel, 0)
    };
    let system = built.plan.system.as_str();
    let is_conformity = conformity::SYSTEMS.contains(&system);
    if is_conformity {
        conformity::forget(&built.directory, system, kernel.name())?;
    }
    let (outcome, frames) = match &expected.wire {
        Some(wire) => wire.run(&built, &image, &options)?,
        None => (run_image(&built, &image, &options)?, Vec::new()),
    };
    let mut tally = expected.judge(&built, kernel, &outcome.snapshot);
    if let Some(wire) = &expected.wire {
        tally.add(wire.judge(&frames));
    }
    if is_conformity {
        let (folder, steps) = (&built.directory, expected.steps());
        let noted = conformity::note(folder, system, kernel.name(), &steps, &tally.failed);
        tally.count("the table of conformity", noted);
    }
    let reasons = &outcome.report.reasons;
    let fault = ensure_equal(reasons, &expected.reasons);
    tally.count("the judge of every run", fault);
    let words = expected.judge_words(&built, &outcome.report);
    tally.count("what is said", words);
    tally.add(expected.machine.judge(&built, &image, &options, &outcome));
    for (device, disk) in &expected.disk {
        let judged = disk.judge(device, folder.path());
        tally.count(&format!("what is on {device}"), judged);
    }
    let record = format!("variants/{name}-{}.record", kernel.name());
    let record = built.directory.join(record);
    store(&record, outcome.snapshot.bytes())?;
    for crash in &expected.crash {
        let shown = crash::is_shown(&systems.tree, &built, &record, crash);
        tally.count(&format!("the failure of {}", crash.of), shown);
    }
    Ok(tally)
}

fn same_every_time(systems: &Systems, built: &Built) -> Result<()> {
    let options = systems.options(Kernel::Trace, 300);
    let first = run(built, &options)?;
    let second = run(built, &options)?;
    let (one, other) = (first.snapshot.bytes(), second.snapshot.bytes());
    let difference = one.iter().zip(other).position(|(one, other)| one != other);
    if let Some(offset) = difference {
        bail!("the records differ from byte {offset:#x} on");
    }
    ensure!(
        first.serial == second.serial,
        "the two runs printed different text"
    );
    Ok(())
}

fn on_the_hosts_clock(systems: &Systems, built: &Built) -> Result<()> {
    let options = Options {
        instruction_clock: false,
        ..systems.options(Kernel::Release, 500)
    };
    no_reasons(&run(built, &options)?.report.reasons)
}

/// The time that a clock is set to stays. QEMU takes a time by the host's clock, so that the host's clock has to be the machine's. A minute is
/// more than lies between the setting and the reading.
fn clock_is_set(systems: &Systems, built: &Built) -> Result<()> {
    let options = Options {
        instruction_clock: false,
        ..systems.options(Kernel::Release, 10_000)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains("set to a leap day, it says 2028-02-29 12:00:")
            && text.contains("set back, it says 20"),
        "the clock does not say what it was set to:\n{text}"
    );
    ensure!(
        outcome.report.powered_off_by.as_deref() == Some("power"),
        "the machine was not switched off"
    );
    Ok(())
}

/// A run with no end of its own.
pub fn told_to_stop(systems: &Systems) -> Result<Case<'_>> {
    let flight = systems.get(FLIGHT)?;
    let title = "a run with no end stops when it is told to";
    Ok(case(title, move || stops_when_told(systems, flight)))
}

/// Nobody asks the kernel to stop before the control loop has said how it goes.
fn stops_when_told(systems: &Systems, built: &Built) -> Result<()> {
    let options = Options {
        machine_time: None,
        until: Some(" releases moved by ".to_owned()),
        ..systems.options(Kernel::Release, 0)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let frames = outcome.snapshot.header().major_frames.get();
    ensure!(frames > 0, "it stopped before the first frame was over");
    Ok(())
}

/// Ctrl-T gives the keys to the next partition, and the console says to whom.
fn keys_arrive(systems: &Systems, built: &Built) -> Result<()> {
    const NEXT_PARTITION: u8 = 0x14;
    let options = Options {
        // A key comes when the host's clock says so; by the clock of instructions the run might be over.
        instruction_clock: false,
        moments: vec![Moment::typed("Ctrl-T", vec![NEXT_PARTITION])],
        ..systems.options(Kernel::Release, 1500)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains("keys go to plant"),
        "the console does not say that the keys go to plant:\n{text}"
    );
    Ok(())
}

/// The guest's kernel was rewritten, and GNU's disassembler agrees.
fn linux_disassembled(systems: &Systems, built: &Built) -> Result<()> {
    ensure!(!built.rewritten.is_empty(), "nothing was rewritten");
    let vmlinux = cofferdam_guest::directory(&systems.tree.guests).join("linux/vmlinux");
    crate::rewritten::disassembled(built, &vmlinux)
}

/// The guest comes to its shell, and the control loop beside it keeps its beat.
fn linux_boots(systems: &Systems, built: &Built) -> Result<()> {
    comes_to_its_shell(&systems.run(built, 1000)?)
}

/// If every privileged instruction of the guest's kernel traps, it says the same on its way to the shell, and obeys there.
fn linux_boots_as_it_is(systems: &Systems, built: &Built) -> Result<()> {
    let mut plain = built.clone();
    plain.guests = systems.tree.guests_as_they_are(&built.checked)?;
    let (plain, image) = Variant::default().build(&plain, Kernel::Release)?;
    let options = Options {
        moments: vec![Moment::typed(PROMPT, b"echo answer-$((6*7))\r")],
        ..systems.options(Kernel::Release, 2000)
    };
    let mut consoles = Vec::new();
    for outcome in [run(built, &options)?, run_image(&plain, &image, &options)?] {
        comes_to_its_shell(&outcome)?;
        let text = String::from_utf8_lossy(&outcome.serial).into_owned();
        ensure!(text.contains("answer-42"), "there is no answer:\n{text}");
        consoles.push(up_to_the_prompt(&text));
    }
    let [rewritten, plain] = &consoles[..] else {
        bail!("there are {} consoles", consoles.len());
    };
    for (one, other) in rewritten.iter().zip(plain) {
        ensure!(one == other, "`{one}`, and as it is `{other}`");
    }
    ensure!(
        rewritten.len() == plain.len(),
        "{} lines, and as it is {}",
        rewritten.len(),
        plain.len()
    );
    Ok(())
}

/// What the guest's shell begins its first line with.
const PROMPT: &str = "[linux  ] # ";

/// The lines of the guest up to there, without its times, and without what the stubs of a rewritten kernel take of its memory.
fn up_to_the_prompt(text: &str) -> Vec<String> {
    let console = text.split_once(PROMPT).map_or(text, |(before, _)| before);
    let own = |line: &str| {
        let line = line.strip_prefix("[linux  ] ")?.trim_end();
        let stamp = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        let line = stamp.map_or(line, |(_, rest)| rest);
        let differs = ["K available", "K reserved", "/init runs"];
        Some(if differs.iter().any(|what| line.contains(what)) {
            line.replace(|letter: char| letter.is_ascii_digit(), "")
        } else {
            line.to_owned()
        })
    };
    console.lines().filter_map(own).collect()
}

fn comes_to_its_shell(outcome: &Outcome) -> Result<()> {
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains("cofferdam: /init runs") && text.contains("built-in shell"),
        "the guest did not come to its shell:\n{text}"
    );
    Ok(())
}

/// What is typed at the terminal reaches the guest's shell. Instructions are the clock: however slow the host is, the guest has booted by
/// then, and there is time left for an answer.
fn linux_obeys(systems: &Systems, built: &Built) -> Result<()> {
    let options = Options {
        moments: vec![Moment::typed("built-in shell", b"echo answer-$((6*7))\r")],
        ..systems.options(Kernel::Release, 5000)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(text.contains("answer-42"), "there is no answer:\n{text}");
    Ok(())
}

/// So many lines are typed for U-Boot, each when the last one was answered: a key that comes while it reads another one is not to be lost.
const LINES: usize = 16;

/// U-Boot waits a second for a key, comes to its prompt, and does what it is told; the control loop beside it keeps its beat.
fn uboot_obeys(systems: &Systems, built: &Built) -> Result<()> {
    // No more keys at once than its UART has room for: it has nobody to wait with.
    let mut moments = vec![Moment::typed("=>", b"echo -$baudrate\r")];
    moments.extend((1..LINES).map(|_| Moment::typed("-115200", b"echo -$baudrate\r")));
    let options = Options {
        moments,
        ..systems.options(Kernel::Release, 3000)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    let answers = text.matches("-115200").count();
    ensure!(answers == LINES, "{answers} of {LINES} answers:\n{text}");
    Ok(())
}
