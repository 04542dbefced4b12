//! What came of the conformity cases of the ARINC 653 services on the target: it stands beside what came of them on the host.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// The systems whose steps are results of such cases.
pub const SYSTEMS: [&str; 2] = ["apex_c", "apex_conformity"];

/// Beside the systems' own folders.
const FILE: &str = "apex-conformity.json";

/// Cases run side by side.
static WRITING: Mutex<()> = Mutex::new(());

/// A run begins: what came of an earlier one is no result any more.
pub fn forget(folder: &Path, system: &str, kernel: &str) -> Result<()> {
    change(folder, |table| {
        if let Some(of_system) = table
            .get_mut("target")
            .and_then(|target| target.get_mut(system))
        {
            of_system[kernel] = Value::Null;
        }
    })
}

/// Adds the steps of a run: by system, kernel and partition whether what came was expected, or what came instead. `folder` is the system's own.
pub fn note(
    folder: &Path,
    system: &str,
    kernel: &str,
    steps: &[(String, String)],
    failed: &[String],
) -> Result<()> {
    let mut result = Map::new();
    for (partition, step) in steps {
        let beginning = format!("{partition}, {step}: ");
        let failure = failed
            .iter()
            .find_map(|words| words.strip_prefix(&beginning));
        let of_partition = result.entry(partition.clone()).or_insert_with(|| json!({}));
        of_partition[step] = json!(failure.unwrap_or("passed"));
    }
    change(folder, |table| {
        let target = table.entry("target").or_insert_with(|| json!({}));
        target[system][kernel] = Value::Object(result);
    })
}

fn change(folder: &Path, change: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let path = folder
        .parent()
        .context("a system has a folder of its own")?
        .join(FILE);
    let _guard = WRITING
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut table: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    change(&mut table);
    cofferdam_build::store(&path, &serde_json::to_vec_pretty(&table)?)
}
