//! A case as a list of steps, for processes that are real.
//!
//! A case drives its partition from outside, which nobody can do to contexts of a processor. But all that it does is known beforehand: it is run on plain
//! data, and what it did is recorded, each step with who has the processor then, at which time, and what comes of it. On the target each
//! process takes the next step if it is its own, makes the call, and compares ([`Answer::is_as`]). If another process runs than
//! on plain data, or at another time, nobody takes the step, and the case has failed.

use cofferdam_apex::{ErrorCode, ProcessState, ReturnCode, Runs};
use heapless::Vec;

use crate::behaviour::BEHAVIOURS;
use crate::call::{Answer, Call, Value};
use crate::cells::{CELLS, How};
use crate::host::{FACTS, Host, PERIOD_NS};
use crate::required::Code;
use crate::script::{NORMAL, Script};
use crate::system::System;

/// The most steps of a case that is replayed.
pub const STEPS: usize = 96;

/// What is done in a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// A service is called, with this answer.
    Call(Call, Answer),
    /// A wait is over, with this answer.
    Collect(Answer),
    /// The processor catches whoever runs.
    Fault(ErrorCode),
    /// The partition at the other end sends to the queuing port at this place; whether there is room.
    PeerSends(usize, &'static [u8], bool),
    /// It takes a message from there: the first byte, if there is one.
    PeerReceives(usize, Option<u8>),
    /// It writes the sampling port at this place.
    PeerWrites(usize, &'static [u8]),
}

/// A step of a case.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, in nanoseconds since a release of the partition.
    pub at_ns: u64,
    /// Who does it.
    pub by: Runs,
    /// Who runs up to then, if it is the same all the time.
    pub before: Option<Runs>,
    /// What.
    pub action: Action,
    /// Of a call whose caller has the processor as soon as its time is up: how long it waits, in nanoseconds.
    pub waits_ns: Option<u64>,
}

/// A case as steps.
#[derive(Debug)]
pub struct Recorded {
    /// The steps.
    pub steps: Vec<Step, STEPS>,
    /// Who runs behind the last one.
    pub last: Runs,
    /// When it ends, in nanoseconds since a release of the partition.
    pub end_ns: u64,
}

/// A case of either kind.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The service, or what the behaviour is.
    pub name: &'static str,
    /// Of a service, the return code.
    pub code: Option<Code>,
    /// It.
    pub case: fn(&mut Script<'_>),
}

/// All cases, in the order of their numbers: cells first, then behaviour.
pub fn cases() -> impl Iterator<Item = Case> {
    let cells = CELLS.iter().copied().flatten();
    let cells = cells.filter_map(|cell| match cell.how {
        How::Case(case) => Some(Case {
            name: cell.service,
            code: Some(cell.code),
            case,
        }),
        How::Unreachable(_) => None,
    });
    let behaviours = BEHAVIOURS.iter().copied().flatten();
    cells.chain(behaviours.map(|one| Case {
        name: one.name,
        code: None,
        case: one.case,
    }))
}

/// Runs a case on plain data and records it; or says why processes cannot do the same.
///
/// # Errors
/// The reason.
pub fn record(case: fn(&mut Script<'_>)) -> Result<Recorded, &'static str> {
    let mut recorder = Recorder::new();
    case(&mut Script {
        system: &mut recorder,
    });
    match recorder.why_not {
        Some(why) => Err(why),
        None => Ok(Recorded {
            last: recorder.host.running(),
            end_ns: recorder.host.time(),
            steps: recorder.steps,
        }),
    }
}

/// Whether in a case this service gives this return code, be it behind a wait.
pub fn gives(case: fn(&mut Script<'_>), service: &str, code: Code) -> bool {
    let mut recorder = Recorder::new();
    case(&mut Script {
        system: &mut recorder,
    });
    let steps = recorder.steps;
    let called = |step: &Step| match &step.action {
        Action::Call(call, answer) => (call.service() == service).then(|| answer.clone()),
        _ => None,
    };
    let waits = |step: &Step| called(step) == Some(Answer::Waits);
    let waited = |by| steps.iter().any(|step| step.by == by && waits(step));
    steps.iter().any(|step| match (&step.action, code) {
        (Action::Collect(Answer::Refused(came)), Code::Refused(code)) => {
            *came == code && waited(step.by)
        }
        (_, Code::Refused(code)) => match called(step) {
            // An overflow comes with a message.
            Some(Answer::Done(Value::Message(message))) => (message.flag, code) == OVERFLOW,
            answer => answer == Some(Answer::Refused(code)),
        },
        (_, Code::NoError) => matches!(called(step), Some(Answer::Done(_) | Answer::Waits)),
    })
}

struct Recorder {
    host: Host,
    steps: Vec<Step, STEPS>,
    before: Option<Runs>,
    faulted: bool,
    written: bool,
    why_not: Option<&'static str>,
}

impl Recorder {
    fn new() -> Self {
        Self {
            host: Host::new(&FACTS),
            steps: Vec::new(),
            before: None,
            faulted: false,
            written: false,
            why_not: None,
        }
    }

    fn only_on_data(&mut self, why: &'static str) {
        self.why_not.get_or_insert(why);
    }

    fn step(&mut self, by: Runs, action: Action) {
        if by == Runs::Nobody {
            self.only_on_data("nobody runs who could do it, or tell somebody to");
        }
        let step = Step {
            at_ns: self.host.time(),
            by,
            before: self.before.take(),
            action,
            waits_ns: None,
        };
        if self.steps.push(step).is_err() {
            self.only_on_data("it has too many steps");
        }
    }

    /// Now somebody else runs than up to now: whether it is because the time is up that it waits for.
    fn look_for_time_out(&mut self) {
        let (now, running) = (self.host.time(), self.host.running());
        let calls = self.steps.iter_mut().rev();
        let mut calls = calls.filter(|step| step.by == running);
        if let Some(step) = calls.find(|step| matches!(step.action, Action::Call(..)))
            && let Action::Call(call, Answer::Waits) = step.action
        {
            let waits_ns = call.waits_ns();
            step.waits_ns = waits_ns.filter(|waits_ns| step.at_ns + waits_ns == now);
        }
    }

    /// What a real partition does otherwise, because there is more around it.
    fn look(&mut self, call: &Call, answer: &Answer) {
        let done = matches!(answer, Answer::Done(_));
        match call {
            Call::SetPartitionMode { mode } if done && *mode != NORMAL => {
                self.only_on_data("it ends the partition's life");
            }
            Call::SetModuleSchedule { .. } if done => {
                self.only_on_data("it changes the schedule, which stays so");
            }
            Call::Resume { process } if done && self.faulted => {
                let status = Call::GetProcessStatus { process: *process };
                let state = self.host.clone().call(status);
                if let Answer::Done(Value::Process(status)) = state
                    && status.state != ProcessState::Dormant
                {
                    self.only_on_data("a process that was caught tries the same again");
                }
            }
            Call::CreateSamplingPort { name, .. } | Call::CreateQueuingPort { name, .. }
                if name.ends_with("_more") =>
            {
                self.only_on_data("the build makes room for each port that there is");
            }
            Call::ReadSamplingMessage { .. }
            | Call::ReadUpdatedSamplingMessage { .. }
            | Call::ReadSamplingMessageConditional { .. }
            | Call::GetSamplingPortCurrentStatus { .. }
                if !self.written && (done || *answer == EMPTY) =>
            {
                self.only_on_data("the kernel keeps a value over restarts: no port is empty");
            }
            Call::Replenish { budget } if done && *budget > 0 => {
                let deadline = self.host.time() + *budget as u64;
                if deadline.is_multiple_of(PERIOD_NS) {
                    self.only_on_data(TO_THE_TICK);
                }
            }
            _ => {}
        }
    }
}

/// The flag of a message before which others were lost, and its code.
const OVERFLOW: (u32, ReturnCode) = (1, ReturnCode::InvalidConfig);
/// What a read answers at an empty port.
const EMPTY: Answer = Answer::Refused(ReturnCode::NoAction);
/// Code takes time.
const TO_THE_TICK: &str = "the service would have to take no time";

impl System for Recorder {
    fn call(&mut self, call: Call) -> Answer {
        let by = self.host.running();
        let place = self.steps.len();
        self.step(by, Action::Call(call, Answer::Waits));
        let answer = self.host.call(call);
        self.look(&call, &answer);
        if let Some(step) = self.steps.get_mut(place) {
            step.action = Action::Call(call, answer.clone());
        }
        answer
    }

    fn collect(&mut self) -> Answer {
        let by = self.host.running();
        let answer = self.host.collect();
        self.step(by, Action::Collect(answer.clone()));
        answer
    }

    fn running(&self) -> Runs {
        self.host.running()
    }

    fn pass(&mut self, nanoseconds: u64) {
        let before = self.host.running();
        // Up to just before the end.
        let mut ahead = self.host.clone();
        ahead.pass(nanoseconds.saturating_sub(100));
        self.before = (ahead.running() == before).then_some(before);
        self.host.pass(nanoseconds);
        if self.host.running() != before {
            self.look_for_time_out();
        }
        // A tick that changes what is answered, and not who runs.
        if nanoseconds < 100 && self.host.running() == before {
            self.only_on_data(TO_THE_TICK);
        }
    }

    fn time(&self) -> u64 {
        self.host.time()
    }

    fn fault(&mut self, code: ErrorCode) {
        let by = self.host.running();
        if matches!(code, ErrorCode::HardwareFault | ErrorCode::PowerFail) {
            self.only_on_data("no code of a partition can cause it");
        }
        self.faulted = true;
        self.step(by, Action::Fault(code));
        self.host.fault(code);
    }

    fn peer_sends(&mut self, port: usize, message: &'static [u8]) -> bool {
        let by = self.host.running();
        let place = self.steps.len();
        self.step(by, Action::PeerSends(port, message, false));
        let queued = self.host.peer_sends(port, message);
        if let Some(step) = self.steps.get_mut(place) {
            step.action = Action::PeerSends(port, message, queued);
        }
        queued
    }

    fn peer_receives(&mut self, port: usize) -> Option<u8> {
        let by = self.host.running();
        let place = self.steps.len();
        self.step(by, Action::PeerReceives(port, None));
        let first = self.host.peer_receives(port);
        if let Some(step) = self.steps.get_mut(place) {
            step.action = Action::PeerReceives(port, first);
        }
        first
    }

    fn peer_writes(&mut self, port: usize, message: &'static [u8]) {
        let by = self.host.running();
        self.written = true;
        self.step(by, Action::PeerWrites(port, message));
        self.host.peer_writes(port, message);
    }

    fn partition_errors(&self) -> usize {
        self.host.partition_errors()
    }

    fn restart_at_errors(&mut self) {
        self.only_on_data("the health monitor does what the table says");
        self.host.restart_at_errors();
    }

    fn mode_asked(&self) -> Option<u32> {
        self.host.mode_asked()
    }

    fn messages_reported(&self) -> usize {
        self.host.messages_reported()
    }

    fn major_frame_ends(&mut self) {
        self.only_on_data("the end of a major frame comes when it comes");
        self.host.major_frame_ends();
    }

    fn restart(&mut self, warm: bool) {
        self.only_on_data("it has more than one life");
        self.host.restart(warm);
    }

    fn restrict(&mut self) {
        self.only_on_data("it wants another configuration");
        self.host.restrict();
    }

    fn state(&self) -> u64 {
        self.host.state()
    }

    fn is_consistent(&self) -> bool {
        self.host.is_consistent()
    }
}

impl Answer {
    /// Whether an answer on the target is what this one is on plain data. Not compared: instants, which differ by how long code takes,
    /// and addresses.
    pub fn is_as(&self, expected: &Self) -> bool {
        let (Self::Done(one), Self::Done(other)) = (self, expected) else {
            return self == expected;
        };
        match (one, other) {
            (Value::Process(one), Value::Process(other)) => {
                (one.current_priority, one.state) == (other.current_priority, other.state)
                    && one.attributes.name == other.attributes.name
                    && one.attributes.base_priority == other.attributes.base_priority
                    && one.attributes.period == other.attributes.period
                    && one.attributes.time_capacity == other.attributes.time_capacity
            }
            (Value::Message(one), Value::Message(other)) => {
                (one.bytes(), one.flag) == (other.bytes(), other.flag)
            }
            (Value::Error(one), Value::Error(other)) => {
                (one.code, one.process, one.message())
                    == (other.code, other.process, other.message())
            }
            (Value::Partition(one), Value::Partition(other)) => {
                (
                    one.identifier,
                    one.period,
                    one.lock_level,
                    one.operating_mode,
                ) == (
                    other.identifier,
                    other.period,
                    other.lock_level,
                    other.operating_mode,
                )
            }
            (Value::Schedule(one), Value::Schedule(other)) => {
                (one.current, one.next) == (other.current, other.next)
            }
            (Value::MemoryBlock(one), Value::MemoryBlock(other)) => {
                (one.bytes, one.mode) == (other.bytes, other.mode)
            }
            // An instant has more than any identifier, index or level.
            (Value::Number(one), Value::Number(other)) => {
                one == other || (*one > INSTANT && *other > INSTANT)
            }
            (one, other) => one == other,
        }
    }
}

/// Behind 0.1 ms a number is an instant.
const INSTANT: i64 = 100_000;
