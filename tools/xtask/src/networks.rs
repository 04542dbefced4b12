//! The system on a network, when nobody is there.

use anyhow::{Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_run::run;

use crate::machines::{Case, Systems, case, no_reasons};

/// The system with a page.
const NETWORK: &str = "network";

/// All of it.
pub fn cases(systems: &Systems) -> Result<Vec<Case<'_>>> {
    let built = systems.get(NETWORK)?;
    Ok(vec![case(
        "two runs on a silent network are the same",
        move || silent(systems, built),
    )])
}

/// A network on which nobody says anything changes nothing.
fn silent(systems: &Systems, built: &Built) -> Result<()> {
    let options = systems.options(Kernel::Trace, 300);
    let (first, second) = (run(built, &options)?, run(built, &options)?);
    no_reasons(&first.report.reasons)?;
    ensure!(
        first.snapshot.bytes() == second.snapshot.bytes(),
        "the records differ"
    );
    Ok(())
}
