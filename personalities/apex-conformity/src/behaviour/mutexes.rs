//! The ceiling protocol.

use super::behaviours;
use crate::call::Call;
use crate::script::{INFINITE, MS, mutex};

const fn acquire(mutex: i32) -> Call {
    Call::AcquireMutex {
        mutex,
        time_out: INFINITE,
    }
}

behaviours! {
    an_owner_has_the_ceiling_and_gets_its_priority_back: |s| {
        let mutex = s.mutex();
        let middle = s.create("middle", 12);
        let above = s.create("above", 16);
        let process = s.one();
        s.ok(acquire(mutex));
        s.ok(Call::Start { process: middle });
        s.runs(process);
        // Not below the ceiling: above it others run.
        s.ok(Call::Start { process: above });
        s.runs(above);
        s.ok(Call::StopSelf);
        s.runs(process);
        s.ok(Call::ReleaseMutex { mutex });
        s.runs(middle);
        assert_eq!(s.priority(process), 10);
    };
    an_equal_of_the_ceiling_does_not_preempt_the_owner: |s| {
        let mutex = s.mutex();
        let equal = s.create("equal", 15);
        let process = s.one();
        s.ok(Call::DelayedStart { process: equal, delay: MS });
        s.ok(acquire(mutex));
        s.pass(2 * MS);
        s.runs(process);
        s.ok(Call::ReleaseMutex { mutex });
        s.runs(equal);
    };
    after_the_release_the_owner_is_first_of_its_priority: |s| {
        let mutex = s.mutex();
        let other = s.create("other", 10);
        let process = s.one();
        s.ok(Call::Start { process: other });
        s.ok(acquire(mutex));
        s.ok(Call::ReleaseMutex { mutex });
        s.runs(process);
    };
    a_priority_that_is_set_meanwhile_counts_after_the_release: |s| {
        let mutex = s.mutex();
        let process = s.one();
        s.ok(acquire(mutex));
        s.ok(Call::SetPriority { process, priority: 3 });
        assert_eq!(s.priority(process), 15);
        s.ok(Call::ReleaseMutex { mutex });
        assert_eq!(s.priority(process), 3);
    };
    a_mutex_of_a_stopped_process_is_handed_on_by_its_reset: |s| {
        let mutex = s.mutex();
        let owner = s.start("owner", 12);
        let (high, low) = s.two();
        s.waits(Call::TimedWait { delay: MS });
        s.runs(owner);
        s.ok(acquire(mutex));
        s.pass(MS);
        s.ok(Call::Stop { process: owner });
        s.waits(Call::TimedWait { delay: MS });
        s.runs(low);
        s.waits(acquire(mutex));
        s.idle();
        s.pass(MS);
        s.runs(high);
        s.ok(Call::ResetMutex { mutex, process: owner });
        assert_eq!(s.number(Call::GetProcessMutexState { process: low }), mutex);
        assert_eq!(s.priority(low), 15);
        s.ok(Call::StopSelf);
        s.runs(low);
        s.collect();
        s.ok(Call::ReleaseMutex { mutex });
        assert_eq!(s.priority(low), 10);
    };
    an_owner_that_starts_again_still_owns_and_has_the_ceiling: |s| {
        let id = s.number(mutex("mutex"));
        let (_, low) = s.two();
        s.waits(Call::TimedWait { delay: MS });
        s.runs(low);
        s.ok(acquire(id));
        s.pass(MS);
        s.ok(Call::Stop { process: low });
        s.ok(Call::Start { process: low });
        assert_eq!(s.priority(low), 15);
        s.ok(Call::StopSelf);
        s.runs(low);
        s.ok(Call::ReleaseMutex { mutex: id });
        assert_eq!(s.priority(low), 10);
    };
}
