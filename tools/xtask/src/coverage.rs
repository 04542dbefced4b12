//! `cargo xtask coverage`: what the tests execute of the unmodified kernel, instruction by instruction and branch by branch.
//!
//! The tests run as they always do, and each machine has the plugin of `tools/icount` with it. `docs/coverage.md` says what is counted, and what
//! is argued of the rest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Kernel, Needs, Tree, check, store, systems};
use cofferdam_coverage::arguments::Arguments;
use cofferdam_coverage::{Analysis, Sources, analyse, page};
use cofferdam_progress::{print_result, say};
use cofferdam_run::coverage;
use cofferdam_target_build::target_directory;

use crate::bench::counting::plugin;
use crate::guest_attacks;
use crate::machines::{self, Systems};
use crate::parts::{Parts, Tally};
use crate::test;
use crate::workspace::Workspace;
use crate::wrong_tables;

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

/// Kernels with more in them than most systems need. Those systems run on them as well, as the files beside them say: what tests a hypercall of one kernel
/// tests it of the others too.
const LARGER: [Needs; 3] = [
    Needs {
        guests: false,
        bus: true,
    },
    Needs {
        guests: true,
        bus: false,
    },
    Needs {
        guests: true,
        bus: true,
    },
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
    let begins = |name: &str, one: &String| name.starts_with(one.as_str());
    let is_of_larger = |one: &&String| LARGER.iter().any(|has| begins(&larger(*has), one));
    let is_of_tests = |one: &&String| PARTS.iter().any(|part| begins(part, one));
    // What begins no name is for the tests to complain of.
    let of_tests: Vec<_> = (wanted.iter())
        .filter(|one| is_of_tests(one) || !is_of_larger(one))
        .cloned()
        .collect();
    let all = PARTS.map(str::to_owned).to_vec();
    let of_tests = if wanted.is_empty() { all } else { of_tests };
    let tests = if of_tests.is_empty() {
        Ok(())
    } else {
        test::run(workspace, &of_tests)
    };
    // These come last: what is left of a system is built with another kernel.
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| begins(name, one));
    let on_larger = on_larger_kernels(workspace, is_wanted);
    let whole = show(workspace.root);
    tests?;
    on_larger?;
    // Some of the parts never come to everything.
    if wanted.is_empty() { whole } else { Ok(()) }
}

/// The name of the part in which systems run on this kernel that need less.
fn larger(kernels_have: Needs) -> String {
    format!("systems on the kernel for {}", kernels_have.name())
}

/// Runs systems on kernels that have more than they need.
fn on_larger_kernels(workspace: &Workspace<'_>, is_wanted: impl Fn(&str) -> bool) -> Result<()> {
    let mut parts = Parts::default();
    for kernels_have in LARGER {
        let name = larger(kernels_have);
        if is_wanted(&name) {
            parts.run(&name, || on_larger_kernel(workspace, kernels_have));
        }
    }
    parts.finish()
}

fn on_larger_kernel(workspace: &Workspace<'_>, kernels_have: Needs) -> Result<Tally> {
    let tree = Tree {
        kernels_have,
        ..workspace.tree()
    };
    let mut smaller = Vec::new();
    for system in systems(&tree.root) {
        let needs = Needs::of(&check(&system.file).map_err(anyhow::Error::from)?);
        if needs != kernels_have && needs.with(kernels_have) == kernels_have {
            smaller.push(system.name);
        }
    }
    let is_smaller = |name: &str| smaller.iter().any(|one| one == name);
    let systems = Systems::build_some(&tree, is_smaller)?;
    let mut tally = machines::expected_runs(&systems, &[Kernel::Release])?;
    let told = machines::told_to_stop(&systems)?;
    tally.add(machines::run_all(vec![told]));
    tally.add(machines::attacks(&systems)?);
    tally.add(guest_attacks::together(&systems)?);
    tally.add(machines::run_all(wrong_tables::cases(
        &systems,
        systems.get(machines::FLIGHT)?,
    )?));
    Ok(tally)
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
        let within = argument
            .within
            .as_deref()
            .map(|within| format!(" in `{within}`"));
        say!(
            "error: the argument about `{}`{} ({line}) is about nothing that is missing",
            argument.function,
            within.unwrap_or_default()
        );
    }
    let idle = analysis.idle_arguments.len();
    ensure!(idle == 0, "{idle} arguments are about nothing");
    Ok(())
}
