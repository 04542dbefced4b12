//! The control loop of `partitions/flight` as an ARINC 653 application. It has the same law, the same channels and the same neighbours; what it watches of
//! its releases is the same too, so that the two can be compared.
//!
//! * `control` is periodic and has a time capacity of 1 ms. It reads the attitude, moves the elevator, and shows once a second how it goes.
//! * `telemetry` waits for that, and puts it into words.
//! * The error handler lets a late step be the last word on it, and starts a process anew that the processor caught.
//!
//! Two keys have the control loop do wrong, for whoever wants to see that: `l` has a step last too long, `z` has it divide by zero.
//!
//! When a release begins, to the instruction, is in the record: a mark whenever that is not where it was before.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write;
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    BlackboardId, DeadlineKind, Direction, Discipline, ErrorCode, Name, OperatingMode,
    QueuingPortId, SamplingPortId, SystemTime,
};
use cofferdam_ipc::{Message, decode, encode};
use cofferdam_native::{page, time};
use flight::{Controller, ReleaseJitter, place_of_release};
use flight_messages::{Attitude, Degrees, Elevator, microradians};

cofferdam_apex_native::partition!("flight", initialise);

/// The partition's period, and the loop's.
const PERIOD: SystemTime = SystemTime(10_000_000);
/// How long a step may take.
const CAPACITY: SystemTime = SystemTime(1_000_000);
/// How old an attitude may be, and a command.
const REFRESH: SystemTime = SystemTime(15_000_000);
/// The loop says something after so many releases.
const REPORT_RELEASES: u32 = 100;
/// The pitch to begin with: two degrees.
const FIRST_PITCH_MILLIDEGREES: i32 = 2_000;
/// A line of the terminal.
const LINE_BYTES: i32 = 96;
/// Keys that come at once, and how often.
const KEYS_BYTES: i32 = 16;
const KEYS: i32 = 8;
const LINES: i32 = 16;

static ATTITUDE: AtomicI32 = AtomicI32::new(0);
static ELEVATOR: AtomicI32 = AtomicI32::new(0);
static INPUT: AtomicI32 = AtomicI32::new(0);
static REPORT: AtomicI32 = AtomicI32::new(0);

/// What `control` shows to `telemetry`: pitch, pitch wanted, elevator, releases, by how many ticks they moved, attitudes that were missing.
type Report = [i32; 6];
const REPORT_BYTES: usize = size_of::<Report>();

fn initialise() {
    let (source, destination) = (Direction::Source, Direction::Destination);
    let sampling = |name, bytes: usize, direction| {
        let port = APEX.create_sampling_port(&Name::new(name), bytes as i32, direction, REFRESH);
        port.map_or(0, |port| port.0)
    };
    ATTITUDE.store(
        sampling("attitude", Attitude::MAX_SIZE, destination),
        Relaxed,
    );
    ELEVATOR.store(sampling("elevator", Elevator::MAX_SIZE, source), Relaxed);
    let queuing = |name, bytes, depth, direction| {
        let name = Name::new(name);
        let port = APEX.create_queuing_port(&name, bytes, depth, direction, Discipline::Fifo);
        port.map_or(0, |port| port.0)
    };
    INPUT.store(queuing("input", KEYS_BYTES, KEYS, destination), Relaxed);
    // REPORT_APPLICATION_MESSAGE sends what it is given to the port of this name.
    queuing("log", LINE_BYTES, LINES, source);
    let report = APEX.create_blackboard(Name::new("report"), REPORT_BYTES as i32);
    REPORT.store(report.map_or(0, |board| board.0), Relaxed);
    let control = ProcessAttributes {
        time_capacity: CAPACITY,
        deadline: DeadlineKind::Hard,
        ..ProcessAttributes::periodic("control", 20, PERIOD, control)
    };
    for attributes in [
        control,
        ProcessAttributes::aperiodic("telemetry", 10, telemetry),
    ] {
        let _ = APEX
            .create_process(&attributes)
            .and_then(|process| APEX.start(process));
    }
    let _ = APEX.create_error_handler(errors, 1);
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn control() {
    let mut controller = Controller::new(microradians(FIRST_PITCH_MILLIDEGREES));
    let mut jitter = ReleaseJitter::new(u64::from(ports::PERIOD_TICKS));
    let mut attitude = Attitude::default();
    let mut last_place = None;
    let mut blind = 0;
    let board = BlackboardId(REPORT.load(Relaxed));
    for releases in 0u32.. {
        // The first release is where the process begins, and all others where it goes on: those are compared.
        if releases > 0 {
            let began = time::instant();
            jitter.seen(began.tick);
            let place = place_of_release(page::release_tick(), began.tick, began.steps);
            if last_place.replace(place) != Some(place) {
                evidence::seen!("flight.release", place);
            }
        }
        match read_attitude() {
            Some(fresh) => attitude = fresh,
            // Without a fresh attitude the last one has to do.
            None => blind += 1,
        }
        let elevator = controller.step(&attitude);
        let mut room = [0; Elevator::MAX_SIZE];
        if let Ok(length) = encode(&elevator, &mut room) {
            let port = SamplingPortId(ELEVATOR.load(Relaxed));
            // Its only refusals concern the configuration, which is fixed.
            let _ = APEX.write_sampling_message(port, room.get(..length).unwrap_or_default());
        }
        follow_keys(&mut controller);
        if releases > 0 && releases.is_multiple_of(REPORT_RELEASES) {
            let report: Report = [
                attitude.pitch_microradians,
                controller.wanted_microradians(),
                elevator.deflection_microradians,
                releases as i32,
                jitter.moved_ticks() as i32,
                blind,
            ];
            let mut room = [0; REPORT_BYTES];
            for (place, number) in room.chunks_exact_mut(4).zip(report) {
                place.copy_from_slice(&number.to_be_bytes());
            }
            let _ = APEX.display_blackboard(board, &room);
            blind = 0;
        }
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
}

/// The attitude, if there is a fresh one.
fn read_attitude() -> Option<Attitude> {
    let mut room = [0; Attitude::MAX_SIZE];
    let port = SamplingPortId(ATTITUDE.load(Relaxed));
    let read = APEX.read_sampling_message(port, &mut room).ok()?;
    let attitude = decode(room.get(..read.length)?).ok()?;
    read.valid.then_some(attitude)
}

fn follow_keys(controller: &mut Controller) {
    let mut room = [0; KEYS_BYTES as usize];
    let port = QueuingPortId(INPUT.load(Relaxed));
    while let Ok(keys) = APEX.receive_queuing_message(port, SystemTime(0), &mut room) {
        for key in room.get(..keys.length).unwrap_or_default() {
            match key {
                b'u' => controller.change_by(microradians(1_000)),
                b'd' => controller.change_by(-microradians(1_000)),
                b'l' => be_late(),
                b'z' => {
                    let zero = core::hint::black_box(0);
                    controller.change_by(microradians(1_000) / zero);
                }
                _ => say(format_args!(
                    "keys: u nose up, d nose down, l a late step, z a division by zero"
                )),
            }
        }
    }
}

/// Takes longer than a step may.
fn be_late() {
    let end = APEX.get_time().0 + CAPACITY.0;
    while APEX.get_time().0 <= end {}
}

/// Waits for what `control` shows, and says it.
extern "C" fn telemetry() {
    let board = BlackboardId(REPORT.load(Relaxed));
    let mut room = [0; REPORT_BYTES];
    loop {
        let shown = APEX.read_blackboard(board, SystemTime::INFINITE, &mut room);
        if shown.is_err() {
            return;
        }
        let _ = APEX.clear_blackboard(board);
        let mut report: Report = Report::default();
        for (number, bytes) in report.iter_mut().zip(room.chunks_exact(4)) {
            *number = bytes.try_into().map_or(0, i32::from_be_bytes);
        }
        let [pitch, wanted, elevator, releases, moved, blind] = report;
        say(format_args!(
            "pitch {} deg, wanted {}, elevator {}; {releases} releases moved by {moved} ticks{}",
            Degrees(pitch),
            Degrees(wanted),
            Degrees(elevator),
            if blind > 1 { "; attitude missing" } else { "" },
        ));
    }
}

/// A step that was late is over with its next release. Whoever the processor caught begins anew.
extern "C" fn errors() {
    while let Ok(error) = APEX.get_error_status() {
        evidence::seen!("flight.error", error.code as u32);
        say(format_args!(
            "process {}: {:?}",
            error.process.0, error.code
        ));
        if error.code != ErrorCode::DeadlineMissed {
            let _ = APEX.stop(error.process);
            let _ = APEX.start(error.process);
        }
    }
}

/// A line for the terminal. What is longer is cut.
fn say(words: core::fmt::Arguments<'_>) {
    let mut line = heapless::String::<{ LINE_BYTES as usize }>::new();
    // What does not fit is missing.
    let _ = line.write_fmt(words);
    let _ = APEX.report_application_message(line.as_bytes());
}
