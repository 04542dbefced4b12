//! A native partition that keeps a log on a disk: another implementation of the file system reads what it wrote.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Deed, Moment, Options, run_image};

use crate::images::Fat;
use crate::machines::{Systems, case, no_reasons, run_all, undisturbed};
use crate::parts::Tally;
use crate::variant::Variant;

const LOGGER: &str = "logger";
const DISK: &str = "disk0";
const FILE: &str = "FLIGHT.LOG";
/// How long a run is, in milliseconds. The log has a line twice a second, if the disk is quick.
const RUN_MS: u64 = 20_000;
/// So many lines are there at least.
const LINES: usize = 8;

/// All of it.
pub fn tests(systems: &Systems) -> Result<Tally> {
    let built = systems.get(LOGGER)?;
    Ok(run_all(vec![
        case(
            "a log of the flight is kept while the disk's driver is restarted",
            move || kept(systems, built),
        ),
        case("the health log's entries are in the log", move || {
            with_health(systems, built)
        }),
        case(
            "a log whose clusters go in a circle is left alone",
            move || in_a_circle(systems, built),
        ),
        case("a disk is taken away under a log", move || {
            taken_away(systems, built)
        }),
    ]))
}

/// Runs, and gives what came over the serial line.
fn run(systems: &Systems, built: &Built, image: &[u8], disk: &Fat) -> Result<String> {
    let options = Options {
        media: vec![disk.medium(DISK)],
        moments: vec![Moment::typed("keys go to breaker", b"100\r")],
        ..systems.options(Kernel::Release, RUN_MS)
    };
    let outcome = run_image(built, image, &options)?;
    let text = String::from_utf8_lossy(&outcome.serial).into_owned();
    let restarts = (outcome.report.partitions.iter()).find(|one| one.name == "disk");
    let restarts = restarts.context("there is no driver")?.restarts;
    ensure!(restarts > 10, "the driver was restarted {restarts} times");
    Ok(text)
}

/// The times of the lines with this word, in milliseconds. Every line is whole.
fn times(log: &str, word: &str) -> Result<Vec<u64>> {
    ensure!(log.ends_with('\n'), "the last line is cut off:\n{log}");
    let mut times = Vec::new();
    for line in log.lines() {
        let mut words = line.split(' ');
        let time = words.next().and_then(|time| time.parse().ok());
        let time = time.with_context(|| format!("`{line}` has no time"))?;
        ensure!(words.next() == Some("ms"), "`{line}` is no line of the log");
        if words.next() == Some(word) {
            times.push(time);
        }
    }
    Ok(times)
}

/// Two runs one behind the other: the second one appends.
fn kept(systems: &Systems, built: &Built) -> Result<()> {
    let disk = Fat::make(&built.directory)?;
    let mut before = String::new();
    for _ in 0..2 {
        let text = run(systems, built, built.image(Kernel::Release), &disk)?;
        ensure!(
            text.contains("logging to the disk") && !text.contains("nothing is logged"),
            "the log was not kept:\n{text}"
        );
        let log = disk.read(FILE)?;
        let new = log.strip_prefix(before.as_str());
        let new = new.with_context(|| format!("what was logged before is gone:\n{log}"))?;
        let times = times(new, "flight")?;
        ensure!(
            times.len() >= LINES && times.is_sorted_by(|one, other| one < other),
            "the lines are of these times: {times:?}"
        );
        ensure!(
            new.contains(" pitch +") && new.contains(" elevator "),
            "nothing of the flight is in it:\n{new}"
        );
        before = log;
    }
    Ok(())
}

/// With a deadline that nobody can meet there is something to log.
fn with_health(systems: &Systems, built: &Built) -> Result<()> {
    let flight = |deadline: &str| {
        format!(
            "[partition.flight]\ncrate    = \"partitions/flight\"\nstack    = \"8K\"\nmemory   = \"16K\"\nperiod   = \"10ms\"\ndeadline = \"{deadline}\""
        )
    };
    let variant = Variant::replacing(&flight("1ms"), &flight("1us"));
    let (built, image) = variant.build(built, Kernel::Release)?;
    let disk = Fat::make(&built.directory)?;
    run(systems, &built, &image, &disk)?;
    let log = disk.read(FILE)?;
    ensure!(
        log.contains(" ms health flight: deadline_missed, log\n"),
        "no entry of the health log is in it:\n{log}"
    );
    ensure!(
        !times(&log, "health")?.is_empty() && !times(&log, "flight")?.is_empty(),
        "one kind of lines is missing"
    );
    Ok(())
}

/// What the file system says of the log's clusters has no end: nobody follows it, and everybody else goes on.
fn in_a_circle(systems: &Systems, built: &Built) -> Result<()> {
    const NO_CHAIN: &str = "nothing is logged: the file's clusters are no chain";
    let disk = Fat::make(&built.directory)?;
    let image = built.image(Kernel::Release);
    run(systems, built, image, &disk)?;
    disk.tie_a_loop()?;
    let before = disk.read_raw()?;
    let options = Options {
        media: vec![disk.medium(DISK)],
        until: Some(NO_CHAIN.to_owned()),
        ..systems.options(Kernel::Release, RUN_MS)
    };
    let outcome = run_image(built, image, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(
        text.contains(NO_CHAIN),
        "nobody says what is wrong:\n{text}"
    );
    ensure!(disk.read_raw()? == before, "the disk was changed");
    Ok(())
}

/// What is behind the disk is taken away: whoever logs is told, the driver goes on, and what was logged before is there.
fn taken_away(systems: &Systems, built: &Built) -> Result<()> {
    const FAILS: &str = "nothing is logged: the disk fails";
    let disk = Fat::make(&built.directory)?;
    let options = Options {
        media: vec![disk.medium(DISK)],
        moments: vec![Moment {
            after: "logging to the disk".to_owned(),
            deed: Deed::Removal {
                disk: DISK.to_owned(),
            },
        }],
        until: Some(FAILS.to_owned()),
        ..systems.options(Kernel::Release, RUN_MS)
    };
    let outcome = run_image(built, built.image(Kernel::Release), &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    ensure!(text.contains(FAILS), "nobody says what is wrong:\n{text}");
    undisturbed(&outcome.report.partitions)?;
    ensure!(
        !times(&disk.read(FILE)?, "flight")?.is_empty(),
        "what was logged is gone"
    );
    Ok(())
}
