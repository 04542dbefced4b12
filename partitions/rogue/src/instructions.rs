//! Attacks by instructions.

use cofferdam_native::probe::{self, Sort};

use crate::attempts::Attempts;

const PRESET: u32 = 0x5eed_0001;

fn all(sort: Sort) -> Attempts {
    let mut attempts = Attempts::none();
    for instruction in probe::table().iter().filter(|one| one.sort == sort) {
        attempts.count(instruction.execute(PRESET) != PRESET);
    }
    attempts
}

pub fn machine_state() -> Attempts {
    all(Sort::MachineState)
}

pub fn translation() -> Attempts {
    all(Sort::Translation)
}

pub fn write_special() -> Attempts {
    all(Sort::WriteSpecial)
}

pub fn read_special() -> Attempts {
    all(Sort::ReadSpecial)
}

pub fn illegal() -> Attempts {
    all(Sort::Illegal)
}

pub fn floating_point() -> Attempts {
    all(Sort::FloatingPoint)
}

pub fn signal_processing() -> Attempts {
    all(Sort::SignalProcessing)
}

/// Does not come back.
pub fn trap() -> Attempts {
    probe::trap();
    Attempts::none()
}

pub fn misaligned() -> Attempts {
    let mut attempts = Attempts::none();
    attempts.count(probe::load_reserve_misaligned(PRESET) != PRESET);
    attempts
}
