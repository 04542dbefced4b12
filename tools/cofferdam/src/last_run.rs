//! What the last run of a system left: its record, and the folder of the build beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use cofferdam_abi::record::offset;
use cofferdam_build::{directory_of, locate};
use cofferdam_record::Snapshot;
use cofferdam_run::command::RECORD_FILE;
use cofferdam_timeline::System;

/// What the build has planned.
pub const PLAN_FILE: &str = "plan.json";

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
    /// Reads the record of the last run of a system, or the one in the file `record`. `options` are those with which a run leaves what is
    /// asked for.
    pub fn read(root: &Path, system: &str, record: Option<&Path>, options: &str) -> Result<Self> {
        let (name, folder) = directory_of(root, &locate(root, system)?)?;
        let path = record.map_or_else(|| folder.join(RECORD_FILE), Path::to_path_buf);
        if record.is_none() && !path.exists() {
            bail!(
                "there is no record of a run of {name} ({} is not there); `cargo cofferdam run {system}{options}` leaves one",
                path.display()
            );
        }
        let snapshot = kept(&path)?;
        if !snapshot.is_valid() {
            bail!(
                "{}: in that run of {name} no kernel began, or it is another file: there is nothing to show",
                path.display()
            );
        }
        // A kernel that refuses its tables knows of nobody.
        if snapshot.partition_count() > 0
            && let Ok(plan) = fs::read(folder.join(PLAN_FILE))
            && let Ok(plan) = System::from_json(&plan)
        {
            plan.has_left(&snapshot)
                .with_context(|| path.display().to_string())?;
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

/// A record that was kept in a file.
///
/// # Errors
/// The file cannot be read, or is none.
pub fn kept(file: &Path) -> Result<Snapshot> {
    let bytes = fs::read(file).with_context(|| {
        format!(
            "{} cannot be read: name the file `{RECORD_FILE}` that a run leaves beside its image",
            file.display()
        )
    })?;
    let length = bytes.len();
    Snapshot::from_bytes(bytes).with_context(|| {
        format!(
            "{} is no record: it has {length} bytes, and one has {}; `cargo cofferdam run SYSTEM` leaves one in the file `{RECORD_FILE}` beside the image",
            file.display(),
            offset::END
        )
    })
}
