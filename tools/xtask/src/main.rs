//! The developer's command: `cargo xtask COMMAND`.
//!
//! Each command first sees to it that what it needs is there (`cofferdam-setup`), says what it does on standard error, and
//! ends with exit status 0 only if all of it went well.

#![forbid(unsafe_code)]

mod bench;
mod book;
mod conformity;

mod coverage;
mod crash;
mod damage;
mod debugger;
mod disks;
mod doctor;
mod editors;
mod exact;
mod expected;
mod guest_attacks;
mod guests;
mod host;
mod images;
mod lint;
mod logs;
mod machines;
mod networks;
mod nightly;
mod parts;
mod proofs;
mod queues;
mod recordings;
mod reports;
mod reproduce;
mod rewritten;
mod sequence;
mod soak;
mod space;
mod sweep;
mod test;
mod timeline;
mod variant;
mod vectors;
mod vendor;
mod workspace;
mod wrong_tables;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use cofferdam_build::Tree;
use cofferdam_progress::say;
use cofferdam_run::command::RunArguments;
use cofferdam_setup::{Consent, Requirement, Toolchain};
use cofferdam_target_build::target_directory;

use workspace::Workspace;

/// Builds, runs and tests cofferdam.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask run                             the system `flight`, live on this terminal
  cargo xtask run --headless --for 2s --icount
  cargo xtask test                            every test
  cargo xtask doctor                          what is missing on this machine?
  cargo xtask COMMAND --help                  more about a command";

#[derive(Subcommand)]
enum Command {
    /// Shows what the build and the runs need, what was found, and how to mend what is missing
    #[command(after_help = "\
Example:
  cargo xtask doctor    exit status 0 if everything is there that building, running and testing need")]
    Doctor,
    /// Installs what is missing: Debian packages, and the Rust toolchain by rustup
    #[command(after_help = "\
Examples:
  cargo xtask setup          lists what is missing, and asks
  cargo xtask setup --yes    lists it, and installs it")]
    Setup(Installing),
    /// Builds a system and runs it in QEMU
    #[command(after_help = "\
Examples:
  cargo xtask run                              the system `flight`, live on this terminal
  cargo xtask run --headless --for 2s --icount two seconds of it, the same every time, judged
  cargo xtask run flight --for 2s --json       the judgement as one JSON object")]
    Run {
        #[command(flatten)]
        run: RunArguments,
        #[command(flatten)]
        installing: Installing,
    },
    /// Checks the format, and lints the crates of host and target
    #[command(after_help = "\
Example:
  cargo xtask lint    the first part of `cargo xtask test`")]
    Lint(Installing),
    /// Runs every test
    #[command(after_help = "\
Examples:
  cargo xtask test                    everything that continuous integration checks
  cargo xtask test --yes              the same, and installs what is missing without asking
  cargo xtask test systems attacks    these parts alone, by the beginning of their names")]
    Test {
        /// Only those parts whose names begin so
        parts: Vec<String>,
        #[command(flatten)]
        installing: Installing,
    },
    /// Builds systems of the tree and runs them as the files in their folders `expected` say
    #[command(after_help = "\
Example:
  cargo xtask expected apex disk    what `test systems` does, for these two")]
    Expected {
        /// Folders of `systems`
        #[arg(required = true)]
        systems: Vec<String>,
        #[command(flatten)]
        installing: Installing,
    },
    /// Shows the longest paths of a system's kernel with interrupts off, analysed and measured
    #[command(after_help = "\
Examples:
  cargo xtask paths                 of the system `flight`
  cargo xtask paths bench --json    a JSON object")]
    Paths {
        /// The system: a folder of `systems`, or a file
        #[arg(default_value = "flight")]
        system: String,
        /// Show what the longest path of this entry consists of
        #[arg(long, value_name = "ENTRY")]
        of: Option<String>,
        /// Print a JSON object, and nothing else, on standard output
        #[arg(long, conflicts_with = "of")]
        json: bool,
        #[command(flatten)]
        installing: Installing,
    },
    /// Runs the campaigns that take too long for every change
    #[command(after_help = "\
Examples:
  cargo xtask soak                 all of them, half an hour
  cargo xtask soak --scale 10      ten times as much of each
  cargo xtask soak boundary fuzz   these alone, by the beginning of their names")]
    Soak {
        /// Only those campaigns whose names begin so
        campaigns: Vec<String>,
        /// So many times as much as usual
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        scale: u32,
        #[command(flatten)]
        installing: Installing,
    },
    /// Runs the tests with a look at what they execute of the kernel, and makes a page of it
    #[command(after_help = "\
Examples:
  cargo xtask coverage                 every part in which the unmodified kernel runs, half an hour; prints where the page is
  cargo xtask coverage every           these parts alone, by the beginning of their names
  cargo xtask coverage --again         the page once more, of what was executed last time")]
    Coverage {
        /// Only those parts of the tests whose names begin so
        parts: Vec<String>,
        /// Run nothing, and look at what was executed last time
        #[arg(long, conflicts_with = "parts")]
        again: bool,
        #[command(flatten)]
        installing: Installing,
    },
    /// Fetches everything that a build needs into one folder, for a machine without a network
    #[command(after_help = "\
Examples:
  cargo xtask vendor            into target/vendor: some 2.5 GB, the compiler among them
  cargo xtask vendor /media/stick
                                on the other machine: the packages in its folder `debian`, then `. /media/stick/env.sh`")]
    Vendor {
        /// The folder
        folder: Option<PathBuf>,
        #[command(flatten)]
        installing: Installing,
    },
    /// Builds the documents as a book
    #[command(after_help = "\
Example:
  cargo xtask book    prints where it begins: a page for a browser, with a search")]
    Book(Installing),
    /// Counts the instructions of the kernel's paths
    #[command(after_help = "\
Examples:
  cargo xtask bench                            the figures, compared with the committed ones
  cargo xtask bench --breakdown                the functions that the instructions of each path are in
  cargo xtask bench --breakdown call_one_way   every instruction of one path, in the order of execution
  cargo xtask bench --bless                    commits to the figures as they are now
  cargo xtask bench linux                      Linux in a partition, beside the same Linux without cofferdam
  cargo xtask bench drivers                    its requests to a disk and its frames, through driver partitions and without
  cargo xtask bench apex                       the services of ARINC 653 in a partition")]
    Bench {
        /// What to measure: the kernel's paths, `linux`, `drivers`, or `apex`
        #[arg(value_enum)]
        of: Option<Measured>,
        /// Print a JSON list, and nothing else, on standard output
        #[arg(long)]
        json: bool,
        /// Accept the figures as they are now
        #[arg(long)]
        bless: bool,
        /// Show which functions the instructions of each path are in; of PATH alone, every instruction
        #[arg(long, value_name = "PATH", num_args = 0..=1, conflicts_with_all = ["json", "bless", "of"])]
        breakdown: Option<Option<String>>,
        #[command(flatten)]
        installing: Installing,
    },
}

/// What can be measured besides the kernel's paths.
#[derive(Clone, Copy, ValueEnum)]
enum Measured {
    /// The operations of Linux as a guest
    Linux,
    /// The services of ARINC 653
    Apex,
    /// A disk and a network of Linux as a guest
    Drivers,
}

/// Whether missing programs may be installed.
#[derive(Args)]
struct Installing {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
}

impl Installing {
    /// Makes sure of what building and testing need, and returns the compiler.
    fn provide(&self, root: &Path, needed: &[Requirement]) -> Result<Toolchain> {
        let target = target_directory(root);
        cofferdam_setup::provide(root, &target, needed, self.consent())?;
        Ok(Toolchain::find(root)?)
    }

    fn consent(&self) -> Consent {
        Consent::of_user(self.yes)
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    match cofferdam_interrupt::watch().and_then(|()| run(command)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            cofferdam_interrupt::give_way();
            say!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. `Ok(false)`: the command itself went well, what it judged did not.
fn run(command: Command) -> Result<bool> {
    let root = cofferdam_build::root()?;
    let judged = match command {
        Command::Doctor => doctor::run(&root),
        Command::Setup(installing) => {
            installing.provide(&root, &workspace::NEEDED)?;
            doctor::run(&root)
        }
        Command::Run { run, installing } => {
            return run.execute(|| {
                let toolchain = installing.provide(&root, &workspace::NEEDED)?;
                Ok(Tree::new(&root, &toolchain, installing.consent()))
            });
        }
        Command::Book(installing) => {
            let toolchain = installing.provide(&root, &[Requirement::Toolchain])?;
            book::build(&root, &toolchain)
        }
        Command::Lint(installing) => {
            let toolchain = installing.provide(&root, &[Requirement::Toolchain])?;
            lint::run(&Workspace::read(&root, &toolchain, installing.consent())?)
        }
        Command::Test { parts, installing } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED_TO_TEST)?;
            test::run(
                &Workspace::read(&root, &toolchain, installing.consent())?,
                &parts,
            )
        }
        Command::Vendor { folder, installing } => {
            let toolchain = installing.provide(&root, &[Requirement::Toolchain])?;
            let folder = folder.unwrap_or_else(|| target_directory(&root).join("vendor"));
            vendor::run(&root, &toolchain, &folder)
        }
        Command::Expected {
            systems,
            installing,
        } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED_TO_TEST)?;
            test::expected(
                &Workspace::read(&root, &toolchain, installing.consent())?,
                &systems,
            )
        }
        Command::Paths {
            system,
            of,
            json,
            installing,
        } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED)?;
            let workspace = Workspace::read(&root, &toolchain, installing.consent())?;
            bench::paths(&workspace, &system, of.as_deref(), json)
        }
        Command::Soak {
            campaigns,
            scale,
            installing,
        } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED_TO_TEST)?;
            soak::run(
                &Workspace::read(&root, &toolchain, installing.consent())?,
                &campaigns,
                scale,
            )
        }
        Command::Coverage {
            parts,
            again,
            installing,
        } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED_TO_TEST)?;
            let workspace = Workspace::read(&root, &toolchain, installing.consent())?;
            if again {
                coverage::show(&root)
            } else {
                coverage::run(&workspace, &parts)
            }
        }
        Command::Bench {
            of,
            json,
            bless,
            breakdown,
            installing,
        } => {
            let toolchain = installing.provide(&root, &workspace::NEEDED)?;
            let workspace = Workspace::read(&root, &toolchain, installing.consent())?;
            match (of, breakdown) {
                (Some(Measured::Linux), _) => bench::linux::bench(&workspace, json, bless),
                (Some(Measured::Drivers), _) => bench::drivers::bench(&workspace, json, bless),
                (Some(Measured::Apex), _) => bench::apex::bench(&workspace, json, bless),
                (None, Some(path)) => bench::breakdown(&workspace, path.as_deref()),
                (None, None) => bench::bench(&workspace, json, bless),
            }
        }
    };
    judged.map(|()| true)
}
