//! Tests on the host.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_progress::say;

use crate::parts::Tally;
use crate::workspace::Workspace;

/// Every test that the host can run: those of the host's crates, and of the libraries behind the partitions.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    tally.add(cargo_test(
        workspace.toolchain.cargo().args(["test", "--no-fail-fast"]),
        workspace,
    )?);
    let mut libraries = workspace.toolchain.cargo();
    libraries.args(["test", "--no-fail-fast", "--lib"]);
    for package in &workspace.target_libraries {
        libraries.args(["--package", package]);
    }
    tally.add(cargo_test(&mut libraries, workspace)?);
    Ok(tally)
}

/// The tests that need the guest, which the systems have had built.
pub fn of_guest(workspace: &Workspace<'_>) -> Result<Tally> {
    let mut cargo = workspace.toolchain.cargo();
    cargo.args(["test", "--no-fail-fast", "--package", "cofferdam-guest"]);
    cargo.args(["--test", "guest", "--", "--ignored"]);
    cargo_test(&mut cargo, workspace)
}

/// Runs `cargo test`, its output passed on, and counts from what it says.
pub fn cargo_test(command: &mut Command, workspace: &Workspace<'_>) -> Result<Tally> {
    let mut child = command
        .current_dir(workspace.root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo did not start")?;
    let output = child
        .stdout
        .take()
        .context("cargo's output is not connected")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("cargo's output cannot be read")?;
        count(&line, &mut tally);
        // Thousands of lines that say "ok" hide the one that does not.
        if !line.ends_with("... ok") && !line.is_empty() {
            say!("{line}");
        }
    }
    let status = child.wait().context("cargo cannot be waited for")?;
    ensure!(
        status.success() || !tally.failed.is_empty(),
        "the tests did not run ({status})"
    );
    Ok(tally)
}

/// Takes note of a line of libtest's output.
fn count(line: &str, tally: &mut Tally) {
    let Some(rest) = line.strip_prefix("test ") else {
        return;
    };
    if let Some((name, result)) = rest.rsplit_once(" ... ") {
        match result {
            "ok" => tally.passed += 1,
            "FAILED" => tally.failed.push(name.trim_end().to_owned()),
            _ if result.starts_with("ignored") => tally
                .skipped
                .push(format!("{} ({result})", name.trim_end())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_is_understood() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test one::works ... ok",
            "test src/lib.rs - (line 3) ... ok",
            "test two ... FAILED",
            "test three ... ignored, needs a day",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            count(line, &mut tally);
        }
        assert_eq!(tally.passed, 2);
        assert_eq!(tally.failed, ["two"]);
        assert_eq!(tally.skipped, ["three (ignored, needs a day)"]);
    }
}
