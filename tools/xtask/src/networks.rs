//! What comes to systems by their networks, from the host and from guests.
//!
//! Instructions are the clock, so that the beat of the control loop is judged to the tick; when something comes from outside is the host's
//! doing, and differs from run to run. So nothing is judged by when it comes: a visitor goes on until what came is enough, and then the run ends.

mod address;
mod browser;
mod frames;
mod linux;
mod shape;
mod transfer;
mod trouble;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Options, Outcome, Outside, PartitionReport, free_port, run};

pub use frames::Wire as Cable;

use crate::machines::{Systems, case, no_reasons, run_all, undisturbed};
use crate::parts::Tally;

pub use transfer::{CAMPAIGN_INTERVAL_MS, CAMPAIGN_MEBIBYTES, campaign};

/// The system with a page.
const NETWORK: &str = "network";
/// The system with a page, and Linux.
const LINUX: &str = "linux";
/// Who keeps the beat.
const LOOP: [&str; 2] = ["flight", "plant"];
/// The longest that a run with somebody outside takes, in the machine's time: an idle machine's goes much faster than the host's.
const LONGEST_MS: u64 = 3 * 3_600_000;
/// So many pages are fetched.
const PAGES: usize = 5;
/// So long the host waits for one answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(5);

/// All of it.
pub fn tests(systems: &Systems) -> Result<Tally> {
    let built = systems.get(NETWORK)?;
    let of_network = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, built))
    };
    let mut cases = vec![
        of_network("the page is fetched, and lives", page_lives),
        of_network("two runs on a silent network are the same", silent),
    ];
    cases.extend(frames::cases(systems, built));
    cases.extend(linux::cases(systems)?);
    cases.extend(trouble::cases(systems)?);
    cases.extend(shape::cases(systems)?);
    cases.extend(transfer::cases(systems)?);
    cases.push(case(
        "the page is where the command says",
        address::is_there,
    ));
    cases.push(browser::case(systems)?);
    Ok(run_all(cases))
}

/// Pages are fetched while the system runs, until so many show steps of the control loop of which each is later than the one before. Two may be
/// fetched within one step: then they show the same.
fn page_lives(systems: &Systems, built: &Built) -> Result<()> {
    let port = free_port()?;
    let options = visited(systems, Outside::Port(port));
    let (outcome, pages) = beside(built, options, |over| {
        let mut pages: Vec<String> = Vec::new();
        while pages.len() < PAGES {
            let Some(page) = page(port, over, |_| true) else {
                break;
            };
            if pages.last().is_none_or(|last| step(last) != step(&page)) {
                pages.push(page);
            }
        }
        Ok(pages)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(
        pages.len() == PAGES,
        "of {PAGES} pages with different steps {} came",
        pages.len()
    );
    let mut last = None;
    for page in &pages {
        ensure!(page.starts_with("HTTP/1.1 200 OK\r\n"), "no page:\n{page}");
        let step = step(page);
        ensure!(step > last, "step {step:?} came after {last:?}");
        last = step;
        for partition in ["flight", "plant", "terminal", "network"] {
            let row = format!("<tr><td>{partition}<td>");
            ensure!(page.contains(&row), "nothing of {partition} in:\n{page}");
        }
    }
    Ok(())
}

/// The next page that shows a step of the control loop and `enough` else. `None`: the run is over.
fn page(port: u16, over: &AtomicBool, enough: impl Fn(&str) -> bool) -> Option<String> {
    while !over.load(Ordering::Relaxed) {
        match fetch(port) {
            Ok(page) if step(&page).is_some() && enough(&page) => return Some(page),
            // It has not booted yet, or is at a moment at which it does not know everything.
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
    None
}

/// The number of the control loop's step on a page.
fn step(page: &str) -> Option<u64> {
    let (_, rest) = page.split_once("id=\"step\">")?;
    let end = rest.find('<')?;
    rest[..end].trim_end().parse().ok()
}

fn fetch(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// A page of the host's own, on the address that is 10.0.2.2 on QEMU's network.
struct Host {
    listener: TcpListener,
    port: u16,
}

impl Host {
    fn new() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Answers whoever asks next with a line of text. What was asked; `None`: the run is over.
    fn serve(&self, over: &AtomicBool, line: &str) -> Result<Option<String>> {
        while !over.load(Ordering::Relaxed) {
            let Ok((mut stream, _)) = self.listener.accept() else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or(0);
            let answer = format!("HTTP/1.0 200 OK\r\n\r\n{line}\n");
            if stream.write_all(answer.as_bytes()).is_ok() && length > 0 {
                let request = String::from_utf8_lossy(&request[..length]);
                return Ok(Some(request.into_owned()));
            }
        }
        Ok(None)
    }
}

/// A network on which nobody says anything changes nothing.
fn silent(systems: &Systems, built: &Built) -> Result<()> {
    let options = systems.options(Kernel::Trace, 300);
    let (first, second) = (run(built, &options)?, run(built, &options)?);
    no_reasons(&first.report.reasons)?;
    ensure!(
        first.snapshot.bytes() == second.snapshot.bytes(),
        "the records differ"
    );
    Ok(())
}

/// How to run a system to which somebody comes from outside.
fn visited(systems: &Systems, outside: Outside) -> Options {
    Options {
        outside,
        ..systems.options(Kernel::Release, LONGEST_MS)
    }
}

/// Runs a system, and beside it whoever is outside. When they have had enough the run ends; and if it ends before, they are told.
fn beside<T: Send>(
    built: &Built,
    options: Options,
    visit: impl FnOnce(&AtomicBool) -> Result<T> + Send,
) -> Result<(Outcome, T)> {
    let enough = Arc::new(AtomicBool::new(false));
    let options = Options {
        enough: Some(enough.clone()),
        ..options
    };
    meanwhile(
        |over| {
            let visited = visit(over);
            enough.store(true, Ordering::Relaxed);
            visited
        },
        || run(built, &options),
    )
}

/// Runs a system, and beside it whoever is outside, who is told when the run is over.
fn meanwhile<T: Send>(
    visit: impl FnOnce(&AtomicBool) -> Result<T> + Send,
    run: impl FnOnce() -> Result<Outcome>,
) -> Result<(Outcome, T)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let visitor = scope.spawn(|| visit(&over));
        let outcome = run();
        over.store(true, Ordering::Relaxed);
        let visited = visitor.join().ok().context("the visitor gave up")?;
        Ok((outcome?, visited?))
    })
}

fn keeps_its_beat(outcome: &Outcome) -> Result<()> {
    no_reasons(&outcome.report.reasons)?;
    for name in LOOP {
        let found = partition(outcome, name)?;
        ensure!(
            found.releases > 0 && found.deadlines_missed == 0 && found.jitter_ticks() == 0,
            "{name} missed {} of {} releases, which moved by {} ticks",
            found.deadlines_missed,
            found.releases,
            found.jitter_ticks()
        );
    }
    Ok(())
}

/// Behind the end of the network's driver: no release of the loop has moved, and nobody else has noticed.
fn all_go_on(outcome: &Outcome) -> Result<()> {
    for name in LOOP {
        let moved = partition(outcome, name)?.jitter_ticks();
        ensure!(moved == 0, "releases of {name} moved by {moved} ticks");
    }
    undisturbed([
        partition(outcome, "status")?,
        partition(outcome, "linux")?,
        partition(outcome, "disk")?,
    ])
}

fn partition<'a>(outcome: &'a Outcome, name: &str) -> Result<&'a PartitionReport> {
    let mut partitions = outcome.report.partitions.iter();
    let found = partitions.find(|one| one.name == name);
    found.with_context(|| format!("there is no {name}"))
}
