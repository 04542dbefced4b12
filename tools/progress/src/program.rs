//! A step that is a program: an installer, a build.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Step;

/// How many lines of a program's output are shown when it fails.
const LINES_SHOWN: usize = 20;

/// Runs a program with its output in the log `log`, a word about its last line beside the spinner, and its end shown if it fails.
/// `word` says what, given the line.
pub fn logged(
    what: &str,
    command: &mut Command,
    log: &Path,
    mut word: impl FnMut(&str) -> String,
) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
    }
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("{} cannot be written", log.display()))?;
    writeln!(file, "== {what}")?;
    let step = Step::start(what);
    let program = command.get_program().display().to_string();
    let (reader, writer) = std::io::pipe().context("no pipe for the program's output")?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("{what}: {program} did not start"))?;
    // Our own copies of the pipe's writing end live in `command`; with them open the pipe would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut last = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        writeln!(file, "{line}")?;
        step.note(word(&line));
        if last.len() == LINES_SHOWN {
            last.remove(0);
        }
        last.push(line);
    }
    let status = child.wait()?;
    if !status.success() {
        drop(step);
        bail!(
            "{what} failed ({status}). The end of {}:\n{}",
            log.display(),
            last.join("\n")
        );
    }
    step.done();
    Ok(())
}
