//! The tree, as cargo and the file system show it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace.
pub struct Crate {
    /// Its folder, from the root.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// The names of what it depends on, with tests' own needs left out.
    pub dependencies: Vec<String>,
}

/// The root of the tree.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_path_buf()
}

/// Every crate.
pub fn crates() -> Vec<Crate> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let folder = Path::new(&manifest).parent().unwrap();
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            Crate {
                folder: folder.strip_prefix(root).unwrap().display().to_string(),
                name: text(&package["name"]),
                dependencies: dependencies
                    .filter(|one| one["kind"] != "dev")
                    .map(|one| text(&one["name"]))
                    .collect(),
            }
        })
        .collect()
}

/// The Rust files in a folder, as path from the root and text.
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    gather(&root().join(folder), &mut files);
    files.sort();
    files
}

fn gather(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            files.push((name, text));
        }
    }
}
