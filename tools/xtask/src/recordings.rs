//! Runs that are recorded and gone through again, by the user's commands: to the same end, and under GDB forwards and backwards.

mod found;
mod hostile;

use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result, ensure};
use cofferdam_setup::Requirement;
use tempfile::TempDir;

use crate::debugger::in_order;
use crate::parts::Tally;
use crate::workspace::Workspace;

/// What GDB is told of a run of `flight`, and what it shows then, in this order.
const COMMANDS: [&str; 8] = [
    "back",
    "back-to rogue::begin",
    "tbreak cofferdam_native::period::Period::wait_release",
    "continue",
    "back-write *$sp",
    "x/i $pc-4",
    "next-health rogue",
    "kill",
];
const SHOWS: [&str; 9] = [
    "health: memory_violation of rogue",
    "instructions from the start, in:\nthe kernel\n",
    "instructions from the start, in:\nthe kernel\n",
    "instructions from the start, in:\nrogue\n",
    "rogue::begin (attack=",
    "Temporary breakpoint",
    "instructions from the start, in:\nrogue\n",
    // Which makes the frame.
    "stwu",
    "health: memory_violation of rogue",
];

/// What it is told of a run of `linux`: forth to where the guest's kernel begins the first program, back to its own beginning, and forth to a program, to
/// which it comes once its disk has answered.
const COMMANDS_OF_GUEST: [&str; 10] = [
    "break kernel_init",
    "continue",
    "who",
    "go",
    "delete",
    "back-to start_kernel",
    "guest-program timebase",
    "guest-break timebase.c:_start",
    "continue",
    "kill",
];
const SHOWS_OF_GUEST: [&str; 7] = [
    "in kernel_init ()",
    "\nthe guest of linux\n",
    "instructions from the start, in:\nthe guest of linux\n",
    "instructions from the start, in:\nthe guest of linux\n",
    "in start_kernel ()",
    "Breakpoint 2 at timebase.c:_start, in the guest of linux\n",
    "Breakpoint 2, _start () at /cofferdam/personalities/guest/programs/timebase.c:",
];

/// One case for each thing that a recording is for.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    let folder = tempfile::tempdir().context("no folder for recordings")?;
    let mut tally = Tally::default();
    let flight = Recorded::of(workspace, &folder, "flight", "100ms");
    tally.count(
        "a run of `flight` ends the same when it is gone through again",
        flight.replays(),
    );
    // Its guest has a disk and a network.
    let linux = Recorded::of(workspace, &folder, "linux", "2500ms");
    tally.count(
        "a run of `linux`, with disk and network, ends the same when it is gone through again",
        linux.replays(),
    );
    tally.count(
        "a Linux that is recorded reaches its shell, by way of its disk",
        linux.reaches_its_shell(),
    );
    tally.count(
        "that it ended otherwise is noticed",
        flight.is_told_from_another(),
    );
    match Requirement::Gdb.examine(workspace.root) {
        Ok(_) => {
            tally.count(
                "under GDB, to a health event and backwards from it",
                flight.goes_backwards(),
            );
            tally.count(
                "under GDB, in a guest's kernel, and back to its beginning",
                linux.goes_to_its_guest(),
            );
            tally.count(
                "what a recording would have GDB carry out is not carried out",
                hostile::carries_out_nothing(&flight),
            );
            tally.count(
                "the bug of docs/found.md is found again",
                found::is_found_again(workspace.root),
            );
        }
        Err(lack) => tally.add(Tally::skipped(format!("recordings under GDB: {lack}"))),
    }
    Ok(tally)
}

/// A run to record.
struct Recorded<'w> {
    workspace: &'w Workspace<'w>,
    folder: PathBuf,
    /// Whether it was, and what was said.
    recorded: Result<Output>,
}

impl<'w> Recorded<'w> {
    fn of(workspace: &'w Workspace<'w>, folder: &TempDir, system: &str, length: &str) -> Self {
        let folder = folder.path().join(system);
        let output = folder.display().to_string();
        let arguments = [
            "record",
            system,
            "--headless",
            "--for",
            length,
            "--output",
            &output,
        ];
        Self {
            recorded: cofferdam(workspace, &arguments),
            workspace,
            folder,
        }
    }

    /// What was said, if it was recorded.
    fn recorded(&self) -> Result<&Output> {
        let recorded = self.recorded.as_ref();
        let recorded = recorded.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        ensure!(
            recorded.status.success(),
            "it is not recorded:\n{}",
            said(recorded)
        );
        Ok(recorded)
    }

    fn replay(&self, arguments: &[&str]) -> Result<Output> {
        self.recorded()?;
        let folder = self.folder.display().to_string();
        let mut all = vec!["replay", &folder];
        all.extend(arguments);
        cofferdam(self.workspace, &all)
    }

    fn replays(&self) -> Result<()> {
        let output = self.replay(&["--quiet"])?;
        let text = said(&output);
        ensure!(output.status.success(), "it fails:\n{text}");
        ensure!(
            text.contains("the same to the last byte of memory"),
            "it says:\n{text}"
        );
        Ok(())
    }

    fn is_told_from_another(&self) -> Result<()> {
        let manifest = self.folder.join("recording.json");
        let text = std::fs::read_to_string(&manifest)?;
        let mut other: serde_json::Value = serde_json::from_str(&text)?;
        other["memory_sha256"] = "0".repeat(64).into();
        std::fs::write(&manifest, other.to_string())?;
        let output = self.replay(&["--quiet"])?;
        std::fs::write(&manifest, text)?;
        let text = said(&output);
        ensure!(!output.status.success(), "nothing is noticed:\n{text}");
        ensure!(
            text.contains("with other contents of the memory"),
            "it says:\n{text}"
        );
        Ok(())
    }

    /// What a disk gives is recorded, and comes again: the guest waits for it before it begins a program.
    fn reaches_its_shell(&self) -> Result<()> {
        let marks = ["/init runs", "built-in shell (ash)"];
        in_order(self.recorded()?, &marks)?;
        in_order(&self.replay(&[])?, &marks).context("gone through again")
    }

    /// The guest of a partition: its kernel, the way back, and a program of it.
    fn goes_to_its_guest(&self) -> Result<()> {
        let mut arguments = vec!["--debug", "linux", "--quiet", "--batch"];
        for command in COMMANDS_OF_GUEST {
            arguments.extend(["--execute", command]);
        }
        in_order(&self.replay(&arguments)?, &SHOWS_OF_GUEST)
    }

    fn goes_backwards(&self) -> Result<()> {
        let mut arguments = vec!["--until", "health:rogue", "--batch"];
        for command in COMMANDS {
            arguments.extend(["--execute", command]);
        }
        in_order(&self.replay(&arguments)?, &SHOWS)
    }
}

fn cofferdam(workspace: &Workspace<'_>, arguments: &[&str]) -> Result<Output> {
    let mut command = workspace.toolchain.cargo();
    command
        .current_dir(workspace.root as &Path)
        .arg("cofferdam");
    command
        .args(arguments)
        .output()
        .context("cargo did not start")
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}\n{err}")
}
