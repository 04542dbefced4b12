//! May look at the schedule and stop `victim`, and tries more.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{Restart, probe, wait};
use evidence::seen;
use exercise::of;

cofferdam_native::partition!("outsider", main);

/// A slot beyond its capabilities.
const NO_SLOT: u32 = 100;

fn main() -> ! {
    let status = |call: Hypercall, slot, argument| {
        probe::call(call.token(), [slot, argument, 0, 0, 0, 0])[0]
    };
    let schedule = ports::SCHEDULE_STATUS.slot();
    seen!(
        "outsider.now",
        ports::SCHEDULE_STATUS
            .read()
            .map_or(u32::MAX, |status| status.now)
    );
    seen!("outsider.set", status(Hypercall::ScheduleSet, schedule, 1));
    seen!("outsider.set", status(Hypercall::ScheduleSet, NO_SLOT, 1));
    seen!(
        "outsider.set",
        status(Hypercall::ScheduleSet, ports::CUE.slot(), 1)
    );
    seen!(
        "outsider.status",
        status(Hypercall::ScheduleStatus, NO_SLOT, 0)
    );
    let victim = ports::PARTITION_STOP_VICTIM;
    seen!("outsider.restart", of(&victim.restart(Restart::Cold)));
    seen!("outsider.restart", of(&victim.restart(Restart::Warm)));
    let manager = ports::PARTITION_STATUS_MANAGER.slot();
    for action in 0..4 {
        seen!(
            "outsider.control",
            status(Hypercall::PartitionControl, manager, action)
        );
    }
    seen!(
        "outsider.control",
        status(Hypercall::PartitionControl, NO_SLOT, 0)
    );
    seen!(
        "outsider.health",
        status(Hypercall::HealthRead, schedule, probe::scratch())
    );
    wait(ports::CUE.line());
    seen!("outsider.stop", of(&victim.stop()));
    loop {
        wait(ports::CUE.line());
    }
}
