//! Who runs.

use cofferdam_apex::ProcessState;
use cofferdam_apex::ReturnCode::TimedOut;

use super::behaviours;
use crate::call::Call;
use crate::script::{INFINITE, MS, semaphore};

behaviours! {
    the_most_urgent_ready_process_runs: |s| {
        let low = s.start("low", 1);
        let high = s.start("high", 239);
        let middle = s.start("middle", 100);
        s.normal();
        for process in [high, middle, low] {
            s.runs(process);
            s.ok(Call::StopSelf);
        }
        s.idle();
    };
    equals_run_in_the_order_in_which_they_were_started: |s| {
        let second = s.create("second", 10);
        let first = s.create("first", 10);
        s.ok(Call::Start { process: first });
        s.ok(Call::Start { process: second });
        s.normal();
        s.runs(first);
        s.ok(Call::StopSelf);
        s.runs(second);
    };
    who_is_preempted_stays_first_of_its_priority: |s| {
        let first = s.start("first", 10);
        let second = s.start("second", 10);
        let urgent = s.create("urgent", 20);
        s.normal();
        s.runs(first);
        s.ok(Call::DelayedStart { process: urgent, delay: MS });
        s.pass_exactly(MS, urgent);
        assert_eq!(s.state(first), ProcessState::Ready);
        s.ok(Call::StopSelf);
        s.runs(first);
        s.ok(Call::StopSelf);
        s.runs(second);
    };
    who_yields_goes_behind_its_equals: |s| {
        let first = s.start("first", 10);
        let second = s.start("second", 10);
        s.start("low", 5);
        s.normal();
        for process in [first, second, first, second] {
            s.runs(process);
            s.ok(Call::TimedWait { delay: 0 });
        }
    };
    a_new_priority_makes_the_newest_of_it: |s| {
        let first = s.start("first", 10);
        let second = s.start("second", 10);
        s.normal();
        s.runs(first);
        s.ok(Call::SetPriority { process: first, priority: 10 });
        s.runs(second);
    };
    a_woken_process_goes_behind_its_equals: |s| {
        let first = s.start("first", 10);
        let second = s.start("second", 10);
        s.normal();
        s.waits(Call::TimedWait { delay: MS });
        s.runs(second);
        s.pass(2 * MS);
        s.runs(second);
        s.ok(Call::TimedWait { delay: 0 });
        s.runs(first);
    };
    a_locked_process_is_not_preempted_until_the_last_unlock: |s| {
        let urgent = s.create("urgent", 20);
        let process = s.one();
        s.ok(Call::LockPreemption);
        s.ok(Call::LockPreemption);
        s.ok(Call::Start { process: urgent });
        s.runs(process);
        s.ok(Call::UnlockPreemption);
        s.runs(process);
        assert_eq!(s.number(Call::UnlockPreemption), 0);
        s.runs(urgent);
    };
    who_stops_gives_the_preemption_lock_back: |s| {
        let (_, low) = s.two();
        s.ok(Call::LockPreemption);
        s.ok(Call::LockPreemption);
        s.ok(Call::StopSelf);
        s.runs(low);
        assert_eq!(s.number(Call::LockPreemption), 1);
    };
    a_suspended_process_waits_for_both: |s| {
        let id = s.number(semaphore("semaphore"));
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: INFINITE });
        s.runs(low);
        s.ok(Call::Suspend { process: high });
        s.ok(Call::SignalSemaphore { semaphore: id });
        s.runs(low);
        assert_eq!(s.state(high), ProcessState::Waiting);
        s.ok(Call::Resume { process: high });
        s.runs(high);
        s.collect();
    };
    a_suspended_process_times_out_all_the_same: |s| {
        let id = s.number(semaphore("semaphore"));
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: MS });
        s.ok(Call::Suspend { process: high });
        s.pass(2 * MS);
        s.runs(low);
        // It no longer waits for the semaphore, which stays free for others.
        s.ok(Call::SignalSemaphore { semaphore: id });
        s.ok(Call::WaitSemaphore { semaphore: id, time_out: 0 });
        s.ok(Call::Resume { process: high });
        s.runs(high);
        s.collect_refused(TimedOut);
    };
    a_stopped_process_leaves_what_it_waited_for: |s| {
        let id = s.number(semaphore("semaphore"));
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore: id, time_out: MS });
        s.ok(Call::Stop { process: high });
        s.ok(Call::SignalSemaphore { semaphore: id });
        s.ok(Call::WaitSemaphore { semaphore: id, time_out: 0 });
        s.pass(2 * MS);
        s.runs(low);
        assert_eq!(s.state(high), ProcessState::Dormant);
    };
    a_start_gives_the_base_priority_again: |s| {
        let (high, low) = s.two();
        s.ok(Call::SetPriority { process: low, priority: 15 });
        s.ok(Call::Stop { process: low });
        s.ok(Call::Start { process: low });
        assert_eq!(s.priority(low), 10);
        s.runs(high);
    };
}
