//! Wrong values into every service, in every situation: an answer, never a panic; and a refused call changes nothing.

use cofferdam_apex::Runs;
use cofferdam_apex_conformity::host::FACTS;
use cofferdam_apex_conformity::script::{aperiodic, blackboard, mutex, raise};
use cofferdam_apex_conformity::{Answer, Call, Host, ProcessAttributes, Script, System};
use proptest::prelude::*;

/// Values for the parameters of a call.
#[derive(Clone, Copy, Debug)]
struct Values {
    small: i32,
    other: i32,
    time: i64,
    second_time: i64,
    code: u32,
    name: &'static str,
    message: &'static [u8],
}

/// Every service with these values.
fn every(v: Values) -> Vec<Call> {
    vec![
        Call::GetPartitionStatus,
        Call::SetPartitionMode { mode: v.code },
        Call::GetMyPartitionId,
        Call::CreateProcess {
            attributes: ProcessAttributes {
                name: v.name,
                period: v.time,
                time_capacity: v.second_time,
                stack_bytes: v.code,
                base_priority: v.small,
            },
        },
        Call::SetPriority {
            process: v.small,
            priority: v.other,
        },
        Call::SuspendSelf { time_out: v.time },
        Call::Suspend { process: v.small },
        Call::Resume { process: v.small },
        Call::StopSelf,
        Call::Stop { process: v.small },
        Call::Start { process: v.small },
        Call::DelayedStart {
            process: v.small,
            delay: v.time,
        },
        Call::LockPreemption,
        Call::UnlockPreemption,
        Call::GetMyId,
        Call::GetProcessId { name: v.name },
        Call::GetProcessStatus { process: v.small },
        Call::InitializeProcessCoreAffinity {
            process: v.small,
            core: v.other,
        },
        Call::GetMyProcessorCoreId,
        Call::GetMyIndex,
        Call::TimedWait { delay: v.time },
        Call::PeriodicWait,
        Call::GetTime,
        Call::Replenish { budget: v.time },
        Call::CreateSamplingPort {
            name: v.name,
            message_bytes: v.small,
            direction: v.code,
            refresh: v.time,
        },
        Call::WriteSamplingMessage {
            port: v.small,
            message: v.message,
        },
        Call::ReadSamplingMessage { port: v.small },
        Call::GetSamplingPortId { name: v.name },
        Call::GetSamplingPortStatus { port: v.small },
        Call::CreateQueuingPort {
            name: v.name,
            message_bytes: v.small,
            messages_max: v.other,
            direction: v.code,
            discipline: v.code,
        },
        Call::SendQueuingMessage {
            port: v.small,
            message: v.message,
            time_out: v.time,
        },
        Call::ReceiveQueuingMessage {
            port: v.small,
            time_out: v.time,
        },
        Call::GetQueuingPortId { name: v.name },
        Call::GetQueuingPortStatus { port: v.small },
        Call::ClearQueuingPort { port: v.small },
        Call::CreateBuffer {
            name: v.name,
            message_bytes: v.small,
            messages_max: v.other,
            discipline: v.code,
        },
        Call::SendBuffer {
            buffer: v.small,
            message: v.message,
            time_out: v.time,
        },
        Call::ReceiveBuffer {
            buffer: v.small,
            time_out: v.time,
        },
        Call::GetBufferId { name: v.name },
        Call::GetBufferStatus { buffer: v.small },
        Call::CreateBlackboard {
            name: v.name,
            message_bytes: v.small,
        },
        Call::DisplayBlackboard {
            blackboard: v.small,
            message: v.message,
        },
        Call::ReadBlackboard {
            blackboard: v.small,
            time_out: v.time,
        },
        Call::ClearBlackboard {
            blackboard: v.small,
        },
        Call::GetBlackboardId { name: v.name },
        Call::GetBlackboardStatus {
            blackboard: v.small,
        },
        Call::CreateSemaphore {
            name: v.name,
            value: v.small,
            maximum: v.other,
            discipline: v.code,
        },
        Call::WaitSemaphore {
            semaphore: v.small,
            time_out: v.time,
        },
        Call::SignalSemaphore { semaphore: v.small },
        Call::GetSemaphoreId { name: v.name },
        Call::GetSemaphoreStatus { semaphore: v.small },
        Call::CreateEvent { name: v.name },
        Call::SetEvent { event: v.small },
        Call::ResetEvent { event: v.small },
        Call::WaitEvent {
            event: v.small,
            time_out: v.time,
        },
        Call::GetEventId { name: v.name },
        Call::GetEventStatus { event: v.small },
        Call::CreateMutex {
            name: v.name,
            priority: v.small,
            discipline: v.code,
        },
        Call::AcquireMutex {
            mutex: v.small,
            time_out: v.time,
        },
        Call::ReleaseMutex { mutex: v.small },
        Call::ResetMutex {
            mutex: v.small,
            process: v.other,
        },
        Call::GetMutexId { name: v.name },
        Call::GetMutexStatus { mutex: v.small },
        Call::GetProcessMutexState { process: v.small },
        Call::ReportApplicationMessage { message: v.message },
        Call::CreateErrorHandler {
            entry_point: 4,
            stack_bytes: v.code,
        },
        Call::GetErrorStatus,
        Call::RaiseApplicationError {
            code: v.code,
            message: v.message,
        },
        Call::ConfigureErrorHandler {
            concurrency: v.code,
            core: v.small,
        },
        Call::SetModuleSchedule { schedule: v.small },
        Call::GetModuleScheduleStatus,
        Call::GetModuleScheduleId { name: v.name },
        Call::GetMemoryBlockStatus { name: v.name },
        Call::ReadUpdatedSamplingMessage { port: v.small },
        Call::GetSamplingPortCurrentStatus { port: v.small },
        Call::ReadSamplingMessageConditional {
            port: v.small,
            reference: v.time,
        },
    ]
}

fn values() -> impl Strategy<Value = Values> {
    let int = || {
        prop_oneof![
            4 => 0..4i32,
            1 => prop::sample::select(vec![-3, -2, -1, 7, 8, 16, 239, 240, i32::MIN, i32::MAX]),
        ]
    };
    let time = || {
        prop::sample::select(vec![
            -1,
            0,
            1,
            1_000_000,
            10_000_000,
            20_000_000,
            -2,
            i64::MIN,
            i64::MAX,
            i64::MAX - 2_000_000,
        ])
    };
    let code = prop::sample::select(vec![0u32, 1, 2, 3, 4, 100, 8192, 8193, u32::MAX]);
    let name = prop::sample::select(vec![
        "", "one", "board", "mutex", "s_in", "q_out", "q_in", "cruise", "new",
    ]);
    let message = prop::sample::select(vec![
        &b""[..],
        b"1",
        b"12345678",
        b"123456789",
        &[7; 128],
        &[7; 129],
    ]);
    (int(), int(), time(), time(), code, name, message).prop_map(
        |(small, other, time, second_time, code, name, message)| Values {
            small,
            other,
            time,
            second_time,
            code,
            name,
            message,
        },
    )
}

/// A partition with one of each object, in a situation: 0 initialises, 1 has a process that runs, 2 the error handler, 3 one that has locked
/// preemption, 4 one that owns a mutex. From 1 on another process waits.
fn situation(which: usize) -> Host {
    let mut host = Host::new(&FACTS);
    let mut s = Script { system: &mut host };
    s.buffer();
    s.semaphore();
    let id = s.mutex();
    s.ok(mutex("other"));
    s.ok(blackboard("board"));
    s.ok(Call::CreateEvent { name: "event" });
    s.sampling_in();
    s.queuing_out();
    s.handler();
    if which == 0 {
        return host;
    }
    let waits = s.start("waits", 20);
    s.create("dormant", 20);
    s.one_of_two(waits);
    match which {
        2 => {
            s.ok(raise());
        }
        3 => {
            s.ok(Call::LockPreemption);
        }
        4 => {
            s.ok(Call::AcquireMutex {
                mutex: id,
                time_out: 0,
            });
        }
        _ => {}
    }
    host
}

/// What a script of this file needs besides.
trait More {
    fn one_of_two(&mut self, waits: i32);
}

impl More for Script<'_> {
    /// NORMAL; the one process waits for the semaphore, and another one runs.
    fn one_of_two(&mut self, waits: i32) {
        let process = self.number(Call::CreateProcess {
            attributes: aperiodic("one", 10),
        });
        self.ok(Call::Start { process });
        self.normal();
        self.runs(waits);
        self.waits(Call::WaitSemaphore {
            semaphore: 1,
            time_out: -1,
        });
        self.runs(process);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_refused_call_changes_nothing(which in 0..5usize, values in prop::collection::vec(values(), 1..4)) {
        let first = situation(which);
        for values in values {
            for call in every(values) {
                let mut host = first.clone();
                let before = host.state();
                let answer = host.call(call);
                prop_assert!(host.is_consistent(), "{:?}", call);
                if matches!(answer, Answer::Refused(_)) {
                    prop_assert_eq!(host.state(), before, "{:?} gave {:?}", call, answer);
                }
            }
        }
    }

    #[test]
    fn any_sequence_of_calls_has_an_answer(
        which in 0..5usize,
        sequence in prop::collection::vec((values(), any::<prop::sample::Index>(), 0..30u64), 1..80),
    ) {
        let mut host = situation(which);
        for (values, index, ms) in sequence {
            let calls = every(values);
            if host.running() != Runs::Nobody {
                host.call(*index.get(&calls));
            }
            if ms > 20 {
                host.pass((ms - 20) * 1_000_000);
            }
            prop_assert!(host.is_consistent());
        }
    }
}
