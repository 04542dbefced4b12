//! `cargo xtask lint`: format and lints. A warning is an error.

use anyhow::Result;
use cofferdam_target_build::{Action, TargetBuild};

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
    parts.run("lint, target", || {
        let build = TargetBuild {
            toolchain: workspace.toolchain,
            root: workspace.root,
            packages: workspace.target_packages.clone(),
            features: Vec::new(),
            environment: Vec::new(),
        };
        build
            .run(Action::Clippy, "linting the crates of the target")
            .map(drop)
    });
}
