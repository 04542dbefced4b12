//! `cargo xtask book`: the documents as a book, by mdBook, where that is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_progress::{Step, print_result};
use cofferdam_target_build::target_directory;

use crate::parts::Tally;
use crate::workspace::Workspace;

const PROGRAM: &str = "mdbook";
/// Where the documents are, with the table of contents and the settings.
const DOCUMENTS: &str = "docs";
const CONTENTS: &str = "SUMMARY.md";

/// Builds it, and says where it is.
pub fn build(root: &Path) -> Result<()> {
    if !is_there() {
        bail!(
            "{PROGRAM} is not on the PATH: `cargo install {PROGRAM}` builds and installs it; without it, the pages are readable as they are, beginning with {DOCUMENTS}/{CONTENTS}"
        );
    }
    let pages = pages_of(root)?;
    Ok(print_result(pages.join("index.html").display())?)
}

/// The book has a page for each one that its contents name.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    if !is_there() {
        return Ok(Tally::skipped(format!("the book: no {PROGRAM} here")));
    }
    let pages = pages_of(workspace.root)?;
    let contents = std::fs::read_to_string(workspace.root.join(DOCUMENTS).join(CONTENTS))?;
    let mut tally = Tally::default();
    for name in listed(&contents) {
        let page = pages.join(Path::new(name).with_extension("html"));
        let there = || -> Result<()> {
            ensure!(page.exists(), "{} is not in the book", page.display());
            Ok(())
        };
        tally.count(name, there());
    }
    Ok(tally)
}

/// The pages that the contents name.
fn listed(contents: &str) -> impl Iterator<Item = &str> {
    let links = contents.split("](").skip(1);
    links.filter_map(|rest| rest.split(')').next().filter(|name| !name.is_empty()))
}

fn is_there() -> bool {
    let output = Command::new(PROGRAM).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

/// Builds the book, and gives the folder of its pages.
fn pages_of(root: &Path) -> Result<PathBuf> {
    let pages = std::path::absolute(target_directory(root).join("book"))?;
    let step = Step::start("building the book");
    let output = Command::new(PROGRAM)
        .arg("build")
        .arg(root.join(DOCUMENTS))
        .arg("--dest-dir")
        .arg(&pages)
        .output()
        .with_context(|| format!("{PROGRAM} did not start"))?;
    ensure!(
        output.status.success(),
        "{PROGRAM} failed:\n{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    step.done();
    Ok(pages)
}

#[cfg(test)]
#[path = "../../cofferdam/tests/common/commands.rs"]
mod commands;

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use cofferdam_build::locate;

    use super::commands;
    use crate::{Cli, test};

    #[test]
    fn the_contents_are_read_as_pages() {
        let contents =
            "[Concepts](concepts.md)\n- [Decisions]()\n  - [0001: x](decisions/0001.md)\n";
        let pages: Vec<_> = super::listed(contents).collect();
        assert_eq!(pages, ["concepts.md", "decisions/0001.md"]);
    }

    #[test]
    fn every_command_of_the_documents_parses() {
        let mut parsed = 0;
        for (name, text) in commands::documents() {
            for (words, _) in commands::commands(&text, "cargo xtask") {
                let line = words.join(" ");
                let arguments = ["cargo xtask".to_owned()].into_iter().chain(words);
                let cli = Cli::try_parse_from(arguments);
                let cli = cli.unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
                match cli.command {
                    crate::Command::Run { run, .. } => {
                        locate(&commands::root(), &run.system).expect("a system of the tree");
                    }
                    crate::Command::Test { parts, .. } => {
                        test::wanted(&parts).expect("parts that there are");
                    }
                    _ => {}
                }
                parsed += 1;
            }
        }
        assert!(parsed > 10, "{parsed} commands are not all that there are");
    }
}
