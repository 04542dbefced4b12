//! `cargo xtask lint`: format and lints. A warning is an error.

use anyhow::Result;
use cofferdam_build::{Tree, check, systems};
use cofferdam_target_build::Action;

use crate::parts::Parts;
use crate::workspace::Workspace;

/// Runs all of it.
pub fn run(workspace: &Workspace<'_>) -> Result<()> {
    let mut parts = Parts::default();
    add(&mut parts, workspace);
    parts.finish()
}

/// The parts, for `cargo xtask test` too.
pub fn add(parts: &mut Parts, workspace: &Workspace<'_>) {
    parts.run("format", || workspace.cargo(&["fmt", "--all", "--check"]));
    parts.run("lint, host", || {
        workspace.cargo(&["clippy", "--all-targets", "--", "-D", "warnings"])
    });
    parts.run("lint, target", || target(workspace));
}

/// Partitions are linted once for each system, with the ports that it gives them.
fn target(workspace: &Workspace<'_>) -> Result<()> {
    let tree = Tree::new(workspace.root, workspace.toolchain);
    let mut rest = workspace.target_packages.clone();
    for system in systems(workspace.root) {
        let checked = check(&system.file)?;
        if let Some(build) = tree.partitions(&checked)? {
            let what = format!("linting the partitions of {}", system.name);
            build.run(Action::Clippy, &what)?;
            rest.retain(|package| !build.packages.contains(package));
        }
    }
    let build = tree.target_build(rest, Vec::new(), Vec::new());
    build.run(Action::Clippy, "linting the other crates of the target")?;
    Ok(())
}
