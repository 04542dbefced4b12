//! A run of a system in which the plugin of `tools/icount` counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_abi::space::kernel;
use cofferdam_build::{Built, Kernel, Tree, locate};
use cofferdam_progress::Step;
use cofferdam_qemu::{Plugin, Serial};
use cofferdam_run::command::built;
use cofferdam_run::{Options, Outside, Report, run};

use super::KERNEL;
use super::counts::{self, Counts};
use crate::workspace::Workspace;

/// What the plugin counted, in the folder of a system that was built.
pub const COUNTS: &str = "instructions.jsonl";

/// What it takes to count.
pub struct Counting {
    tree: Tree,
    plugin: PathBuf,
    qemu: PathBuf,
}

impl Counting {
    /// Builds the plugin.
    pub fn new(workspace: &Workspace<'_>) -> Result<Self> {
        let qemu = cofferdam_setup::qemu()?;
        Ok(Self {
            tree: workspace.tree(),
            plugin: plugin(workspace)?,
            qemu: qemu.path,
        })
    }

    /// Builds a system, and runs it with the plugin.
    pub fn walk(&self, system: &str, time: Duration) -> Result<(Built, Counts, Report)> {
        let built = built(self.tree.build(&locate(&self.tree.root, system)?))?;
        let (counts, report) = self.count(&built, time, None)?;
        Ok((built, counts, report))
    }

    /// Runs a system with the plugin. `between`: two addresses to count between, and nothing else.
    pub fn count(
        &self,
        built: &Built,
        time: Duration,
        between: Option<(u32, u32)>,
    ) -> Result<(Counts, Report)> {
        let step = Step::start(format!(
            "counting the instructions of {}",
            built.plan.system
        ));
        let counted = count(built, &self.qemu, &self.plugin, time, between)?;
        step.done();
        Ok(counted)
    }
}

/// Runs a system with the plugin.
fn count(
    built: &Built,
    qemu: &Path,
    plugin: &Path,
    time: Duration,
    between: Option<(u32, u32)>,
) -> Result<(Counts, Report)> {
    let out = built.directory.join(COUNTS);
    let image = fs::read(built.directory.join(KERNEL))?;
    let text = kernel::TEXT..kernel::TEXT + kernel::TEXT_SIZE;
    let mut arguments = vec![
        ("out", out.display().to_string()),
        ("kernel", format!("{:x}-{:x}", text.start, text.end)),
    ];
    for vector in counts::vectors(&image)? {
        arguments.push(("vector", format!("{vector:x}")));
    }
    if let Some((first, end)) = between {
        arguments.push(("between", format!("{first:x}-{end:x}")));
        arguments.push(("only", "between".to_owned()));
    }
    let options = Options {
        qemu: qemu.to_path_buf(),
        kernel: Kernel::Release,
        instruction_clock: true,
        machine_time: Some(time),
        until: None,
        until_marks: Vec::new(),
        serial: Serial::Captured,
        moments: Vec::new(),
        plugin: Some(Plugin {
            library: plugin.to_path_buf(),
            arguments: arguments
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }),
        outside: Outside::Nobody,
        media: Vec::new(),
        enough: None,
        probe: None,
        resets: 0,
    };
    let report = run(built, &options)?.report;
    if !report.ok {
        bail!("{}: {}", built.plan.system, report.reasons.join("; "));
    }
    let text = fs::read_to_string(&out)
        .with_context(|| format!("the plugin left no counts in {}", out.display()))?;
    Ok((Counts::parse(&text)?, report))
}

/// Builds the plugin.
pub fn plugin(workspace: &Workspace<'_>) -> Result<PathBuf> {
    const PROFILE: &str = "host";
    workspace.cargo(&[
        "build",
        "--quiet",
        "--package",
        "cofferdam-icount",
        "--profile",
        PROFILE,
    ])?;
    let path = cofferdam_target_build::target_directory(workspace.root)
        .join(PROFILE)
        .join("libcofferdam_icount.so");
    ensure!(path.is_file(), "cargo left no {}", path.display());
    Ok(path)
}
