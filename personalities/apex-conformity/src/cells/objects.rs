//! Semaphores and events.

use cofferdam_apex::EventState;
use cofferdam_apex::ReturnCode::{
    InvalidConfig, InvalidMode, InvalidParam, NoAction, NotAvailable, TimedOut,
};

use super::cells;
use crate::call::{Call, Value};
use crate::script::{INFINITE, MS, semaphore};

const fn wait(semaphore: i32, time_out: i64) -> Call {
    Call::WaitSemaphore {
        semaphore,
        time_out,
    }
}

const fn wait_event(event: i32, time_out: i64) -> Call {
    Call::WaitEvent { event, time_out }
}

const EVENT: Call = Call::CreateEvent { name: "event" };

cells! {
    CREATE_SEMAPHORE {
        NoError => |s| {
            let first = s.semaphore();
            assert_ne!(s.number(Call::CreateSemaphore { name: "full", value: 32767, maximum: 32767, discipline: 1 }), first);
        };
        InvalidConfig => |s| {
            s.ok(semaphore("a"));
            s.ok(semaphore("b"));
            s.refused(semaphore("c"), InvalidConfig);
        };
        NoAction => |s| {
            s.ok(semaphore("same"));
            s.refused(semaphore("same"), NoAction);
        };
        InvalidParam => |s| {
            for (value, maximum, discipline) in [(-1, 2, 0), (3, 2, 0), (0, 0, 0), (0, 32768, 0), (32768, 32768, 0), (0, -1, 0), (0, 2, 2)] {
                s.refused(Call::CreateSemaphore { name: "wrong", value, maximum, discipline }, InvalidParam);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(semaphore("late"), InvalidMode);
        };
    }
    WAIT_SEMAPHORE {
        NoError => |s| {
            let semaphore = s.semaphore();
            let (high, low) = s.two();
            s.waits(wait(semaphore, INFINITE));
            s.runs(low);
            s.ok(Call::SignalSemaphore { semaphore });
            s.runs(high);
            s.collect();
        };
        InvalidParam => |s| {
            let semaphore = s.semaphore();
            s.refused(wait(semaphore + 1, 0), InvalidParam);
            s.refused(wait(semaphore, -2), InvalidParam);
            s.refused(wait(semaphore, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let semaphore = s.semaphore();
            s.refused(wait(semaphore, MS), InvalidMode);
            s.in_handler();
            s.refused(wait(semaphore, MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(wait(semaphore, INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let semaphore = s.semaphore();
            s.refused(wait(semaphore, 0), NotAvailable);
        };
        TimedOut => |s| {
            let semaphore = s.semaphore();
            let process = s.one();
            s.waits(wait(semaphore, MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
    }
    SIGNAL_SEMAPHORE {
        NoError => |s| {
            let semaphore = s.semaphore();
            s.ok(Call::SignalSemaphore { semaphore });
            s.ok(wait(semaphore, 0));
        };
        InvalidParam => |s| s.refused(Call::SignalSemaphore { semaphore: 1 }, InvalidParam);
        NoAction => |s| {
            let semaphore = s.semaphore();
            s.ok(Call::SignalSemaphore { semaphore });
            s.ok(Call::SignalSemaphore { semaphore });
            s.refused(Call::SignalSemaphore { semaphore }, NoAction);
        };
    }
    GET_SEMAPHORE_ID {
        NoError => |s| {
            s.ok(semaphore("other"));
            let id = s.semaphore();
            assert_eq!(s.number(Call::GetSemaphoreId { name: "semaphore" }), id);
        };
        InvalidConfig => |s| s.refused(Call::GetSemaphoreId { name: "none" }, InvalidConfig);
    }
    GET_SEMAPHORE_STATUS {
        NoError => |s| {
            let semaphore = s.semaphore();
            s.two();
            s.waits(wait(semaphore, INFINITE));
            match s.ok(Call::GetSemaphoreStatus { semaphore }) {
                Value::Semaphore(status) => {
                    assert_eq!((status.current_value, status.maximum_value), (0, 2));
                    assert_eq!(status.waiting_processes, 1);
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetSemaphoreStatus { semaphore: 1 }, InvalidParam);
    }
    CREATE_EVENT {
        NoError => |s| {
            s.ok(EVENT);
        };
        InvalidConfig => |s| {
            s.ok(Call::CreateEvent { name: "a" });
            s.ok(Call::CreateEvent { name: "b" });
            s.refused(Call::CreateEvent { name: "c" }, InvalidConfig);
        };
        NoAction => |s| {
            s.ok(EVENT);
            s.refused(EVENT, NoAction);
        };
        InvalidMode => |s| {
            s.one();
            s.refused(EVENT, InvalidMode);
        };
    }
    SET_EVENT {
        NoError => |s| {
            let event = s.number(EVENT);
            s.ok(Call::SetEvent { event });
            s.ok(wait_event(event, 0));
            s.ok(wait_event(event, 0));
        };
        InvalidParam => |s| s.refused(Call::SetEvent { event: 1 }, InvalidParam);
    }
    RESET_EVENT {
        NoError => |s| {
            let event = s.number(EVENT);
            s.ok(Call::SetEvent { event });
            s.ok(Call::ResetEvent { event });
            s.refused(wait_event(event, 0), NotAvailable);
        };
        InvalidParam => |s| s.refused(Call::ResetEvent { event: 1 }, InvalidParam);
    }
    WAIT_EVENT {
        NoError => |s| {
            let event = s.number(EVENT);
            let (high, low) = s.two();
            s.waits(wait_event(event, INFINITE));
            s.runs(low);
            s.ok(Call::SetEvent { event });
            s.runs(high);
            s.collect();
        };
        InvalidParam => |s| {
            let event = s.number(EVENT);
            s.refused(wait_event(event + 1, 0), InvalidParam);
            s.refused(wait_event(event, -2), InvalidParam);
            s.refused(wait_event(event, i64::MAX), InvalidParam);
        };
        InvalidMode => |s| {
            let event = s.number(EVENT);
            s.refused(wait_event(event, MS), InvalidMode);
            s.in_handler();
            s.refused(wait_event(event, MS), InvalidMode);
            s.leave_handler();
            s.ok(Call::LockPreemption);
            s.refused(wait_event(event, INFINITE), InvalidMode);
        };
        NotAvailable => |s| {
            let event = s.number(EVENT);
            s.refused(wait_event(event, 0), NotAvailable);
        };
        TimedOut => |s| {
            let event = s.number(EVENT);
            let process = s.one();
            s.waits(wait_event(event, MS));
            s.pass_exactly(MS, process);
            s.collect_refused(TimedOut);
        };
    }
    GET_EVENT_ID {
        NoError => |s| {
            let event = s.number(EVENT);
            assert_eq!(s.number(Call::GetEventId { name: "event" }), event);
        };
        InvalidConfig => |s| s.refused(Call::GetEventId { name: "none" }, InvalidConfig);
    }
    GET_EVENT_STATUS {
        NoError => |s| {
            let event = s.number(EVENT);
            s.two();
            s.waits(wait_event(event, INFINITE));
            match s.ok(Call::GetEventStatus { event }) {
                Value::Event(status) => {
                    assert_eq!((status.state, status.waiting_processes), (EventState::Down, 1));
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidParam => |s| s.refused(Call::GetEventStatus { event: 1 }, InvalidParam);
    }
    APERIODIC_WAIT_EVENT {
        NoError, : "not a service here: it stands in one newer header, which says nothing of what it does, and no public text does";
    }
}
