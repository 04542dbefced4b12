//! Partition and process services.

use cofferdam_apex::ProcessState;
use cofferdam_apex::ReturnCode::{InvalidConfig, InvalidMode, InvalidParam, NoAction, TimedOut};

use super::cells;
use crate::call::{Call, ProcessAttributes, Value};
use crate::host::PERIOD_NS;
use crate::script::{INFINITE, MS, NORMAL, Script, aperiodic, raise};

fn create(attributes: ProcessAttributes) -> Call {
    Call::CreateProcess { attributes }
}

/// A process without any deadline that can be computed.
fn endless(s: &mut Script<'_>) -> i32 {
    s.number(create(ProcessAttributes {
        time_capacity: i64::MAX,
        ..aperiodic("endless", 10)
    }))
}

/// A periodic process whose period is a multiple of the partition's.
const fn periodic(periods: u64, time_capacity: i64) -> ProcessAttributes {
    ProcessAttributes {
        period: (periods * PERIOD_NS) as i64,
        time_capacity,
        ..aperiodic("periodic", 10)
    }
}

cells! {
    GET_PARTITION_STATUS {
        NoError => |s| match s.ok(Call::GetPartitionStatus) {
            Value::Partition(status) => {
                assert_eq!(status.period.0, PERIOD_NS as i64);
                assert_eq!((status.identifier, status.lock_level, status.assigned_cores), (3, 0, 1));
                assert_eq!((status.operating_mode as u32, status.start_condition as u32), (1, 0));
            }
            other => panic!("{other:?}"),
        };
    }
    SET_PARTITION_MODE {
        NoError => |s| {
            s.normal();
            s.idle();
        };
        InvalidParam => |s| s.refused(Call::SetPartitionMode { mode: 4 }, InvalidParam);
        NoAction => |s| {
            s.one();
            s.refused(Call::SetPartitionMode { mode: NORMAL }, NoAction);
        };
        InvalidMode => |s| s.refused(Call::SetPartitionMode { mode: 2 }, InvalidMode);
    }
    GET_MY_PARTITION_ID {
        NoError => |s| assert_eq!(s.number(Call::GetMyPartitionId), 3);
    }
    CREATE_PROCESS {
        NoError => |s| {
            let first = s.create("first", 1);
            let second = s.create("second", 239);
            assert_ne!(first, second);
            assert_eq!(s.state(second), ProcessState::Dormant);
            s.ok(create(periodic(3, 3 * PERIOD_NS as i64)));
        };
        InvalidConfig => |s| {
            // No multiple of the partition's period; no memory for the stack; too many.
            let odd = ProcessAttributes { period: PERIOD_NS as i64 + 1, ..periodic(1, INFINITE) };
            s.refused(create(odd), InvalidConfig);
            for name in ["a", "b"] {
                s.ok(create(ProcessAttributes { stack_bytes: 8000, ..aperiodic(name, 1) }));
            }
            s.refused(create(ProcessAttributes { stack_bytes: 8000, ..aperiodic("c", 1) }), InvalidConfig);
            for name in ["d", "e", "f", "g"] {
                s.create(name, 1);
            }
            s.refused(create(aperiodic("h", 1)), InvalidConfig);
        };
        NoAction => |s| {
            s.create("same", 1);
            s.refused(create(aperiodic("same", 2)), NoAction);
        };
        InvalidParam => |s| {
            for wrong in [
                ProcessAttributes { stack_bytes: 0, ..aperiodic("wrong", 1) },
                ProcessAttributes { stack_bytes: 8193, ..aperiodic("wrong", 1) },
                aperiodic("wrong", 0),
                aperiodic("wrong", 240),
                ProcessAttributes { period: 0, ..aperiodic("wrong", 1) },
                ProcessAttributes { period: -2, ..aperiodic("wrong", 1) },
                ProcessAttributes { time_capacity: 0, ..aperiodic("wrong", 1) },
                ProcessAttributes { time_capacity: -2, ..aperiodic("wrong", 1) },
                periodic(1, PERIOD_NS as i64 + 1),
            ] {
                s.refused(create(wrong), InvalidParam);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(create(aperiodic("late", 1)), InvalidMode);
        };
    }
    SET_PRIORITY {
        NoError => |s| {
            let (high, low) = s.two();
            s.ok(Call::SetPriority { process: low, priority: 30 });
            s.runs(low);
            assert_eq!(s.priority(low), 30);
            s.ok(Call::SetPriority { process: low, priority: 20 });
            s.runs(high);
        };
        InvalidParam => |s| {
            let process = s.one();
            s.refused(Call::SetPriority { process: 9, priority: 1 }, InvalidParam);
            s.refused(Call::SetPriority { process: 0, priority: 1 }, InvalidParam);
            s.refused(Call::SetPriority { process: -1, priority: 1 }, InvalidParam);
            s.refused(Call::SetPriority { process, priority: 0 }, InvalidParam);
            s.refused(Call::SetPriority { process, priority: 240 }, InvalidParam);
            assert_eq!(s.priority(process), 10);
        };
        InvalidMode => |s| {
            let process = s.create("dormant", 10);
            s.refused(Call::SetPriority { process, priority: 1 }, InvalidMode);
        };
    }
    SUSPEND_SELF {
        NoError => |s| {
            let (high, low) = s.two();
            s.waits(Call::SuspendSelf { time_out: INFINITE });
            s.runs(low);
            s.ok(Call::Resume { process: high });
            s.runs(high);
            s.collect();
            s.ok(Call::SuspendSelf { time_out: 0 });
            s.runs(high);
        };
        InvalidMode => |s| {
            // The initialisation; who owns the preemption lock; who is periodic; the error handler.
            s.refused(Call::SuspendSelf { time_out: 0 }, InvalidMode);
            let periodic = s.periodic("periodic", 5, INFINITE);
            s.in_handler();
            s.refused(Call::SuspendSelf { time_out: 0 }, InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(Call::SuspendSelf { time_out: 0 }, InvalidMode);
            s.ok(Call::StopSelf);
            s.pass(PERIOD_NS as i64);
            s.runs(periodic);
            s.refused(Call::SuspendSelf { time_out: 0 }, InvalidMode);
        };
        InvalidParam => |s| {
            s.one();
            s.refused(Call::SuspendSelf { time_out: -2 }, InvalidParam);
            s.refused(Call::SuspendSelf { time_out: i64::MAX }, InvalidParam);
        };
        TimedOut => |s| {
            let process = s.one();
            s.waits(Call::SuspendSelf { time_out: MS });
            s.idle();
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
    }
    SUSPEND {
        NoError => |s| {
            let (_, low) = s.two();
            s.ok(Call::Suspend { process: low });
            assert_eq!(s.state(low), ProcessState::Waiting);
            s.waits(Call::TimedWait { delay: MS });
            s.idle();
        };
        InvalidParam => |s| {
            let process = s.one();
            s.refused(Call::Suspend { process }, InvalidParam);
            s.refused(Call::Suspend { process: 7 }, InvalidParam);
        };
        InvalidMode => |s| {
            let dormant = s.create("dormant", 1);
            let periodic = s.periodic("periodic", 1, INFINITE);
            let third = s.start("third", 12);
            let mutex = s.mutex();
            let (high, low) = {
                s.handler();
                s.two()
            };
            s.refused(Call::Suspend { process: dormant }, InvalidMode);
            s.refused(Call::Suspend { process: periodic }, InvalidMode);
            // Who owns a mutex; and who waits for it, when its owner has been stopped with it.
            s.waits(Call::TimedWait { delay: MS });
            s.runs(third);
            s.waits(Call::SuspendSelf { time_out: INFINITE });
            s.runs(low);
            s.ok(Call::AcquireMutex { mutex, time_out: 0 });
            s.pass(MS);
            s.runs(high);
            s.collect();
            s.refused(Call::Suspend { process: low }, InvalidMode);
            s.ok(Call::Stop { process: low });
            s.ok(Call::Resume { process: third });
            s.waits(Call::TimedWait { delay: MS });
            s.runs(third);
            s.collect();
            s.waits(Call::AcquireMutex { mutex, time_out: INFINITE });
            s.idle();
            s.pass(MS);
            s.runs(high);
            s.collect();
            s.refused(Call::Suspend { process: third }, InvalidMode);
            s.ok(Call::ResetMutex { mutex, process: low });
            s.ok(Call::Start { process: low });
            // Who owns the preemption lock, for the error handler; who is faulted.
            s.ok(Call::LockPreemption);
            s.ok(raise());
            s.refused(Call::Suspend { process: high }, InvalidMode);
            s.leave_handler();
            s.ok(Call::UnlockPreemption);
            s.ok(Call::Suspend { process: low });
            s.system.fault(cofferdam_apex::ErrorCode::NumericError);
            assert_eq!(s.state(high), ProcessState::Faulted);
            s.refused(Call::Suspend { process: high }, InvalidMode);
        };
        NoAction => |s| {
            let (_, low) = s.two();
            s.ok(Call::Suspend { process: low });
            s.refused(Call::Suspend { process: low }, NoAction);
        };
    }
    RESUME {
        NoError => |s| {
            let (high, low) = s.two();
            s.ok(Call::Suspend { process: low });
            s.ok(Call::Resume { process: low });
            assert_eq!(s.state(low), ProcessState::Ready);
            s.runs(high);
        };
        InvalidParam => |s| {
            let process = s.one();
            s.refused(Call::Resume { process }, InvalidParam);
            s.refused(Call::Resume { process: 7 }, InvalidParam);
        };
        InvalidMode => |s| {
            let dormant = s.create("dormant", 1);
            let periodic = s.periodic("periodic", 1, INFINITE);
            s.one();
            s.refused(Call::Resume { process: dormant }, InvalidMode);
            s.refused(Call::Resume { process: periodic }, InvalidMode);
        };
        NoAction => |s| {
            let (_, low) = s.two();
            s.refused(Call::Resume { process: low }, NoAction);
        };
    }
    STOP_SELF {
        NoError => |s| {
            let (high, low) = s.two();
            s.ok(Call::StopSelf);
            s.runs(low);
            assert_eq!(s.state(high), ProcessState::Dormant);
        };
    }
    STOP {
        NoError => |s| {
            let (_, low) = s.two();
            s.ok(Call::Stop { process: low });
            assert_eq!(s.state(low), ProcessState::Dormant);
        };
        InvalidParam => |s| {
            let process = s.one();
            s.refused(Call::Stop { process }, InvalidParam);
            s.refused(Call::Stop { process: 7 }, InvalidParam);
        };
        NoAction => |s| {
            let dormant = s.create("dormant", 1);
            s.one();
            s.refused(Call::Stop { process: dormant }, NoAction);
        };
    }
    START {
        NoError => |s| {
            let urgent = s.create("urgent", 50);
            s.one();
            s.ok(Call::Start { process: urgent });
            s.runs(urgent);
        };
        InvalidParam => |s| s.refused(Call::Start { process: 1 }, InvalidParam);
        NoAction => |s| {
            let process = s.one();
            s.refused(Call::Start { process }, NoAction);
        };
        InvalidConfig => |s| {
            let process = endless(s);
            s.refused(Call::Start { process }, InvalidConfig);
            assert_eq!(s.state(process), ProcessState::Dormant);
        };
    }
    DELAYED_START {
        NoError => |s| {
            let later = s.create("later", 50);
            s.one();
            s.ok(Call::DelayedStart { process: later, delay: MS });
            assert_eq!(s.state(later), ProcessState::Waiting);
            s.pass_exactly(MS, later);
        };
        InvalidParam => |s| {
            let process = s.number(create(periodic(1, INFINITE)));
            s.refused(Call::DelayedStart { process: 7, delay: 0 }, InvalidParam);
            s.refused(Call::DelayedStart { process, delay: INFINITE }, InvalidParam);
            s.refused(Call::DelayedStart { process, delay: -2 }, InvalidParam);
            s.refused(Call::DelayedStart { process, delay: i64::MAX }, InvalidParam);
            s.refused(Call::DelayedStart { process, delay: PERIOD_NS as i64 }, InvalidParam);
            s.ok(Call::DelayedStart { process, delay: PERIOD_NS as i64 - 1 });
        };
        NoAction => |s| {
            let process = s.one();
            s.refused(Call::DelayedStart { process, delay: 0 }, NoAction);
        };
        InvalidConfig => |s| {
            let process = endless(s);
            s.refused(Call::DelayedStart { process, delay: MS }, InvalidConfig);
        };
    }
    LOCK_PREEMPTION {
        NoError => |s| {
            s.one();
            assert_eq!(s.number(Call::LockPreemption), 1);
            assert_eq!(s.number(Call::LockPreemption), 2);
        };
        InvalidConfig => |s| {
            s.one();
            for level in 1..=16 {
                assert_eq!(s.number(Call::LockPreemption), level);
            }
            s.refused(Call::LockPreemption, InvalidConfig);
        };
        NoAction => |s| {
            s.refused(Call::LockPreemption, NoAction);
            s.in_handler();
            s.refused(Call::LockPreemption, NoAction);
        };
        InvalidMode => |s| {
            // The owner is faulted, so another process runs although preemption is locked; who owns a mutex.
            let mutex = s.mutex();
            s.handler();
            let (high, low) = s.two();
            s.ok(Call::LockPreemption);
            s.system.fault(cofferdam_apex::ErrorCode::NumericError);
            s.leave_handler();
            s.runs(low);
            s.refused(Call::LockPreemption, InvalidMode);
            s.ok(Call::Stop { process: high });
            s.ok(Call::AcquireMutex { mutex, time_out: 0 });
            s.refused(Call::LockPreemption, InvalidMode);
        };
    }
    UNLOCK_PREEMPTION {
        NoError => |s| {
            s.one();
            s.ok(Call::LockPreemption);
            s.ok(Call::LockPreemption);
            assert_eq!(s.number(Call::UnlockPreemption), 1);
            assert_eq!(s.number(Call::UnlockPreemption), 0);
        };
        NoAction => |s| {
            s.refused(Call::UnlockPreemption, NoAction);
            s.in_handler();
            s.refused(Call::UnlockPreemption, NoAction);
            s.leave_handler();
            s.refused(Call::UnlockPreemption, NoAction);
        };
        InvalidMode => |s| {
            // The owner is faulted, so another process runs although preemption is locked.
            s.handler();
            let (_, low) = s.two();
            s.ok(Call::LockPreemption);
            s.system.fault(cofferdam_apex::ErrorCode::NumericError);
            s.leave_handler();
            s.runs(low);
            s.refused(Call::UnlockPreemption, InvalidMode);
        };
    }
    GET_MY_ID {
        NoError => |s| {
            let process = s.one();
            assert_eq!(s.number(Call::GetMyId), process);
        };
        InvalidMode => |s| {
            s.refused(Call::GetMyId, InvalidMode);
            s.in_handler();
            s.refused(Call::GetMyId, InvalidMode);
        };
    }
    GET_PROCESS_ID {
        NoError => |s| {
            s.create("other", 1);
            let process = s.create("this", 1);
            assert_eq!(s.number(Call::GetProcessId { name: "this" }), process);
        };
        InvalidConfig => |s| s.refused(Call::GetProcessId { name: "none" }, InvalidConfig);
    }
    GET_PROCESS_STATUS {
        NoError => |s| {
            let process = s.number(create(periodic(1, 2 * MS)));
            s.ok(Call::Start { process });
            s.one();
            match s.ok(Call::GetProcessStatus { process }) {
                Value::Process(status) => {
                    // Released at the end of the partition's first period.
                    assert_eq!(status.deadline_time.0, PERIOD_NS as i64 + 2 * MS);
                    assert_eq!(status.current_priority, 10);
                    assert_eq!(status.state, ProcessState::Waiting);
                    assert_eq!(status.attributes.time_capacity.0, 2 * MS);
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetProcessStatus { process: 1 }, InvalidParam);
    }
    INITIALIZE_PROCESS_CORE_AFFINITY {
        NoError => |s| {
            let process = s.create("process", 1);
            s.ok(Call::InitializeProcessCoreAffinity { process, core: 0 });
            s.ok(Call::InitializeProcessCoreAffinity { process, core: -1 });
        };
        InvalidParam => |s| {
            s.refused(Call::InitializeProcessCoreAffinity { process: 1, core: 0 }, InvalidParam);
        };
        InvalidConfig => |s| {
            let process = s.create("process", 1);
            s.refused(Call::InitializeProcessCoreAffinity { process, core: 1 }, InvalidConfig);
        };
        InvalidMode => |s| {
            let process = s.one();
            s.refused(Call::InitializeProcessCoreAffinity { process, core: 0 }, InvalidMode);
        };
    }
    GET_MY_PROCESSOR_CORE_ID {
        NoError => |s| assert_eq!(s.number(Call::GetMyProcessorCoreId), 0);
    }
    GET_MY_INDEX {
        NoError => |s| {
            let (_, low) = s.two();
            assert_eq!(s.number(Call::GetMyIndex), 0);
            s.ok(Call::StopSelf);
            s.runs(low);
            assert_eq!(s.number(Call::GetMyIndex), 1);
        };
        InvalidMode => |s| {
            s.refused(Call::GetMyIndex, InvalidMode);
            s.in_handler();
            s.refused(Call::GetMyIndex, InvalidMode);
        };
    }
}
