//! What is explored: a few processes, and the steps that may come in any order.

use cofferdam_apex_conformity::Call;
use cofferdam_apex_conformity::script::raise;

use crate::pair::{Scenario, Step};
use crate::reference::Created;

const MS: i64 = 1_000_000;
const INFINITE: i64 = -1;

const fn aperiodic(priority: i32) -> Created {
    Created {
        priority,
        period: None,
        capacity: None,
    }
}

const fn timed(priority: i32, capacity: i64) -> Created {
    Created {
        capacity: Some(capacity),
        ..aperiodic(priority)
    }
}

const fn periodic(priority: i32, capacity: i64) -> Created {
    Created {
        period: Some(10),
        ..timed(priority, capacity)
    }
}

fn scenario(
    name: &'static str,
    processes: &[Created],
    by_priority: bool,
    handler: bool,
    calls: &[Call],
    others: &[Step],
) -> Scenario {
    let steps = calls.iter().map(|call| Step::Call(*call));
    Scenario {
        name,
        processes: processes.to_vec(),
        by_priority,
        handler,
        steps: steps.chain(others.iter().copied()).collect(),
    }
}

/// All of them, each with how deep it is gone into by the tests of every day.
pub fn all() -> Vec<(Scenario, usize)> {
    let semaphore = |time_out| Call::WaitSemaphore {
        semaphore: 1,
        time_out,
    };
    let signal = Call::SignalSemaphore { semaphore: 1 };
    let acquire = |time_out| Call::AcquireMutex { mutex: 1, time_out };
    let release = Call::ReleaseMutex { mutex: 1 };
    let wait = |ms: i64| Call::TimedWait { delay: ms * MS };
    let send = |message: &'static [u8], time_out| Call::SendBuffer {
        buffer: 1,
        message,
        time_out,
    };
    let receive = |time_out| Call::ReceiveBuffer {
        buffer: 1,
        time_out,
    };
    let set = |process, priority| Call::SetPriority { process, priority };
    vec![
        (
            scenario(
                "semaphore, in order",
                &[aperiodic(30), aperiodic(20), aperiodic(20)],
                false,
                false,
                &[
                    semaphore(INFINITE),
                    semaphore(MS),
                    semaphore(2 * MS),
                    signal,
                    wait(0),
                    wait(1),
                    Call::StopSelf,
                ],
                &[Step::Pass(1)],
            ),
            6,
        ),
        (
            scenario(
                "semaphore, by priority",
                &[aperiodic(10), aperiodic(20), aperiodic(20)],
                true,
                false,
                &[
                    semaphore(INFINITE),
                    semaphore(2 * MS),
                    signal,
                    wait(1),
                    set(1, 20),
                    set(1, 25),
                    set(2, 5),
                ],
                &[Step::Pass(1)],
            ),
            6,
        ),
        (
            scenario(
                "suspension",
                &[aperiodic(30), aperiodic(20), aperiodic(10)],
                false,
                false,
                &[
                    semaphore(2 * MS),
                    signal,
                    Call::SuspendSelf { time_out: INFINITE },
                    Call::SuspendSelf { time_out: MS },
                    Call::Suspend { process: 1 },
                    Call::Resume { process: 1 },
                    Call::Suspend { process: 2 },
                    Call::Resume { process: 2 },
                    Call::Stop { process: 1 },
                    Call::Start { process: 1 },
                    wait(1),
                ],
                &[Step::Pass(1)],
            ),
            5,
        ),
        (
            scenario(
                "mutex and lock",
                &[aperiodic(20), aperiodic(10), aperiodic(10)],
                false,
                false,
                &[
                    acquire(INFINITE),
                    acquire(MS),
                    release,
                    Call::LockPreemption,
                    Call::UnlockPreemption,
                    Call::Stop { process: 2 },
                    Call::Start { process: 2 },
                    Call::ResetMutex {
                        mutex: 1,
                        process: 2,
                    },
                    set(2, 15),
                    set(3, 25),
                    wait(1),
                    Call::StopSelf,
                ],
                &[Step::Pass(1)],
            ),
            5,
        ),
        (
            scenario(
                "mutex and faults",
                &[aperiodic(20), aperiodic(10), aperiodic(5)],
                true,
                true,
                &[
                    acquire(INFINITE),
                    release,
                    Call::LockPreemption,
                    Call::UnlockPreemption,
                    Call::StopSelf,
                    Call::Stop { process: 1 },
                    Call::Resume { process: 1 },
                    Call::Start { process: 1 },
                    Call::ResetMutex {
                        mutex: 1,
                        process: 1,
                    },
                    Call::GetErrorStatus,
                    wait(1),
                ],
                &[Step::Fault, Step::Pass(1)],
            ),
            5,
        ),
        (
            scenario(
                "deadlines and the handler",
                &[periodic(20, 2), timed(10, 3), aperiodic(5)],
                false,
                true,
                &[
                    Call::PeriodicWait,
                    Call::Replenish { budget: 2 * MS },
                    Call::Replenish { budget: 0 },
                    Call::GetErrorStatus,
                    Call::StopSelf,
                    Call::Stop { process: 1 },
                    Call::Start { process: 1 },
                    Call::DelayedStart {
                        process: 1,
                        delay: MS,
                    },
                    Call::DelayedStart {
                        process: 2,
                        delay: MS,
                    },
                    wait(2),
                    raise(),
                ],
                &[Step::Pass(1), Step::Pass(7)],
            ),
            5,
        ),
        (
            scenario(
                "periods, and time that jumps",
                &[periodic(20, 10), periodic(20, 3), timed(10, 3)],
                false,
                false,
                &[Call::PeriodicWait, wait(1), wait(0), Call::StopSelf],
                &[Step::Pass(1), Step::Pass(4), Step::Pass(9), Step::Pass(25)],
            ),
            7,
        ),
        (
            scenario(
                "buffer, by priority",
                &[aperiodic(10), aperiodic(20), aperiodic(30)],
                true,
                false,
                &[
                    send(b"1", INFINITE),
                    send(b"2", MS),
                    send(b"3", 0),
                    receive(INFINITE),
                    receive(MS),
                    wait(1),
                    set(3, 5),
                ],
                &[Step::Pass(1)],
            ),
            7,
        ),
        (
            scenario(
                "event and blackboard",
                &[aperiodic(10), aperiodic(20), aperiodic(20)],
                true,
                false,
                &[
                    Call::WaitEvent {
                        event: 1,
                        time_out: INFINITE,
                    },
                    Call::WaitEvent {
                        event: 1,
                        time_out: MS,
                    },
                    Call::SetEvent { event: 1 },
                    Call::ResetEvent { event: 1 },
                    Call::ReadBlackboard {
                        blackboard: 1,
                        time_out: 2 * MS,
                    },
                    Call::DisplayBlackboard {
                        blackboard: 1,
                        message: b"1",
                    },
                    Call::ClearBlackboard { blackboard: 1 },
                    wait(1),
                ],
                &[Step::Pass(1)],
            ),
            6,
        ),
        (
            scenario(
                "queuing ports",
                &[aperiodic(10), aperiodic(20), aperiodic(30)],
                true,
                false,
                &[
                    Call::SendQueuingMessage {
                        port: 1,
                        message: b"1",
                        time_out: INFINITE,
                    },
                    Call::SendQueuingMessage {
                        port: 1,
                        message: b"2",
                        time_out: MS,
                    },
                    Call::ReceiveQueuingMessage {
                        port: 2,
                        time_out: INFINITE,
                    },
                    Call::ReceiveQueuingMessage {
                        port: 2,
                        time_out: MS,
                    },
                    Call::StopSelf,
                ],
                &[Step::Pass(1), Step::PeerSends(b'5'), Step::PeerReceives],
            ),
            7,
        ),
    ]
}
