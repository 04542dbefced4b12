//! Three lives: it restarts itself, warm; then it fails at something that nobody handles, and the health monitor restarts it, warm as well.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use apex::{NOWHERE, PERIOD, code, ms, start};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{Name, OperatingMode};
use cofferdam_native::probe;
use evidence::seen;

cofferdam_apex_native::partition!("survivor", initialise);

/// What a warm start keeps.
static LIVES: AtomicU32 = AtomicU32::new(0);

fn initialise() {
    let status = APEX.get_partition_status();
    seen!("mode", status.operating_mode as u32);
    seen!("condition", status.start_condition as u32);
    seen!("lives", LIVES.fetch_add(1, Relaxed));
    let block = APEX.get_memory_block_status(&Name::new("nav"));
    seen!(
        "block",
        block.map_or(0, |block| probe::load(block.address as u32, 0))
    );
    for attributes in [
        ProcessAttributes::periodic("beat", 20, PERIOD, beat),
        ProcessAttributes::aperiodic("end", 10, end),
    ] {
        start(&APEX, &attributes);
    }
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn beat() {
    seen!("beat", 1);
    while APEX.periodic_wait().is_ok() {}
}

extern "C" fn end() {
    let _ = APEX.timed_wait(ms(25));
    let lives = LIVES.load(Relaxed);
    if let Ok(block) = APEX.get_memory_block_status(&Name::new("nav")) {
        probe::store(block.address as u32, lives + 100);
    }
    match lives {
        1 => {
            // What is refused in NORMAL, and what is not.
            let again = APEX.set_partition_mode(OperatingMode::Normal);
            seen!("normal.again", code(&again));
            let warm = APEX.set_partition_mode(OperatingMode::WarmStart);
            seen!("never", code(&warm));
        }
        2 => {
            probe::store(NOWHERE, 1);
            seen!("never", 1);
        }
        _ => {}
    }
}
