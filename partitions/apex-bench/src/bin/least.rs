//! The least application: a periodic process, and nothing else. Its memory is a figure.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{OperatingMode, SystemTime};

cofferdam_apex_native::partition!("least", initialise);

fn initialise() {
    let beat = ProcessAttributes::periodic("beat", 20, SystemTime(10_000_000), beat);
    let _ = APEX
        .create_process(&beat)
        .and_then(|process| APEX.start(process));
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn beat() {
    while APEX.periodic_wait().is_ok() {}
}
