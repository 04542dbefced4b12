//! Time services.

use cofferdam_apex::ReturnCode::{InvalidConfig, InvalidMode, InvalidParam, NoAction};

use super::cells;
use crate::call::{Call, ProcessAttributes, Value};
use crate::host::PERIOD_NS;
use crate::script::{INFINITE, MS, aperiodic};

cells! {
    TIMED_WAIT {
        NoError => |s| {
            let process = s.one();
            s.waits(Call::TimedWait { delay: MS });
            s.idle();
            s.pass_exactly(MS, process);
            s.collect();
        };
        InvalidMode => |s| {
            s.refused(Call::TimedWait { delay: 0 }, InvalidMode);
            s.in_handler();
            s.refused(Call::TimedWait { delay: MS }, InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(Call::TimedWait { delay: MS }, InvalidMode);
        };
        InvalidParam => |s| {
            s.one();
            s.refused(Call::TimedWait { delay: INFINITE }, InvalidParam);
            s.refused(Call::TimedWait { delay: -2 }, InvalidParam);
            s.refused(Call::TimedWait { delay: i64::MAX }, InvalidParam);
        };
    }
    PERIODIC_WAIT {
        NoError => |s| {
            let process = s.periodic("periodic", 10, INFINITE);
            s.normal();
            // 1 ms of the partition's period is over when the case begins.
            s.pass_exactly(PERIOD_NS as i64 - MS, process);
            s.pass(3 * MS);
            s.waits(Call::PeriodicWait);
            s.idle();
            s.pass_exactly(PERIOD_NS as i64 - 3 * MS, process);
            s.collect();
        };
        InvalidMode => |s| {
            s.refused(Call::PeriodicWait, InvalidMode);
            let periodic = s.periodic("periodic", 5, INFINITE);
            s.in_handler();
            s.refused(Call::PeriodicWait, InvalidMode);
            s.leave_handler();
            s.refused(Call::PeriodicWait, InvalidMode);
            s.ok(Call::StopSelf);
            s.pass(PERIOD_NS as i64);
            s.runs(periodic);
            s.ok(Call::LockPreemption);
            s.refused(Call::PeriodicWait, InvalidMode);
        };
        InvalidConfig => |s| {
            // The first release has a deadline that can be computed, the second one has not.
            let long = (i64::MAX as u64 / PERIOD_NS / 2 * PERIOD_NS) as i64 + PERIOD_NS as i64;
            let process = s.number(Call::CreateProcess {
                attributes: ProcessAttributes {
                    period: long,
                    time_capacity: long - PERIOD_NS as i64,
                    ..aperiodic("long", 10)
                },
            });
            s.ok(Call::Start { process });
            s.normal();
            s.pass(PERIOD_NS as i64);
            s.runs(process);
            s.refused(Call::PeriodicWait, InvalidConfig);
        };
    }
    GET_TIME {
        NoError => |s| {
            let before = s.ok(Call::GetTime);
            s.pass(MS);
            match (before, s.ok(Call::GetTime)) {
                (Value::Number(before), Value::Number(after)) => assert_eq!(after - before, MS),
                other => panic!("{other:?}"),
            }
        };
    }
    REPLENISH {
        NoError => |s| {
            let process = s.number(Call::CreateProcess {
                attributes: ProcessAttributes { time_capacity: MS, ..aperiodic("timed", 10) },
            });
            s.ok(Call::Start { process });
            s.normal();
            s.ok(Call::Replenish { budget: 3 * MS });
            s.pass(2 * MS);
            assert_eq!(s.system.partition_errors(), 0);
            s.pass(MS);
            assert_eq!(s.system.partition_errors(), 1);
        };
        InvalidParam => |s| {
            s.one();
            s.refused(Call::Replenish { budget: -2 }, InvalidParam);
            s.refused(Call::Replenish { budget: i64::MAX }, InvalidParam);
        };
        InvalidMode => |s| {
            let process = s.periodic("periodic", 10, 2 * MS);
            s.normal();
            s.pass(PERIOD_NS as i64 - MS);
            s.runs(process);
            s.refused(Call::Replenish { budget: PERIOD_NS as i64 + 1 }, InvalidMode);
            s.refused(Call::Replenish { budget: INFINITE }, InvalidMode);
            s.ok(Call::Replenish { budget: PERIOD_NS as i64 });
        };
        NoAction => |s| {
            s.refused(Call::Replenish { budget: MS }, NoAction);
            s.in_handler();
            s.refused(Call::Replenish { budget: MS }, NoAction);
        };
    }
}
