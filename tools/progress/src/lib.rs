//! What the commands say: one line on the terminal per long step (a spinner while it lasts, a tick and its duration when it is
//! done), remarks, and results.
//!
//! Everything but results goes to standard error, so that standard output stays free for them (`--json`). Where standard error is
//! no terminal (a log of continuous integration) each step prints two plain lines instead.
//!
//! Nothing here panics, as `eprintln!` does: a reader who has seen enough closes the pipe (`| head`).

#![forbid(unsafe_code)]

mod program;

use std::fmt::{Arguments, Display};
use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub use program::logged;

/// Says something to the user, on standard error; takes what `format!` takes.
#[macro_export]
macro_rules! say {
    () => {
        $crate::say!("")
    };
    ($($argument:tt)*) => {
        $crate::remark(::core::format_args!($($argument)*))
    };
}

/// What `say!` does. What cannot be said is lost: there is nobody left to tell.
#[doc(hidden)]
pub fn remark(text: Arguments<'_>) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// Asks the user something, in whose line the answer goes.
pub fn ask(question: &str) {
    let mut err = stderr().lock();
    let _ = write!(err, "{question}").and_then(|()| err.flush());
}

/// Prints a result to standard output. Whoever reads it may have read enough and closed the pipe: that is no error.
pub fn print_result(text: impl Display) -> io::Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let what = format!("the result cannot be written to standard output: {error}");
            Err(io::Error::new(error.kind(), what))
        }
        Ok(()) => Ok(()),
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
            say!("... {what}");
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
        say!(
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
