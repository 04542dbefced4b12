//! The error handler, and the levels of errors.

use cofferdam_apex::{ErrorCode, ProcessState, Runs};

use super::behaviours;
use crate::call::{Call, Value};
use crate::script::{INFINITE, MS, Script, raise};

/// Code and process of the error that the handler takes out.
fn error(s: &mut Script<'_>) -> (ErrorCode, i32) {
    match s.ok(Call::GetErrorStatus) {
        Value::Error(status) => (status.code, status.process.0),
        other => panic!("{other:?}"),
    }
}

behaviours! {
    the_handler_preempts_the_most_urgent_and_the_lock: |s| {
        s.handler();
        let process = s.start("process", 239);
        s.normal();
        s.ok(Call::LockPreemption);
        s.ok(raise());
        s.handler_runs();
        assert_eq!(s.state(process), ProcessState::Ready);
        s.leave_handler();
        s.runs(process);
    };
    errors_come_in_order_while_the_handler_runs: |s| {
        s.handler();
        let process = s.one();
        s.ok(raise());
        s.system.fault(ErrorCode::NumericError);
        // In the handler: an error of the partition.
        assert_eq!(s.system.partition_errors(), 1);
        assert_eq!(error(s), (ErrorCode::ApplicationError, process));
        s.leave_handler();
        s.system.fault(ErrorCode::MemoryViolation);
        assert_eq!(error(s), (ErrorCode::MemoryViolation, process));
    };
    a_faulted_process_does_not_run_until_it_is_resumed: |s| {
        s.handler();
        let (high, low) = s.two();
        s.system.fault(ErrorCode::StackOverflow);
        s.handler_runs();
        assert_eq!(error(s), (ErrorCode::StackOverflow, high));
        assert_eq!(s.state(high), ProcessState::Faulted);
        s.leave_handler();
        s.runs(low);
        s.ok(Call::Resume { process: high });
        s.runs(high);
    };
    a_faulted_process_can_be_stopped_and_started: |s| {
        s.handler();
        let (high, low) = s.two();
        s.system.fault(ErrorCode::IllegalRequest);
        s.ok(Call::Stop { process: high });
        s.ok(Call::Start { process: high });
        s.leave_handler();
        s.runs(high);
        s.ok(Call::StopSelf);
        s.runs(low);
    };
    a_faulted_periodic_process_can_be_resumed: |s| {
        s.handler();
        let process = s.periodic("periodic", 10, INFINITE);
        s.normal();
        s.pass(9 * MS);
        s.runs(process);
        s.system.fault(ErrorCode::NumericError);
        s.ok(Call::Resume { process });
        s.leave_handler();
        s.runs(process);
    };
    a_handler_that_stops_with_errors_left_runs_again: |s| {
        s.in_handler();
        s.ok(Call::StopSelf);
        s.handler_runs();
        s.leave_handler();
        assert_ne!(s.system.running(), Runs::ErrorHandler);
    };
    without_a_handler_an_error_is_the_partitions: |s| {
        let process = s.one();
        s.ok(raise());
        assert_eq!(s.system.partition_errors(), 1);
        s.runs(process);
        s.system.fault(ErrorCode::NumericError);
        assert_eq!(s.system.partition_errors(), 2);
        s.runs(process);
    };
    what_the_table_leaves_to_the_partition_does_not_come_to_the_handler: |s| {
        s.handler();
        let process = s.one();
        s.system.fault(ErrorCode::HardwareFault);
        s.runs(process);
        assert_eq!(s.system.partition_errors(), 1);
    };
    an_error_of_the_initialisation_is_the_partitions: |s| {
        s.handler();
        s.ok(raise());
        assert_eq!(s.system.partition_errors(), 1);
        assert_eq!(s.system.running(), Runs::Main);
    };
    an_error_that_finds_the_queue_full_is_the_partitions: |s| {
        s.handler();
        // As many miss their deadlines at one tick as fit, and one more.
        for name in ["a", "b", "c", "d"] {
            let attributes = crate::ProcessAttributes { time_capacity: MS, ..crate::script::aperiodic(name, 10) };
            let process = s.number(Call::CreateProcess { attributes });
            s.ok(Call::Start { process });
        }
        s.normal();
        s.pass(MS);
        s.handler_runs();
        assert_eq!(s.system.partition_errors(), 1);
        for process in 1..=3 {
            assert_eq!(error(s), (ErrorCode::DeadlineMissed, process));
        }
    };
    a_restart_by_the_health_monitor_ends_the_life: |s| {
        s.one();
        s.system.restart_at_errors();
        s.ok(raise());
        s.idle();
        s.pass(100 * MS);
        s.idle();
    };
    the_handler_reads_and_signals_without_waiting: |s| {
        let semaphore = s.semaphore();
        s.handler();
        let (high, low) = s.two();
        s.waits(Call::WaitSemaphore { semaphore, time_out: INFINITE });
        s.runs(low);
        s.ok(raise());
        s.ok(Call::SignalSemaphore { semaphore });
        s.handler_runs();
        s.leave_handler();
        s.runs(high);
        s.collect();
    };
}
