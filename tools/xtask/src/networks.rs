//! What comes to a system by its network, from the host.
//!
//! Instructions are the clock, so that the beat of the control loop is judged to the tick; when something comes from outside is the host's
//! doing, and differs from run to run.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Options, Outcome, Outside, PartitionReport, free_port, run};

use crate::machines::{Case, Systems, case, no_reasons};

/// The system with a page.
const NETWORK: &str = "network";
/// Who keeps the beat.
const LOOP: [&str; 2] = ["flight", "plant"];
/// So long a run with somebody outside takes, in the machine's time: an idle machine's goes faster than the host's.
const RUN_MS: u64 = 60_000;
/// So many pages are fetched.
const PAGES: usize = 5;
/// So many questions are answered in the flood, and so many frames of it come with each.
const ANSWERS: u32 = 200;
const FRAMES_OF_QUESTION: u32 = 20;
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

/// Pages are fetched while the system runs, until so many show steps of the control loop of which each is later than the one before. Two may be
/// fetched within one step: then they show the same.
fn page_lives(systems: &Systems, built: &Built) -> Result<()> {
    let port = free_port()?;
    let (outcome, pages) = beside(systems, built, Outside::Port(port), |over| {
        let mut pages: Vec<String> = Vec::new();
        while pages.len() < PAGES && !over.load(Ordering::Relaxed) {
            match fetch(port) {
                Ok(page) if step(&page).is_some() => {
                    if pages.last().is_none_or(|last| step(last) != step(&page)) {
                        pages.push(page);
                    }
                }
                // It has not booted yet.
                _ => thread::sleep(Duration::from_millis(20)),
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

/// Frames of all kinds come as fast as the host sends them, and questions among them. The control loop keeps its beat, and the partition behind the
/// switch answers: so many questions that the flood has come as well, whatever of it is lost on the way.
fn flood(systems: &Systems, built: &Built) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = socket.local_addr()?.port();
    let to_machine = udp_port()?;
    let outside = Outside::Frames(to_machine, own);
    let (outcome, answers) = beside(systems, built, outside, move |over| {
        socket.connect((Ipv4Addr::LOCALHOST, to_machine))?;
        socket.set_nonblocking(true)?;
        let (mut number, mut answers) = (0, 0);
        while answers < ANSWERS && !over.load(Ordering::Relaxed) {
            for _ in 0..FRAMES_OF_QUESTION {
                sends(&socket, &frame_of_flood(number))?;
                number += 1;
            }
            sends(&socket, &question())?;
            answers += answers_of(&socket);
        }
        Ok(answers)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(
        answers >= ANSWERS,
        "{answers} questions were answered; it should have been {ANSWERS}"
    );
    Ok(())
}

/// One of the frames that flood: to everybody, to nobody, to the partition, from whom they are not, too short, and as long as can be.
fn frame_of_flood(number: u32) -> Vec<u8> {
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

/// Asks who has the partition's address (RFC 826).
fn question() -> Vec<u8> {
    [
        &BROADCAST[..],
        &OUTSIDE,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
        &OUTSIDE,
        &OUTSIDE_ADDRESS,
        &[0; 6],
        &ADDRESS,
        &[0; 18],
    ]
    .concat()
}

/// How many answers have come.
fn answers_of(socket: &UdpSocket) -> u32 {
    let mut frame = [0; 2048];
    let mut answers = 0;
    while let Ok(length) = socket.recv(&mut frame) {
        let is_answer = length >= 42 && frame[12..14] == [8, 6] && frame[20..22] == [0, 2];
        let is_right = frame[..6] == OUTSIDE && frame[6..12] == STATION && frame[28..32] == ADDRESS;
        answers += u32::from(is_answer && is_right);
    }
    answers
}

/// Sends a frame, if there is somebody to take it.
fn sends(socket: &UdpSocket, frame: &[u8]) -> Result<()> {
    match socket.send(frame) {
        // QEMU has not begun yet, or is over; or it takes them more slowly.
        Err(error)
            if !matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::WouldBlock
            ) =>
        {
            Err(error.into())
        }
        _ => Ok(()),
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
