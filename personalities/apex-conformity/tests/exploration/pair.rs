//! The partition and its reference side by side: each step is done on both, and everything that can be seen is compared.

use std::hash::{DefaultHasher, Hash, Hasher};

use cofferdam_apex::{
    BlackboardId, BufferId, EmptyIndicator, Environment, ErrorCode, EventId, EventState, Facts,
    Failed, HealthAction, MutexId, OperatingMode, Partition, PartitionError, ProcessId,
    ProcessState, QueuingPortId, Runs, Sample, ScheduleState, SemaphoreId, Sent, Start,
    StartCondition, SystemTime,
};
use cofferdam_apex_conformity::host::FACTS;
use cofferdam_apex_conformity::script::{NORMAL, aperiodic, queuing};
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes, Value, collect, dispatch};

use crate::invariants::{self, Asked, History, Messages, Seen};
use crate::reference::{self, Created, Expected, For, Objects, Reference, Where};

/// Ticks of a millisecond, the unit of time here.
const TICKS: u64 = 400_000;
const MS: i64 = 1_000_000;

cofferdam_apex::limits! {
    /// As small as it gets, so that states are quick to copy and to compare.
    pub struct Tiny {
        processes: 4,
        message_bytes: 16,
        storage_bytes: 56,
        buffers: 1,
        blackboards: 1,
        semaphores: 1,
        events: 1,
        mutexes: 1,
        sampling_ports: 1,
        queuing_ports: 2,
        errors: 3,
    }
}

/// The world outside: two queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outside {
    queues: [Vec<u8>; 3],
    errors: u32,
    /// Of whom it was told since the last step that they missed a deadline.
    missed: Vec<usize>,
}

impl Environment for Outside {
    fn sampling_write(&mut self, _: usize, _: &[u8]) {}

    fn sampling_read(&mut self, _: usize, _: &mut [u8]) -> Option<Sample> {
        None
    }

    fn sampling_peek(&mut self, _: usize) -> Option<Sample> {
        None
    }

    fn queuing_send(&mut self, port: usize, message: &[u8]) -> Sent {
        if self.queues[port].len() == 2 {
            return Sent::Full;
        }
        self.queues[port].push(message[0]);
        Sent::Queued
    }

    fn queuing_receive(&mut self, port: usize, room: &mut [u8]) -> Option<(usize, bool)> {
        if self.queues[port].is_empty() {
            return None;
        }
        room[0] = self.queues[port].remove(0);
        Some((1, false))
    }

    fn queuing_held(&mut self, port: usize) -> u32 {
        self.queues[port].len() as u32
    }

    fn queuing_clear(&mut self, port: usize) {
        self.queues[port].clear();
    }

    fn mode_changed(&mut self, _: OperatingMode) {}

    fn partition_error(&mut self, error: &PartitionError) -> HealthAction {
        if let (ErrorCode::DeadlineMissed, Runs::Process(process)) = (error.code, error.by) {
            self.missed.push(process.0 as usize - 1);
        }
        self.errors += 1;
        HealthAction::Continue
    }

    fn application_message(&mut self, _: &[u8]) {}

    fn set_schedule(&mut self, _: usize) {}

    fn schedule_state(&mut self) -> ScheduleState {
        ScheduleState {
            current: 0,
            next: 0,
            switched: 0,
        }
    }
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Whoever runs makes a call.
    Call(Call),
    /// So many milliseconds pass, in one go.
    Pass(u64),
    /// A message comes into the port.
    PeerSends(u8),
    /// A message is taken out of the port.
    PeerReceives,
    /// The machine catches whoever runs.
    Fault,
}

/// What is explored.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub processes: Vec<Created>,
    pub by_priority: bool,
    pub handler: bool,
    pub steps: Vec<Step>,
}

/// Partition and reference.
#[derive(Clone, Debug)]
pub struct Pair {
    pub partition: Partition<Outside, Tiny>,
    pub reference: Reference,
    /// Whose wait is not collected yet.
    waits: [bool; 4],
    /// What those asked for.
    asked: [Option<Asked>; 4],
    history: History,
}

static PLACE: &Facts = &FACTS;

impl Pair {
    pub fn new(scenario: &Scenario) -> Self {
        let start = Start {
            warm: false,
            condition: StartCondition::NormalStart,
            now: TICKS,
            release: 0,
        };
        let mut partition = Partition::new(Outside::default(), PLACE, start);
        let discipline = u32::from(scenario.by_priority);
        let names = ["a", "b", "c", "d"];
        for (process, name) in scenario.processes.iter().zip(names) {
            let in_ns = |ms: Option<i64>| ms.map_or(-1, |ms| ms * MS);
            let attributes = ProcessAttributes {
                period: in_ns(process.period),
                time_capacity: in_ns(process.capacity),
                ..aperiodic(name, process.priority)
            };
            done(&mut partition, Call::CreateProcess { attributes });
        }
        for call in [
            Call::CreateSemaphore {
                name: "s",
                value: 0,
                maximum: 2,
                discipline,
            },
            Call::CreateMutex {
                name: "m",
                priority: 20,
                discipline,
            },
            Call::CreateEvent { name: "e" },
            Call::CreateBuffer {
                name: "b",
                message_bytes: 1,
                messages_max: 2,
                discipline,
            },
            Call::CreateBlackboard {
                name: "w",
                message_bytes: 1,
            },
        ] {
            done(&mut partition, call);
        }
        for (name, direction) in [("q_out", 0), ("q_in", 1)] {
            let mut call = queuing(name, direction);
            if let Call::CreateQueuingPort {
                discipline: order, ..
            } = &mut call
            {
                *order = discipline;
            }
            done(&mut partition, call);
        }
        if scenario.handler {
            let handler = Call::CreateErrorHandler {
                entry_point: 4,
                stack_bytes: 100,
            };
            done(&mut partition, handler);
        }
        for process in 1..=scenario.processes.len() {
            done(
                &mut partition,
                Call::Start {
                    process: process as i32,
                },
            );
        }
        done(&mut partition, Call::SetPartitionMode { mode: NORMAL });
        let objects = Objects {
            semaphore: 0,
            by_priority: scenario.by_priority,
            ceiling: 20,
            event: false,
            buffer: [].into(),
            buffer_depth: 2,
            board: None,
            out: [].into(),
            into: [].into(),
            port_depth: 2,
        };
        let mut pair = Self {
            partition,
            reference: Reference::new(&scenario.processes, objects, scenario.handler),
            waits: [false; 4],
            asked: [None; 4],
            history: History::default(),
        };
        for (given, process) in pair.history.given.iter_mut().zip(&scenario.processes) {
            *given = process.priority;
        }
        pair.compare().expect("the beginning is the same");
        pair
    }

    /// What tells this state from others.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let history = (&self.history, self.asked);
        (&self.partition, &self.reference, self.waits, history).hash(&mut hasher);
        hasher.finish()
    }

    fn running(&self) -> Option<usize> {
        match self.partition.running() {
            Runs::Process(process) => Some(process.0 as usize - 1),
            _ => None,
        }
    }

    /// Does a step on both. `Ok(false)`: it cannot be done here, since nobody runs.
    pub fn step(&mut self, step: Step) -> Result<bool, String> {
        match step {
            Step::Call(call) => {
                if self.partition.running() == Runs::Nobody {
                    return Ok(false);
                }
                let caller = self.running();
                let answer = dispatch(&mut self.partition, call);
                let expected = self.reference.call(call);
                same(&answer, expected)?;
                if let (Answer::Waits, Some(caller)) = (&answer, caller) {
                    self.waits[caller] = true;
                    self.asked[caller] = asked(call);
                }
                self.remember(call, &answer);
                if let (Answer::Done(_), Call::Stop { process }) = (&answer, call) {
                    self.waits[process as usize - 1] = false;
                }
            }
            Step::Pass(ms) => {
                let now = self.reference.now + ms as i64;
                self.partition.advance((now as u64 + 1) * TICKS);
                self.reference.advance(now);
            }
            Step::PeerSends(byte) => {
                let sent = self.partition.environment().queuing_send(1, &[byte]) == Sent::Queued;
                self.partition.queuing_port_changed(1);
                equal("sent", sent, self.reference.peer_sends(byte))?;
            }
            Step::PeerReceives => {
                let queue = &mut self.partition.environment().queues[0];
                let byte = (!queue.is_empty()).then(|| queue.remove(0));
                self.partition.queuing_port_changed(0);
                equal("taken", byte, self.reference.peer_receives())?;
            }
            Step::Fault => {
                if self.partition.running() == Runs::Nobody {
                    return Ok(false);
                }
                self.partition.fault(Failed {
                    code: ErrorCode::NumericError,
                    address: 0,
                });
                self.reference.fault();
                self.history.forget_sections();
            }
        }
        self.compare()?;
        if let Some(running) = self.running()
            && core::mem::take(&mut self.waits[running])
        {
            self.asked[running] = None;
            same(&collect(&mut self.partition), self.reference.collect())?;
        }
        Ok(true)
    }

    /// What the invariants have to know of a call that was answered.
    fn remember(&mut self, call: Call, answer: &Answer) {
        match (call, answer) {
            (Call::SetPriority { process, priority }, Answer::Done(_)) => {
                self.history.given[process as usize - 1] = priority;
            }
            (Call::Start { process } | Call::DelayedStart { process, .. }, Answer::Done(_)) => {
                let index = process as usize - 1;
                self.history.given[index] = self.reference.processes[index].created.priority;
            }
            (_, Answer::Done(Value::Error(status))) if status.code == ErrorCode::DeadlineMissed => {
                let seen = self.seen();
                self.told(&seen, status.process.0 as usize - 1);
            }
            _ => {}
        }
    }

    /// Compares everything that can be seen, and holds what must always be true.
    fn compare(&mut self) -> Result<(), String> {
        let (apex, model) = (&mut self.partition, &self.reference);
        let running = match apex.running() {
            Runs::Process(process) => reference::Runs::Process(process.0 as usize - 1),
            Runs::ErrorHandler => reference::Runs::Handler,
            Runs::Main | Runs::Nobody => reference::Runs::Nobody,
        };
        equal("running", running, model.running())?;
        for (index, expected) in model.processes.iter().enumerate() {
            let id = ProcessId::of(index);
            let status = apex.get_process_status(id).expect("it was created");
            let state = match expected.at {
                Where::Dormant => ProcessState::Dormant,
                Where::Faulted => ProcessState::Faulted,
                Where::Waiting(_) => ProcessState::Waiting,
                Where::Ready if running == reference::Runs::Process(index) => ProcessState::Running,
                Where::Ready => ProcessState::Ready,
            };
            equal("state", (index, status.state), (index, state))?;
            equal("priority", status.current_priority, expected.priority)?;
            let deadline = expected.deadline.map_or(-1, |ms| (ms + 1) * MS);
            equal("deadline", status.deadline_time, SystemTime(deadline))?;
        }
        let due = model
            .next_event()
            .map_or(u64::MAX, |ms| (ms as u64 + 1) * TICKS);
        equal("next event", apex.next_event(), due)?;
        let errors = apex.environment().errors;
        equal("errors", errors, model.partition_errors)?;
        let semaphore = apex.get_semaphore_status(SemaphoreId(1)).expect("is there");
        let waiting = |what: fn(For) -> bool| model.waiting(what) as u32;
        equal(
            "semaphore",
            semaphore.current_value,
            model.objects.semaphore,
        )?;
        equal(
            "at it",
            semaphore.waiting_processes,
            waiting(|what| what == For::Semaphore),
        )?;
        let event = apex.get_event_status(EventId(1)).expect("is there");
        equal("event", event.state == EventState::Up, model.objects.event)?;
        equal(
            "at it",
            event.waiting_processes,
            waiting(|what| what == For::Event),
        )?;
        let buffer = apex.get_buffer_status(BufferId(1)).expect("is there");
        equal(
            "buffer",
            buffer.messages as usize,
            model.objects.buffer.len(),
        )?;
        let at_buffer = waiting(|what| matches!(what, For::ToSend(_) | For::ToReceive));
        equal("at it", buffer.waiting_processes, at_buffer)?;
        let mutex = apex.get_mutex_status(MutexId(1)).expect("is there");
        let owner = mutex
            .owner
            .map(|owner| (owner.0 as usize - 1, mutex.lock_count as u8));
        equal("mutex", owner, model.mutex)?;
        equal(
            "at it",
            mutex.waiting_processes,
            waiting(|what| what == For::Mutex),
        )?;
        let lock = apex
            .get_mutex_status(MutexId::PREEMPTION_LOCK)
            .expect("is there");
        let owner = lock
            .owner
            .map(|owner| (owner.0 as usize - 1, lock.lock_count as u8));
        equal("lock", owner, model.lock)?;
        for (port, at) in [
            (1, waiting(|what| matches!(what, For::PortToSend(_)))),
            (2, waiting(|what| what == For::PortToReceive)),
        ] {
            let status = apex.get_queuing_port_status(QueuingPortId(port));
            equal("at port", status.expect("is there").waiting_processes, at)?;
        }
        self.invariants()
    }

    /// What must be true of the partition whatever the reference says.
    fn invariants(&mut self) -> Result<(), String> {
        let holds = |what: &str, holds: bool| if holds { Ok(()) } else { Err(what.to_owned()) };
        holds("links are in order", self.partition.is_consistent())?;
        // No timer lost: what is due was done.
        let now = (self.reference.now as u64 + 1) * TICKS;
        holds("nothing is overdue", self.partition.next_event() > now)?;
        let seen = self.seen();
        let missed = core::mem::take(&mut self.partition.environment().missed);
        for index in missed {
            self.told(&seen, index);
        }
        self.history.count(&seen);
        match *invariants::broken(&seen, &self.history) {
            [] => Ok(()),
            ref broken => Err(format!("{broken:?} of {seen:?} with {:?}", self.history)),
        }
    }

    /// Somebody was told that a process missed its deadline: the one that has passed, if it has not got another one since.
    fn told(&mut self, seen: &Seen, index: usize) {
        let passed = |deadline: &i64| *deadline <= seen.now;
        self.history.told[index] = seen.processes[index].deadline.filter(passed);
    }

    /// What the services tell of the partition.
    fn seen(&mut self) -> Seen {
        let running = self.running();
        let apex = &mut self.partition;
        let processes = (0..self.reference.processes.len())
            .map(|index| {
                let status = apex.get_process_status(ProcessId::of(index));
                let status = status.expect("it was created");
                let deadline = status.deadline_time;
                invariants::Process {
                    state: status.state,
                    priority: status.current_priority,
                    deadline: (!deadline.is_infinite()).then_some(deadline.0),
                    asked: self.asked[index],
                }
            })
            .collect();
        let semaphore = apex.get_semaphore_status(SemaphoreId(1)).expect("is there");
        let event = apex.get_event_status(EventId(1)).expect("is there");
        let board = apex.get_blackboard_status(BlackboardId(1));
        let board = board.expect("is there");
        let buffer = apex.get_buffer_status(BufferId(1)).expect("is there");
        let of_mutex = |mutex| {
            let status = apex.get_mutex_status(mutex).expect("is there");
            let owner = status.owner.map(|owner| owner.0 as usize - 1);
            (owner, status.waiting_processes)
        };
        let (mutex, lock) = (of_mutex(MutexId(1)), of_mutex(MutexId::PREEMPTION_LOCK));
        let ports = [1, 2].map(|port| {
            let status = apex.get_queuing_port_status(QueuingPortId(port));
            let status = status.expect("is there");
            Messages {
                held: status.messages,
                depth: status.messages_max,
                waiting: status.waiting_processes,
            }
        });
        Seen {
            now: apex.get_time().0,
            handler_runs: apex.running() == Runs::ErrorHandler,
            running,
            processes,
            semaphore: (semaphore.current_value, semaphore.waiting_processes),
            mutex,
            lock_owner: lock.0,
            event: (event.state == EventState::Up, event.waiting_processes),
            board: (
                board.empty_indicator == EmptyIndicator::Occupied,
                board.waiting_processes,
            ),
            buffer: Messages {
                held: buffer.messages,
                depth: buffer.messages_max,
                waiting: buffer.waiting_processes,
            },
            ports,
        }
    }
}

/// What a call waits for, if others have to see to it that it does not wait in vain.
const fn asked(call: Call) -> Option<Asked> {
    match call {
        Call::SendBuffer { .. } => Some(Asked::ToSend),
        Call::ReceiveBuffer { .. } => Some(Asked::ToReceive),
        Call::SendQueuingMessage { .. } => Some(Asked::AtPortToSend),
        Call::ReceiveQueuingMessage { .. } => Some(Asked::AtPortToReceive),
        _ => None,
    }
}

fn done(partition: &mut Partition<Outside, Tiny>, call: Call) {
    let answer = dispatch(partition, call);
    assert!(matches!(answer, Answer::Done(_)), "{call:?}: {answer:?}");
}

fn same(answer: &Answer, expected: Expected) -> Result<(), String> {
    let given = match answer {
        Answer::Done(Value::Message(message)) => Expected::Done(message.bytes().first().copied()),
        Answer::Done(_) => Expected::Done(None),
        Answer::Refused(code) => Expected::Refused(*code),
        Answer::Waits => Expected::Waits,
    };
    equal("answer", given, expected)
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, given: T, expected: T) -> Result<(), String> {
    if given == expected {
        Ok(())
    } else {
        Err(format!(
            "{what}: {given:?}, and by the reference {expected:?}"
        ))
    }
}
