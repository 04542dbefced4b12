//! Frames from outside, as no network should have them: what is in them, and how many.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::HealthRecord;
use cofferdam_build::Built;
use cofferdam_run::{Outcome, Outside};

use super::{LOOP, beside, keeps_its_beat, partition, visited};
use crate::machines::{Case, Systems, case};
use crate::parts::Tally;

/// So many questions are answered in a flood, and so many frames of it come with each.
const ANSWERS: u32 = 200;
const FRAMES_OF_QUESTION: u32 = 100;
/// A busy host sends them so slowly that no limit is reached: then the flood comes again, each time so many times as long, and so often at the most.
const LONGER: u32 = 4;
const FLOODS: u32 = 4;
/// Who has the device, and the device.
const DRIVER: &str = "network";
const DEVICE: &str = "network0";
/// So many questions are answered behind all malformed frames.
const ANSWERS_AFTER: u32 = 10;
/// The partition `status` on the network, as the system's file says, and its address.
const STATUS: Station = Station {
    hardware: [2, 0, 0, 0, 1, 1],
    address: [10, 0, 2, 15],
};
/// Who asks for it.
const OUTSIDE: Station = Station {
    hardware: [2, 0, 0, 0, 9, 9],
    address: [10, 0, 2, 77],
};
const BROADCAST: [u8; 6] = [0xff; 6];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;

/// Somebody on a network.
#[derive(Clone, Copy)]
pub struct Station {
    pub hardware: [u8; 6],
    pub address: [u8; 4],
}

/// All of it.
pub fn cases<'a>(systems: &'a Systems, built: &'a Built) -> Vec<Case<'a>> {
    vec![
        floods(systems, built, "frames flood in from outside", STATUS),
        case("malformed frames come from outside", move || {
            malformed(systems, built)
        }),
    ]
}

/// A flood, in which this station is asked.
pub fn floods<'a>(systems: &'a Systems, built: &'a Built, title: &str, asked: Station) -> Case<'a> {
    let flooded = move || flood(systems, built, asked);
    (title.to_owned(), Box::new(flooded))
}

/// What whoever asks does in between, if there is nothing else: else a station is asked a thousand times before it has booted.
pub fn pause() -> Result<()> {
    thread::sleep(Duration::from_millis(1));
    Ok(())
}

/// A cable: its end outside, and the machine's.
pub struct Wire {
    socket: UnixDatagram,
    machine: Arc<UnixDatagram>,
}

impl Wire {
    pub fn new() -> Result<Self> {
        let (socket, machine) = UnixDatagram::pair()?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            machine: Arc::new(machine),
        })
    }

    /// The machine's end.
    pub fn outside(&self) -> Outside {
        Outside::Frames(self.machine.clone())
    }

    /// Sends a frame, if there is room for it: QEMU has not begun yet, or takes them more slowly. Whether there was.
    pub fn send(&self, frame: &[u8]) -> Result<bool> {
        match self.socket.send(frame) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The frames that have come.
    pub fn received(&self) -> impl Iterator<Item = Vec<u8>> {
        std::iter::from_fn(|| {
            let mut frame = vec![0; 2048];
            let length = self.socket.recv(&mut frame).ok()?;
            frame.truncate(length);
            Some(frame)
        })
    }

    /// How many answers of a station have come to the question who it is.
    pub fn answers(&self, of: Station) -> u32 {
        let mut answers = 0;
        for frame in self.received() {
            let is_answer = frame.len() >= 42 && frame[12..14] == [8, 6] && frame[20..22] == [0, 2];
            let is_right = frame[..6] == OUTSIDE.hardware
                && frame[6..12] == of.hardware
                && frame[28..32] == of.address;
            answers += u32::from(is_answer && is_right);
        }
        answers
    }

    /// Asks until a station has answered so often, with `between` before each question.
    pub fn ask(
        &self,
        of: Station,
        answers: u32,
        over: &AtomicBool,
        mut between: impl FnMut() -> Result<()>,
    ) -> Result<u32> {
        let mut came = 0;
        while came < answers && !over.load(Ordering::Relaxed) {
            between()?;
            self.send(&question(of))?;
            came += self.answers(of);
        }
        Ok(came)
    }
}

/// Frames of all kinds come as fast as the wire takes them, which has no room left again and again, and questions among them. The control loop keeps its beat as in a run in which
/// nobody says anything; the source of the interrupts is held off when it is too much, which the health log says, with the limit that the system's file has;
/// and the partition behind the switch answers: so many questions that the flood has come as well, whatever of it is lost on the way.
fn flood(systems: &Systems, built: &Built, asked: Station) -> Result<Tally> {
    let quiet = systems.run(built, 1000)?;
    keeps_its_beat(&quiet)?;
    let (mut answers, mut floods) = (ANSWERS, 1);
    let (flooded, frames, storms) = loop {
        let (flooded, frames) = one_flood(systems, built, asked, answers)?;
        let storms = storms(built, &flooded)?;
        if storms > 0 || floods == FLOODS {
            break (flooded, frames, storms);
        }
        answers *= LONGER;
        floods += 1;
    };
    ensure!(
        storms > 0,
        "no storm of {DEVICE} stands in the health log, after {FLOODS} floods"
    );
    ensure!(
        frames.refused > 0,
        "the wire had room for all of {} frames",
        frames.sent
    );
    let line = format!("  the health log has of {DRIVER}: interrupt_storm ");
    ensure!(
        flooded.report.to_string().contains(&line),
        "the report does not say `{line}`"
    );
    let moved = |outcome: &Outcome| -> Result<Vec<u32>> {
        let moved = LOOP.map(|name| Ok(partition(outcome, name)?.jitter_ticks()));
        moved.into_iter().collect()
    };
    let (without, with) = (moved(&quiet)?, moved(&flooded)?);
    ensure!(
        without == with,
        "releases of {LOOP:?} moved by {with:?} ticks, and without a flood by {without:?}"
    );
    let mut tally = Tally::one();
    tally.covered.push(format!(
        "{} frames sent by the host, and {} more that the wire had no room for, {storms} storms held off in {:.1} s of machine time, {answers} answers; releases of {LOOP:?} moved by {with:?} ticks, without a flood by {without:?}",
        frames.sent,
        frames.refused,
        flooded.report.machine_time_ns as f64 / 1e9
    ));
    Ok(tally)
}

/// How many frames the wire took, and for how many it had no room.
#[derive(Default)]
struct Frames {
    sent: u32,
    refused: u32,
}

/// A flood that begins when the station is there, and goes on until so many questions were answered: what came of it.
fn one_flood(
    systems: &Systems,
    built: &Built,
    asked: Station,
    wanted: u32,
) -> Result<(Outcome, Frames)> {
    let wire = Wire::new()?;
    let (flooded, (answers, frames)) = beside(built, visited(systems, wire.outside()), |over| {
        wire.ask(asked, 1, over, pause)?;
        let (mut number, mut frames) = (0, Frames::default());
        let answers = wire.ask(asked, wanted, over, || {
            for _ in 0..FRAMES_OF_QUESTION {
                let count = if wire.send(&frame_of_flood(number, asked))? {
                    &mut frames.sent
                } else {
                    &mut frames.refused
                };
                *count += 1;
                number += 1;
            }
            Ok(())
        })?;
        Ok((answers, frames))
    })?;
    keeps_its_beat(&flooded)?;
    ensure!(
        answers >= wanted,
        "{answers} questions were answered; it should have been {wanted}"
    );
    Ok((flooded, frames))
}

/// How many storms of the network's device stand in the health log: each is said once, and held off for as long as its limit counts.
fn storms(built: &Built, outcome: &Outcome) -> Result<u32> {
    let mut interrupts = built.plan.interrupts.iter();
    let number = interrupts.position(|one| one.device == DEVICE);
    let number = number.with_context(|| format!("{DEVICE} has no interrupt"))?;
    let plan = &built.plan.interrupts[number];
    let mut devices = built.checked.system.devices.iter();
    let limit = devices.find_map(|one| (*one.name == *DEVICE).then_some(one.storm.as_ref()?.value));
    let (_, storm_ticks) = limit.with_context(|| format!("{DEVICE} has no limit"))?;
    let ours = |entry: &&HealthRecord| entry.error == Error::InterruptStorm as u8;
    let mut last = None;
    let mut storms = 0;
    for entry in outcome.health.iter().filter(ours) {
        let (owner, detail) = (usize::from(entry.partition), entry.detail.get());
        ensure!(
            (owner, detail as usize) == (plan.owner, number),
            "a storm of interrupt {detail} of partition {owner}"
        );
        ensure!(
            entry.action == Action::Log as u8,
            "a storm was not logged alone: action {}",
            entry.action
        );
        let tick = entry.tick.get();
        let quiet = last.is_none_or(|last| tick - last >= storm_ticks);
        ensure!(quiet, "two storms within the time of one, at tick {tick}");
        last = Some(tick);
        storms += 1;
    }
    let account = outcome.snapshot.partition(plan.owner);
    let counted = account.errors[Error::InterruptStorm as usize].get();
    ensure!(
        storms <= u32::from(counted) && (storms > 0) == (counted > 0),
        "{storms} storms in the health log, and {counted} counted"
    );
    Ok(storms)
}

/// One of the frames that flood: to everybody, to nobody, to the station, from whom they are not, too short, and as long as can be.
fn frame_of_flood(number: u32, station: Station) -> Vec<u8> {
    let (own, station) = (OUTSIDE.hardware, station.hardware);
    let (to, from) = match number % 5 {
        0 => (BROADCAST, own),
        1 => (station, own),
        2 => (station, station),
        3 => (own, BROADCAST),
        _ => ([3; 6], [0; 6]),
    };
    let length = [60, 1500, 3, 14, 200][(number / 5 % 5) as usize];
    let mut frame = frame(to, from, IPV4, &[0x45, 0]);
    frame.extend((0..length).map(|at| (number as usize * at) as u8));
    frame.truncate(length.min(1514));
    frame
}

/// Frames that no station should send, each several times; then questions are answered, and nobody has noticed anything.
fn malformed(systems: &Systems, built: &Built) -> Result<()> {
    let wire = Wire::new()?;
    let (outcome, answers) = beside(built, visited(systems, wire.outside()), |over| {
        // It has booted.
        wire.ask(STATUS, 1, over, pause)?;
        for (number, frame) in malformations(STATUS).iter().enumerate() {
            wire.send(frame)?;
            // So that none is lost for want of room.
            if number % 8 == 7 {
                wire.ask(STATUS, 1, over, pause)?;
            }
        }
        wire.ask(STATUS, ANSWERS_AFTER, over, pause)
    })?;
    keeps_its_beat(&outcome)?;
    ensure!(
        answers >= ANSWERS_AFTER,
        "behind malformed frames {answers} questions were answered; it should have been {ANSWERS_AFTER}"
    );
    for name in ["network", "status"] {
        let found = partition(&outcome, name)?;
        ensure!(found.restarts == 0, "{name} was restarted");
    }
    let events = partition(&outcome, "status")?.health_events;
    ensure!(events == 0, "{events} health events of status");
    Ok(())
}

/// Frames for a station that are wrong in their lengths, types, addresses, and in what they carry.
pub fn malformations(to: Station) -> Vec<Vec<u8>> {
    let own = OUTSIDE.hardware;
    let hardware = to.hardware;
    let mut all = Vec::new();
    // Runts, and giants up to what a datagram holds; 1,514 bytes are a frame.
    let whole = [
        &frame(hardware, own, IPV4, &ip(to, 46, 0x45))[..],
        &[0xa5; 65_000],
    ]
    .concat();
    let lengths = [
        1, 5, 6, 11, 12, 13, 14, 15, 33, 34, 1513, 1514, 1515, 1516, 1536, 2048, 9000,
    ];
    all.extend(lengths.map(|length| whole[..length].to_vec()));
    all.push(whole[..60_000].to_vec());
    // Lengths in place of types, types that nobody has, and tags.
    for protocol in [
        0, 1, 46, 1500, 1501, 0x05ff, 0x8100, 0x88a8, 0x86dd, 0x88cc, 0xffff,
    ] {
        all.push(frame(hardware, own, protocol, &[0x81; 46]));
    }
    // From the station itself, from everybody, from nobody; and to nobody.
    for (to, from) in [
        (hardware, hardware),
        (BROADCAST, hardware),
        (hardware, BROADCAST),
        (hardware, [0; 6]),
        ([0; 6], own),
        ([1, 0, 0x5e, 0, 0, 1], own),
    ] {
        all.push(frame(to, from, ARP, &[0; 46]));
    }
    // Packets that say that they are shorter or longer than they are, of other versions, with headers of no length (RFC 791, 3.1).
    for (total, version) in [
        (0, 0x45),
        (19, 0x45),
        (20, 0x45),
        (1500, 0x45),
        (0xffff, 0x45),
        (46, 0x40),
        (46, 0x4f),
        (46, 0x65),
        (46, 0x05),
    ] {
        all.push(frame(hardware, own, IPV4, &ip(to, total, version)));
    }
    // Questions of other kinds of networks, and with lengths of addresses that cannot be (RFC 826).
    for place in [0, 2, 4, 5, 6] {
        let mut question = question(to);
        question[14 + place] = 0xff;
        all.push(question);
    }
    all.push(question(to)[..30].to_vec());
    all
}

fn frame(to: [u8; 6], from: [u8; 6], protocol: u16, behind: &[u8]) -> Vec<u8> {
    [&to[..], &from, &protocol.to_be_bytes(), behind].concat()
}

/// A packet of 46 bytes that says of itself what one likes, with a header whose check sum is right.
fn ip(to: Station, total: u16, version: u8) -> Vec<u8> {
    let mut packet = vec![0; 46];
    packet[0] = version;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    // To live for 64 hops, and TCP.
    packet[8..10].copy_from_slice(&[64, 6]);
    packet[12..16].copy_from_slice(&OUTSIDE.address);
    packet[16..20].copy_from_slice(&to.address);
    let words = packet[..20].chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let check = !((folded & 0xffff) + (folded >> 16)) as u16;
    packet[10..12].copy_from_slice(&check.to_be_bytes());
    packet
}

/// Asks who has a station's address (RFC 826).
fn question(of: Station) -> Vec<u8> {
    let body = [
        &[0, 1, 8, 0, 6, 4, 0, 1][..],
        &OUTSIDE.hardware,
        &OUTSIDE.address,
        &[0; 6],
        &of.address,
        &[0; 18],
    ]
    .concat();
    frame(BROADCAST, OUTSIDE.hardware, ARP, &body)
}
