//! The crate of a new partition, from the templates of its personality.

use std::fs;
use std::path::{Path, PathBuf};

use crate::store;
use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::limits;

/// Where the templates lie.
const TEMPLATES: &str = "personalities/native/template";
/// The files of a crate, each with its template's name behind.
const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", "Cargo.toml.template"),
    ("build.rs", "build.rs.template"),
    ("src/main.rs", "main.rs.template"),
];

/// A partition that was made.
#[derive(Clone, Debug)]
pub struct NewPartition {
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// Its lines for `system.toml`.
    pub lines: String,
}

/// Makes `partitions/<name>` in the tree at `root`.
pub fn new_partition(root: &Path, name: &str) -> Result<NewPartition> {
    check_name(name)?;
    let folder = root.join("partitions").join(name);
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    let fill = |template: &str| {
        let path = root.join(TEMPLATES).join(template);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("the template {} cannot be read", path.display()))?;
        anyhow::Ok(text.replace("{{name}}", name))
    };
    // Every template is read before anything is written.
    let lines = fill("system.toml.template")?;
    let mut texts = Vec::new();
    for (file, template) in FILES {
        texts.push((folder.join(file), fill(template)?));
    }
    let mut files = Vec::new();
    for (file, text) in texts {
        store(&file, text.as_bytes())?;
        files.push(file);
    }
    Ok(NewPartition { files, lines })
}

fn check_name(name: &str) -> Result<()> {
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    ensure!(
        name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(plain),
        "`{name}` is no name for a partition: it takes lower-case letters, digits and `_`, a letter first"
    );
    ensure!(
        name.len() <= limits::NAME_BYTES,
        "`{name}` is too long: a name has at most {} letters",
        limits::NAME_BYTES
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_record_and_cargo_take() {
        for good in ["a", "pump_2"] {
            check_name(good).unwrap();
        }
        for bad in ["", "2nd", "Pump", "a-b", "../x", "a_name_of_17_char"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
