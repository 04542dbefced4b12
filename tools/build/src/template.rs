//! The crate of a new partition, from the templates of its personality.

use std::fs;
use std::path::{Path, PathBuf};

use crate::store;
use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::limits;
use cofferdam_interrupt::Hold;

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

/// Names that Rust or cargo uses: keywords, crates that come with the compiler, folders that cargo makes beside programs.
const TAKEN: &str = "\
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in let \
    loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof unsafe \
    unsized use virtual where while yield \
    alloc core proc_macro std test \
    build deps examples incremental";

/// Makes `partitions/<name>` in the tree at `root`, all of it or nothing.
pub fn new_partition(root: &Path, name: &str) -> Result<NewPartition> {
    check_name(name)?;
    let folder = root.join("partitions").join(name);
    if folder.exists() {
        bail!("{} is there already: choose another name", folder.display());
    }
    check_packages(root, name)?;
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
        texts.push((file, fill(template)?));
    }
    // It is put together elsewhere: cargo takes every folder in partitions/ for a package, and does nothing while one has no
    // manifest.
    let _uninterrupted = Hold::new()?;
    let elsewhere = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(root)
        .with_context(|| format!("nothing can be written in {}", root.display()))?;
    let made = elsewhere.path().join(name);
    let mut files = Vec::new();
    for (file, text) in texts {
        store(&made.join(file), text.as_bytes())?;
        files.push(folder.join(file));
    }
    fs::rename(&made, &folder).with_context(|| format!("{} cannot be made", folder.display()))?;
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
    ensure!(
        TAKEN.split_whitespace().all(|taken| taken != name),
        "`{name}` is no name for a partition: Rust or cargo uses it; choose another name"
    );
    Ok(())
}

/// A partition's package cannot have the name of another one.
fn check_packages(root: &Path, name: &str) -> Result<()> {
    let path = root.join("Cargo.lock");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut names = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    ensure!(
        names.all(|taken| taken.replace('-', "_") != name),
        "`{name}` is the name of a package that this tree uses already: choose another name"
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
        for bad in [
            "",
            "2nd",
            "Pump",
            "a-b",
            "../x",
            "a_name_of_17_char",
            "match",
            "core",
            "deps",
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
