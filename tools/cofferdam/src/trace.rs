//! `cargo cofferdam trace`: the events that a run of the kernel `trace` left in its record.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cofferdam_progress::{print_result, say};
use cofferdam_record::trace::{self, Names};
use serde_json::Value;

use crate::Format;
use crate::last_run::LastRun;

/// The file that says what the build decided, and how things are called.
const PLAN_FILE: &str = "plan.json";

/// Prints the last events of the last run of a system, or of the run that left `record`: one line each.
pub fn trace(root: &Path, system: &str, record: Option<&Path>, format: Format) -> Result<()> {
    let run = LastRun::read(root, system, record)?;
    if run.snapshot.header().trace_kernel == 0 {
        bail!(
            "the kernel of that run of {} was `release`, which keeps no trace; `cargo cofferdam run {system} --kernel trace` leaves one",
            run.name
        );
    }
    let file = run.folder.join(PLAN_FILE);
    if run.is_older_than(&file) {
        say!(
            "{} was built again after that run: channels and windows may be others by now",
            run.name
        );
    }
    let names = names(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    for event in trace::events(&run.snapshot, &names) {
        match format {
            Format::Text => print_result(event)?,
            Format::Json => print_result(serde_json::to_string(&event)?)?,
        }
    }
    Ok(())
}

/// What the build called things.
fn names(plan: &Path) -> Result<Names> {
    let plan: Value = serde_json::from_slice(&fs::read(plan)?)?;
    let list = |value: &Value, of: &str| value[of].as_array().cloned().unwrap_or_default();
    let texts = |of: &str, key: &str| {
        let all = list(&plan, of);
        let texts = all.iter().map(|one| one[key].as_str().unwrap_or_default());
        texts.map(str::to_owned).collect()
    };
    let mut windows = Vec::new();
    for schedule in list(&plan, "schedules") {
        let name = schedule["name"].as_str().unwrap_or_default();
        let count = list(&schedule, "windows").len();
        windows.extend((0..count).map(|place| Names::window(name, place)));
    }
    Ok(Names {
        channels: texts("channels", "name"),
        interrupts: texts("interrupts", "device"),
        windows,
    })
}
