//! The crates of a system's partitions: which package of which workspace each is, and whether it can be a partition at all. They are of
//! the tree, or of a workspace of the user's own, which depends on the tree.
//!
//! Asked before anything is compiled, so that a wrong `crate` is an error at its line, and not a thousand of a compiler that was
//! given a program for the host.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cofferdam_check::programs::Fault;
use cofferdam_setup::Toolchain;
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
    /// The root of its workspace.
    pub workspace: PathBuf,
    /// Whether it is written for any partition, rather than for the one that its binary is called after.
    pub serves_any: bool,
}

/// A workspace, as cargo describes it.
struct Workspace {
    root: PathBuf,
    packages: Vec<Value>,
}

impl Workspace {
    fn at(folder: &Path, toolchain: &Toolchain) -> Result<Self> {
        let mut metadata = metadata(folder, toolchain)?;
        match metadata["packages"].take() {
            Value::Array(packages) => Ok(Self {
                root: PathBuf::from(metadata["workspace_root"].as_str().unwrap_or_default()),
                packages,
            }),
            _ => anyhow::bail!(
                "`cargo metadata` names no packages in {}: is the Cargo.toml there whole?",
                folder.display()
            ),
        }
    }

    /// The package whose manifest this is.
    fn package(&self, manifest: &Path) -> Option<&Value> {
        self.packages.iter().find(|package| {
            let path = package["manifest_path"].as_str().map(Path::new);
            path.and_then(|path| path.canonicalize().ok()).as_deref() == Some(manifest)
        })
    }
}

/// The packages of the tree, and of workspaces beside it.
pub struct Crates<'t> {
    toolchain: &'t Toolchain,
    /// The tree's first.
    workspaces: RefCell<Vec<Workspace>>,
}

impl<'t> Crates<'t> {
    /// Asks cargo.
    pub fn of(tree: &'t Tree) -> Result<Self> {
        let mut workspace = Workspace::at(&tree.root, &tree.toolchain)?;
        // As everybody else calls it.
        workspace.root.clone_from(&tree.root);
        Ok(Self {
            toolchain: &tree.toolchain,
            workspaces: RefCell::new(vec![workspace]),
        })
    }

    /// The package whose manifest this is, if it has a program for `partition`.
    pub fn package(&self, manifest: &Path, partition: &str) -> Result<Package, Fault> {
        let manifest = manifest.canonicalize().map_err(Fault::Unreadable)?;
        let mut workspaces = self.workspaces.borrow_mut();
        let known = |workspaces: &[Workspace]| {
            workspaces
                .iter()
                .position(|one| one.package(&manifest).is_some())
        };
        let place = match known(&workspaces) {
            Some(place) => place,
            None => {
                // A folder that cargo can say nothing about is no package of anybody's.
                let folder = manifest.parent().ok_or(Fault::NoPackage)?;
                let other = Workspace::at(folder, self.toolchain).map_err(|_| Fault::NoPackage)?;
                workspaces.push(other);
                known(&workspaces).ok_or(Fault::NoPackage)?
            }
        };
        let workspace = &workspaces[place];
        let package = workspace.package(&manifest).ok_or(Fault::NoPackage)?;
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
            workspace: workspace.root.clone(),
            serves_any: !binaries.contains(partition),
        })
    }
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}
