//! The book has every page once; what it shows stands in the tree, and what it claims names a test.

mod common;

use std::fs;

use common::{code, documents, none, read, root};

const CONTENTS: &str = "docs/SUMMARY.md";
/// The chapters that say how things behave: each section names a test. What they show of the tree's files has to stand there.
const CHAPTERS: [&str; 25] = [
    "docs/abi.md",
    "docs/airgap.md",
    "docs/apex.md",
    "docs/arinc653-xml.md",
    "docs/channels.md",
    "docs/concepts.md",
    "docs/configure.md",
    "docs/coverage.md",
    "docs/debugger.md",
    "docs/dma.md",
    "docs/drivers.md",
    "docs/editors.md",
    "docs/first-system.md",
    "docs/guests.md",
    "docs/health.md",
    "docs/image.md",
    "docs/late-frame.md",
    "docs/outside.md",
    "docs/partitions.md",
    "docs/porting.md",
    "docs/prover.md",
    "docs/replay.md",
    "docs/report.md",
    "docs/system-toml.md",
    "docs/traces.md",
];
/// What a section says of itself if no test tries it. Whoever reads it is told so.
const TRIED_BY_NOBODY: &str = "*No test tries what this section says.*";
const EVIDENCE: &str = "docs/evidence.md";
/// The page, and the section of it, whose every case names a test in its last cell.
const TROUBLE: (&str, &str) = ("docs/drivers.md", "\n## What goes wrong");

/// Commands that are not ours. What ours are, the tests of these say (`tools/cofferdam/tests/book.rs`, `tools/xtask/src/book.rs`).
const OTHERS: [&str; 8] = [
    "mkdir systems/pump",
    "cp systems/flight/system.toml systems/pump/system.toml",
    "openssl genpkey -algorithm ed25519 -out private.pem",
    "openssl pkey -in private.pem -pubout -out public.pem",
    "cargo install --path cofferdam/tools/cofferdam",
    // Of a machine without a network (`tools/xtask/src/vendor.rs`).
    "sudo dpkg --install /media/stick/debian/*.deb",
    ". /media/stick/env.sh",
    // Of an editor: what the settings are (`tools/xtask/src/editors.rs`).
    "RUSTC_BOOTSTRAP=1 COFFERDAM_GENERATED=$PWD/target/cofferdam/flight/generated cargo check --package flight -Zjson-target-spec -Zbuild-std=core,compiler_builtins -Zbuild-std-features=compiler-builtins-mem --target targets/powerpc-cofferdam-e500v2.json",
];
/// What is called in a shell, in blocks of text.
const PROGRAMS: [&str; 6] = [
    "cargo",
    "cofferdam",
    "gdb-multiarch",
    "openssl",
    "rustup",
    "sudo",
];

#[test]
fn who_reads_on_is_told_that_nothing_has_run_on_silicon() {
    for page in ["README.md", "docs/caveats.md"] {
        let text = read(page).to_lowercase();
        assert!(
            text.contains("nothing of it has run on silicon yet"),
            "{page}"
        );
    }
}

#[test]
fn the_contents_have_every_page_once() {
    let contents = read(CONTENTS);
    let mut listed: Vec<_> = contents
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
        .filter(|page| !page.is_empty())
        .map(|page| format!("docs/{page}"))
        .collect();
    listed.sort();
    let mut pages: Vec<_> = documents()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("docs/") && name != CONTENTS)
        .collect();
    pages.sort();
    assert_eq!(listed, pages, "{CONTENTS} and the folder `docs`");
}

#[test]
fn pages_link_to_pages_alone() {
    // A file of the tree is named as code: in the book there is nothing at its path.
    let mut outside = Vec::new();
    for (name, text) in documents() {
        let up = match name.strip_prefix("docs/") {
            None => continue,
            Some(page) if page.starts_with("decisions/") => "../../",
            Some(_) => "../",
        };
        let links = text.split("](").skip(1);
        let links = links.map(|rest| rest.split(')').next().unwrap());
        let leaving = links.filter(|link| link.starts_with(up));
        outside.extend(leaving.map(|link| format!("{name}: {link}")));
    }
    none("links that leave the book", &outside);
}

#[test]
fn a_decision_has_its_own_title_in_the_contents() {
    let contents = read(CONTENTS);
    let mut wrong = Vec::new();
    for (name, text) in documents() {
        let Some(page) = name.strip_prefix("docs/decisions/") else {
            continue;
        };
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        if !contents.contains(&format!("[{title}](decisions/{page})")) {
            wrong.push(format!("{name}: {title}"));
        }
    }
    none("not in the contents by their titles", &wrong);
}

/// The blocks of code: what stands on the line before, the language, and the lines.
fn blocks(text: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
            blocks.push((before, language, block.collect()));
        }
        before = line;
    }
    blocks
}

/// The commands that a page shows: in blocks of a console those behind the prompt, in blocks of a shell all lines, in blocks of text the lines that
/// call a program of a shell's.
fn shown_commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (_, language, lines) in blocks(text) {
        let block = lines.join("\n").replace("\\\n", " ");
        let lines = block.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let of_shell = |line: &&str| {
            let mut words = line.split(' ');
            let program = words.find(|word| !word.contains('='));
            program.is_some_and(|program| PROGRAMS.contains(&program))
        };
        let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        match language {
            "console" => {
                commands.extend(lines.filter_map(|line| line.strip_prefix("$ ")).map(plain))
            }
            "sh" => commands.extend(lines.map(plain)),
            "text" => commands.extend(lines.filter(of_shell).map(plain)),
            _ => {}
        }
    }
    commands
}

#[test]
fn commands_are_found_in_every_kind_of_block() {
    let text = "```console\n$ cargo one  # more\nshown\n```\n```sh\n. two\n```\n```text\nA=1 cargo three \\\n   four\nshown\n```\n";
    let all = ["cargo one # more", ". two", "A=1 cargo three four"];
    assert_eq!(shown_commands(text), all);
}

#[test]
fn every_command_is_somebodys_to_try() {
    let ours = ["cargo cofferdam ", "cofferdam ", "cargo xtask "];
    let mut unknown = Vec::new();
    let mut seen = Vec::new();
    for (name, text) in documents() {
        for command in shown_commands(&text) {
            if OTHERS.contains(&&*command) {
                seen.push(command);
            } else if !ours.iter().any(|one| command.starts_with(one)) {
                unknown.push(format!("{name}: {command}"));
            }
        }
    }
    none("commands that no test tries", &unknown);
    let unused = OTHERS.iter().filter(|one| !seen.contains(&(**one).into()));
    let unused: Vec<_> = unused.map(|one| (*one).to_owned()).collect();
    none("commands that no page has", &unused);
}

/// Whether the lines stand in a text in this order, whatever comes between.
fn has_lines(text: &str, lines: &[&str]) -> bool {
    let mut rest = text.lines().map(str::trim);
    let mut wanted = lines.iter().map(|line| line.trim());
    wanted.all(|line| line.is_empty() || rest.any(|one| one == line))
}

#[test]
fn what_is_shown_stands_in_the_tree() {
    let mut wrong = Vec::new();
    let mut shown = 0;
    for (name, text) in documents() {
        for (before, _, lines) in blocks(&text) {
            let file = before.strip_prefix("<!-- from: ");
            let Some(file) = file.and_then(|rest| rest.strip_suffix(" -->")) else {
                continue;
            };
            shown += 1;
            if !fs::read_to_string(root().join(file)).is_ok_and(|text| has_lines(&text, &lines)) {
                wrong.push(format!("{name}: {}", lines.join("\n    ")));
            }
        }
    }
    none("not so in the file that it is said to be from", &wrong);
    assert!(shown > 0, "nothing is shown");
}

/// Whether this names a test: a function of one, a run that the tests expect, or a wrong file that has to be refused.
fn is_test(cited: &str) -> bool {
    let Some((path, function)) = cited.split_once("::") else {
        let expected = cited.contains("/expected/") || cited.contains("/tests/bad/");
        return expected && cited.ends_with(".toml") && root().join(cited).exists();
    };
    let Ok(text) = fs::read_to_string(root().join(path)) else {
        return false;
    };
    let Some((before, behind)) = text.split_once(&format!("fn {function}(")) else {
        return false;
    };
    // What `cargo xtask test` does itself is a function that can fail, or says what is to be done.
    let result = behind.split('{').next().unwrap();
    let can_fail = result.contains("-> Result<") || result.contains("-> Vec<Case<");
    let attributes = before.lines().rev().take(3);
    (path.starts_with("tools/xtask/src/") && can_fail)
        || attributes.into_iter().any(|line| line.trim() == "#[test]")
}

/// What a chapter claims, each with its title: its sections, and what stands before the first one, if that is more than a paragraph that says what
/// the chapter is about.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let mut parts = text.split("\n## ");
    let (title, beginning) = parts.next().unwrap().split_once('\n').unwrap();
    let paragraphs = beginning.split("\n\n");
    let paragraphs = paragraphs.filter(|one| !one.trim().is_empty()).count();
    let beginning = (paragraphs > 1).then_some((title, beginning));
    let others = parts.map(|part| part.split_once('\n').unwrap());
    beginning.into_iter().chain(others).collect()
}

/// Whether it only leads elsewhere: a link on each line.
fn only_leads(section: &str) -> bool {
    let mut lines = section.lines().filter(|line| !line.is_empty());
    lines.all(|line| line.contains("]("))
}

#[test]
fn claims_name_their_tests() {
    let mut silent = Vec::new();
    let mut both = Vec::new();
    for chapter in CHAPTERS {
        for (title, section) in sections(&read(chapter)) {
            let names_one = code(section).into_iter().any(is_test);
            let says_so = section.contains(TRIED_BY_NOBODY);
            if !names_one && !says_so && !only_leads(section) {
                silent.push(format!("{chapter}: {title}"));
            }
            if names_one && says_so {
                both.push(format!("{chapter}: {title}"));
            }
        }
    }
    none("sections that name no test", &silent);
    none("sections that are tried after all", &both);
}

/// What GDB is told in the tests of it.
const UNDER_GDB: [&str; 3] = [
    "tools/xtask/src/debugger.rs",
    "tools/xtask/src/recordings.rs",
    "tools/xtask/src/recordings/found.rs",
];
/// The chapter that a test compares with what is printed, commands included.
const TRANSCRIPT: &str = "docs/found.md";

#[test]
fn what_gdb_is_told_is_told_by_a_test() {
    let tests = UNDER_GDB.map(read).concat();
    let literals: Vec<_> = tests.split('"').skip(1).step_by(2).collect();
    let mut unknown = Vec::new();
    for (name, text) in documents() {
        if name == TRANSCRIPT {
            continue;
        }
        for line in text.lines() {
            let Some(command) = line.strip_prefix("(gdb) ") else {
                continue;
            };
            // A long one is put together.
            let is_told = |literal: &&str| {
                *literal == command || literal.len() > 80 && command.contains(*literal)
            };
            if !literals.iter().any(is_told) {
                unknown.push(format!("{name}: {command}"));
            }
        }
    }
    none("what no test tells GDB", &unknown);
}

/// What stands in the rows of tables, but for their heads.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = text.lines().collect();
    let is_head = |next: Option<&&str>| next.is_some_and(|next| next.starts_with("|---"));
    (lines.iter().enumerate())
        .filter(|(at, line)| line.starts_with("| ") && !is_head(lines.get(at + 1)))
        .map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn whatever_goes_wrong_with_a_driver_is_tested() {
    let (page, head) = TROUBLE;
    let text = read(page);
    let (_, behind) = text.split_once(head).expect("the section has gone");
    let section = behind.split("\n## ").next().unwrap();
    let mut silent = Vec::new();
    let mut cases = 0;
    for row in rows(section) {
        cases += 1;
        let tested = row
            .last()
            .is_some_and(|last| code(last).into_iter().any(is_test));
        if !tested {
            silent.push(row.join(" | "));
        }
    }
    none("what goes wrong, without a test", &silent);
    assert!(cases > 0, "the tables have gone");
}

#[test]
fn each_claim_of_the_evidence_has_its_test_its_command_and_its_end() {
    let mut wrong = Vec::new();
    let mut claims = 0;
    for line in read(EVIDENCE).lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, claim, evidence, command, end, _] = cells[..] else {
            continue;
        };
        if claim == "claim" || claim.starts_with("---") {
            continue;
        }
        claims += 1;
        let tested = code(evidence).into_iter().any(is_test);
        let commanded = code(command).iter().any(|one| one.starts_with("cargo "));
        if !tested || !commanded || end.is_empty() {
            wrong.push(claim.to_owned());
        }
    }
    none("claims without a test, a command, or an end", &wrong);
    assert!(claims > 0, "the tables have gone");
}
