//! The control loop as an ARINC 653 application: beside the native one, and what its error handler does.

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Moment, Options, run};

use crate::machines::{Systems, no_reasons};

/// What the loop says once a second.
const REPORT: &str = "releases moved by";

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

/// A step that lasts too long is told of, and the loop goes on; one that divides by zero has its process begin anew.
pub fn errors_are_handled(systems: &Systems, built: &Built) -> Result<()> {
    const DEADLINE_MISSED: u32 = 0;
    const NUMERIC_ERROR: u32 = 2;
    let late = "process 1: DeadlineMissed";
    let options = Options {
        // A key comes when the host's clock says so.
        instruction_clock: false,
        moments: vec![Moment::typed(REPORT, b"l"), Moment::typed(late, b"z")],
        ..systems.options(Kernel::Release, 5000)
    };
    let outcome = run(built, &options)?;
    no_reasons(&outcome.report.reasons)?;
    let text = String::from_utf8_lossy(&outcome.serial);
    let mut rest = &*text;
    for words in [REPORT, late, "process 1: NumericError", REPORT] {
        let (_, behind) = (rest.split_once(words))
            .with_context(|| format!("`{words}` does not come where it should:\n{text}"))?;
        rest = behind;
    }
    let errors = evidence::identifier("flight.error");
    // Of the whole run: by the host's clock each release leaves a mark, and the ring goes round.
    let errors = (outcome.marks.iter()).filter(|mark| mark.identifier == errors);
    let errors: Vec<_> = errors.map(|mark| mark.value.get()).collect();
    let numeric = errors.iter().filter(|code| **code == NUMERIC_ERROR).count();
    ensure!(
        errors.first() == Some(&DEADLINE_MISSED) && numeric == 1,
        "the error handler heard of {errors:?}"
    );
    Ok(())
}
