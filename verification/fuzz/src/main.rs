//! Runs a campaign, or writes the seeds of a target into a folder for libFuzzer.

#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use cofferdam_fuzz::{TARGETS, campaign};

/// Gives a target inputs, by their numbers.
#[derive(Parser)]
struct Cli {
    /// Which one
    target: String,
    /// The number of the first input
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// Write the seeds into this folder instead
    #[arg(long)]
    seeds: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let target = campaign::target(&cli.target).with_context(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        format!("the targets are: {}", names.join(", "))
    })?;
    if let Some(folder) = cli.seeds {
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
        return Ok(());
    }
    campaign::run(target, cli.from..cli.from.saturating_add(cli.cases));
    Ok(())
}
