//! The command `run`, which `cargo xtask` and `cargo cofferdam` share.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use cofferdam_build::{Built, Failure, Kernel, Tree, locate, store};
use cofferdam_progress::{print_result, say};
use cofferdam_qemu::Serial;

use crate::{Options, run};

/// The file in a system's folder that keeps the record of its last run.
pub const RECORD_FILE: &str = "record";

/// Builds a system and runs it in QEMU.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// A system of the tree, a folder with a `system.toml`, or the file itself
    #[arg(default_value = "flight")]
    pub system: String,
    /// Take no input from the terminal
    #[arg(long)]
    pub headless: bool,
    /// Run that much of the machine's time, then judge: exit 0 only if nothing unexpected happened
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub machine_time: Option<Duration>,
    /// Make instructions the clock, one nanosecond each: every run is the same, and deadlines are judged
    #[arg(long)]
    pub icount: bool,
    /// Print the judgement as one JSON object, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
    /// Which kernel
    #[arg(long, value_enum, default_value_t = KernelChoice::Release)]
    pub kernel: KernelChoice,
}

/// A kernel by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KernelChoice {
    /// As it flies
    Release,
    /// Keeps a trace of events as well
    Trace,
}

impl From<KernelChoice> for Kernel {
    fn from(choice: KernelChoice) -> Self {
        match choice {
            KernelChoice::Release => Self::Release,
            KernelChoice::Trace => Self::Trace,
        }
    }
}

impl RunArguments {
    /// Builds and runs. `Ok(false)`: it ran, and something unexpected happened.
    pub fn execute(&self, tree: &Tree) -> Result<bool> {
        let file = locate(&tree.root, &self.system)?;
        // Before the build, which may take a while.
        let qemu = cofferdam_setup::qemu()?;
        let built = built(tree.build(&file))?;
        let options = Options {
            qemu: qemu.path,
            kernel: self.kernel.into(),
            instruction_clock: self.icount,
            machine_time: self.machine_time,
            serial: self.serial(),
            typed: None,
            plugin: None,
            resets: 0,
        };
        if options.serial == Serial::Terminal {
            say!("--- Ctrl-A X ends the machine, Ctrl-A H shows QEMU's other keys ---");
            if !options.instruction_clock {
                say!(
                    "--- on the host's clock, whose pauses move releases; --icount shows the exact times ---"
                );
            }
        }
        let outcome = run(&built, &options)?;
        store(&built.directory.join(RECORD_FILE), outcome.snapshot.bytes())?;
        if self.json {
            print_result(serde_json::to_string(&outcome.report)?)?;
        } else {
            say!("\n{}", outcome.report);
        }
        Ok(outcome.report.ok)
    }

    /// A terminal is the machine's unless nobody sits at it; and where the result is JSON, nothing else may be printed.
    fn serial(&self) -> Serial {
        if self.json {
            Serial::Captured
        } else if self.headless || !stdin().is_terminal() || !stdout().is_terminal() {
            Serial::Output
        } else {
            Serial::Terminal
        }
    }
}

/// Prints what a build had to say, and gives what it made.
pub fn built(result: Result<Built, Failure>) -> Result<Built> {
    let coloured = stderr().is_terminal();
    match result {
        Ok(built) => {
            for warnings in built.warnings.iter().filter(|one| !one.list.is_empty()) {
                say!("{}", warnings.render(coloured));
            }
            Ok(built)
        }
        Err(Failure::Wrong(diagnostics)) => {
            say!("{}\n", diagnostics.render(coloured));
            match diagnostics.errors() {
                1 => bail!("the system has an error; nothing was built"),
                count => bail!("the system has {count} errors; nothing was built"),
            }
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

/// Reads a time such as `2s`, `500ms` or `1.5s`.
pub fn duration(text: &str) -> Result<Duration> {
    let units = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .context("a time with its unit is expected, such as 2s or 500ms")?;
    let number: f64 = number
        .trim()
        .parse()
        .ok()
        .context("a number is expected before the unit")?;
    Duration::try_from_secs_f64(number * unit)
        .ok()
        .filter(|time| !time.is_zero())
        .context("this is no time that a machine can run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(duration("1.5ms").unwrap(), Duration::from_micros(1500));
        for wrong in ["", "2", "s", "-1s", "0s", "xs", "1e99s", "nans"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
