//! `cargo xtask soak`: what takes too long for every change.

use std::time::Duration;

use anyhow::Result;
use cofferdam_build::Tree;

use crate::machines::{self, Systems};
use crate::parts::Parts;
use crate::workspace::Workspace;

/// So many bits of the tables are flipped, one at a time.
const FLIPPED_BITS: usize = 400;

/// Lets the attacks go round for `time` of the machine's time, on both kernels, and damages the tables at many places.
pub fn run(workspace: &Workspace<'_>, time: Duration) -> Result<()> {
    let systems = Systems::build(&Tree::new(workspace.root, workspace.toolchain))?;
    let mut parts = Parts::default();
    parts.run_cases("attacks, round after round", || {
        machines::attacks_for(&systems, time)
    });
    parts.run_cases("flipped bits of the tables, on the machine", || {
        machines::flipped_bits(&systems, FLIPPED_BITS)
    });
    parts.finish()
}
