//! The crates of a system's partitions: which package of the workspace each is, and whether it can be a partition at all.
//!
//! Asked before anything is compiled, so that a wrong `crate` is an error at its line, and not a thousand of a compiler that was
//! given a program for the host.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use cofferdam_check::programs::Fault;
use cofferdam_target_build::metadata;
use serde_json::Value;

use crate::Tree;

/// What every partition in Rust depends on.
const PERSONALITY: &str = "cofferdam-native";

/// The package of a partition's crate.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Whether it is written for any partition, rather than for the one that its binary is called after.
    pub serves_any: bool,
}

/// The packages of the workspace.
pub struct Crates {
    packages: Vec<Value>,
}

impl Crates {
    /// Asks cargo.
    pub fn of(tree: &Tree) -> Result<Self> {
        let mut metadata = metadata(&tree.root, &tree.toolchain)?;
        match metadata["packages"].take() {
            Value::Array(packages) => Ok(Self { packages }),
            _ => anyhow::bail!("cargo names no packages"),
        }
    }

    /// The package whose manifest this is, if it has a program for `partition`.
    pub fn package(&self, manifest: &Path, partition: &str) -> Result<Package, Fault> {
        let manifest = manifest.canonicalize().map_err(Fault::Unreadable)?;
        let is_it = |package: &&Value| {
            let path = package["manifest_path"].as_str().map(Path::new);
            path.and_then(|path| path.canonicalize().ok()) == Some(manifest.clone())
        };
        let package = self.packages.iter().find(is_it).ok_or(Fault::NoPackage)?;
        if !list(package, "dependencies").any(|one| one["name"] == PERSONALITY) {
            return Err(Fault::NoPartition);
        }
        let binaries: HashSet<_> = list(package, "targets")
            .filter(|target| list(target, "kind").any(|kind| kind == "bin"))
            .filter_map(|target| target["name"].as_str())
            .collect();
        if binaries.len() != 1 && !binaries.contains(partition) {
            return Err(Fault::NoBinary);
        }
        let name = package["name"].as_str().ok_or(Fault::NoPackage)?;
        Ok(Package {
            name: name.to_owned(),
            serves_any: !binaries.contains(partition),
        })
    }
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}
