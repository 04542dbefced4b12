//! What a command says. The tests of `cargo xtask` use it too.

use std::process::{Command, ExitStatus};

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub fn ends(command: &mut Command) -> Said {
    let output = command.output().expect("it starts");
    Said {
        status: output.status,
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

impl Said {
    /// It failed as a command should: with status 1, and what it said has all of `parts`, once each.
    #[track_caller]
    pub fn fails_with(&self, parts: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{self:#?}");
        for part in parts {
            assert_eq!(self.err.matches(part).count(), 1, "{part}: {self:#?}");
        }
        self.is_decent();
    }

    /// No panic, no backtrace, no colours.
    #[track_caller]
    pub fn is_decent(&self) {
        for never in ["panicked", "RUST_BACKTRACE", "stack backtrace", "\x1b["] {
            let said = self.out.contains(never) || self.err.contains(never);
            assert!(!said, "{never}: {self:#?}");
        }
    }
}
