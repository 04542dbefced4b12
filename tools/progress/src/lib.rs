//! One line on the terminal per long step: a spinner while it lasts, a tick and its duration when it is done.
//!
//! Everything goes to standard error, so that standard output stays free for results (`--json`). Where standard error is
//! no terminal (a log of continuous integration) each step prints two plain lines instead.

#![forbid(unsafe_code)]

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Prints a result to standard output. Whoever reads it may have read enough and closed the pipe: that is no error.
pub fn print_result(text: impl Display) -> io::Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// A step under way. Dropped without [`Step::done`], it counts as failed.
pub struct Step {
    what: String,
    started: Instant,
    spinner: Option<ProgressBar>,
    finished: bool,
}

impl Step {
    /// Announces a step, named as what is being done ("building the kernel").
    pub fn start(what: impl Into<String>) -> Self {
        let what = what.into();
        let spinner = stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let spinner = ProgressBar::new_spinner()
                .with_style(style)
                .with_prefix(what.clone());
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        if spinner.is_none() {
            eprintln!("... {what}");
        }
        Self {
            what,
            started: Instant::now(),
            spinner,
            finished: false,
        }
    }

    /// Shows a passing detail ("compiling core"). Not shown outside a terminal.
    pub fn note(&self, detail: impl Into<String>) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(detail.into());
        }
    }

    /// Ends the step well.
    pub fn done(mut self) {
        self.finish("ok");
    }

    fn finish(&mut self, verdict: impl Display) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        eprintln!(
            "{verdict:>3} {} ({:.1} s)",
            self.what,
            self.started.elapsed().as_secs_f32()
        );
        self.finished = true;
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            self.finish("!!!");
        }
    }
}
