//! `cargo xtask lint`: format and lints. A warning is an error.

use anyhow::Result;
use cofferdam_build::{directory_in, systems};
use cofferdam_target_build::Action;

use crate::parts::{Parts, Tally};
use crate::workspace::Workspace;

/// What it consists of: the first parts of `cargo xtask test`.
pub const PARTS: [Part; 3] = [
    ("format", |workspace| {
        workspace.cargo(&["fmt", "--all", "--check"])?;
        Ok(Tally::one())
    }),
    ("lint, host", |workspace| {
        workspace.cargo(&["clippy", "--all-targets", "--", "-D", "warnings"])?;
        Ok(Tally::one())
    }),
    ("lint, target", target),
];

/// A part: its name, and the doing.
pub type Part = (&'static str, fn(&Workspace<'_>) -> Result<Tally>);

/// Runs all of it.
pub fn run(workspace: &Workspace<'_>) -> Result<()> {
    let mut parts = Parts::default();
    for (name, part) in PARTS {
        parts.run(name, || part(workspace));
    }
    parts.finish()
}

/// Partitions are linted once for each system, with the ports that it gives them.
fn target(workspace: &Workspace<'_>) -> Result<Tally> {
    let tree = workspace.tree();
    let mut rest = workspace.target_packages.clone();
    for system in systems(workspace.root) {
        let checked = tree.check(&system.file)?;
        let name = &checked.system.name;
        let directory = directory_in(&tree.target, &tree.root, &system.file, name);
        for round in tree.partitions(&checked, &directory)? {
            let what = format!("linting the partitions of {}", system.name);
            round.build.run(Action::Clippy, &what)?;
            rest.retain(|package| !round.build.packages.contains(package));
        }
    }
    let build = tree.target_build(rest, Vec::new(), Vec::new());
    build.run(Action::Clippy, "linting the other crates of the target")?;
    Ok(Tally::one())
}
