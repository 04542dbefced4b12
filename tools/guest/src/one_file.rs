//! Small guests' kernels, each of one file in C that the build compiles: freestanding, linked for address 0, where the section `.entry`
//! begins.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::linux::CROSS_COMPILE;

/// How the name of such a file ends.
pub const EXTENSION: &str = "c";

/// Whether a guest's kernel is such a file.
pub fn is_source(kernel: &Path) -> bool {
    kernel.extension().is_some_and(|ending| ending == EXTENSION)
}

/// Compiles one, and returns the ELF. The compiler has been provided.
pub fn compile(source: &Path) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("kernel");
    let output = Command::new(format!("{CROSS_COMPILE}gcc"))
        .args(["-O2", "-Wall", "-Werror", "-mcpu=8548", "-msoft-float"])
        .args([
            "-ffreestanding",
            "-nostdlib",
            "-static",
            "-fno-pic",
            "-no-pie",
        ])
        // No register is set aside to find small data by.
        .args(["-msdata=none", "-fno-asynchronous-unwind-tables"])
        .args([
            "-Wl,--build-id=none,-N,--no-warn-rwx-segments",
            "-Wl,--section-start=.entry=0,-Ttext=0x1000",
            "-Wl,-e,0",
            "-o",
        ])
        .arg(&program)
        .arg(source)
        .output()
        .with_context(|| {
            format!("{CROSS_COMPILE}gcc did not start: `cargo xtask doctor` shows what is missing")
        })?;
    ensure!(
        output.status.success(),
        "{} does not compile; mend it where the compiler says:\n{}",
        source.display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    fs::read(&program).with_context(|| format!("{} cannot be read", program.display()))
}
