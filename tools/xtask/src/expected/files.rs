//! Where they are, and how they are read.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cofferdam_build::Built;

use super::Expected;

/// The folder of such files beside a system.
const FOLDER: &str = "expected";

/// A file; of one that is `like` another beside it, what it does not say is as there.
pub(super) fn read(path: &Path) -> Result<Expected> {
    let mut table: toml::Table = toml::from_str(&fs::read_to_string(path)?)?;
    if let Some(like) = table.remove("like") {
        let like = path.with_file_name(like.as_str().unwrap_or_default());
        let other = toml::from_str(&fs::read_to_string(like)?)?;
        table = over(other, table);
    }
    Ok(table.try_into()?)
}

/// A table with another one over it, and so with the tables in it.
fn over(mut below: toml::Table, above: toml::Table) -> toml::Table {
    for (key, value) in above {
        let value = match (below.remove(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => {
                toml::Value::Table(over(below, above))
            }
            (_, value) => value,
        };
        below.insert(key, value);
    }
    below
}

/// What is expected of the runs of a system, each with the name of its file; nothing if it has no such files.
pub fn of_system(built: &Built) -> Result<Vec<(String, Expected)>> {
    let mut all = Vec::new();
    let folder = built.checked.directory.as_ref();
    let folder = folder.context("the system has no file")?.join(FOLDER);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let expected = read(&path).with_context(|| format!("{} is wrong", path.display()))?;
        all.push((name.into_owned(), expected));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}
