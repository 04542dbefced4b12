//! What the last run of a system left: its record, and the folder of the build beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use cofferdam_build::{directory_of, locate};
use cofferdam_record::Snapshot;
use cofferdam_run::command::RECORD_FILE;

/// A run that left a record.
pub struct LastRun {
    /// The system.
    pub name: String,
    /// Where its build is.
    pub folder: PathBuf,
    /// The file with the record.
    pub record: PathBuf,
    /// The record.
    pub snapshot: Snapshot,
    /// When that was kept.
    recorded: Option<SystemTime>,
}

impl LastRun {
    /// Reads the record of the last run of a system, or the one in the file `record`.
    pub fn read(root: &Path, system: &str, record: Option<&Path>) -> Result<Self> {
        let (name, folder) = directory_of(root, &locate(root, system)?)?;
        let path = record.map_or_else(|| folder.join(RECORD_FILE), Path::to_path_buf);
        let bytes = fs::read(&path).with_context(|| {
            format!(
                "there is no record of a run of {name} ({} cannot be read); `cargo cofferdam run {system}` leaves one",
                path.display()
            )
        })?;
        let snapshot = Snapshot::from_bytes(bytes)
            .with_context(|| format!("{} is no record", path.display()))?;
        if !snapshot.is_valid() {
            bail!("in that run of {name} no kernel began: there is nothing to show");
        }
        Ok(Self {
            name,
            folder,
            snapshot,
            recorded: fs::metadata(&path).and_then(|file| file.modified()).ok(),
            record: path,
        })
    }

    /// Whether a file was written behind that run.
    pub fn is_older_than(&self, file: &Path) -> bool {
        let written = fs::metadata(file).and_then(|file| file.modified()).ok();
        written > self.recorded
    }
}
