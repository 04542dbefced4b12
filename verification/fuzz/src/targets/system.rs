//! `system.toml`: any text is a system or diagnostics; and a system that the rules accept is one that the compiler and the
//! kernel accept.

use std::fs;
use std::path::Path;

use cofferdam_check::check_text;

use super::{common, compiles_to_what_the_kernel_takes};
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "system",
    seeds,
    run,
};

/// The systems of the tree, and the corpus of wrong files.
fn seeds() -> Vec<Vec<u8>> {
    /// Each system so often, for what becomes of a wrong file is soon over.
    const WEIGHT: usize = 40;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sound: Vec<Vec<u8>> = vec![common::EVERYTHING.into()];
    for system in sorted(&root.join("systems")) {
        sound.extend(fs::read(system.join("system.toml")).ok());
    }
    let mut seeds = vec![sound; WEIGHT].concat();
    let mut read = |path: &Path| seeds.extend(fs::read(path).ok());
    for file in sorted(&root.join("config/check/tests/bad")) {
        if file.extension().is_some_and(|end| end == "toml") {
            read(&file);
        }
    }
    seeds
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match check_text("system.toml", &text) {
        Ok(checked) => {
            let _ = (checked.warnings.render(true), checked.warnings.to_json());
            let programs = common::programs(&checked);
            compiles_to_what_the_kernel_takes(&checked, &common::kernel(), &programs);
        }
        Err(diagnostics) => {
            assert!(diagnostics.errors() > 0);
            let _ = (diagnostics.render(true), diagnostics.to_json());
        }
    }
}
