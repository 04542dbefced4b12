//! `cargo xtask test`: everything that continuous integration checks.
//!
//! Four rings, from the cheapest to the dearest: what can be judged from the source (format, lints, and the tests of
//! `verification/layering`); tests on the host; whole systems in the emulator; attacks on the target.
//! What needs a nightly compiler runs where there is one.

use std::time::Duration;

use anyhow::Result;
use cofferdam_build::{Kernel, Tree};

use crate::bench;
use crate::book;
use crate::debugger;
use crate::disks;
use crate::editors;
use crate::guest_attacks;
use crate::host;
use crate::lint;
use crate::logs;
use crate::machines::{self, Systems};
use crate::networks;
use crate::nightly;
use crate::parts::{Parts, Tally, Wanted};
use crate::proofs;
use crate::recordings;
use crate::reports;
use crate::reproduce;
use crate::space;
use crate::sweep;
use crate::vendor;
use crate::workspace::Workspace;

/// So long libFuzzer looks at each target.
const FUZZ_TIME: Duration = Duration::from_secs(10);

/// What runs on the host, behind [`lint::PARTS`].
const HOST: [lint::Part; 5] = [
    ("tests on the host", host::tests),
    ("the book", book::tests),
    ("the command as it is installed", |workspace| {
        reproduce::installed(&tree(workspace))
    }),
    ("undefined behaviour (Miri)", nightly::miri),
    ("inputs guided by coverage (libFuzzer)", |workspace| {
        nightly::fuzz(workspace, FUZZ_TIME)
    }),
];

/// A part that is about the systems of the tree.
type OfSystems = (&'static str, fn(&Workspace<'_>, &Systems) -> Result<Tally>);

/// What runs when every system is built.
const SYSTEMS: [OfSystems; 20] = [
    ("reports of systems", |_, systems| reports::tests(systems)),
    ("every image proved", |_, systems| {
        proofs::every_image(systems)
    }),
    ("systems in the emulator", |_, systems| {
        machines::systems_in_emulator(systems)
    }),
    ("networks, and who is on them", |_, systems| {
        networks::tests(systems)
    }),
    ("disks, and what is on them", |_, systems| {
        let mut tally = disks::tests(systems)?;
        tally.add(logs::tests(systems)?);
        Ok(tally)
    }),
    ("the guest as it was built", |workspace, _| {
        host::of_guest(workspace)
    }),
    ("partitions under the debugger", |workspace, _| {
        debugger::tests(workspace)
    }),
    ("a build with no network", |workspace, _| {
        vendor::without_network(workspace)
    }),
    ("partitions of a recorded run, again", |workspace, _| {
        recordings::tests(workspace)
    }),
    ("what an editor understands", |workspace, _| {
        editors::tests(workspace)
    }),
    ("attacks on the target", |_, systems| {
        machines::attacks(systems)
    }),
    ("attacks from inside of guests", |_, systems| {
        guest_attacks::attacks(systems, 1)
    }),
    ("every phase of the end of a window", |_, systems| {
        sweep::phases(systems, sweep::ONE_ROUND, Some(sweep::ONE_ROUND_MISSES))
    }),
    ("the same bytes in another folder", |workspace, systems| {
        reproduce::elsewhere(&tree(workspace), systems)
    }),
    ("a unit outside of the tree", |workspace, systems| {
        reproduce::outside(&tree(workspace), systems)
    }),
    ("bounds of the paths with interrupts off", bench::bounds),
    ("figures", |workspace, _| bench::cases(workspace)),
    ("figures of Linux", |workspace, _| {
        bench::linux::cases(workspace)
    }),
    ("figures of ARINC 653", |workspace, _| {
        bench::apex::cases(workspace)
    }),
    ("figures of driver partitions", |workspace, _| {
        bench::drivers::cases(workspace)
    }),
];
const BUILDING: &str = "building every system";

fn tree(workspace: &Workspace<'_>) -> Tree {
    workspace.tree()
}

/// What runs before any system is built.
fn on_host() -> impl Iterator<Item = lint::Part> {
    lint::PARTS.into_iter().chain(HOST)
}

/// Which parts are wanted. Fails if a beginning is none of a part's name.
pub fn wanted(beginnings: &[String]) -> Result<Wanted<'_>> {
    let names: Vec<_> = (on_host().map(|(name, _)| name))
        .chain([BUILDING])
        .chain(SYSTEMS.map(|(name, _)| name))
        .collect();
    Wanted::among(beginnings, "part", &names)
}

/// Runs the parts whose names begin as wanted, or all. The systems are built if one of those needs them.
pub fn run(workspace: &Workspace<'_>, wanted: &[String]) -> Result<()> {
    if wanted.is_empty() {
        space::examine(workspace.root)?;
    }
    let wanted = self::wanted(wanted)?;
    let mut parts = Parts::default();
    for (name, part) in on_host().filter(|(name, _)| wanted.has(name)) {
        parts.run(name, || part(workspace));
    }
    let of_systems: Vec<_> = (SYSTEMS.iter())
        .filter(|(name, _)| wanted.has(name))
        .collect();
    let mut systems = None;
    if wanted.has(BUILDING) || !of_systems.is_empty() {
        parts.run(BUILDING, || {
            let built = Systems::build(&tree(workspace))?;
            let mut tally = Tally::default();
            built.names().for_each(|_| tally.passed += 1);
            systems = Some(built);
            Ok(tally)
        });
    }
    if let Some(systems) = &systems {
        for (name, part) in of_systems {
            parts.run(name, || part(workspace, systems));
        }
    }
    parts.finish()
}

/// Runs systems as the files beside them say.
pub fn expected(workspace: &Workspace<'_>, wanted: &[String]) -> Result<()> {
    let tree = tree(workspace);
    let all = cofferdam_build::systems(&tree.root);
    let names: Vec<_> = all.iter().map(|system| system.name.as_str()).collect();
    let wanted = Wanted::among(wanted, "system", &names)?;
    let mut parts = Parts::default();
    parts.run("as expected", || {
        let systems = Systems::build_some(&tree, |name| wanted.has(name))?;
        machines::expected_runs(&systems, &Kernel::ALL)
    });
    parts.finish()
}
