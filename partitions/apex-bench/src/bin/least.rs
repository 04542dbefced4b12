//! The least application: a periodic process, and nothing else. Its memory is a figure, and docs/apex.md shows it as the first example.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{OperatingMode, SystemTime};

cofferdam_apex_native::partition!("least", initialise);

/// What a cold and a warm start begin with: creates what there is, starts it, and sets NORMAL.
fn initialise() {
    let control = ProcessAttributes::periodic("control", 20, SystemTime(10_000_000), control);
    let _ = APEX
        .create_process(&control)
        .and_then(|process| APEX.start(process));
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn control() {
    while APEX.periodic_wait().is_ok() {
        // What is done in each period.
    }
}
