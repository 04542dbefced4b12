//! A recording that somebody made to do harm: what its programs would have a debugger carry out is not carried out.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cofferdam_files::sha256;
use serde_json::Value;

use super::{Recorded, said};

/// Comes with the tools of the guests' builds.
const OBJCOPY: &str = "powerpc-linux-gnu-objcopy";
const PROGRAM: &str = "programs/rogue.elf";

/// Puts a script for GDB into a program of the recording, as GDB carries it out by itself, and one where recordings once had theirs; the manifest
/// says that it has to be so. For the test's own sake the script is shown to do harm where GDB is not told otherwise.
pub fn carries_out_nothing(recorded: &Recorded<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let harm = folder.path().join("harm");
    let section = folder.path().join("section");
    // GDB, "The .debug_gdb_scripts section": 4, a name, and a script of Python up to a zero.
    let script = format!("\u{4}name\nopen({:?}, 'w')\n\0", harm.display().to_string());
    fs::write(&section, script)?;
    let program = recorded.folder.join(PROGRAM);
    let added = Command::new(OBJCOPY)
        .arg("--add-section")
        .arg(format!(".debug_gdb_scripts={}", section.display()))
        .arg(&program)
        .status()
        .with_context(|| format!("{OBJCOPY} did not start"))?;
    ensure!(added.success(), "{OBJCOPY} failed");
    let scripts = recorded.folder.join("debug");
    fs::create_dir_all(&scripts)?;
    fs::write(
        scripts.join("rogue.gdb"),
        format!("shell touch {}\n", harm.display()),
    )?;
    vouch_for(&recorded.folder)?;
    let trusting = Command::new("gdb-multiarch")
        .args(["-q", "-batch", "-iex", "set auto-load safe-path /"])
        .arg(&program)
        .output()?;
    ensure!(
        harm.exists(),
        "GDB does nothing with the script, so that this test shows nothing:\n{}",
        said(&trusting)
    );
    fs::remove_file(&harm)?;
    let output = recorded.replay(&["--until", "health:rogue", "--batch"])?;
    ensure!(
        !harm.exists(),
        "a script of the recording was carried out:\n{}",
        said(&output)
    );
    ensure!(
        String::from_utf8_lossy(&output.stdout).contains("health: memory_violation of rogue"),
        "it does not go on to the event:\n{}",
        said(&output)
    );
    Ok(())
}

/// Has the manifest say of each of its files that it is as it should be.
fn vouch_for(folder: &Path) -> Result<()> {
    let path = folder.join("recording.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let files = manifest["files"].as_object_mut();
    for (name, digest) in files.context("the manifest has no files")? {
        *digest = sha256(&fs::read(folder.join(name))?).into();
    }
    Ok(fs::write(&path, manifest.to_string())?)
}
