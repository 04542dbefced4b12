//! Which file a user means by the name of a system.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use cofferdam_model::suggestion;

/// The file of a system, by default name.
const FILE: &str = "system.toml";

/// The folder of a tree that has its systems.
const SYSTEMS: &str = "systems";

/// A system of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of its folder.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
}

/// Names another tree than the one that this program was built from: a copy of it, on which it works as well.
const ROOT_VARIABLE: &str = "COFFERDAM_ROOT";

/// The root of the source tree.
pub fn root() -> Result<PathBuf> {
    if let Some(root) = std::env::var_os(ROOT_VARIABLE) {
        let root = PathBuf::from(root);
        ensure!(
            root.join(SYSTEMS).is_dir(),
            "there is no source tree in {}: {ROOT_VARIABLE} names it; set it to the folder of a tree, or unset it",
            root.display()
        );
        return Ok(root);
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).unwrap_or(here);
    ensure!(
        root.is_dir(),
        "the source tree that this command was built from is not in {} any more: name it with {ROOT_VARIABLE}",
        root.display()
    );
    Ok(root.to_path_buf())
}

/// The systems in the tree, by name.
pub fn systems(root: &Path) -> Vec<Place> {
    let folders = std::fs::read_dir(root.join(SYSTEMS)).into_iter().flatten();
    let mut places: Vec<_> = folders
        .filter_map(|entry| {
            let folder = entry.ok()?;
            let file = folder.path().join(FILE);
            file.is_file().then(|| Place {
                name: folder.file_name().to_string_lossy().into_owned(),
                file,
            })
        })
        .collect();
    places.sort_by(|one, other| one.name.cmp(&other.name));
    places
}

/// The file that `system` names: a system of the tree, a folder with a `system.toml`, or the file itself.
pub fn locate(root: &Path, system: &str) -> Result<PathBuf> {
    let of_tree = root.join(SYSTEMS).join(system).join(FILE);
    if !system.contains(['/', '.']) && of_tree.is_file() {
        return Ok(of_tree);
    }
    let path = Path::new(system);
    if path.is_dir() && path.join(FILE).is_file() {
        return Ok(path.join(FILE));
    }
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    let names: Vec<_> = systems(root).into_iter().map(|place| place.name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let why = if path.is_dir() {
        format!("that folder has no {FILE}")
    } else if path.exists() {
        "that is no file".to_owned()
    } else if system.contains('/') || system.ends_with(".toml") {
        "that file is not there".to_owned()
    } else {
        suggestion(system, &names)
    };
    bail!(
        "there is no system `{system}` ({why}): name one of the tree, a folder with a {FILE}, or the file itself"
    );
}
