//! A process with a period of zero, where the partition has no period that it could be.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use a653rs::bindings::*;
use evidence::seen;

cofferdam_apex_a653rs::partition!("timeless", Apex, initialise);

fn initialise() {
    let mut attributes = ApexProcessAttribute {
        period: 0,
        time_capacity: INFINITE_TIME_VALUE,
        entry_point: process,
        stack_size: 4096,
        base_priority: 10,
        deadline: Deadline::Soft,
        name: [b'p'; MAX_NAME_LENGTH],
    };
    let refused = Apex::create_process(&attributes);
    seen!(
        "period.zero",
        refused.map_or_else(|code| code as u32, |_| 0)
    );
    attributes.period = INFINITE_TIME_VALUE;
    let created = Apex::create_process(&attributes);
    seen!("aperiodic", created.map_or_else(|code| code as u32, |_| 0));
    let _ = Apex::set_partition_mode(OperatingMode::Normal);
}

extern "C" fn process() {}
