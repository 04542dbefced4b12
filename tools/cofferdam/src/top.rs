//! `cargo cofferdam top`: the accounts of a system that runs, live.
//!
//! The run is another process's. Its machine's memory is a file which that process holds; the accounts lie in the record there, and reading them
//! costs the machine nothing.

mod sample;
mod screen;
mod windows;

use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use clap::Args;
use cofferdam_build::{directory_of, locate};
use cofferdam_interrupt::Hold;
use cofferdam_progress::print_result;
use cofferdam_run::announce::Found;
use cofferdam_run::command::KernelChoice;
use cofferdam_timeline::System;

use crate::last_run::{self, PLAN_FILE};
use sample::{Sample, Sampler, read};

/// How often somebody looks whether a run has begun.
const LOOK: Duration = Duration::from_millis(50);

/// Which run is shown, and how.
#[derive(Args)]
pub struct Arguments {
    /// The system
    #[arg(default_value = "flight")]
    system: String,
    /// Print the table once, of the time since the start, and end
    #[arg(long)]
    once: bool,
    /// Print it once as one JSON object
    #[arg(long)]
    json: bool,
    /// Build the system and run it, without its terminal; the run ends with this command
    #[arg(long, conflicts_with = "record")]
    run: bool,
    /// With --run, which kernel: `trace` counts hypercalls, and shows how full channels are
    #[arg(long, value_enum, requires = "run", default_value_t = KernelChoice::Trace)]
    kernel: KernelChoice,
    /// A record that was kept, in place of a run: printed once
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Shows the accounts of a run.
pub fn top(root: &Path, arguments: &Arguments) -> Result<()> {
    let once = arguments.once || arguments.json || arguments.record.is_some();
    let on_terminal = stdin().is_terminal() && stdout().is_terminal();
    if !(once || on_terminal) {
        bail!("this is no terminal to draw on: --once prints the table, --json an object");
    }
    let system = &arguments.system;
    let (name, folder) = directory_of(root, &locate(root, system)?)?;
    if let Some(file) = &arguments.record {
        return print(&kept(&folder, file)?, arguments.json);
    }
    let mut own = arguments.run.then(|| Own::start(arguments)).transpose()?;
    let found = match &mut own {
        Some(own) => own.wait(&folder)?,
        None => Found::of(&folder).with_context(|| {
            format!("no run of {name} goes on: begin one with `cargo cofferdam run {system}` in another terminal, or add --run")
        })?,
    };
    let mut sampler = Sampler::new(plan(&folder)?);
    begun(&found, own.is_some())?;
    let take = move || sampler.take(&read(&found.memory)?, found.goes_on());
    if once {
        let mut take = take;
        return print(&take()?, arguments.json);
    }
    screen::show(take)
}

/// Waits until the kernel has begun; and of a run of this command's own, which begins with it, until there is something to see: a frame.
fn begun(found: &Found, own: bool) -> Result<()> {
    let hold = Hold::new()?;
    let has_begun = || -> Result<bool> {
        let record = read(&found.memory)?;
        Ok(record.is_valid() && (!own || record.header().major_frames.get() > 0))
    };
    while !has_begun()? {
        if !found.goes_on() || hold.received() {
            bail!(
                "the run ended before its kernel began, or before there was a frame of it to see: `cargo cofferdam run` shows why"
            );
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

fn print(sample: &Sample, json: bool) -> Result<()> {
    let text = if json {
        serde_json::to_string(sample)?
    } else {
        sample.to_string()
    };
    Ok(print_result(text)?)
}

/// What a record says that was kept.
fn kept(folder: &Path, file: &Path) -> Result<Sample> {
    let snapshot = last_run::kept(file)?;
    let sample = Sampler::new(plan(folder)?).take(&snapshot, false);
    sample.with_context(|| file.display().to_string())
}

fn plan(folder: &Path) -> Result<System> {
    let file = folder.join(PLAN_FILE);
    let plan = fs::read(&file).map_err(anyhow::Error::from);
    let plan = plan.and_then(|bytes| System::from_json(&bytes));
    plan.with_context(|| {
        format!(
            "{} is damaged or not there; `cargo cofferdam build` makes it anew",
            file.display()
        )
    })
}

/// A run of this command's own. Dropped, it ends.
struct Own {
    child: Child,
}

impl Own {
    fn start(arguments: &Arguments) -> Result<Self> {
        let kernel = match arguments.kernel {
            KernelChoice::Release => "release",
            KernelChoice::Trace => "trace",
        };
        let command = std::env::current_exe().context("this program cannot be found again")?;
        let child = Command::new(command)
            .args(["run", &arguments.system, "--headless", "--kernel", kernel])
            .arg("--watched")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("the run cannot be started")?;
        Ok(Self { child })
    }

    /// Waits until it has built what it runs, and runs it.
    fn wait(&mut self, folder: &Path) -> Result<Found> {
        let hold = Hold::new()?;
        let before = Found::of(folder).map(|found| found.address);
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .context("the run cannot be waited for")?
            {
                bail!(
                    "the run ended before its machine began ({status}): `cargo cofferdam run` shows why"
                );
            }
            if let Some(found) =
                Found::of(folder).filter(|found| Some(&found.address) != before.as_ref())
            {
                return Ok(found);
            }
            if hold.received() {
                bail!("interrupted; the run has been ended, too");
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // It ends its machine itself if it is asked to end.
        if let Ok(None) = self.child.try_wait() {
            let id = i32::try_from(self.child.id()).ok();
            if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            }
        }
        let _ = self.child.wait();
    }
}
