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
    use std::collections::BTreeSet;

    use clap::Parser as _;
    use cofferdam_build::locate;

    use super::commands;
    use crate::{Cli, soak, test};

    #[test]
    fn the_contents_are_read_as_pages() {
        let contents =
            "[Concepts](concepts.md)\n- [Decisions]()\n  - [0001: x](decisions/0001.md)\n";
        let pages: Vec<_> = super::listed(contents).collect();
        assert_eq!(pages, ["concepts.md", "decisions/0001.md"]);
    }

    /// Who does what a command of the documents does.
    enum Doer {
        /// A part of `cargo xtask test`.
        Part(&'static str),
        /// A campaign of `cargo xtask soak`.
        Campaign(&'static str),
        /// A test that runs the command.
        Test(&'static str),
        /// It is itself all of the tests that it names.
        Itself,
        /// Nobody, for a reason.
        Nobody(&'static str),
    }

    const WRITES: Doer = Doer::Nobody("it writes the figures that the tests compare with");

    /// Each command by how it begins; the longest beginning counts.
    const DONE_BY: [(&str, Doer); 20] = [
        ("bench", Doer::Part("figures")),
        ("bench --bless", WRITES),
        ("bench apex", Doer::Part("figures of ARINC 653")),
        ("bench drivers", Doer::Part("figures of driver partitions")),
        ("bench drivers --bless", WRITES),
        ("bench linux", Doer::Part("figures of Linux")),
        ("bench linux --bless", WRITES),
        ("book", Doer::Part("the book")),
        (
            "coverage",
            Doer::Nobody("it runs all of the tests once more"),
        ),
        (
            "coverage --again",
            Doer::Nobody("it shows what those came to"),
        ),
        (
            "doctor",
            Doer::Test(
                "tools/xtask/tests/lacking_host.rs::the_doctor_shows_what_is_missing_and_what_is_too_old",
            ),
        ),
        ("expected", Doer::Part("systems in the emulator")),
        (
            "paths",
            Doer::Part("bounds of the paths with interrupts off"),
        ),
        ("run", Doer::Part("systems in the emulator")),
        ("run flight", Doer::Part("attacks on the target")),
        (
            "run linux_attacks",
            Doer::Part("attacks from inside of guests"),
        ),
        ("run linux_disk", Doer::Part("disks, and what is on them")),
        ("soak", Doer::Itself),
        ("test", Doer::Itself),
        ("vendor", Doer::Campaign("airgap")),
    ];

    /// All of them: those in blocks, and those in the midst of a sentence, but for what stands for something.
    fn all() -> Vec<(String, Vec<String>)> {
        let mut all = Vec::new();
        for (name, text) in commands::documents() {
            let prose: String = text.split("\n```").step_by(2).collect();
            let inline = prose.split('`').skip(1).step_by(2);
            let inline = inline.filter(|one| one.starts_with("cargo xtask "));
            let inline: String = inline.map(|one| format!("$ {one}\n")).collect();
            for text in [text, format!("\n```console\n{inline}\n```\n")] {
                let found = commands::commands(&text, "cargo xtask").into_iter();
                all.extend(found.map(|(words, _)| (name.clone(), words)));
            }
        }
        all.retain(|(_, words)| !words.iter().any(|word| word == "SYSTEM"));
        all
    }

    #[test]
    fn every_command_of_the_documents_parses() {
        let all = all();
        for (name, words) in &all {
            let line = words.join(" ");
            let arguments = ["cargo xtask"].into_iter();
            let cli = Cli::try_parse_from(arguments.chain(words.iter().map(String::as_str)));
            let cli = cli.unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
            let there = |system: &str| {
                locate(&commands::root(), system).expect("a system of the tree");
            };
            match cli.command {
                crate::Command::Run { run, .. } => there(&run.system),
                crate::Command::Paths { system, .. } => there(&system),
                crate::Command::Expected { systems, .. } => {
                    systems.iter().for_each(|system| there(system));
                }
                crate::Command::Test { parts, .. } | crate::Command::Coverage { parts, .. } => {
                    test::wanted(&parts).expect("parts that there are");
                }
                crate::Command::Soak { campaigns, .. } => {
                    soak::wanted(&campaigns).expect("campaigns that there are");
                }
                _ => {}
            }
        }
        assert!(all.len() > 50, "{} are not all that there are", all.len());
    }

    #[test]
    fn every_command_of_the_documents_is_done_by_somebody() {
        let mut used = BTreeSet::new();
        for (name, words) in all() {
            let line = words.join(" ");
            let begins = |beginning: &str| {
                let rest = line.strip_prefix(beginning);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            };
            let row = (DONE_BY.iter())
                .filter(|(beginning, _)| begins(beginning))
                .max_by_key(|(beginning, _)| beginning.len());
            let Some((beginning, _)) = row else {
                panic!("{name}: nobody is known to do what `cargo xtask {line}` does");
            };
            used.insert(*beginning);
        }
        for (beginning, doer) in &DONE_BY {
            assert!(used.contains(beginning), "no page has `{beginning}`");
            match doer {
                Doer::Part(part) => {
                    test::wanted(&[(*part).to_owned()]).expect("a part");
                }
                Doer::Campaign(campaign) => {
                    soak::wanted(&[(*campaign).to_owned()]).expect("a campaign");
                }
                Doer::Test(test) => {
                    let (file, function) = test.split_once("::").expect("a function");
                    let text = std::fs::read_to_string(commands::root().join(file)).expect("tests");
                    assert!(text.contains(&format!("fn {function}()")), "{test}");
                }
                Doer::Nobody(reason) => assert!(!reason.is_empty()),
                Doer::Itself => {}
            }
        }
    }
}
