//! `cargo cofferdam crash`: the failures that a run left in its record.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cofferdam_build::{Kernel, directory, locate};
use cofferdam_progress::{print_result, say};
use cofferdam_record::{Program, Snapshot, failures};
use cofferdam_run::command::RECORD_FILE;

use crate::symbols::ElfSymbols;

/// Prints every failure of the last run of a system, or of the run that left `record`.
pub fn crash(root: &Path, system: &str, record: Option<&Path>) -> Result<()> {
    let checked = cofferdam_build::check(&locate(root, system)?);
    // The name counts, not what else may be wrong with the file by now.
    let name = checked.map_or_else(|_| system.to_owned(), |checked| checked.system.name.value);
    let folder = directory(root, &name);
    let path = record.map_or_else(|| folder.join(RECORD_FILE), Path::to_path_buf);
    let bytes = fs::read(&path).with_context(|| {
        format!(
            "there is no record of a run of {name} ({} cannot be read); `cargo cofferdam run {system}` leaves one",
            path.display()
        )
    })?;
    let snapshot =
        Snapshot::from_bytes(bytes).with_context(|| format!("{} is no record", path.display()))?;
    if !snapshot.is_valid() {
        bail!("in that run of {name} no kernel began: there is nothing to show");
    }
    let recorded = fs::metadata(&path).and_then(|file| file.modified()).ok();
    let mut text = failures(&snapshot, &|program| {
        let program = match program {
            Program::Kernel { trace: true } => format!("kernel-{}", Kernel::Trace.name()),
            Program::Kernel { trace: false } => format!("kernel-{}", Kernel::Release.name()),
            Program::Partition(name) => name.clone(),
        };
        let file = folder.join(format!("programs/{program}.elf"));
        let built = fs::metadata(&file).and_then(|file| file.modified()).ok();
        if built > recorded {
            say!("{program} was built again after that run: its source lines may be others by now");
        }
        Box::new(ElfSymbols::of(&file))
    });
    if text.is_empty() {
        text = format!("that run of {name} left no failure");
    }
    Ok(print_result(text.trim_end())?)
}
