//! `cargo cofferdam new`: the crate of a partition, from the templates of its personality.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::limits;
use cofferdam_build::store;
use cofferdam_progress::print_result;

/// Where the templates lie.
const TEMPLATES: &str = "personalities/native/template";
/// The files of a crate, each with its template's name behind.
const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", "Cargo.toml.template"),
    ("build.rs", "build.rs.template"),
    ("src/main.rs", "main.rs.template"),
];

/// Makes `partitions/<name>`, and prints its lines for `system.toml`.
pub fn new(root: &Path, name: &str) -> Result<()> {
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
    let mut files = Vec::new();
    for (file, template) in FILES {
        files.push((folder.join(file), fill(template)?));
    }
    let lines = fill("system.toml.template")?;
    for (file, text) in files {
        store(&file, text.as_bytes())?;
        eprintln!("wrote {}", file.display());
    }
    eprintln!("\nThese lines make it a partition of a system, in its system.toml:\n");
    print_result(lines.trim_end())?;
    Ok(())
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
