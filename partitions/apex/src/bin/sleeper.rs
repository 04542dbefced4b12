//! Goes IDLE in its first life, and stays so until a partition that may restarts it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use apex::{PERIOD, code, start};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{OperatingMode, StartCondition};
use evidence::seen;

cofferdam_apex_native::partition!("sleeper", initialise);

fn initialise() {
    let status = APEX.get_partition_status();
    seen!("mode", status.operating_mode as u32);
    seen!("condition", status.start_condition as u32);
    let beat = match status.start_condition {
        StartCondition::NormalStart => sleeps,
        _ => beats,
    };
    start(
        &APEX,
        &ProcessAttributes::periodic("beat", 20, PERIOD, beat),
    );
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn sleeps() {
    seen!("sleeps", 1);
    let idle = APEX.set_partition_mode(OperatingMode::Idle);
    seen!("never", code(&idle));
}

extern "C" fn beats() {
    seen!("beat", 1);
    while APEX.periodic_wait().is_ok() {}
}
