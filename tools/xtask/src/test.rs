//! `cargo xtask test`: format, lints, and the tests.

use anyhow::Result;

use crate::lint;
use crate::parts::Parts;
use crate::workspace::Workspace;

/// Runs all of it.
pub fn run(workspace: &Workspace<'_>) -> Result<()> {
    let mut parts = Parts::default();
    lint::add(&mut parts, workspace);
    parts.run("tests on the host", || {
        workspace.cargo(&["test", "--no-fail-fast"])
    });
    parts.finish()
}
