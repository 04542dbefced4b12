//! ARINC 653 applications that go through what the services offer on the target, and leave what came of it as evidence.
//!
//! * `control` has a periodic process, an aperiodic one that serves commands, one that computes all the time, and some that fail: its
//!   error handler says who, and stops it.
//! * `ground` is at the other end of its ports. It has the authority over the module's schedule, and changes it when the application in C
//!   (`systems/apex/navigator.c`) has come back from a warm start.
//! * `survivor` restarts itself, first warm, and then by an error that nobody handles.
//! * `clumsy` fails in each life at something else.
//! * `sleeper` goes IDLE, until `ground` restarts it.
//!
//! Here is what several of them do.
//!
//! What has to come of it stands in `systems/apex/expected`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg(target_os = "none")]

use core::hint::black_box;
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use cofferdam_apex_native::apex::{
    Direction, Discipline, Limits, Name, QueuingPortId, ReturnCode, SamplingPortId, SystemTime,
};
use cofferdam_apex_native::{Apex, ProcessAttributes};
use evidence::seen;

/// The period of all three partitions.
pub const PERIOD: SystemTime = SystemTime(10_000_000);
/// How old an attitude may be.
pub const REFRESH: SystemTime = SystemTime(15_000_000);
/// The longest message of each port.
pub const MESSAGE_BYTES: i32 = 16;
/// How many reports fit into their queue.
pub const REPORTS: i32 = 1;
/// How many commands fit into theirs.
pub const COMMANDS: i32 = 4;

/// A time in milliseconds.
pub const fn ms(milliseconds: i64) -> SystemTime {
    SystemTime(milliseconds * 1_000_000)
}

/// A return code as evidence: the standard's number.
pub fn code<T>(result: &Result<T, ReturnCode>) -> u32 {
    result.as_ref().map_or_else(|code| code.number(), |_| 0)
}

/// Nothing is mapped there, and no stack is near.
pub const NOWHERE: u32 = 0x7000_0000;

/// Creates a process and starts it.
pub fn start<L: Limits, const PROCESSES: usize>(
    apex: &'static Apex<L, PROCESSES>,
    attributes: &ProcessAttributes,
) {
    let process = apex.create_process(attributes);
    let started = process.and_then(|process| apex.start(process));
    seen!("started", code(&started));
}

/// The ports between `control` and `ground`, of either.
#[derive(Debug)]
pub struct Ports {
    attitude: AtomicI32,
    command: AtomicI32,
    report: AtomicI32,
}

impl Ports {
    /// Before they are created.
    #[expect(clippy::new_without_default, reason = "it is for a static")]
    pub const fn new() -> Self {
        Self {
            attitude: AtomicI32::new(0),
            command: AtomicI32::new(0),
            report: AtomicI32::new(0),
        }
    }

    /// Creates them: `outward` is the direction of attitudes and reports, `inward` that of commands.
    pub fn create<L: Limits, const PROCESSES: usize>(
        &self,
        apex: &'static Apex<L, PROCESSES>,
        outward: Direction,
        inward: Direction,
        discipline: Discipline,
    ) {
        let attitude =
            apex.create_sampling_port(&Name::new("attitude"), MESSAGE_BYTES, outward, REFRESH);
        let queuing = |name, depth, direction| {
            apex.create_queuing_port(
                &Name::new(name),
                MESSAGE_BYTES,
                depth,
                direction,
                discipline,
            )
        };
        let command = queuing("command", COMMANDS, inward);
        let report = queuing("report", REPORTS, outward);
        seen!(
            "created.ports",
            code(&attitude) + code(&command) + code(&report)
        );
        self.attitude
            .store(attitude.map_or(0, |port| port.0), Relaxed);
        self.command
            .store(command.map_or(0, |port| port.0), Relaxed);
        self.report.store(report.map_or(0, |port| port.0), Relaxed);
    }

    /// Where `control` writes the attitude.
    pub fn attitude(&self) -> SamplingPortId {
        SamplingPortId(self.attitude.load(Relaxed))
    }

    /// Where `ground` sends commands.
    pub fn command(&self) -> QueuingPortId {
        QueuingPortId(self.command.load(Relaxed))
    }

    /// Where `control` sends reports.
    pub fn report(&self) -> QueuingPortId {
        QueuingPortId(self.report.load(Relaxed))
    }
}

/// Needs more and more of its caller's stack.
#[inline(never)]
pub fn burrow(depth: u32) -> u32 {
    let words = black_box([depth; 64]);
    if depth == 0 {
        return 0;
    }
    burrow(depth + 1).wrapping_add(words[depth as usize % words.len()])
}
