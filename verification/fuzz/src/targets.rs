//! What is tested, a module each.

mod choice;
mod device;
pub mod disk;
pub mod disk_client;
pub mod events;
pub mod frames;
pub mod http;
pub mod hypercalls;
pub mod log;
pub mod messages;
pub mod network;
pub mod network_client;
pub mod programs;
pub mod prove;
pub mod queue;
pub mod record;
pub mod ring;
pub mod system;
pub mod tables;
pub mod virtio;

use cofferdam_check::{Checked, check_text};
use cofferdam_compile::{Image, compile};
use cofferdam_core::Configuration;
use fastrand::Rng;

// Programs made by hand, and a system with one of everything: those of the compiler's own tests.
#[path = "../../../config/compile/tests/common/mod.rs"]
mod common;

/// Seeds that mean nothing: so many texts of so many random bytes.
fn noise(count: u64, length: usize) -> Vec<Vec<u8>> {
    let bytes = |seed| {
        let mut rng = Rng::with_seed(seed);
        (0..length).map(|_| rng.u8(..)).collect()
    };
    (0..count).map(bytes).collect()
}

/// What the compiler makes of a system and programs that were accepted, the kernel accepts.
fn compiles_to_what_the_kernel_takes(
    checked: &Checked,
    kernel: &[u8],
    programs: &[(String, Vec<u8>)],
) {
    match compile(checked, kernel, programs, &[]) {
        Ok(Image { tables, .. }) => {
            let mut configuration = Box::new(Configuration::EMPTY);
            assert_eq!(
                configuration.load(&tables),
                Ok(()),
                "the tables of the compiler"
            );
        }
        Err(diagnostics) => {
            assert!(diagnostics.errors() > 0);
            let _ = (diagnostics.render(true), diagnostics.to_json());
        }
    }
}

/// The system with one of everything.
fn everything() -> Checked {
    match check_text("system.toml", common::EVERYTHING) {
        Ok(checked) => checked,
        Err(wrong) => panic!("{wrong}"),
    }
}
