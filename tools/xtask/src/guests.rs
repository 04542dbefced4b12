//! What is tried on guests in the emulator. Instructions are the clock: however slow the host is, a guest has booted by the time that keys
//! come, and there is time left for an answer.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Options, Outcome, Typed, run};

use crate::machines::{Case, Systems, case, no_reasons};

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
    for ends in &ENDINGS {
        cases.push(case(ends.title, move || ending(systems, one, ends)));
    }
    Ok(cases)
}

/// Types at the terminal when `after` has come. What came over the serial line, with nothing unexpected in the run.
/// `ends`: the guest's partition is stopped in the end.
fn obeyed(
    systems: &Systems,
    built: &Built,
    after: &str,
    keys: &str,
    ends: bool,
) -> Result<(Outcome, String)> {
    let options = Options {
        typed: Some(Typed {
            after: after.to_owned(),
            keys: keys.as_bytes().to_vec(),
        }),
        ..systems.options(Kernel::Release, 10_000)
    };
    let outcome = run(built, &options)?;
    let stops = |reason: &&String| reason.ends_with(": it is stopped");
    let (stopped, others): (Vec<_>, Vec<_>) = (outcome.report.reasons.iter()).partition(stops);
    no_reasons(&others.into_iter().cloned().collect::<Vec<_>>())?;
    ensure!(
        stopped.is_empty() != ends,
        "stopped at the end: {stopped:?}"
    );
    let beside = (outcome.report.partitions.iter()).find(|one| one.name == FLIGHT);
    let moved = beside.context("there is no control loop")?.jitter_ticks();
    ensure!(moved == 0, "releases of {FLIGHT} moved by {moved} ticks");
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    Ok((outcome, text))
}

fn two_guests(systems: &Systems, built: &Built) -> Result<()> {
    let keys = format!(
        "grep MemTotal /proc/meminfo; echo >/tmp/mine; ls /tmp\r{NEXT}grep MemTotal /proc/meminfo; echo beta-$((6*7)); ls /tmp\r"
    );
    let (_, text) = obeyed(systems, built, "[beta   ] # ", &keys, false)?;
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

/// From `/init` to the answer the guest's uptime and the timebase advance alike, although others had the processor in between.
fn clock(systems: &Systems, built: &Built) -> Result<()> {
    let keys = "sleep 1; echo clock $(timebase) $(cat /proc/uptime)\r";
    let (_, text) = obeyed(systems, built, SHELL, keys, false)?;
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
    let (outcome, text) = obeyed(systems, built, SHELL, keys, false)?;
    let events: u32 = (outcome.report.partitions.iter())
        .map(|one| one.health_events)
        .sum();
    ensure!(events == 0, "{events} health events:\n{text}");
    ensure!(text.contains("answer-42"), "there is no answer:\n{text}");
    Ok(())
}

fn ending(systems: &Systems, built: &Built, ends: &Ends) -> Result<()> {
    let (outcome, text) = obeyed(systems, built, SHELL, ends.keys, ends.boots == 1)?;
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
