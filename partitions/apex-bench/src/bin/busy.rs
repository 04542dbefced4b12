//! A load that is an application of ARINC 653: a process that uses its window up, with services and with what it is caught at.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{OperatingMode, SystemTime};

cofferdam_apex_native::partition!("busy", initialise);

fn initialise() {
    let control = ProcessAttributes::aperiodic("control", 20, control);
    let _ = APEX
        .create_process(&control)
        .and_then(|process| APEX.start(process));
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn control() {
    while APEX.timed_wait(SystemTime::ZERO).is_ok() {
        apex_bench::faults();
    }
}
