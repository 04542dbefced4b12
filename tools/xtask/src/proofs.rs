//! Every image proved (`verification/prove`), and the prover tried on mutants of every image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_progress::Step;
use cofferdam_prove::{Prover, declared, mutate};

use crate::machines::Systems;
use crate::parts::Tally;

/// So many mutants of each class for each system, in the campaign. Those of a guest's image are some megabytes each, so there are fewer.
const MUTANTS: u64 = 3_000;
/// See [`MUTANTS`].
const MUTANTS_OF_GUESTS: u64 = 60;
/// An image with a guest is longer than this.
const LONG: usize = 1 << 20;

/// The prover for a system and one of its kernels.
fn prover(root: &Path, name: &str, built: &Built, kernel: Kernel) -> Result<Prover> {
    let text = |path: &Path| fs::read_to_string(path).with_context(|| path.display().to_string());
    let system = text(&root.join("systems").join(name).join("system.toml"))?;
    let board = declared::board_of(&system)?;
    let board = text(&root.join("config/boards").join(format!("{board}.toml")))?;
    let folder = built.directory.join("programs");
    let program = |name: &str| {
        let path = folder.join(format!("{name}.elf"));
        fs::read(&path).with_context(|| path.display().to_string())
    };
    let own = program(&format!("kernel-{}", kernel.name()))?;
    let mut programs = Vec::new();
    for name in declared::partitions_of(&system)? {
        programs.push((name.clone(), program(&name)?));
    }
    Ok(Prover::new(&system, &board, Some(&own), &programs)?)
}

/// Both images of every system.
pub fn every_image(systems: &Systems) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, built) in systems.iter() {
        for kernel in Kernel::ALL {
            let proved = || -> Result<()> {
                let prover = prover(&systems.tree().root, name, built, kernel)?;
                let proof = prover.prove(built.image(kernel))?;
                let wrong = proof.statements.iter().filter(|one| !one.holds());
                let wrong: Vec<_> = wrong
                    .map(|one| format!("{}: {:?}", one.id, one.failures))
                    .collect();
                ensure!(wrong.is_empty(), "{}", wrong.join("; "));
                Ok(())
            };
            tally.count(&format!("{name} ({})", kernel.name()), proved());
        }
    }
    Ok(tally)
}

/// Mutants of every system's image.
pub fn mutants(systems: &Systems, scale: u32) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, built) in systems.iter() {
        let step = Step::start(name);
        let image = built.image(Kernel::Release);
        let most = if image.len() > LONG {
            MUTANTS_OF_GUESTS
        } else {
            MUTANTS
        };
        let tried = || -> Result<String> {
            let prover = prover(&systems.tree().root, name, built, Kernel::Release)?;
            let score = mutate::campaign(&prover, image, most * u64::from(scale))?;
            ensure!(
                score.is_whole(),
                "these mutants survive: {:?}",
                score.survivors
            );
            let sum = |of: fn(&mutate::Count) -> u64| score.classes.values().map(of).sum::<u64>();
            Ok(format!(
                "{} mutants: {} refused, {} found, {} argued, none survived",
                sum(|one| one.tried),
                sum(|one| one.refused),
                sum(|one| one.found),
                sum(|one| one.argued.values().sum())
            ))
        };
        let covered = tried();
        if covered.is_ok() {
            step.done();
        }
        tally.note(name, covered);
    }
    Ok(tally)
}
