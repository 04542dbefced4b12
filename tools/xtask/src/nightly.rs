//! What needs a nightly compiler: it runs where one is there, and is skipped by name where not.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use cofferdam_progress::{Step, say};

use crate::host::cargo_test;
use crate::parts::Tally;
use crate::workspace::Workspace;

/// What Miri interprets in a few minutes: the code that has unsafe parts, or whose libraries have, and the kernel's calls and
/// channels. Each with a name, and what is added to `cargo miri test`.
const MIRI: [(&str, &[&str]); 3] = [
    ("rings", &["--package", "cofferdam-ring", "--tests"]),
    (
        "messages and notes",
        &["--package", "cofferdam-ipc", "--tests"],
    ),
    (
        "the kernel's channels, calls and time",
        &[
            "--package",
            "cofferdam-core",
            "--lib",
            "--test",
            "channels",
            "--test",
            "calls",
            "--test",
            "time",
        ],
    ),
];

/// Where libFuzzer's targets are.
const LIBFUZZER: &str = "verification/fuzz/libfuzzer";

/// How many lines of libFuzzer's output are shown when it found something.
const LINES_SHOWN: usize = 40;

/// The tests of unsafe code, in an interpreter that sees undefined behaviour.
pub fn miri(workspace: &Workspace<'_>) -> Result<Tally> {
    let there = is_there(&["miri", "--version"]);
    let mut tally = Tally::default();
    for (name, arguments) in MIRI {
        if !there {
            tally.add(Tally::skipped(format!(
                "Miri on {name}: no nightly compiler with miri here"
            )));
            continue;
        }
        say!("... {name}");
        let mut miri = nightly();
        miri.args(["miri", "test", "--no-fail-fast"])
            .args(arguments);
        // What it interprets takes some hundred times as long: few random cases. A test may keep memory for good.
        miri.env("PROPTEST_CASES", "2");
        miri.env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-ignore-leaks");
        tally.add(cargo_test(&mut miri, workspace)?);
    }
    Ok(tally)
}

/// Each fuzz target for so long, guided by coverage.
pub fn fuzz(workspace: &Workspace<'_>, time: Duration) -> Result<Tally> {
    let mut tally = Tally::default();
    let there = is_there(&["--version"]) && is_there(&["fuzz", "--version"]);
    for target in targets(workspace)? {
        if there {
            let step = Step::start(format!("libFuzzer on {target}"));
            let covered = fuzz_target(workspace, &target, time);
            if covered.is_ok() {
                step.done();
            }
            tally.note(&format!("libFuzzer, {target}"), covered);
        } else {
            tally.add(Tally::skipped(format!(
                "libFuzzer on {target}: no nightly compiler with cargo-fuzz here"
            )));
        }
    }
    Ok(tally)
}

/// Their names.
fn targets(workspace: &Workspace<'_>) -> Result<Vec<String>> {
    let folder = workspace.root.join(LIBFUZZER).join("src");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

/// Runs one, and says what it covered.
fn fuzz_target(workspace: &Workspace<'_>, target: &str, time: Duration) -> Result<String> {
    let folder = cofferdam_target_build::target_directory(workspace.root).join("libfuzzer");
    let of_target = |what: &str| -> Result<PathBuf> {
        let path = folder.join(what).join(target);
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(path)
    };
    let (corpus, seeds, artifacts) = (
        of_target("corpus")?,
        of_target("seeds")?,
        of_target("artifacts")?,
    );
    workspace.cargo(&[
        "run",
        "--quiet",
        "--package",
        "cofferdam-fuzz",
        "--",
        target,
        "--seeds",
        &seeds.to_string_lossy(),
    ])?;
    let mut fuzz = nightly();
    fuzz.current_dir(workspace.root)
        .args(["fuzz", "run", "--fuzz-dir", LIBFUZZER, "--target-dir"])
        .arg(folder.join("target"))
        .arg(target)
        .args([&corpus, &seeds])
        .args(["--", "-rss_limit_mb=8192", "-max_len=8192"])
        // A kernel of a test keeps its record and its tables for good.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .arg(format!("-max_total_time={}", time.as_secs()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    let output = fuzz.output().context("cargo fuzz did not start")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().collect();
    let end = lines.len().saturating_sub(LINES_SHOWN);
    anyhow::ensure!(
        output.status.success(),
        "it ended with {}:\n{}",
        output.status,
        lines[end..].join("\n")
    );
    let done = text.lines().find(|line| line.contains("DONE"));
    let (_, covered) = done
        .and_then(|line| line.split_once("DONE"))
        .unwrap_or_default();
    let runs = text
        .lines()
        .find(|line| line.starts_with("Done "))
        .unwrap_or_default();
    Ok(format!("{runs}; {}", covered.trim()))
}

/// cargo of the nightly toolchain, whatever toolchain runs us.
fn nightly() -> Command {
    let mut cargo = Command::new("cargo");
    for variable in ["RUSTUP_TOOLCHAIN", "RUSTC", "CARGO", "RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    // Asked for a toolchain that is not there, rustup would install it.
    cargo.env("RUSTUP_AUTO_INSTALL", "0");
    cargo.arg("+nightly");
    cargo
}

fn is_there(arguments: &[&str]) -> bool {
    let output = nightly().args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}
