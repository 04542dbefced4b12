//! What is tried on guests in the emulator. Instructions are the clock: however slow the host is, a guest has booted by the time that keys
//! come, and there is time left for an answer.

use anyhow::{Context, Result, ensure};
use cofferdam_abi::record::PartitionState;
use cofferdam_build::{Built, Kernel, store};
use cofferdam_run::{Moment, Options, Outcome, run_image};
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use crate::guest_attacks::built_as;
use crate::machines::{Case, Systems, case, no_reasons};
use crate::variant::Variant;

/// The system with one guest, and what comes when its shell reads keys: those that come before it has the terminal are lost.
const LINUX: &str = "linux";
const SHELL: &str = "[linux  ] # ";
/// The system with two.
const TWO: &str = "two_linux";
/// The control loop beside them.
const FLIGHT: &str = "flight";
/// What comes when the guest's kernel runs, once a boot.
const BOOTED: &str = "cofferdam: /init runs";
/// Gives the keys to the next partition.
const NEXT: &str = "\x14";

/// How a guest is made to end, and what that has to lead to.
struct Ends {
    title: &'static str,
    keys: &'static str,
    /// The detail of the health event: `guest_monitor::devices::Ending`.
    detail: u32,
    /// What the monitor says.
    says: &'static str,
    /// How often the guest boots in all.
    boots: usize,
}

const ENDINGS: [Ends; 5] = [
    Ends {
        title: "a guest reboots",
        keys: "reboot -f\r",
        detail: 0x4755_0001,
        says: "the guest asks for a reset",
        boots: 2,
    },
    Ends {
        title: "a guest is switched off",
        keys: "poweroff -f\r",
        detail: 0x4755_0002,
        says: "the guest turned its power off",
        boots: 1,
    },
    Ends {
        title: "a guest panics",
        keys: "echo c >/proc/sysrq-trigger\r",
        detail: 0x4755_0003,
        says: "the guest panics",
        boots: 2,
    },
    // Its handler of the timer becomes a branch to itself, with interrupts off.
    Ends {
        title: "a guest keeps its interrupts off for ever",
        keys: "devmem 0x$(grep ' timer_interrupt$' /proc/kallsyms | cut -c2-8) 32 0x48000000\r",
        detail: 0x4755_0004,
        says: "the guest hangs",
        boots: 2,
    },
    // Whoever kept the processor's watchdog quiet does no more, and has not said that it may stop.
    Ends {
        title: "nobody keeps a guest's watchdog quiet",
        keys: "watchdog -F -T 1 -t 500ms /dev/watchdog & sleep 2; kill -STOP $!\r",
        detail: 0x4755_0004,
        says: "the guest hangs",
        boots: 2,
    },
];

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let (one, two) = (systems.get(LINUX)?, systems.get(TWO)?);
    let mut cases = vec![
        case("two Linux guests do not see each other", move || {
            two_guests(systems, two)
        }),
        case("a guest's clock is the machine's", move || {
            clock(systems, one)
        }),
        case("a guest that keeps its watchdog quiet goes on", move || {
            goes_on(systems, one)
        }),
    ];
    for attack in ["linux.memory_read", "linux.page_tables"] {
        let title = format!("{attack} beside another Linux guest");
        cases.push(case(title, move || beside_an_attack(systems, two, attack)));
    }
    cases.push(case("what a user gives a guest arrives there", move || {
        own_files(systems, one)
    }));
    for ends in &ENDINGS {
        cases.push(case(ends.title, move || ending(systems, one, ends)));
    }
    Ok(cases)
}

/// Types at the terminal when `after` has come. What came over the serial line, with nothing unexpected in the run.
fn obeyed(systems: &Systems, built: &Built, after: &str, keys: &str) -> Result<(Outcome, String)> {
    obeyed_by(systems, built, built.image(Kernel::Release), after, keys)
}

/// The same of an image.
fn obeyed_by(
    systems: &Systems,
    built: &Built,
    image: &[u8],
    after: &str,
    keys: &str,
) -> Result<(Outcome, String)> {
    let options = Options {
        moments: vec![Moment::typed(after, keys)],
        ..systems.options(Kernel::Release, 10_000)
    };
    let outcome = run_image(built, image, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    Ok((outcome, text))
}

fn two_guests(systems: &Systems, built: &Built) -> Result<()> {
    let keys = format!(
        "grep MemTotal /proc/meminfo; cd; echo >mine; ls -1\r{NEXT}grep MemTotal /proc/meminfo; echo beta-$((6*7)); cd; ls -1\r"
    );
    let (_, text) = obeyed(systems, built, "[beta   ] # ", &keys)?;
    for (partition, line) in [("alpha", "mine"), ("beta", "beta-42")] {
        let own = format!("[{partition:<7}] {line}\r\n");
        ensure!(text.contains(&own), "{partition} does not say it:\n{text}");
        let count = text.matches(&format!("] {line}\r\n")).count();
        ensure!(count == 1, "another guest says {line} too:\n{text}");
        let memory = number_behind(&text, &format!("[{partition:<7}] MemTotal:"))?;
        let whole = (built.checked.system.partitions.iter())
            .find_map(|one| one.guest.as_ref())
            .map_or(0, |guest| *guest.memory_bytes >> 10);
        ensure!(
            memory > 0 && memory < whole,
            "{partition} sees {memory} KiB of its {whole}"
        );
    }
    Ok(())
}

/// One guest attacks, as `linux_attacks` does; the other one boots and obeys, and nobody has a health event.
fn beside_an_attack(systems: &Systems, built: &Built, attack: &str) -> Result<()> {
    let before = "[partition.alpha.guest]\nmemory    = \"64M\"\narguments = \"norandmaps";
    let variant = Variant::replacing(before, &format!("{before} attack={attack}"));
    let (built, image) = built_as(systems, built, Kernel::Release, &variant)?;
    let keys = format!("{NEXT}echo beta-$((6*7))\r");
    let (outcome, text) = obeyed_by(systems, &built, &image, "[beta   ] # ", &keys)?;
    let of_attack = (outcome.report.attacks.iter()).find(|one| one.id == attack);
    let verdict = of_attack.map_or("not_tried", |one| one.verdict);
    ensure!(verdict == "contained", "{verdict}:\n{text}");
    ensure!(
        text.contains("[beta   ] beta-42\r\n"),
        "beta does not answer:\n{text}"
    );
    let events: u32 = (outcome.report.partitions.iter())
        .map(|one| one.health_events)
        .sum();
    ensure!(events == 0, "{events} health events:\n{text}");
    Ok(())
}

/// A first file system, an overlay and arguments of a user's own: the guest shows a word of each.
fn own_files(systems: &Systems, built: &Built) -> Result<()> {
    let archive = with_file(systems, "own-file", b"own-content\n")?;
    let file = |name: &str| built.directory.join(name);
    let (initramfs, overlay) = (file("own.cpio"), file("own.dtb"));
    store(&initramfs, &archive)?;
    store(&overlay, &own_overlay()?)?;
    let before = "arguments    = \"norandmaps address=10.0.2.16/24 gateway=10.0.2.2\"";
    let after = format!(
        "arguments = \"norandmaps own=argument\"\ninitramfs = \"{}\"\noverlay = \"{}\"",
        initramfs.display(),
        overlay.display()
    );
    let variant = Variant::replacing(before, &after);
    let (built, image) = built_as(systems, built, Kernel::Release, &variant)?;
    let keys = "cat /own-file; cat /proc/cmdline; echo $(cat /proc/device-tree/chosen/own,note)\r";
    let (_, text) = obeyed_by(systems, &built, &image, SHELL, keys)?;
    for line in ["own-content", "norandmaps own=argument", "own-property"] {
        let shown = format!("[linux  ] {line}\r\n");
        ensure!(text.contains(&shown), "it does not show `{line}`:\n{text}");
    }
    Ok(())
}

/// The guest's first file system, with one file more, or another one of this name.
pub fn with_file(systems: &Systems, name: &str, content: &[u8]) -> Result<Vec<u8>> {
    let built_guest = cofferdam_guest::directory(&systems.tree().guests);
    let mut archive = std::fs::read(built_guest.join("initramfs.cpio.gz"))?;
    // Linux goes on behind the first archive, at a multiple of four.
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(archived(name, content));
    archive.extend(archived("TRAILER!!!", b""));
    Ok(archive)
}

/// The system with a file in its guest's first file system, its name and content, and with other words in its own file. `arguments` is
/// the line there with the guest's boot arguments, which `more` is added to.
pub fn given(
    systems: &Systems,
    built: &Built,
    (name, content): (&str, &str),
    (arguments, more): (&str, &str),
    others: &[(&str, &str)],
) -> Result<(Built, Vec<u8>)> {
    let folder = tempfile::tempdir_in(&built.directory)?;
    let archive = folder.path().join("own.cpio");
    store(&archive, &with_file(systems, name, content.as_bytes())?)?;
    let line = arguments.strip_suffix('"').unwrap_or(arguments);
    let replaced = format!("{line} {more}\"\ninitramfs = \"{}\"", archive.display());
    let mut pairs = vec![(arguments, replaced.as_str())];
    pairs.extend(others);
    built_as(
        systems,
        built,
        Kernel::Release,
        &Variant::replacing_all(&pairs),
    )
}

/// A file in an archive (Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`).
pub fn archived(name: &str, content: &[u8]) -> Vec<u8> {
    const PROGRAM: usize = 0o100_755;
    let (size, name_bytes) = (content.len(), name.len() + 1);
    let mut entry = b"070701".to_vec();
    for field in [1, PROGRAM, 0, 0, 1, 0, size, 0, 0, 0, 0, name_bytes, 0] {
        entry.extend(format!("{field:08x}").bytes());
    }
    entry.extend(name.bytes());
    entry.resize((entry.len() + 1).next_multiple_of(4), 0);
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(4), 0);
    entry
}

/// An overlay that adds a property to `/chosen`.
fn own_overlay() -> Result<Vec<u8>> {
    let wrong = |error: dtoolkit::error::ModelError| anyhow::anyhow!("{error}");
    let mut added = DeviceTreeNode::new("__overlay__").map_err(wrong)?;
    added.add_property(DeviceTreeProperty::new("own,note", "own-property").map_err(wrong)?);
    let mut fragment = DeviceTreeNode::new("fragment@0").map_err(wrong)?;
    fragment.add_property(DeviceTreeProperty::new("target-path", "/chosen").map_err(wrong)?);
    fragment.add_child(added);
    let mut tree = DeviceTree::new();
    tree.root.add_child(fragment);
    Ok(tree.to_dtb())
}

/// From `/init` to the answer the guest's uptime and the timebase advance alike, although others had the processor in between.
fn clock(systems: &Systems, built: &Built) -> Result<()> {
    let keys = "sleep 1; echo clock $(timebase) $(cat /proc/uptime)\r";
    let (_, text) = obeyed(systems, built, SHELL, keys)?;
    let first = number_behind(&text, "/init runs, at tick ")?;
    let began = hundredths(&text, "of the timebase, ")?;
    // The line that was typed is shown too: it has no number.
    let answer = text.rfind("] clock ").context("there is no answer")?;
    let answer = &text[answer..];
    let ticks = number_behind(answer, "] clock ")? - first;
    let second = ticks * 100 / built.plan.timebase_hz;
    let uptime = answer.split_whitespace().nth(3).context("no uptime")?;
    let uptime = hundredths(uptime, "")? - began;
    ensure!(
        second >= 100 && uptime.abs_diff(second) <= 2,
        "the guest counts {uptime} hundredths of a second, the machine {second}:\n{text}"
    );
    Ok(())
}

fn goes_on(systems: &Systems, built: &Built) -> Result<()> {
    let keys = "watchdog -T 1 -t 500ms /dev/watchdog; sleep 4; echo answer-$((6*7))\r";
    let (outcome, text) = obeyed(systems, built, SHELL, keys)?;
    let events: u32 = (outcome.report.partitions.iter())
        .map(|one| one.health_events)
        .sum();
    ensure!(events == 0, "{events} health events:\n{text}");
    ensure!(text.contains("answer-42"), "there is no answer:\n{text}");
    Ok(())
}

fn ending(systems: &Systems, built: &Built, ends: &Ends) -> Result<()> {
    let (outcome, text) = obeyed(systems, built, SHELL, ends.keys)?;
    let partitions = &built.plan.partitions;
    let index = (partitions.iter().position(|one| one.name == LINUX)).context("no guest")?;
    let stopped = outcome.snapshot.partition(index).state == PartitionState::Stopped as u32;
    ensure!(
        stopped == (ends.boots == 1),
        "whether it is stopped at the end: {stopped}"
    );
    let details: Vec<_> = (outcome.snapshot.health().into_iter())
        .map(|entry| entry.detail.get())
        .collect();
    ensure!(
        details == [ends.detail],
        "the details of its health events are {details:#x?}:\n{text}"
    );
    ensure!(
        text.contains(ends.says),
        "its monitor does not say it:\n{text}"
    );
    let boots = text.matches(BOOTED).count();
    ensure!(
        boots == ends.boots,
        "it booted {boots} times, expected {}:\n{text}",
        ends.boots
    );
    Ok(())
}

/// The number that stands behind some text.
fn number_behind(text: &str, before: &str) -> Result<u64> {
    let (_, rest) = text
        .split_once(before)
        .with_context(|| format!("there is no `{before}`:\n{text}"))?;
    let digits: String = (rest.trim_start().chars())
        .take_while(char::is_ascii_digit)
        .collect();
    digits
        .parse()
        .with_context(|| format!("no number behind `{before}`"))
}

/// The same of one with two decimals, in hundredths.
fn hundredths(text: &str, before: &str) -> Result<u64> {
    let whole = number_behind(text, before)?;
    let decimals = number_behind(text, &format!("{before}{whole}."))?;
    Ok(whole * 100 + decimals)
}
