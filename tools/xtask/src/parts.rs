//! A command of several parts: each runs whatever became of the others, so that one run shows everything that is wrong.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use cofferdam_progress::{print_result, say};

/// How many cases passed, failed, or were not tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Passed.
    pub passed: usize,
    /// Failed: what, and why.
    pub failed: Vec<String>,
    /// Skipped: what, and why.
    pub skipped: Vec<String>,
    /// What was covered, where a number of cases does not say it.
    pub covered: Vec<String>,
}

impl Tally {
    /// One case that passed.
    pub fn one() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    /// One case that was not tried.
    pub fn skipped(what: impl Into<String>) -> Self {
        Self {
            skipped: vec![what.into()],
            ..Self::default()
        }
    }

    /// Adds what another has.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
        self.covered.extend(other.covered);
    }

    /// Counts a case that says what it covered.
    pub fn note(&mut self, what: &str, covered: Result<String>) {
        let covered = covered.map(|covered| self.covered.push(format!("{what}: {covered}")));
        self.count(what, covered);
    }

    /// The same, with the failures said to be those of something.
    #[must_use]
    pub fn within(mut self, what: &str) -> Self {
        for failure in &mut self.failed {
            *failure = format!("{what}: {failure}");
        }
        self
    }

    /// Counts a case by its result.
    pub fn count(&mut self, what: &str, result: Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => self.failed.push(format!("{what}: {error:#}")),
        }
    }
}

/// Which parts are wanted: those whose names begin so, or all.
pub struct Wanted<'a>(&'a [String]);

impl<'a> Wanted<'a> {
    /// Fails if a beginning is none of a part's name. `what` is what a part is called.
    pub fn among(beginnings: &'a [String], what: &str, names: &[&str]) -> Result<Self> {
        for beginning in beginnings {
            ensure!(
                names
                    .iter()
                    .any(|name| name.starts_with(beginning.as_str())),
                "there is no {what} `{beginning}`: there are {}",
                names.join("; ")
            );
        }
        Ok(Self(beginnings))
    }

    /// Whether this one is.
    pub fn has(&self, name: &str) -> bool {
        self.0.is_empty() || (self.0.iter()).any(|beginning| name.starts_with(beginning.as_str()))
    }
}

/// The parts that ran so far.
#[derive(Default)]
pub struct Parts {
    results: Vec<(String, Duration, Tally)>,
}

impl Parts {
    /// Runs a part.
    pub fn run(&mut self, name: &str, part: impl FnOnce() -> Result<Tally>) {
        cofferdam_interrupt::give_way();
        say!("== {name}");
        let started = Instant::now();
        let tally = part().unwrap_or_else(|error| Tally {
            failed: vec![format!("{error:#}")],
            ..Tally::default()
        });
        if !tally.failed.is_empty() {
            cofferdam_interrupt::give_way();
        }
        self.results
            .push((name.to_owned(), started.elapsed(), tally));
    }

    /// Prints one line per part, what was skipped, and the sum; fails if something failed, with all of it: the end of a long output is what people
    /// see first.
    pub fn finish(self) -> Result<()> {
        let mut sum = Tally::default();
        say!();
        for (name, duration, tally) in self.results {
            let verdict = match (tally.failed.len(), tally.passed) {
                (0, 0) => "skip",
                (0, _) => "ok",
                _ => "FAILED",
            };
            say!(
                "{verdict:>6}  {name}: {} passed ({:.1} s)",
                tally.passed,
                duration.as_secs_f32()
            );
            for covered in &tally.covered {
                say!("        {covered}");
            }
            for skipped in &tally.skipped {
                say!("        skipped: {skipped}");
            }
            sum.add(tally.within(&name));
        }
        print_result(format_args!(
            "{} passed, {} failed, {} skipped",
            sum.passed,
            sum.failed.len(),
            sum.skipped.len()
        ))?;
        match sum.failed.len() {
            0 => Ok(()),
            count => bail!("{count} failed:\n{}", sum.failed.join("\n")),
        }
    }
}
