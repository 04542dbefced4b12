//! Mutexes.

use cofferdam_apex::ReturnCode::{
    InvalidConfig, InvalidMode, InvalidParam, NoAction, NotAvailable, TimedOut,
};
use cofferdam_apex::{MutexState, ProcessState};

use super::cells;
use crate::call::{Call, Value};
use crate::script::{INFINITE, MS, Script, mutex, raise};

/// The preemption lock, as an identifier.
const LOCK: i32 = -3;
/// "No mutex is owned".
const NONE: i32 = -2;

const fn acquire(mutex: i32, time_out: i64) -> Call {
    Call::AcquireMutex { mutex, time_out }
}

/// A mutex whose owner was stopped while it owned it, so that others have to wait: the mutex, its owner, and a process of priority 10 that runs.
fn left_behind(s: &mut Script<'_>) -> (i32, i32, i32) {
    let mutex = s.mutex();
    let owner = s.start("owner", 12);
    let (high, low) = s.two();
    s.waits(Call::TimedWait { delay: MS });
    s.runs(owner);
    s.ok(acquire(mutex, 0));
    s.pass(MS);
    s.runs(high);
    s.ok(Call::Stop { process: owner });
    s.ok(Call::StopSelf);
    s.runs(low);
    (mutex, owner, low)
}

cells! {
    CREATE_MUTEX {
        NoError => |s| {
            let first = s.mutex();
            assert_ne!(s.number(mutex("other")), first);
        };
        InvalidConfig => |s| {
            s.ok(mutex("a"));
            s.ok(mutex("b"));
            s.refused(mutex("c"), InvalidConfig);
        };
        NoAction => |s| {
            s.ok(mutex("same"));
            s.refused(mutex("same"), NoAction);
        };
        InvalidParam => |s| {
            for (priority, discipline) in [(0, 0), (240, 0), (-1, 0), (1, 2)] {
                s.refused(Call::CreateMutex { name: "wrong", priority, discipline }, InvalidParam);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(mutex("late"), InvalidMode);
        };
    }
    ACQUIRE_MUTEX {
        NoError => |s| {
            let mutex = s.mutex();
            let process = s.one();
            s.ok(acquire(mutex, 0));
            assert_eq!(s.priority(process), 15);
            s.ok(acquire(mutex, INFINITE));
            assert_eq!(s.number(Call::GetProcessMutexState { process }), mutex);
        };
        InvalidParam => |s| {
            let mutex = s.mutex();
            s.one();
            s.refused(acquire(mutex + 1, 0), InvalidParam);
            s.refused(acquire(LOCK, 0), InvalidParam);
            s.refused(acquire(mutex, -2), InvalidParam);
            s.refused(acquire(mutex, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let other = s.number(mutex("other"));
            let mutex = s.mutex();
            s.refused(acquire(mutex, 0), InvalidMode);
            let process = s.in_handler();
            s.refused(acquire(mutex, 0), InvalidMode);
            s.leave_handler();
            // Who owns another one, or the preemption lock; who is more urgent than the mutex.
            s.ok(acquire(other, 0));
            s.refused(acquire(mutex, 0), InvalidMode);
            s.ok(Call::ReleaseMutex { mutex: other });
            s.ok(Call::LockPreemption);
            s.refused(acquire(mutex, 0), InvalidMode);
            s.ok(Call::UnlockPreemption);
            s.ok(Call::SetPriority { process, priority: 16 });
            s.refused(acquire(mutex, 0), InvalidMode);
        };
        NotAvailable => |s| {
            let (mutex, _, _) = left_behind(s);
            s.refused(acquire(mutex, 0), NotAvailable);
        };
        TimedOut => |s| {
            let (mutex, _, low) = left_behind(s);
            s.waits(acquire(mutex, MS));
            s.idle();
            s.pass_exactly(MS, low);
            s.collect_refused(TimedOut);
        };
        InvalidConfig => |s| {
            let mutex = s.mutex();
            s.one();
            for _ in 0..16 {
                s.ok(acquire(mutex, 0));
            }
            s.refused(acquire(mutex, 0), InvalidConfig);
        };
    }
    RELEASE_MUTEX {
        NoError => |s| {
            let mutex = s.mutex();
            let process = s.one();
            s.ok(acquire(mutex, 0));
            s.ok(acquire(mutex, 0));
            s.ok(Call::ReleaseMutex { mutex });
            assert_eq!(s.number(Call::GetProcessMutexState { process }), mutex);
            s.ok(Call::ReleaseMutex { mutex });
            assert_eq!(s.number(Call::GetProcessMutexState { process }), NONE);
            assert_eq!(s.priority(process), 10);
        };
        InvalidParam => |s| {
            s.one();
            s.ok(Call::LockPreemption);
            s.refused(Call::ReleaseMutex { mutex: 1 }, InvalidParam);
            s.refused(Call::ReleaseMutex { mutex: LOCK }, InvalidParam);
        };
        InvalidMode => |s| {
            let (mutex, _, _) = left_behind(s);
            s.refused(Call::ReleaseMutex { mutex }, InvalidMode);
        };
    }
    RESET_MUTEX {
        NoError => |s| {
            let (mutex, owner, _) = left_behind(s);
            assert_eq!(s.state(owner), ProcessState::Dormant);
            s.ok(Call::ResetMutex { mutex, process: owner });
            s.ok(acquire(mutex, 0));
        };
        InvalidParam => |s| {
            let mutex = s.mutex();
            let process = s.one();
            s.refused(Call::ResetMutex { mutex: mutex + 1, process }, InvalidParam);
            s.refused(Call::ResetMutex { mutex: LOCK, process }, InvalidParam);
            s.refused(Call::ResetMutex { mutex, process: 7 }, InvalidParam);
        };
        InvalidMode => |s| {
            let mutex = s.mutex();
            let process = s.one();
            s.refused(Call::ResetMutex { mutex, process }, InvalidMode);
        };
    }
    GET_MUTEX_ID {
        NoError => |s| {
            s.ok(mutex("other"));
            let id = s.mutex();
            assert_eq!(s.number(Call::GetMutexId { name: "mutex" }), id);
        };
        InvalidConfig => |s| s.refused(Call::GetMutexId { name: "none" }, InvalidConfig);
    }
    GET_MUTEX_STATUS {
        NoError => |s| {
            s.start("least", 1);
            let (mutex, owner, low) = left_behind(s);
            s.waits(acquire(mutex, INFINITE));
            match s.ok(Call::GetMutexStatus { mutex }) {
                Value::Mutex(status) => {
                    assert_eq!(status.owner.map(|owner| owner.0), Some(owner));
                    assert_eq!((status.state, status.priority), (MutexState::Owned, 15));
                    assert_eq!((status.lock_count, status.waiting_processes), (1, 1));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(s.state(low), ProcessState::Waiting);
            match s.ok(Call::GetMutexStatus { mutex: LOCK }) {
                Value::Mutex(status) => assert_eq!((status.state, status.lock_count), (MutexState::Available, 0)),
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| {
            s.refused(Call::GetMutexStatus { mutex: 1 }, InvalidParam);
            s.refused(Call::GetMutexStatus { mutex: NONE }, InvalidParam);
        };
    }
    GET_PROCESS_MUTEX_STATE {
        NoError => |s| {
            s.handler();
            let process = s.one();
            assert_eq!(s.number(Call::GetProcessMutexState { process }), NONE);
            s.ok(Call::LockPreemption);
            s.ok(raise());
            s.handler_runs();
            assert_eq!(s.number(Call::GetProcessMutexState { process }), LOCK);
        };
        InvalidParam => |s| s.refused(Call::GetProcessMutexState { process: 1 }, InvalidParam);
    }
}
