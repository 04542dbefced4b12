//! What must be true at each state, whatever the reference says: functions over what the services themselves tell of the partition.
//!
//! The reference could be wrong in the same way as the partition. These know neither of the two: they see the answers of the status services,
//! and a little history ([`History`]), which is counted from those answers alone. `every_invariant_fails_by_a_planted_fault` has for each of them a state
//! that breaks it.

use cofferdam_apex::ProcessState;

/// At what a process waits that must not wait longer than it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    ToSend,
    ToReceive,
    AtPortToSend,
    AtPortToReceive,
}

/// A process, by GET_PROCESS_STATUS.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pub state: ProcessState,
    pub priority: i32,
    /// In nanoseconds; `None` if it is infinite.
    pub deadline: Option<i64>,
    /// What it asked for last, if it was made to wait.
    pub asked: Option<Asked>,
}

/// Messages, and who waits with one or for one.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    pub held: u32,
    pub depth: u32,
    pub waiting: u32,
}

/// What can be seen of the partition.
#[derive(Clone, Debug)]
pub struct Seen {
    /// In nanoseconds.
    pub now: i64,
    pub handler_runs: bool,
    pub running: Option<usize>,
    pub processes: Vec<Process>,
    /// Value of the semaphore, and how many wait.
    pub semaphore: (i32, u32),
    /// Owner of the mutex, and how many wait.
    pub mutex: (Option<usize>, u32),
    pub lock_owner: Option<usize>,
    /// Whether the event is up, and how many wait.
    pub event: (bool, u32),
    /// Whether something stands on the blackboard, and how many wait.
    pub board: (bool, u32),
    pub buffer: Messages,
    /// The port that goes out, and the one that comes in.
    pub ports: [Messages; 2],
}

/// What has to be remembered of the steps before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// For each process the last deadline of which somebody was told that it was missed.
    pub told: [Option<i64>; 4],
    /// For each process the priority that it was given, without what it owns.
    pub given: [i32; 4],
    /// For each process the owner in whose critical section it waits now, although it is ready and more urgent; and how many such
    /// sections there have been since it ran last.
    blocked: [(Option<usize>, u8); 4],
    /// Since it was free last, the mutex has had an owner that was stopped. The ceiling protocol knows only owners that go on to the end of their
    /// section: of one that is stopped another section can begin while the mutex is owned, and one that waits for it becomes its owner without having
    /// run.
    left: bool,
}

impl History {
    /// After a step: counts, for each process that is ready and does not run, the critical sections of less urgent ones.
    pub fn count(&mut self, seen: &Seen) {
        let owner = seen.mutex.0.map(|owner| seen.processes[owner].state);
        self.left = owner.is_some() && (self.left || owner == Some(ProcessState::Dormant));
        for (index, process) in seen.processes.iter().enumerate() {
            let (section, sections) = &mut self.blocked[index];
            if process.state != ProcessState::Ready {
                (*section, *sections) = (None, 0);
                continue;
            }
            let owns = |owner: usize| [seen.mutex.0, seen.lock_owner].contains(&Some(owner));
            // A section that has ended is another one if it begins again.
            *section = section.filter(|owner| owns(*owner));
            let Some(running) = seen.running else {
                continue;
            };
            let is_beyond = self.left && seen.lock_owner != Some(running);
            let is_less_urgent = self.given[running] < self.given[index];
            if is_less_urgent && !is_beyond && *section != Some(running) {
                *section = Some(running);
                *sections = sections.saturating_add(1);
            }
        }
    }

    /// The machine caught somebody: what it owns it may keep for as long as the error handler likes, and counting begins anew.
    pub fn forget_sections(&mut self) {
        self.blocked = Default::default();
    }
}

/// A deadline that has passed, and of which neither the error handler nor the partition's level was told.
fn no_deadline_passes_unnoticed(seen: &Seen, history: &History) -> bool {
    // The handler that still runs may have it in its queue.
    let told = |index: usize, deadline| seen.handler_runs || history.told[index] == Some(deadline);
    seen.processes.iter().enumerate().all(|(index, process)| {
        process
            .deadline
            .is_none_or(|deadline| deadline > seen.now || told(index, deadline))
    })
}

/// A less urgent process runs before a ready one only inside of a critical section.
fn inversion_is_in_critical_sections_alone(seen: &Seen, history: &History) -> bool {
    let Some(running) = seen.running else {
        return true;
    };
    let owns = [seen.mutex.0, seen.lock_owner].contains(&Some(running));
    let urgent = |(index, process): (usize, &Process)| {
        process.state == ProcessState::Ready && history.given[index] > history.given[running]
    };
    owns || !seen.processes.iter().enumerate().any(urgent)
}

/// Of which there is at most one until the ready one runs: what the ceiling protocol promises, if no owner is stopped.
fn at_most_one_critical_section_blocks(_: &Seen, history: &History) -> bool {
    history.blocked.iter().all(|(_, sections)| *sections <= 1)
}

/// The most urgent of the ready ones runs, or who has locked preemption; and somebody runs if somebody is ready.
fn the_most_urgent_runs(seen: &Seen, _: &History) -> bool {
    let ready =
        |process: &&Process| matches!(process.state, ProcessState::Ready | ProcessState::Running);
    let highest = seen.processes.iter().filter(ready).map(|one| one.priority);
    match seen.running {
        Some(running) => {
            seen.lock_owner == Some(running)
                || highest.max() == Some(seen.processes[running].priority)
        }
        None => seen.handler_runs || highest.max().is_none(),
    }
}

fn nobody_waits_for_a_free_semaphore(seen: &Seen, _: &History) -> bool {
    let (value, waiting) = seen.semaphore;
    value == 0 || waiting == 0
}

fn nobody_waits_for_a_free_mutex(seen: &Seen, _: &History) -> bool {
    let (owner, waiting) = seen.mutex;
    owner.is_some() || waiting == 0
}

fn nobody_waits_for_an_event_that_is_up(seen: &Seen, _: &History) -> bool {
    let (up, waiting) = seen.event;
    !up || waiting == 0
}

fn nobody_waits_for_what_is_on_the_blackboard(seen: &Seen, _: &History) -> bool {
    let (shown, waiting) = seen.board;
    !shown || waiting == 0
}

/// How many wait that asked for this. One that was served while it was suspended is among them: so they are at most so many.
fn askers(seen: &Seen, asked: Asked) -> u32 {
    let waits = |one: &&Process| one.state == ProcessState::Waiting && one.asked == Some(asked);
    seen.processes.iter().filter(waits).count() as u32
}

/// Nobody waits for room that there is, nor for a message that there is.
fn is_served(messages: Messages, senders: u32, receivers: u32) -> bool {
    let has_room = messages.held < messages.depth;
    let has_message = messages.held > 0;
    let may_wait = if has_room { 0 } else { senders } + if has_message { 0 } else { receivers };
    messages.waiting <= may_wait
}

fn nobody_waits_at_a_buffer_in_vain(seen: &Seen, _: &History) -> bool {
    let (senders, receivers) = (askers(seen, Asked::ToSend), askers(seen, Asked::ToReceive));
    is_served(seen.buffer, senders, receivers)
}

fn nobody_waits_at_a_queuing_port_in_vain(seen: &Seen, _: &History) -> bool {
    let [out, into] = seen.ports;
    is_served(out, askers(seen, Asked::AtPortToSend), 0)
        && is_served(into, 0, askers(seen, Asked::AtPortToReceive))
}

type Invariant = fn(&Seen, &History) -> bool;

/// All of them, with what is said if one does not hold.
pub const ALL: [(&str, Invariant); 10] = [
    ("no deadline passes unnoticed", no_deadline_passes_unnoticed),
    (
        "a less urgent process runs in a critical section alone",
        inversion_is_in_critical_sections_alone,
    ),
    (
        "at most one critical section blocks",
        at_most_one_critical_section_blocks,
    ),
    (
        "the most urgent runs, or who locked preemption",
        the_most_urgent_runs,
    ),
    (
        "nobody waits for a free semaphore",
        nobody_waits_for_a_free_semaphore,
    ),
    (
        "nobody waits for a free mutex",
        nobody_waits_for_a_free_mutex,
    ),
    (
        "nobody waits for an event that is up",
        nobody_waits_for_an_event_that_is_up,
    ),
    (
        "nobody waits for what is on the blackboard",
        nobody_waits_for_what_is_on_the_blackboard,
    ),
    (
        "nobody waits at a buffer in vain",
        nobody_waits_at_a_buffer_in_vain,
    ),
    (
        "nobody waits at a queuing port in vain",
        nobody_waits_at_a_queuing_port_in_vain,
    ),
];

/// What does not hold.
pub fn broken(seen: &Seen, history: &History) -> Vec<&'static str> {
    ALL.iter()
        .filter(|(_, holds)| !holds(seen, history))
        .map(|(what, _)| *what)
        .collect()
}

/// Process 0 at priority 30 is ready, and 1 at 10 runs in the mutex with a ceiling of 30; 2 waits.
fn sound() -> (Seen, History) {
    let process = |state, priority| Process {
        state,
        priority,
        deadline: None,
        asked: None,
    };
    let empty = Messages {
        held: 0,
        depth: 2,
        waiting: 0,
    };
    let seen = Seen {
        now: 100,
        handler_runs: false,
        running: Some(1),
        processes: vec![
            process(ProcessState::Ready, 30),
            process(ProcessState::Running, 30),
            process(ProcessState::Waiting, 20),
        ],
        semaphore: (0, 0),
        mutex: (Some(1), 0),
        lock_owner: None,
        event: (false, 0),
        board: (false, 0),
        buffer: empty,
        ports: [empty; 2],
    };
    let mut history = History {
        given: [30, 10, 20, 0],
        ..History::default()
    };
    history.count(&seen);
    (seen, history)
}

#[test]
fn every_invariant_fails_by_a_planted_fault() {
    let (seen, history) = sound();
    assert_eq!(broken(&seen, &history), [""; 0]);
    type Fault = fn(&mut Seen, &mut History);
    let faults: [Fault; 10] = [
        |seen, _| seen.processes[2].deadline = Some(99),
        |seen, _| seen.mutex.0 = None,
        |seen, history| {
            // The section ends, and the ready one is passed over for another section.
            let again = seen.clone();
            (seen.mutex.0, seen.running) = (None, None);
            history.count(seen);
            *seen = again;
            history.count(seen);
        },
        |seen, _| seen.processes[0].priority = 31,
        |seen, _| seen.semaphore = (1, 1),
        |seen, history| {
            seen.mutex = (None, 1);
            history.given[1] = 30;
        },
        |seen, _| seen.event = (true, 1),
        |seen, _| seen.board = (true, 1),
        |seen, _| {
            seen.processes[2].asked = Some(Asked::ToSend);
            seen.buffer.waiting = 1;
        },
        |seen, _| {
            seen.processes[2].asked = Some(Asked::AtPortToReceive);
            (seen.ports[1].held, seen.ports[1].waiting) = (1, 1);
        },
    ];
    for ((what, _), fault) in ALL.iter().zip(faults) {
        let (mut seen, mut history) = (seen.clone(), history.clone());
        fault(&mut seen, &mut history);
        assert_eq!(broken(&seen, &history), [*what]);
    }
}

#[test]
fn an_owner_that_was_stopped_is_beyond_the_ceiling_protocol() {
    let (again, counted) = sound();
    let (mut seen, mut history) = (again.clone(), History::default());
    history.given = counted.given;
    // Whoever runs then has locked preemption, and starts the owner again: its section stands behind that of the lock.
    seen.processes[1].state = ProcessState::Dormant;
    (seen.running, seen.lock_owner) = (Some(2), Some(2));
    history.count(&seen);
    history.count(&again);
    assert!(at_most_one_critical_section_blocks(&again, &history));
    // Once the mutex was free, a section is one again.
    (seen.mutex.0, seen.running, seen.lock_owner) = (None, None, None);
    history.count(&seen);
    history.count(&again);
    assert!(!at_most_one_critical_section_blocks(&again, &history));
}
