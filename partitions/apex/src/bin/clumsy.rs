//! Fails in each life at something else, and has no error handler: the partition's table says what is done.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use apex::{NOWHERE, burrow, start};
use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::OperatingMode;
use cofferdam_native::{page, probe};
use evidence::seen;

cofferdam_apex_native::partition!("clumsy", initialise);

fn initialise() {
    let life = page::epoch();
    seen!("life", life);
    let entry_point = match life {
        1 => {
            // Before there are processes it is the kernel's, where it is.
            probe::store(NOWHERE, 1);
            seen!("never", 1);
            return;
        }
        2 => deep,
        3 => divide,
        4 => illegal,
        _ => well,
    };
    start(
        &APEX,
        &ProcessAttributes::aperiodic("fails", 10, entry_point),
    );
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn deep() {
    seen!("never", burrow(1));
}

extern "C" fn divide() {
    seen!("never", 100 / black_box(0u32));
}

/// Its action lets it go on, behind the instruction.
extern "C" fn illegal() {
    let preset = 0x5eed;
    let kept = probe::table().first().map(|one| one.execute(preset));
    seen!("illegal.behind", u32::from(kept.is_some()));
}

extern "C" fn well() {
    seen!("never", 2);
}
