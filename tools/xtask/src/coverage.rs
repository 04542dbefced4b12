//! `cargo xtask coverage`: what the tests execute of the unmodified kernel, instruction by instruction and branch by branch.
//!
//! The tests run as they always do, and each machine has the plugin of `tools/icount` with it. `docs/coverage.md` says what is counted, and what
//! is argued of the rest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cofferdam_build::store;
use cofferdam_coverage::arguments::Arguments;
use cofferdam_coverage::{Analysis, Sources, analyse, page};
use cofferdam_progress::{print_result, say};
use cofferdam_run::coverage;
use cofferdam_target_build::target_directory;

use crate::bench::counting::plugin;
use crate::test;
use crate::workspace::Workspace;

/// The parts of the tests in which the kernel `release` runs.
const PARTS: [&str; 7] = [
    "systems in the emulator",
    "networks, and who is on them",
    "disks, and what is on them",
    "attacks on the target",
    "attacks from inside of guests",
    "every phase of the end of a window",
    "a unit outside of the tree",
];

/// The page, and the same as data.
const PAGE: &str = "index.html";
const DATA: &str = "coverage.json";

/// Where it is kept.
fn folder(root: &Path) -> PathBuf {
    target_directory(root).join("coverage")
}

/// Runs the tests, or the parts of them whose names begin so, keeps what they execute, and shows it.
///
/// # Errors
/// A test fails; or, of all parts, something is argued about that was executed.
pub fn run(workspace: &Workspace<'_>, wanted: &[String]) -> Result<()> {
    let folder = folder(workspace.root);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    coverage::begin(&plugin(workspace)?, &folder)?;
    let parts = if wanted.is_empty() {
        PARTS.map(str::to_owned).to_vec()
    } else {
        wanted.to_vec()
    };
    let tests = test::run(workspace, &parts);
    let whole = show(workspace.root);
    tests?;
    // Some of the parts never come to everything.
    if wanted.is_empty() { whole } else { Ok(()) }
}

/// Makes the page and the data of what was kept, and says in a few lines what is there.
pub fn show(root: &Path) -> Result<()> {
    let folder = folder(root);
    let arguments = Arguments::of_tree(root)?;
    let analysis = analyse(
        &folder,
        coverage::KERNEL,
        coverage::EXECUTED,
        root,
        &arguments,
    )?;
    let text = page::page(&analysis, &arguments, &mut Sources::new(root))?;
    store(&folder.join(PAGE), text.as_bytes())?;
    store(&folder.join(DATA), &serde_json::to_vec_pretty(&analysis)?)?;
    for kernel in &analysis.kernels {
        let sum = kernel.sum;
        say!(
            "{:<15} {} of {} instructions, {} argued; {} of {} ways of branches, {} argued",
            kernel.name,
            sum.executed,
            sum.instructions,
            sum.argued,
            sum.ways_went,
            sum.ways,
            sum.ways_argued
        );
    }
    print_result(folder.join(PAGE).display())?;
    judge(&analysis, &arguments)
}

/// # Errors
/// An argument is about nothing that is missing.
fn judge(analysis: &Analysis, arguments: &Arguments) -> Result<()> {
    for place in &analysis.idle_arguments {
        let argument = &arguments.all[*place];
        let line = argument.line.as_deref().unwrap_or("all of it");
        say!(
            "error: the argument about `{}` ({line}) is about nothing that is missing",
            argument.function
        );
    }
    let idle = analysis.idle_arguments.len();
    ensure!(idle == 0, "{idle} arguments are about nothing");
    Ok(())
}
