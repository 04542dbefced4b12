//! Attacks by the state that a partition shares with the kernel.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::{page, space};
use cofferdam_native::probe::{self, Sort};
use cofferdam_native::{Lines, Period, Restart, page as own_page, restart_self};

use crate::attempts::Attempts;

/// So often it restarts itself.
pub const RESTARTS: u32 = 4;

static RESTARTS_LEFT: AtomicU32 = AtomicU32::new(0);

/// Asks for every bit of the machine state by `rfi`, and then tries what only the supervisor may.
pub fn return_with_privileges() -> Attempts {
    const PRESET: u32 = 0x5eed_0001;
    let mut attempts = Attempts::none();
    // Without EE, for there is no handler: user level is 0x4000, address space 0 is both of 0x30.
    for state in [0, !page::MSR_EE, 0x0002_1200, 0x4000, 0x30] {
        probe::return_with_state(state & !page::MSR_EE);
        for instruction in probe::table() {
            if instruction.sort == Sort::MachineState {
                attempts.count(instruction.execute(PRESET) != PRESET);
            }
        }
    }
    probe::write_page(page::MSR, 0);
    attempts
}

pub fn nonsense_in_the_page() -> Attempts {
    let mut attempts = Attempts::none();
    let vectors = page::VECTORS..page::VECTORS + 4 * page::VECTOR_COUNT as u32;
    for pattern in [u32::MAX, 0x8000_0001, 0] {
        // Not the first words: with interrupts enabled and no handler there would be nothing to see.
        let words = (page::SRR0..page::SIZE).step_by(4);
        for offset in words.filter(|offset| !vectors.contains(offset)) {
            probe::write_page(offset, pattern);
            attempts.count(false);
        }
        probe::write_page(page::PENDING, pattern);
        probe::write_page(page::MSR, pattern);
        Period::new().wait_release();
        probe::write_page(page::MSR, 0);
    }
    own_page::set_enabled(Lines::NONE);
    attempts
}

pub fn vectors_into_the_kernel() -> Attempts {
    let mut attempts = Attempts::none();
    for address in [
        0x100,
        space::kernel::TEXT,
        space::kernel::DATA,
        space::kernel::RAM + space::kernel::END,
        u32::MAX - 3,
    ] {
        probe::set_vector(Exception::Alignment, address);
        probe::enter_vector();
        attempts.count(false);
    }
    probe::set_vector(Exception::Alignment, 0);
    attempts
}

/// Leaves a value in the registers that hardware does not switch, and looks whether somebody else's comes back.
pub fn user_registers() -> Attempts {
    let mut attempts = Attempts::none();
    for value in [0x5eed_0001, 0xa112_fffe] {
        probe::set_user_registers([value, 0]);
        Period::new().wait_release();
        attempts.count(probe::user_registers()[0] != value);
    }
    probe::set_user_registers([0, 0]);
    attempts
}

/// The first of several restarts. Does not come back.
pub fn begin_restarts() -> Attempts {
    RESTARTS_LEFT.store(RESTARTS, Relaxed);
    restart()
}

/// Whether it should restart once more.
pub fn restart_again() -> bool {
    RESTARTS_LEFT.fetch_sub(1, Relaxed) > 1
}

/// Restarts, its memory kept.
pub fn restart() -> ! {
    restart_self(Restart::Warm)
}
