//! The control loop as an ARINC 653 application, beside the native one.

use anyhow::{Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::run;

use crate::machines::{Systems, no_reasons};

/// Each control loop says that its releases moved by no tick, and begins all of them at one instruction: one mark says where.
pub fn is_as_exact(systems: &Systems, both: [&Built; 2]) -> Result<()> {
    for built in both {
        let name = &built.plan.system;
        let outcome = run(built, &systems.options(Kernel::Release, 1200))?;
        no_reasons(&outcome.report.reasons)?;
        let text = String::from_utf8_lossy(&outcome.serial);
        ensure!(
            text.contains("100 releases moved by 0 ticks"),
            "the loop of {name} does not say that its releases did not move:\n{text}"
        );
        let release = evidence::identifier("flight.release");
        let marks = outcome.snapshot.marks();
        let places = marks.iter().filter(|mark| mark.identifier == release);
        let places: Vec<_> = places.map(|mark| mark.value.get()).collect();
        ensure!(
            places.len() == 1,
            "releases of {name} began at the places {places:x?}"
        );
    }
    Ok(())
}
