//! The other end of the ports of `control`: sends commands, reads reports and the attitude.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use apex::{COMMANDS, MESSAGE_BYTES, PERIOD, REFRESH, REPORTS, code, ms};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    Direction, Discipline, Name, OperatingMode, QueuingPortId, SamplingPortId, SystemTime,
};
use evidence::seen;

cofferdam_apex_native::partition!("ground", initialise);

/// One more than fit, and one that `telemetry` has, and one in the queue of reports.
const SENT: u8 = COMMANDS as u8 + 3;

static ATTITUDE: AtomicI32 = AtomicI32::new(0);
static COMMAND: AtomicI32 = AtomicI32::new(0);
static REPORT: AtomicI32 = AtomicI32::new(0);

fn initialise() {
    let attitude = APEX.create_sampling_port(
        &Name::new("attitude"),
        MESSAGE_BYTES,
        Direction::Destination,
        REFRESH,
    );
    let discipline = Discipline::Priority;
    let command = APEX.create_queuing_port(
        &Name::new("command"),
        MESSAGE_BYTES,
        COMMANDS,
        Direction::Source,
        discipline,
    );
    let report = APEX.create_queuing_port(
        &Name::new("report"),
        MESSAGE_BYTES,
        REPORTS,
        Direction::Destination,
        discipline,
    );
    seen!(
        "created.ports",
        code(&attitude) + code(&command) + code(&report)
    );
    ATTITUDE.store(attitude.map_or(0, |port| port.0), Relaxed);
    COMMAND.store(command.map_or(0, |port| port.0), Relaxed);
    REPORT.store(report.map_or(0, |port| port.0), Relaxed);
    for attributes in [
        ProcessAttributes::periodic("watch", 20, PERIOD, watch),
        ProcessAttributes::aperiodic("send", 10, send),
        ProcessAttributes::aperiodic("receive", 5, receive),
    ] {
        let process = APEX.create_process(&attributes);
        let started = process.and_then(|process| APEX.start(process));
        seen!("started", code(&started));
    }
    seen!(
        "normal",
        code(&APEX.set_partition_mode(OperatingMode::Normal))
    );
}

/// Reads the attitude each period: `control` writes one in each.
extern "C" fn watch() {
    let mut room = [0; MESSAGE_BYTES as usize];
    let mut last = None;
    for round in 0..20 {
        let port = SamplingPortId(ATTITUDE.load(Relaxed));
        let read = APEX.read_sampling_message(port, &mut room);
        let number = u32::from_be_bytes([room[0], room[1], room[2], room[3]]);
        if round == 10 {
            seen!("attitude", code(&read));
            seen!("attitude.length", read.map_or(0, |read| read.length as u32));
            seen!(
                "attitude.valid",
                read.map_or(0, |read| u32::from(read.valid))
            );
            seen!(
                "attitude.next",
                number.wrapping_sub(last.unwrap_or_default())
            );
            let again = APEX.read_updated_sampling_message(port, &mut room);
            seen!(
                "attitude.updated",
                again.map_or(9, |read| read.updated as u32)
            );
        }
        last = Some(number);
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
    APEX.stop_self();
}

/// More commands than there is room for: it waits, and no command is lost.
extern "C" fn send() {
    let port = QueuingPortId(COMMAND.load(Relaxed));
    for length in 1..=SENT {
        let message = [length; MESSAGE_BYTES as usize];
        let message = message.get(..usize::from(length)).unwrap_or_default();
        let sent = APEX.send_queuing_message(port, message, SystemTime::INFINITE);
        seen!("sent", code(&sent));
    }
}

/// Takes a report now and then.
extern "C" fn receive() {
    let mut room = [0; MESSAGE_BYTES as usize];
    let port = QueuingPortId(REPORT.load(Relaxed));
    for _ in 0..SENT {
        let waited = APEX.timed_wait(ms(10));
        let received = APEX.receive_queuing_message(port, ms(50), &mut room);
        let (length, overflowed) = received.map_or((0, false), |one| (one.length, one.overflowed));
        let right = room
            .get(..length)
            .is_some_and(|bytes| bytes.iter().all(|byte| usize::from(*byte) == length));
        seen!(
            "report",
            code(&waited) * 0x1_0000 + code(&received) * 0x100 + length as u32
        );
        seen!("report.right", u32::from(right && !overflowed));
    }
    let none = APEX.receive_queuing_message(port, ms(20), &mut room);
    seen!("report.none", code(&none));
}
