//! `cargo xtask book`: the documents as a book, by mdBook.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cofferdam_progress::{Step, print_result};
use cofferdam_setup::Toolchain;
use cofferdam_target_build::target_directory;

use crate::parts::Tally;
use crate::workspace::Workspace;

/// The package that makes it (`tools/book`).
const PACKAGE: &str = "cofferdam-book";
/// Where the documents are, with the table of contents and the settings.
const DOCUMENTS: &str = "docs";
const CONTENTS: &str = "SUMMARY.md";

/// Builds it, and says where it is.
pub fn build(root: &Path, toolchain: &Toolchain) -> Result<()> {
    let pages = pages_of(root, toolchain)?;
    Ok(print_result(pages.join("index.html").display())?)
}

/// The book has a page for each one that its contents name.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    let pages = pages_of(workspace.root, workspace.toolchain)?;
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

/// Builds the book, and gives the folder of its pages.
fn pages_of(root: &Path, toolchain: &Toolchain) -> Result<PathBuf> {
    let pages = std::path::absolute(target_directory(root).join("book"))?;
    let step = Step::start("building the book");
    let output = toolchain
        .cargo()
        .current_dir(root)
        .args(["run", "--package", PACKAGE, "--"])
        .arg(root.join(DOCUMENTS))
        .arg(&pages)
        .output()
        .context("cargo did not start")?;
    ensure!(
        output.status.success(),
        "{PACKAGE} failed:\n{}",
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
