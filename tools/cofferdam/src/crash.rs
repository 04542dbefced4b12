//! `cargo cofferdam crash`: the failures that a run left in its record.

use std::path::Path;

use anyhow::Result;
use cofferdam_build::Kernel;
use cofferdam_progress::{print_result, say};
use cofferdam_record::{Program, failures};

use crate::last_run::LastRun;
use crate::symbols::ElfSymbols;

/// Prints every failure of the last run of a system, or of the run that left `record`.
pub fn crash(root: &Path, system: &str, record: Option<&Path>) -> Result<()> {
    let run = LastRun::read(root, system, record, "")?;
    let mut text = failures(&run.snapshot, &|program| {
        let program = match program {
            Program::Kernel { trace: true } => format!("kernel-{}", Kernel::Trace.name()),
            Program::Kernel { trace: false } => format!("kernel-{}", Kernel::Release.name()),
            Program::Partition(name) => name.clone(),
        };
        let file = run.folder.join(format!("programs/{program}.elf"));
        if run.is_older_than(&file) {
            say!("{program} was built again after that run: its source lines may be others by now");
        }
        Box::new(ElfSymbols::of(&file))
    });
    if text.is_empty() {
        text = format!("that run of {} left no failure", run.name);
    }
    Ok(print_result(text.trim_end())?)
}
