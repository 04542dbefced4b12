//! Whether `cargo cofferdam crash` leads from a record to the line of the source.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cofferdam_build::{Built, Tree};

use crate::expected::Crash;

/// The command shows the failure, and the line at which it happened: one that has this text.
pub fn is_shown(tree: &Tree, built: &Built, record: &Path, expected: &Crash) -> Result<()> {
    let source = tree.root.join(&expected.file);
    let source =
        fs::read_to_string(&source).with_context(|| format!("{} is not there", expected.file))?;
    let numbered = source.lines().zip(1..);
    let lines = numbered.filter(|(line, _)| line.contains(&expected.line));
    let places: Vec<_> = lines
        .map(|(_, number)| format!("{}:{number}", expected.file))
        .collect();
    ensure!(
        !places.is_empty(),
        "no line of {1} has `{0}`",
        expected.line,
        expected.file
    );
    let shown = show(tree, built, record)?;
    let mut paragraphs = shown.split("\n\n");
    let paragraph = paragraphs.find(|one| one.starts_with(&expected.of));
    let paragraph = paragraph.with_context(|| format!("nothing is said of it:\n{shown}"))?;
    let mut words = paragraph.split_whitespace();
    ensure!(
        words.any(|word| places.iter().any(|place| place == word)),
        "{} is not in it:\n{paragraph}",
        places.join(" or ")
    );
    for words in &expected.says {
        ensure!(
            paragraph.contains(words),
            "`{words}` is not in it:\n{paragraph}"
        );
    }
    Ok(())
}

/// What the command prints.
fn show(tree: &Tree, built: &Built, record: &Path) -> Result<String> {
    let command = ["run", "--quiet", "--package", "cofferdam-cli", "--"];
    let output = tree
        .toolchain
        .cargo()
        .current_dir(&tree.root)
        .args(command)
        .args(["crash", &built.plan.system, "--record"])
        .arg(record)
        .output()
        .context("cargo did not start")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the command failed: {errors}");
    String::from_utf8(output.stdout).context("what it prints is no text")
}
