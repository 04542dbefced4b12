//! Release points, delays and deadlines.

use cofferdam_apex::ErrorCode;
use cofferdam_apex::ReturnCode::TimedOut;

use super::behaviours;
use crate::call::{Call, ProcessAttributes, Value};
use crate::host::PERIOD_NS;
use crate::script::{INFINITE, MS, Script, aperiodic, semaphore};

const PERIOD: i64 = PERIOD_NS as i64;

/// Creates and starts an aperiodic process with a deadline.
fn timed(s: &mut Script<'_>, base_priority: i32, time_capacity: i64) -> i32 {
    let attributes = ProcessAttributes {
        time_capacity,
        ..aperiodic("timed", base_priority)
    };
    let process = s.number(Call::CreateProcess { attributes });
    s.ok(Call::Start { process });
    process
}

/// The process of the error that the handler takes out, which is a missed deadline.
fn missed(s: &mut Script<'_>) -> i32 {
    match s.ok(Call::GetErrorStatus) {
        Value::Error(status) => {
            assert_eq!(status.code, ErrorCode::DeadlineMissed);
            status.process.0
        }
        other => panic!("{other:?}"),
    }
}

behaviours! {
    periodic_processes_are_released_with_the_partition: |s| {
        let high = s.periodic("high", 20, INFINITE);
        let low = s.periodic("low", 10, INFINITE);
        s.normal();
        s.idle();
        s.pass_exactly(PERIOD - MS, high);
        s.waits(Call::PeriodicWait);
        s.runs(low);
        s.waits(Call::PeriodicWait);
        s.idle();
        s.pass_exactly(PERIOD, high);
    };
    a_late_process_does_not_move_its_release_points: |s| {
        let process = s.periodic("periodic", 10, INFINITE);
        s.normal();
        s.pass(PERIOD - MS);
        s.runs(process);
        // It overruns its next release by 3 ms: released at once, and then at the third one on its tick.
        s.pass(PERIOD + 3 * MS);
        s.ok(Call::PeriodicWait);
        s.runs(process);
        s.waits(Call::PeriodicWait);
        s.pass_exactly(PERIOD - 3 * MS, process);
    };
    a_delayed_periodic_process_keeps_its_phase: |s| {
        let process = s.number(Call::CreateProcess {
            attributes: ProcessAttributes { period: PERIOD, ..aperiodic("periodic", 10) },
        });
        s.ok(Call::DelayedStart { process, delay: 4 * MS });
        s.normal();
        s.pass_exactly(PERIOD + 3 * MS, process);
        s.waits(Call::PeriodicWait);
        s.pass_exactly(PERIOD, process);
    };
    a_process_that_is_started_in_normal_waits_for_the_next_release: |s| {
        let process = s.number(Call::CreateProcess {
            attributes: ProcessAttributes { period: PERIOD, ..aperiodic("periodic", 20) },
        });
        s.one();
        s.pass(2 * PERIOD);
        s.ok(Call::Start { process });
        s.pass_exactly(PERIOD - MS, process);
    };
    a_delay_before_normal_counts_from_normal: |s| {
        let process = s.create("later", 10);
        s.ok(Call::DelayedStart { process, delay: 3 * MS });
        s.pass(5 * MS);
        s.normal();
        s.idle();
        s.pass_exactly(3 * MS, process);
    };
    a_missed_deadline_comes_to_the_handler_at_its_tick: |s| {
        s.handler();
        let process = timed(s, 10, 2 * MS);
        s.normal();
        s.pass(2 * MS - 5);
        s.runs(process);
        s.pass(5);
        s.handler_runs();
        assert_eq!(missed(s), process);
        s.leave_handler();
        // It is the handler's to decide: the process goes on, and is reported once.
        s.runs(process);
        s.pass(PERIOD);
        s.runs(process);
    };
    a_waiting_process_misses_its_deadline_too: |s| {
        s.handler();
        let process = timed(s, 10, 2 * MS);
        s.normal();
        s.waits(Call::TimedWait { delay: 5 * MS });
        s.pass(2 * MS);
        s.handler_runs();
        assert_eq!(missed(s), process);
        s.leave_handler();
        s.idle();
        s.pass_exactly(3 * MS, process);
    };
    a_periodic_process_in_time_misses_nothing: |s| {
        s.handler();
        let process = s.periodic("periodic", 10, PERIOD);
        s.normal();
        s.pass(PERIOD - MS);
        for _ in 0..20 {
            s.runs(process);
            s.pass(PERIOD - MS);
            s.waits(Call::PeriodicWait);
            s.pass(MS);
        }
    };
    a_periodic_process_that_is_not_done_is_noticed_each_time: |s| {
        s.handler();
        let process = s.periodic("periodic", 10, 2 * MS);
        s.normal();
        s.pass(PERIOD - MS);
        for _ in 0..3 {
            s.runs(process);
            s.pass(2 * MS);
            s.handler_runs();
            assert_eq!(missed(s), process);
            s.leave_handler();
            s.waits(Call::PeriodicWait);
            s.pass(PERIOD - 2 * MS);
        }
    };
    a_replenished_process_has_its_new_deadline: |s| {
        s.handler();
        let process = timed(s, 10, 2 * MS);
        s.normal();
        s.pass(MS);
        s.ok(Call::Replenish { budget: 5 * MS });
        s.pass(5 * MS - 5);
        s.runs(process);
        s.pass(5);
        s.handler_runs();
    };
    a_stopped_process_misses_no_deadline: |s| {
        s.handler();
        timed(s, 10, 2 * MS);
        s.normal();
        s.ok(Call::StopSelf);
        s.pass(PERIOD);
        s.idle();
    };
    a_time_out_and_a_deadline_at_one_tick_both_come: |s| {
        s.handler();
        let id = s.number(semaphore("semaphore"));
        let process = timed(s, 10, 2 * MS);
        s.normal();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: 2 * MS });
        s.pass(2 * MS);
        s.handler_runs();
        assert_eq!(missed(s), process);
        s.leave_handler();
        s.runs(process);
        s.collect_refused(TimedOut);
    };
    what_is_due_together_comes_in_the_order_of_ticks: |s| {
        let id = s.number(semaphore("semaphore"));
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: 2 * MS });
        s.runs(low);
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: MS });
        // Nobody looks before both are due.
        s.pass(5 * MS);
        s.runs(high);
        s.collect_refused(TimedOut);
        s.ok(Call::StopSelf);
        s.runs(low);
        s.collect_refused(TimedOut);
    };
    who_is_served_before_its_time_out_has_no_time_out: |s| {
        let id = s.number(semaphore("semaphore"));
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: 2 * MS });
        s.runs(low);
        s.pass(2 * MS - 5);
        s.ok(Call::SignalSemaphore { semaphore: id });
        s.runs(high);
        s.collect();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: INFINITE });
        s.pass(PERIOD);
        s.runs(low);
    };
}
