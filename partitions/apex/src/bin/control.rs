//! A periodic process, one that serves commands, one that computes whenever nobody else does, and some that fail.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

use apex::{MESSAGE_BYTES, NOWHERE, PERIOD, Ports, burrow, code, ms, start};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{
    Direction, Discipline, ErrorCode, OperatingMode, ProcessId, ProcessState, SystemTime,
};
use cofferdam_native::{probe, time};
use evidence::seen;

cofferdam_apex_native::partition!("control", initialise);

/// The processes that fail, in the order in which they are started: one in each period.
static FAILING: [(&str, extern "C" fn()); 6] = [
    ("deep", deep),
    ("divide", divide),
    ("stray", stray),
    ("illegal", illegal),
    ("late", late),
    ("says so", says_so),
];

/// The first of [`FAILING`]; those behind it have the identifiers behind it.
static FIRST_FAILING: AtomicI32 = AtomicI32::new(0);
static PORTS: Ports = Ports::new();
/// What the process that computes has come to.
static ROUNDS: AtomicU32 = AtomicU32::new(0);
static WRONG: AtomicU32 = AtomicU32::new(0);

fn initialise() {
    let status = APEX.get_partition_status();
    seen!("mode", status.operating_mode as u32);
    seen!("condition", status.start_condition as u32);
    PORTS.create(
        &APEX,
        Direction::Source,
        Direction::Destination,
        Discipline::Fifo,
    );
    start(
        &APEX,
        &ProcessAttributes::periodic("cycle", 20, PERIOD, cycle),
    );
    start(
        &APEX,
        &ProcessAttributes::aperiodic("telemetry", 10, telemetry),
    );
    start(&APEX, &ProcessAttributes::aperiodic("compute", 1, compute));
    for (place, (name, entry_point)) in FAILING.into_iter().enumerate() {
        let attributes = ProcessAttributes {
            time_capacity: if name == "late" {
                ms(1)
            } else {
                SystemTime::INFINITE
            },
            ..ProcessAttributes::aperiodic(name, 5, entry_point)
        };
        let created = APEX.create_process(&attributes);
        if let (0, Ok(process)) = (place, created) {
            FIRST_FAILING.store(process.0, Relaxed);
        }
    }
    seen!(
        "created.handler",
        code(&APEX.create_error_handler(errors, 4096))
    );
    seen!(
        "normal",
        code(&APEX.set_partition_mode(OperatingMode::Normal))
    );
}

/// Each period: an attitude, and one more process that fails.
extern "C" fn cycle() {
    let mut first = None;
    let (mut earliest, mut latest) = (i64::MAX, i64::MIN);
    for round in 0i32.. {
        // Where in its period it begins: the same, each time.
        let now = APEX.get_time().0 % PERIOD.0;
        let first = *first.get_or_insert(now);
        (earliest, latest) = (earliest.min(now - first), latest.max(now - first));
        let mut attitude = [0; MESSAGE_BYTES as usize];
        attitude[..4].copy_from_slice(&round.to_be_bytes());
        let written = APEX.write_sampling_message(PORTS.attitude(), &attitude);
        if round == 0 {
            seen!("attitude", code(&written));
        }
        if round > 0 && round as usize <= FAILING.len() {
            let failing = ProcessId(FIRST_FAILING.load(Relaxed) + round - 1);
            seen!("failing.started", code(&APEX.start(failing)));
        }
        if round == 18 {
            seen!("jitter_ns", (latest - earliest) as u32);
            seen!("compute.wrong", WRONG.load(Relaxed));
            seen!("compute.rounds", u32::from(ROUNDS.load(Relaxed) > 0));
            for process in 0..FAILING.len() as i32 {
                let process = ProcessId(FIRST_FAILING.load(Relaxed) + process);
                let state = APEX.get_process_status(process).map(|status| status.state);
                seen!(
                    "failing.state",
                    state.map_or(u32::MAX, |state| state as u32)
                );
            }
        }
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
}

/// Answers each command by a report. There is room for one, so that it has to wait until somebody takes it.
extern "C" fn telemetry() {
    let mut room = [0; MESSAGE_BYTES as usize];
    let (command, report) = (PORTS.command(), PORTS.report());
    loop {
        let received = APEX.receive_queuing_message(command, SystemTime::INFINITE, &mut room);
        let Ok(received) = received else {
            seen!("command", code(&received));
            return;
        };
        let message = room.get(..received.length).unwrap_or_default();
        seen!("command.length", message.len() as u32);
        let sent = APEX.send_queuing_message(report, message, SystemTime::INFINITE);
        seen!("report", code(&sent));
    }
}

/// Uses all registers that there are, and is preempted all the time: the sum has to be right nevertheless.
extern "C" fn compute() {
    loop {
        let mut sums = [
            1u32, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
        ];
        for step in 0..500u32 {
            let all = sums.iter().fold(step, |all, sum| all.rotate_left(3) ^ sum);
            for (place, sum) in (0..).zip(&mut sums) {
                *sum = sum.wrapping_mul(0x0100_0193).wrapping_add(all ^ place);
            }
        }
        let sum = sums.iter().fold(0u32, |all, sum| all.wrapping_add(*sum));
        // The first one is what the others have to be: it is not known beforehand which of them is preempted.
        let expected = *black_box(&EXPECTED);
        WRONG.fetch_add(u32::from(sum != expected), Relaxed);
        ROUNDS.fetch_add(1, Relaxed);
    }
}

/// What comes of it, as the compiler computes it.
static EXPECTED: u32 = {
    let mut sums = [
        1u32, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ];
    let mut step = 0u32;
    while step < 500 {
        let mut all = step;
        let mut place = 0;
        while place < sums.len() {
            all = all.rotate_left(3) ^ sums[place];
            place += 1;
        }
        place = 0;
        while place < sums.len() {
            sums[place] = sums[place]
                .wrapping_mul(0x0100_0193)
                .wrapping_add(all ^ place as u32);
            place += 1;
        }
        step += 1;
    }
    let mut sum = 0u32;
    let mut place = 0;
    while place < sums.len() {
        sum = sum.wrapping_add(sums[place]);
        place += 1;
    }
    sum
};

/// What went wrong, and whose it was, counted from [`FIRST_FAILING`].
extern "C" fn errors() {
    while let Ok(error) = APEX.get_error_status() {
        let who = error.process.0 - FIRST_FAILING.load(Relaxed);
        seen!("error", who as u32 * 16 + error.code as u32);
        let state = APEX
            .get_process_status(error.process)
            .map(|status| status.state);
        seen!(
            "error.faulted",
            u32::from(state == Ok(ProcessState::Faulted))
        );
        seen!("error.message", error.message().len() as u32);
        seen!("error.stop", code(&APEX.stop(error.process)));
    }
}

extern "C" fn deep() {
    seen!("deep", burrow(1));
}

extern "C" fn divide() {
    seen!("divide", 100 / black_box(0u32));
}

extern "C" fn stray() {
    probe::store(NOWHERE, 1);
    seen!("stray", 1);
}

extern "C" fn illegal() {
    for instruction in probe::table() {
        instruction.execute(0);
        seen!("illegal", 1);
    }
}

/// Longer than its time capacity.
extern "C" fn late() {
    let until = time::now() + 3_000_000;
    while time::now() < until {}
    seen!("late", 1);
}

extern "C" fn says_so() {
    let raised = APEX.raise_application_error(ErrorCode::ApplicationError, b"as I said");
    seen!("says_so", code(&raised));
}
