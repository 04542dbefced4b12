//! The command `run`, which `cargo xtask` and `cargo cofferdam` share.

use std::io::{ErrorKind, IsTerminal, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use cofferdam_build::{Built, Failure, Kernel, Tree, locate, store};
use cofferdam_files::sha256;
use cofferdam_model::Diagnostics;
use cofferdam_progress::{print_result, say};
use cofferdam_qemu::Serial;
use serde_json::{Value, json};

use crate::{Options, Outcome, Outside, Report, forwards, free_port, run};

/// The file in a system's folder that keeps the record of its last run.
pub const RECORD_FILE: &str = "record";
/// The judgement on the last run of a system beside its image: an object with `image_sha256`, `judgement`, and `asked_for_ns`, the time for which it
/// was to run, or null.
pub const JUDGEMENT_FILE: &str = "run.json";

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
    /// Print the judgement as one JSON object, and nothing else, on standard output; takes --for
    #[arg(long)]
    pub json: bool,
    /// Which kernel
    #[arg(long, value_enum, default_value_t = KernelChoice::Release)]
    pub kernel: KernelChoice,
    /// Whoever began it looks on and ends it: nothing is judged, and nothing kept in the place of the last run
    #[arg(long, hide = true)]
    pub watched: bool,
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
    ///
    /// Whoever asked for JSON gets one object for whatever keeps a system from running as well.
    pub fn execute(&self, tree: impl FnOnce() -> Result<Tree>) -> Result<bool> {
        self.execute_by(tree, run)
    }

    /// The same, where `runs` does it in a way of its own.
    pub fn execute_by(
        &self,
        tree: impl FnOnce() -> Result<Tree>,
        runs: impl FnOnce(&Built, &Options) -> Result<Outcome>,
    ) -> Result<bool> {
        match self.judge(tree, runs) {
            Ok(_) if self.watched => Ok(true),
            Ok(report) => {
                if self.json {
                    print_result(serde_json::to_string(&report)?)?;
                } else {
                    say!("\n{report}");
                }
                Ok(report.ok)
            }
            Err(failure) if self.json => {
                cofferdam_interrupt::give_way();
                print_result(self.not_run(&failure))?;
                Ok(false)
            }
            Err(failure) => Err(complaint(failure)),
        }
    }

    /// What stands in the report's place if there was no run.
    fn not_run(&self, failure: &Failure) -> Value {
        let (reason, diagnostics) = match failure {
            Failure::Wrong(diagnostics) => (nothing_built(diagnostics), diagnostics.to_json()),
            Failure::Other(error) => (format!("{error:#}"), json!([])),
        };
        json!({
            "system": self.system,
            "ok": false,
            "reasons": [reason],
            "diagnostics": diagnostics,
        })
    }

    fn judge(
        &self,
        tree: impl FnOnce() -> Result<Tree>,
        runs: impl FnOnce(&Built, &Options) -> Result<Outcome>,
    ) -> Result<Report, Failure> {
        if self.json && self.machine_time.is_none() {
            let error = "--json prints the judgement on a run that ends: say with --for how long it is to last, such as --for 2s";
            return Err(anyhow!(error).into());
        }
        let tree = tree()?;
        let file = locate(&tree.root, &self.system)?;
        // Before the build, which may take a while.
        let qemu = cofferdam_setup::qemu().map_err(anyhow::Error::from)?;
        let built = tree.build(&file)?;
        show_warnings(&built);
        let options = Options {
            qemu: qemu.path,
            kernel: self.kernel.into(),
            instruction_clock: self.icount,
            machine_time: self.machine_time,
            until: None,
            until_marks: Vec::new(),
            serial: self.serial(),
            moments: Vec::new(),
            plugin: None,
            outside: match forwards(&built) {
                true => Outside::Port(free_port()?),
                false => Outside::Nobody,
            },
            media: Vec::new(),
            enough: None,
            probe: None,
            resets: 0,
        };
        if let Outside::Port(port) = options.outside {
            say!("{}", leads_to(port));
        }
        if options.serial == Serial::Terminal {
            say!("--- Ctrl-A X ends the machine, Ctrl-A H shows QEMU's other keys ---");
            if !options.instruction_clock {
                say!(
                    "--- a busy machine takes a nanosecond of its time for an instruction, an idle one waits by the host's clock, which moves releases; --icount shows the exact times ---"
                );
            }
        }
        let outcome = runs(&built, &options)?;
        if self.watched {
            return Ok(outcome.report);
        }
        let record = built.directory.join(RECORD_FILE);
        keep_events(&events_file(&record), &outcome)?;
        store(&record, outcome.snapshot.bytes())?;
        let image = sha256(built.image(options.kernel));
        let asked = self.machine_time.map(|time| time.as_nanos() as u64);
        let judgement = json!({
            "image_sha256": image,
            "asked_for_ns": asked,
            "judgement": outcome.report,
        });
        let judgement = serde_json::to_vec(&judgement).map_err(anyhow::Error::from)?;
        store(&built.directory.join(JUDGEMENT_FILE), &judgement)?;
        Ok(outcome.report)
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

/// How somebody outside comes to a partition: the address that a browser takes.
fn leads_to(port: u16) -> String {
    format!("--- http://127.0.0.1:{port}/ leads to the partition behind the network ---")
}

/// The file with the events of the run that left this record.
pub fn events_file(record: &Path) -> PathBuf {
    let mut name = record.as_os_str().to_owned();
    name.push(".events");
    name.into()
}

/// Keeps the events of a run, and none that are of another.
fn keep_events(file: &Path, outcome: &Outcome) -> Result<()> {
    match &outcome.events {
        Some(events) => store(file, &events.to_bytes(&outcome.snapshot.header())),
        None => match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", file.display()))
            }
            _ => Ok(()),
        },
    }
}

/// Prints what a build had to say, and gives what it made.
pub fn built(result: Result<Built, Failure>) -> Result<Built> {
    let built = result.map_err(complaint)?;
    show_warnings(&built);
    Ok(built)
}

fn show_warnings(built: &Built) {
    for warnings in built.warnings.iter().filter(|one| !one.list.is_empty()) {
        say!("{}", warnings.render(stderr().is_terminal()));
    }
}

/// Shows what is wrong with a system, and gives what remains to be said.
pub fn complaint(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Wrong(diagnostics) => {
            say!("{}\n", diagnostics.render(stderr().is_terminal()));
            anyhow!(nothing_built(&diagnostics))
        }
        Failure::Other(error) => error,
    }
}

fn nothing_built(diagnostics: &Diagnostics) -> String {
    match diagnostics.errors() {
        1 => "the system has an error; nothing was built".to_owned(),
        count => format!("the system has {count} errors; nothing was built"),
    }
}

/// No run is longer than a year. What is typed as more is a slip, and hardly any unit of time has room for it.
const LONGEST_RUN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

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
    let seconds = number * unit;
    let longest = LONGEST_RUN.as_secs();
    ensure!(
        seconds <= LONGEST_RUN.as_secs_f64() || seconds.is_nan(),
        "a run is at most a year long: {longest}s"
    );
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .context("this is no time that a machine can run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_page_is_one_that_a_browser_takes() {
        let line = leads_to(8080);
        let mut words = line.split(' ');
        assert!(words.any(|word| word == "http://127.0.0.1:8080/"), "{line}");
    }

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(duration("1.5ms").unwrap(), Duration::from_micros(1500));
        assert_eq!(duration("31536000s").unwrap(), LONGEST_RUN);
        for wrong in ["", "2", "s", "-1s", "0s", "0.1ns", "xs", "nans", "-infs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for long in ["31536001s", "1e17s", "1e99s", "1e20ms", "infs"] {
            let error = duration(long).unwrap_err().to_string();
            assert!(error.contains("at most a year long"), "{long}: {error}");
        }
    }
}
