//! The source tree: where it is, and which of its crates are for the host and which for the target.

use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_build::Tree;
use cofferdam_setup::{Consent, Requirement, Toolchain};
use serde_json::{Value, json};

/// What building and running a system takes.
pub const NEEDED: [Requirement; 2] = [Requirement::Toolchain, Requirement::Qemu];
/// And testing them: a test looks at what a system wrote to its disk.
pub const NEEDED_TO_TEST: [Requirement; 3] = [
    Requirement::Toolchain,
    Requirement::Qemu,
    Requirement::FileSystems,
];

/// The source tree and the compiler for it.
pub struct Workspace<'a> {
    /// Its root.
    pub root: &'a Path,
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// Whether what a system takes may be installed.
    pub consent: Consent,
    /// The packages that only the target can build: all but cargo's default members.
    pub target_packages: Vec<String>,
    /// Those of them that have a library, whose logic the host can test.
    pub target_libraries: Vec<String>,
}

impl<'a> Workspace<'a> {
    /// Asks cargo.
    pub fn read(root: &'a Path, toolchain: &'a Toolchain, consent: Consent) -> Result<Self> {
        let metadata = cofferdam_target_build::metadata(root, toolchain)?;
        let on_host = metadata["workspace_default_members"]
            .as_array()
            .context("cargo names no default members")?;
        let target: Vec<_> = metadata["packages"]
            .as_array()
            .context("cargo names no packages")?
            .iter()
            .filter(|package| !on_host.contains(&package["id"]))
            .collect();
        let name = |package: &Value| package["name"].as_str().map(str::to_owned);
        let has_library = |package: &Value| {
            let targets = package["targets"].as_array();
            targets.is_some_and(|all| all.iter().any(|one| one["kind"] == json!(["lib"])))
        };
        Ok(Self {
            root,
            toolchain,
            consent,
            target_packages: target.iter().filter_map(|one| name(one)).collect(),
            target_libraries: target
                .iter()
                .filter(|one| has_library(one))
                .filter_map(|one| name(one))
                .collect(),
        })
    }

    /// The same, to build systems in.
    pub fn tree(&self) -> Tree {
        Tree::new(self.root, self.toolchain, self.consent)
    }

    /// Runs cargo for the host, its output passed on.
    pub fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let status = self
            .toolchain
            .cargo()
            .current_dir(self.root)
            .args(arguments)
            .status()
            .context("cargo did not start")?;
        anyhow::ensure!(
            status.success(),
            "cargo {} failed ({status})",
            arguments.join(" ")
        );
        Ok(())
    }
}
