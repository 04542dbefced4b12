//! The other end of the ports of `control`: sends commands, reads reports and the attitude. It has the authority over the module's schedule, and
//! changes the mode when the navigator has had to begin anew.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use apex::{COMMANDS, MESSAGE_BYTES, PERIOD, Ports, REFRESH, code, ms, start};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    Direction, Discipline, Name, OperatingMode, SamplingPortId, SystemTime,
};
use cofferdam_native::Restart;
use evidence::seen;

cofferdam_apex_native::partition!("ground", initialise);

/// One more than fit, and one that `telemetry` has, and one in the queue of reports.
const SENT: u8 = COMMANDS as u8 + 3;

/// Its lives and legs, which the navigator writes.
const POSITION_BYTES: i32 = 8;
/// The schedule in which the navigator has more time.
const LANDING: &str = "landing";

static PORTS: Ports = Ports::new();
static POSITION: AtomicI32 = AtomicI32::new(0);

fn initialise() {
    PORTS.create(
        &APEX,
        Direction::Destination,
        Direction::Source,
        Discipline::Priority,
    );
    let position = APEX.create_sampling_port(
        &Name::new("position"),
        POSITION_BYTES,
        Direction::Destination,
        REFRESH,
    );
    seen!("created.position", code(&position));
    POSITION.store(position.map_or(0, |port| port.0), Relaxed);
    for attributes in [
        ProcessAttributes::periodic("watch", 20, PERIOD, watch),
        ProcessAttributes::periodic("mode", 15, PERIOD, mode),
        ProcessAttributes::aperiodic("send", 10, send),
        ProcessAttributes::aperiodic("receive", 5, receive),
    ] {
        start(&APEX, &attributes);
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
        let port = PORTS.attitude();
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

/// Waits until the navigator tells that it is in its second life, and changes the module's schedule.
extern "C" fn mode() {
    let mut room = [0; POSITION_BYTES as usize];
    let port = SamplingPortId(POSITION.load(Relaxed));
    loop {
        let read = APEX.read_sampling_message(port, &mut room);
        let [_, _, _, lives, _, _, _, legs] = room;
        if read.is_ok() && lives == 2 {
            seen!("navigator.legs", u32::from(legs));
            break;
        }
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
    let schedule = APEX.get_module_schedule_id(&Name::new(LANDING));
    seen!("schedule", code(&schedule));
    let set = schedule.and_then(|schedule| APEX.set_module_schedule(schedule));
    seen!("schedule.set", code(&set));
    // It comes at the end of the major frame.
    for _ in 0..2 {
        let status = APEX.get_module_schedule_status();
        seen!("schedule.current", status.current.0 as u32);
        seen!("schedule.next", status.next.0 as u32);
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
    // Who sleeps has not gone on by itself, and is woken.
    let sleeper = ports::PARTITION_CONTROL_SLEEPER;
    let state = sleeper.status().ok().and_then(|summary| summary.state);
    seen!(
        "sleeper.state",
        state.map_or(u32::MAX, |state| state as u32)
    );
    seen!(
        "sleeper.woken",
        u32::from(sleeper.restart(Restart::Cold).is_ok())
    );
    // It is in force: NO_ACTION.
    let again = schedule.and_then(|schedule| APEX.set_module_schedule(schedule));
    seen!("schedule.again", code(&again));
    APEX.stop_self();
}

/// More commands than there is room for: it waits, and no command is lost.
extern "C" fn send() {
    let port = PORTS.command();
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
    let port = PORTS.report();
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
