//! The commands that the documents show are run, and what the first chapter shows of a check is what is said.

mod common;

use std::fs;
use std::path::Path;

use common::commands::{commands, documents, root};
use common::{System, cofferdam, ends, folder};
use tempfile::TempDir;

/// What the documents call a system; a small one stands in for all of them.
const SYSTEMS: [&str; 4] = ["flight", ".", "my/system.toml", "systems/pump/system.toml"];
/// How much of the machine's time a run lasts here, whatever the document says.
const SHORT: &str = "20ms";

/// Commands that take more than a small system for a short time: they are read here, and run by the tests in these files, with the options
/// that the documents show.
const RUN_ELSEWHERE: [(&str, &str); 8] = [
    ("debug", "tools/xtask/src/debugger.rs"),
    ("export-arinc653", "tools/cofferdam/tests/arinc653.rs"),
    ("import-arinc653", "tools/cofferdam/tests/arinc653.rs"),
    ("prove", "tools/cofferdam/tests/prove.rs"),
    ("record", "tools/xtask/src/recordings.rs"),
    ("replay", "tools/xtask/src/recordings.rs"),
    ("top", "tools/cofferdam/tests/top.rs"),
    ("trace", "tools/cofferdam/tests/trace.rs"),
];

/// A tree as far as `new` and `check` look at it: the partitions of this one, and nothing of a system.
fn tree() -> TempDir {
    let tree = folder();
    let link = |name: &str| {
        std::os::unix::fs::symlink(root().join(name), tree.path().join(name)).expect("a link");
    };
    fs::create_dir_all(tree.path().join("partitions")).expect("a folder");
    fs::create_dir_all(tree.path().join("systems/pump")).expect("a folder");
    link("Cargo.lock");
    link("personalities");
    for partition in fs::read_dir(root().join("partitions")).expect("the partitions") {
        let name = partition.expect("an entry").file_name();
        link(&Path::new("partitions").join(name).display().to_string());
    }
    tree
}

/// The command as it is run here.
fn in_small(words: &[String], system: &System) -> Vec<String> {
    let mut words: Vec<_> = words.iter().map(String::as_str).collect();
    let file = system.file();
    let runs = words.first() == Some(&"run");
    for word in &mut words {
        if SYSTEMS.contains(word) {
            *word = &file;
        }
    }
    match words.iter().position(|word| *word == "--for") {
        Some(place) => words[place + 1] = SHORT,
        None if runs => words.extend(["--for", SHORT]),
        None => {}
    }
    words.into_iter().map(str::to_owned).collect()
}

/// Whether a command is one that others run. Fails if they do not give an option that it has.
fn is_run_elsewhere(arguments: &[&str]) -> bool {
    let of_command = |(command, _): &&(&str, &str)| *command == arguments[0];
    let mut options = arguments.iter().filter(|word| word.starts_with("--"));
    let Some((command, file)) = RUN_ELSEWHERE.iter().find(of_command) else {
        return false;
    };
    if *command == "trace" && arguments.len() == 2 {
        return false;
    }
    let tests = fs::read_to_string(root().join(file)).expect("the tests");
    assert!(
        options.all(|option| tests.contains(&format!("\"{option}\""))),
        "{file} does not try all of `{}`",
        arguments.join(" ")
    );
    true
}

#[test]
fn every_command_of_the_documents_runs() {
    let system = System::spinning("book");
    let place = folder();
    let tree = tree();
    let mut run = 0;
    for (name, text) in documents() {
        let programs = ["cargo cofferdam", "cofferdam"];
        for (words, _) in programs.iter().flat_map(|one| commands(&text, one)) {
            let words = in_small(&words, &system);
            let arguments: Vec<_> = words.iter().map(String::as_str).collect();
            if is_run_elsewhere(&arguments) {
                let said = ends(&mut cofferdam(&[&arguments[..], &["--help"]].concat()));
                assert!(said.status.success(), "{name}: {arguments:?}: {said:#?}");
                continue;
            }
            if arguments[0] == "trace" {
                // Of the last run, whichever kernel that had.
                let run = ["run", &system.file(), "--for", SHORT, "--kernel", "trace"];
                assert!(ends(&mut cofferdam(&run)).status.success());
            }
            let needs_system = !["explain", "new", "report", "schema"].contains(&arguments[0]);
            assert!(
                !needs_system || arguments.contains(&system.file().as_str()),
                "{name}: `{}` names no system that a test knows",
                arguments.join(" ")
            );
            let mut command = cofferdam(&arguments);
            command.current_dir(place.path());
            if arguments[0] == "new" {
                // Several pages make the same one.
                let _ = fs::remove_dir_all(tree.path().join("partitions").join(arguments[1]));
                command.env("COFFERDAM_ROOT", tree.path());
            }
            let said = ends(&mut command);
            assert!(said.status.success(), "{name}: {arguments:?}: {said:#?}");
            run += 1;
        }
    }
    assert!(run > 10, "{run} commands are not all that there are");
}

/// The lines of a block of TOML with these words in it.
fn lines_with<'t>(chapter: &'t str, words: &str) -> &'t str {
    let mut blocks = chapter.split("```toml\n").skip(1);
    let block = blocks.find_map(|block| {
        let block = block.split("```").next()?;
        block.contains(words).then_some(block)
    });
    block.unwrap_or_else(|| panic!("no block of the chapter has {words}"))
}

#[test]
fn the_first_system_is_checked_as_shown() {
    const CHAPTER: &str = "first-system.md";
    let (_, chapter) = documents()
        .into_iter()
        .find(|(name, _)| name == CHAPTER)
        .expect("the chapter");
    let tree = tree();
    let file = tree.path().join("systems/pump/system.toml");
    let cofferdam = |arguments: &[String]| {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut command = cofferdam(&arguments);
        command.current_dir(tree.path());
        command.env("COFFERDAM_ROOT", tree.path());
        ends(&mut command)
    };
    let change = |from: &str, to: &str| {
        let text = fs::read_to_string(&file).expect("the system");
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(&file, text.replace(from, to)).expect("the system");
    };
    fs::copy(root().join("systems/flight/system.toml"), &file).expect("a copy");
    let all = commands(&chapter, "cargo cofferdam");
    let of = |name: &'static str| all.iter().filter(move |(words, _)| words[0] == name);
    let (new, _) = of("new").next().expect("it makes a partition");
    let lines = cofferdam(new).out;
    let text = fs::read_to_string(&file).expect("the system");
    fs::write(&file, text + &lines).expect("the system");
    change("name   = \"flight\"", "name   = \"pump\"");

    let mut checks = of("check");
    let (check, shown) = checks.next().expect("it checks");
    let said = cofferdam(check);
    assert_eq!(said.err, *shown, "without a window");

    const LAST: &str = "  { at = \"8ms\", length = \"2ms\", group = [\"console\", \"health\"] },\n";
    change(LAST, lines_with(&chapter, "{ at = "));
    let said = cofferdam(check);
    assert_eq!(said.out, "pump: the file obeys every rule\n", "{said:#?}");

    const FLOW: &str =
        "flow    = [\"rogue -/-> flight except console\", \"rogue -/-> plant except console\"]\n";
    change(FLOW, lines_with(&chapter, "flow "));
    let (check, shown) = checks.next().expect("it checks a statement");
    let said = cofferdam(check);
    assert_eq!(said.err, *shown, "with a statement that does not hold");
    change("\"rogue -/-> pump\"", "\"rogue -/-> pump except console\"");
    assert!(cofferdam(check).status.success());
}
