//! The command: the longest paths of a system's kernel with interrupts off, beside what was measured.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use cofferdam_paths::{Inputs, Outcome};

/// Finds the longest paths of the kernel's binary with interrupts off.
#[derive(Parser)]
struct Arguments {
    /// The kernel's ELF, with symbols and debug information
    #[arg(long)]
    kernel: PathBuf,
    /// The image of the system, with the compiled tables
    #[arg(long)]
    image: PathBuf,
    /// What the plugin of tools/icount counted in a run of that image
    #[arg(long)]
    counts: Option<PathBuf>,
    /// The root of the source tree
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// The folder of the source of Rust's library
    #[arg(long)]
    library: PathBuf,
    /// Print a JSON object
    #[arg(long, conflicts_with = "of")]
    json: bool,
    /// Show what the longest path of this entry consists of
    #[arg(long, value_name = "ENTRY")]
    of: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let inputs = Inputs {
        kernel: &arguments.kernel,
        image: &arguments.image,
        counts: arguments.counts.as_deref(),
        root: &arguments.root,
        library: &arguments.library,
    };
    let outcome = Outcome::of(&inputs)?;
    let text = match &arguments.of {
        _ if arguments.json => serde_json::to_string_pretty(&outcome)?,
        None => outcome.to_string(),
        Some(name) => {
            let entry = outcome.entries.iter().find(|entry| entry.entry == *name);
            let entry = entry.with_context(|| format!("there is no entry {name}"))?;
            entry.breakdown.clone()
        }
    };
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("nobody reads the output")
}
