//! What comes to a system by its network, from the host.
//!
//! Instructions are the clock, so that the beat of the control loop is judged to the tick; when something comes from outside is the host's
//! doing, and differs from run to run.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Options, Outcome, Outside, PartitionReport, free_port, run};

use crate::machines::{Case, Systems, case, no_reasons};

/// The system with a page.
const NETWORK: &str = "network";
/// Who keeps the beat.
const LOOP: [&str; 2] = ["flight", "plant"];
/// Who has the device.
const DRIVER: &str = "network";
/// With more time than that the driver was flooded; on a silent network it has a twentieth of it.
const FLOODED_TICKS: u64 = 1_000_000;
/// So long a run with somebody outside takes, in the machine's time: an idle machine's goes faster than the host's.
const RUN_MS: u64 = 60_000;
/// So many pages are fetched.
const PAGES: usize = 5;
/// So long the flood lasts.
const FLOOD: Duration = Duration::from_secs(1);
/// So long the host waits for the machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// The partition `status` on the network, as the system's file says, and its address.
const STATION: [u8; 6] = [2, 0, 0, 0, 1, 1];
const ADDRESS: [u8; 4] = [10, 0, 2, 15];
/// Who asks for it.
const OUTSIDE: [u8; 6] = [2, 0, 0, 0, 9, 9];
const OUTSIDE_ADDRESS: [u8; 4] = [10, 0, 2, 77];
const BROADCAST: [u8; 6] = [0xff; 6];

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(NETWORK)?;
    let of_network = |title: &str, action: fn(&Systems, &Built) -> Result<()>| {
        case(title, move || action(systems, built))
    };
    Ok(vec![
        of_network("the page is fetched, and lives", page_lives),
        of_network("frames flood in from outside", flood),
        of_network("two runs on a silent network are the same", silent),
    ])
}

/// Pages are fetched while the system runs, and each shows a later step of the control loop.
fn page_lives(systems: &Systems, built: &Built) -> Result<()> {
    let port = free_port()?;
    let (outcome, pages) = beside(systems, built, Outside::Port(port), |over| {
        let mut pages: Vec<String> = Vec::new();
        while pages.len() < PAGES && !over.load(Ordering::Relaxed) {
            match fetch(port) {
                Ok(page) if page.ends_with("</table>") => pages.push(page),
                // It has not booted yet.
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
        Ok(pages)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(
        pages.len() == PAGES,
        "of {PAGES} pages {} came",
        pages.len()
    );
    let mut last = None;
    for page in &pages {
        ensure!(page.starts_with("HTTP/1.1 200 OK\r\n"), "no page:\n{page}");
        let step = step(page).with_context(|| format!("no step of the loop in:\n{page}"))?;
        ensure!(
            last.is_none_or(|last| step > last),
            "step {step} came after {last:?}"
        );
        last = Some(step);
        for partition in ["flight", "plant", "terminal", "network"] {
            let row = format!("<tr><td>{partition}<td>");
            ensure!(page.contains(&row), "nothing of {partition} in:\n{page}");
        }
    }
    Ok(())
}

/// The number of the control loop's step on a page.
fn step(page: &str) -> Option<u64> {
    let (_, rest) = page.split_once("id=\"step\">")?;
    let end = rest.find('<')?;
    rest[..end].parse().ok()
}

fn fetch(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// Frames of all kinds come as fast as the host sends them. The control loop keeps its beat, and afterwards the partition behind the switch answers.
fn flood(systems: &Systems, built: &Built) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = socket.local_addr()?.port();
    let to_machine = udp_port()?;
    let outside = Outside::Frames(to_machine, own);
    let (outcome, answered) = beside(systems, built, outside, move |over| {
        socket.connect((Ipv4Addr::LOCALHOST, to_machine))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        // It has booted when it answers.
        ensure!(asks(&socket, over)?, "it does not answer at all");
        let mut sent = 0u64;
        let began = Instant::now();
        while began.elapsed() < FLOOD && !over.load(Ordering::Relaxed) {
            sent += u64::from(sends(&socket, &frame_of_flood(sent))?);
        }
        ensure!(sent > 1000, "only {sent} frames were sent");
        asks(&socket, over)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(answered, "it does not answer any more");
    let driver = partition(&outcome, DRIVER)?;
    ensure!(
        driver.cpu_ticks > FLOODED_TICKS,
        "the driver had the processor for {} ticks: that is no flood",
        driver.cpu_ticks
    );
    Ok(())
}

/// One of the frames that flood: to everybody, to nobody, to the partition, from whom they are not, too short, and as long as can be.
fn frame_of_flood(number: u64) -> Vec<u8> {
    let (to, from) = match number % 5 {
        0 => (BROADCAST, OUTSIDE),
        1 => (STATION, OUTSIDE),
        2 => (STATION, STATION),
        3 => (OUTSIDE, BROADCAST),
        _ => ([3; 6], [0; 6]),
    };
    let length = [60, 1500, 3, 14, 200][(number / 5 % 5) as usize];
    let mut frame = [&to[..], &from[..], &[8, 0, 0x45, 0]].concat();
    frame.extend((0..length).map(|at| (number as usize * at) as u8));
    frame.truncate(length.min(1514));
    frame
}

/// Asks who has the partition's address (RFC 826), until an answer comes. Whether one came.
fn asks(socket: &UdpSocket, over: &AtomicBool) -> Result<bool> {
    let question = [
        &BROADCAST[..],
        &OUTSIDE,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
        &OUTSIDE,
        &OUTSIDE_ADDRESS,
        &[0; 6],
        &ADDRESS,
        &[0; 18],
    ]
    .concat();
    let mut frame = [0; 2048];
    while !over.load(Ordering::Relaxed) {
        sends(socket, &question)?;
        let Ok(length) = socket.recv(&mut frame) else {
            continue;
        };
        let is_answer = length >= 42 && frame[12..14] == [8, 6] && frame[20..22] == [0, 2];
        if is_answer && frame[..6] == OUTSIDE && frame[6..12] == STATION && frame[28..32] == ADDRESS
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sends a frame. Whether somebody was there to take it.
fn sends(socket: &UdpSocket, frame: &[u8]) -> Result<bool> {
    match socket.send(frame) {
        Ok(_) => Ok(true),
        // QEMU has not begun yet, or is over.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A port of UDP that nobody has at the moment.
fn udp_port() -> Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(socket.local_addr()?.port())
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

/// Runs the system, and beside it whoever is outside; they are told when the run is over.
fn beside<T: Send>(
    systems: &Systems,
    built: &Built,
    outside: Outside,
    visit: impl FnOnce(&AtomicBool) -> Result<T> + Send,
) -> Result<(Outcome, T)> {
    let options = Options {
        outside,
        ..systems.options(Kernel::Release, RUN_MS)
    };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let visitor = scope.spawn(|| visit(&over));
        let outcome = run(built, &options);
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

fn partition<'a>(outcome: &'a Outcome, name: &str) -> Result<&'a PartitionReport> {
    let mut partitions = outcome.report.partitions.iter();
    let found = partitions.find(|one| one.name == name);
    found.with_context(|| format!("there is no {name}"))
}
