//! Which file a user means by the name of a system, and which package by the folder of a crate.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The file of a system, by default name.
const FILE: &str = "system.toml";

/// A system of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of its folder.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
}

/// The root of the source tree that this program was built from.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The systems in the tree, by name.
pub fn systems(root: &Path) -> Vec<Place> {
    let folders = std::fs::read_dir(root.join("systems"))
        .into_iter()
        .flatten();
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
    let of_tree = root.join("systems").join(system).join(FILE);
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
    bail!(
        "there is no system `{system}`: name one of the tree ({}), a folder with a {FILE}, or the file itself",
        names.join(", ")
    );
}

/// The name of the package whose `Cargo.toml` this is.
pub fn package_name(manifest: &Path) -> Result<String> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("{} cannot be read", manifest.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is no TOML", manifest.display()))?;
    table
        .get("package")
        .and_then(|package| package.get("name")?.as_str())
        .map(str::to_owned)
        .with_context(|| format!("{} names no package", manifest.display()))
}
