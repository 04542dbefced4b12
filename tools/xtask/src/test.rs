//! `cargo xtask test`: everything that continuous integration checks.
//!
//! Four rings, from the cheapest to the dearest: what can be judged from the source (format, lints, and the tests of
//! `verification/layering`); tests on the host; whole systems in the emulator; attacks on the target.
//! What needs a nightly compiler runs where there is one.

use std::time::Duration;

use anyhow::Result;
use cofferdam_build::Tree;

use crate::bench;
use crate::host;
use crate::lint;
use crate::machines::{self, Systems};
use crate::nightly;
use crate::parts::{Parts, Tally};
use crate::reproduce;
use crate::sweep;
use crate::workspace::Workspace;

/// So long libFuzzer looks at each target.
const FUZZ_TIME: Duration = Duration::from_secs(10);

/// Runs all of it.
pub fn run(workspace: &Workspace<'_>) -> Result<()> {
    let mut parts = Parts::default();
    lint::add(&mut parts, workspace);
    parts.run_cases("tests on the host", || host::tests(workspace));
    parts.run_cases("undefined behaviour (Miri)", || nightly::miri(workspace));
    parts.run_cases("inputs guided by coverage (libFuzzer)", || {
        nightly::fuzz(workspace, FUZZ_TIME)
    });
    let tree = Tree::new(workspace.root, workspace.toolchain);
    let mut systems = None;
    parts.run_cases("building every system", || {
        let built = Systems::build(&tree)?;
        let mut tally = Tally::default();
        built.names().for_each(|_| tally.passed += 1);
        systems = Some(built);
        Ok(tally)
    });
    if let Some(systems) = &systems {
        parts.run_cases("systems in the emulator", || {
            machines::systems_in_emulator(systems)
        });
        parts.run_cases("attacks on the target", || machines::attacks(systems));
        parts.run_cases("every phase of the end of a window", || {
            sweep::phases(systems, sweep::ONE_ROUND, Some(sweep::ONE_ROUND_MISSES))
        });
        parts.run_cases("the same bytes in another folder", || {
            reproduce::elsewhere(&tree, systems)
        });
        parts.run_cases("figures", || bench::cases(workspace));
    }
    parts.finish()
}
