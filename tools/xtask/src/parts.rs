//! A command of several parts: each runs whatever became of the others, so that one run shows everything that is wrong.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The parts that ran so far.
#[derive(Default)]
pub struct Parts {
    results: Vec<(String, Duration, Result<()>)>,
}

impl Parts {
    /// Runs a part.
    pub fn run(&mut self, name: &str, part: impl FnOnce() -> Result<()>) {
        eprintln!("== {name}");
        let started = Instant::now();
        let result = part();
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        self.results
            .push((name.to_owned(), started.elapsed(), result));
    }

    /// Prints one line per part, and fails if one of them failed.
    pub fn finish(self) -> Result<()> {
        eprintln!();
        for (name, duration, result) in &self.results {
            let verdict = if result.is_ok() { "ok" } else { "FAILED" };
            eprintln!("{verdict:>6}  {name} ({:.1} s)", duration.as_secs_f32());
        }
        let failed = self
            .results
            .iter()
            .filter(|(_, _, result)| result.is_err())
            .count();
        match failed {
            0 => Ok(()),
            _ => bail!("{failed} of {} parts failed", self.results.len()),
        }
    }
}
