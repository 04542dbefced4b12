//! Modes and start conditions.

use cofferdam_apex::ReturnCode::{InvalidMode, NoAction};
use cofferdam_apex::Runs;

use super::behaviours;
use crate::call::{Call, Value};
use crate::script::{MS, Script};

/// Mode and start condition, by their numbers.
fn status(s: &mut Script<'_>) -> (u32, u32) {
    match s.ok(Call::GetPartitionStatus) {
        Value::Partition(status) => (status.operating_mode as u32, status.start_condition as u32),
        other => panic!("{other:?}"),
    }
}

fn set(s: &mut Script<'_>, mode: u32) {
    s.ok(Call::SetPartitionMode { mode });
    assert_eq!(s.system.mode_asked(), Some(mode));
}

behaviours! {
    nothing_runs_before_normal_but_the_initialisation: |s| {
        let process = s.start("process", 10);
        s.pass(50 * MS);
        assert_eq!(s.system.running(), Runs::Main);
        s.normal();
        s.runs(process);
    };
    an_idle_partition_runs_nobody: |s| {
        s.one();
        set(s, 0);
        s.idle();
        s.pass(50 * MS);
        s.idle();
        assert_eq!(status(s).0, 0);
    };
    normal_can_go_to_any_mode_but_itself: |s| {
        for mode in [1, 2] {
            s.one();
            s.refused(Call::SetPartitionMode { mode: 3 }, NoAction);
            set(s, mode);
            s.idle();
            s.system.restart(mode == 2);
        }
        s.one();
        set(s, 0);
        s.idle();
    };
    a_warm_start_can_go_to_warm_cold_and_normal: |s| {
        for mode in [2, 1, 3] {
            s.system.restart(true);
            assert_eq!(status(s), (2, 3));
            set(s, mode);
        }
    };
    a_cold_start_can_go_to_cold_and_not_to_warm: |s| {
        s.refused(Call::SetPartitionMode { mode: 2 }, InvalidMode);
        set(s, 1);
        s.system.restart(false);
        assert_eq!(status(s), (1, 3));
        set(s, 0);
    };
    a_new_life_begins_with_nothing: |s| {
        let process = s.one();
        s.system.restart(true);
        assert_eq!(s.system.running(), Runs::Main);
        s.refused(
            Call::GetProcessStatus { process },
            cofferdam_apex::ReturnCode::InvalidParam,
        );
        assert_eq!(s.create("one", 10), process);
    };
    the_lock_level_is_the_partitions: |s| {
        s.one();
        s.ok(Call::LockPreemption);
        s.ok(Call::LockPreemption);
        match s.ok(Call::GetPartitionStatus) {
            Value::Partition(status) => assert_eq!(status.lock_level, 2),
            other => panic!("{other:?}"),
        }
    };
}
