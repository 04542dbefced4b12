//! The longest paths with interrupts off by analysis of the binary: `verification/paths`, run as a program, for nothing depends
//! on verification.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Kernel};
use cofferdam_progress::say;
use serde::Deserialize;

use super::counting::COUNTS;
use super::{Figure, KERNEL};
use crate::workspace::Workspace;

const PACKAGE: &str = "cofferdam-paths";
/// The most instructions that a kernel may have interrupts off for.
const INTERRUPTS_OFF_MOST: u64 = 2_000;
/// The same of a kernel for systems with guests.
const INTERRUPTS_OFF_MOST_WITH_GUESTS: u64 = 4_600;

/// The most bytes of its stack that a kernel may take.
const STACK_MOST: u32 = 1_024;

/// The program that analyses.
pub struct Analyser {
    program: PathBuf,
    root: PathBuf,
    library: PathBuf,
}

/// What it says of a system, as far as figures need it.
#[derive(Deserialize)]
pub struct Analysed {
    entries: Vec<Longest>,
    /// See `Outcome` of the program.
    pub until_wait: u64,
    /// The same.
    pub guard: u64,
    /// The same.
    stack_bytes: u32,
}

#[derive(Deserialize)]
struct Longest {
    entry: String,
    instructions: Option<u64>,
    register_transfers: Option<u64>,
    parts: Vec<(String, u64)>,
}

impl Analyser {
    /// Builds it.
    pub fn new(workspace: &Workspace<'_>) -> Result<Self> {
        const PROFILE: &str = "host";
        workspace.cargo(&[
            "build",
            "--quiet",
            "--package",
            PACKAGE,
            "--profile",
            PROFILE,
        ])?;
        let target = cofferdam_target_build::target_directory(workspace.root);
        let program = target.join(PROFILE).join(PACKAGE);
        ensure!(program.is_file(), "cargo left no {}", program.display());
        Ok(Self {
            program,
            root: workspace.root.to_path_buf(),
            library: workspace.toolchain.library_source(),
        })
    }

    /// Runs it for a system that was built, and gives its output. What was counted in a run of it, if it was, is held against the paths.
    pub fn run(&self, built: &Built, counted: bool, options: &[&str]) -> Result<String> {
        let file = |name: &str| built.directory.join(name);
        let mut command = Command::new(&self.program);
        if counted {
            command.arg("--counts").arg(file(COUNTS));
        }
        let output = command
            .arg("--kernel")
            .arg(file(KERNEL))
            .arg("--image")
            .arg(built.image_path(Kernel::Release))
            .arg("--root")
            .arg(&self.root)
            .arg("--library")
            .arg(&self.library)
            .args(options)
            .output()
            .with_context(|| format!("{} did not start", self.program.display()))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the paths of {}: {}",
            built.plan.system,
            complaint.trim_start_matches("error: ").trim_end()
        );
        String::from_utf8(output.stdout).context("it wrote no text")
    }

    /// What it says of a system.
    pub fn analyse(&self, built: &Built, counted: bool) -> Result<Analysed> {
        let json = self.run(built, counted, &["--json"])?;
        serde_json::from_str(&json).context("it wrote something that is not understood")
    }
}

impl Analysed {
    /// The longest path is within its bound, and so is what the guard has to have room for. Gives both in words.
    pub fn bounded(&self, built: &Built) -> Result<String> {
        let most = if built.checked.system.has_guests() {
            INTERRUPTS_OFF_MOST_WITH_GUESTS
        } else {
            INTERRUPTS_OFF_MOST
        };
        within_the_board(built, most)?;
        let longest = self.entries.iter().filter_map(|entry| entry.instructions);
        let longest = longest.max().context("no entry comes back")?;
        let (needed, guard) = (self.until_wait, self.guard);
        ensure!(
            longest <= most,
            "the longest path with interrupts off has {longest} instructions, above {most}"
        );
        ensure!(
            needed <= guard,
            "up to the wait for a window there are {needed} instructions, and the guard has room for {guard}"
        );
        let stack = self.stack_bytes;
        ensure!(
            stack <= STACK_MOST,
            "the kernel takes up to {stack} bytes of its stack, above {STACK_MOST}"
        );
        Ok(format!(
            "{longest} instructions of {most}; {needed} of {guard} in the guard; {stack} bytes of stack"
        ))
    }

    /// The figure of the longest path with interrupts off.
    pub fn interrupts_off(&self) -> Result<Figure> {
        let longest = self.entries.iter().max_by_key(|entry| entry.instructions);
        let longest = longest.context("there is no entry")?;
        say!(
            "the longest path with interrupts off begins with: {}",
            longest.entry
        );
        Ok(Figure {
            path: "irq_off_longest_analysed".to_owned(),
            kernel_instructions: longest.instructions.context("no entry comes back")?,
            register_transfers: longest.register_transfers,
            must: INTERRUPTS_OFF_MOST,
            aim: 400,
            steps: Vec::new(),
            parts: longest.parts.clone(),
        })
    }
}

/// What the rules go by, from the board file, is no shorter than so many instructions of a nanosecond each.
fn within_the_board(built: &Built, most: u64) -> Result<()> {
    let checked = &built.checked;
    let ticks = checked.system.interrupts_off_max_ticks(&checked.board);
    let fact_ns = ticks.saturating_mul(1_000_000_000) / checked.board.timebase_hz.max(1);
    ensure!(
        most <= fact_ns,
        "{most} instructions may have interrupts off, and the file of the board says {fact_ns} ns"
    );
    Ok(())
}
