//! Modules as other tools write them, and a corpus of wrong ones, with what is said about each.
//!
//! A wrong file is called `<rule id>-<what is wrong>.xml`, and `.expected` beside it has the whole text. `UPDATE_EXPECT=1 cargo test` writes
//! them; the difference is then read by a human.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cofferdam_arinc653::{Made, import, rule_texts};
use cofferdam_model::{Diagnostics, Severity};
use proptest::prelude::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn corpus() -> Vec<PathBuf> {
    let files = fs::read_dir(folder("bad")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "xml"))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn imported(path: &Path) -> Result<Made, Diagnostics> {
    let text = fs::read_to_string(path).unwrap();
    import(&format!("{}.xml", stem(path)), &text)
}

fn said(path: &Path) -> Diagnostics {
    imported(path).map_or_else(|wrong| wrong, |made| made.report)
}

fn expect(path: &Path, found: &str) -> Result<(), String> {
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).ok();
    if expected.as_deref() == Some(found) {
        Ok(())
    } else {
        Err(format!("{}:\n{found}", path.display()))
    }
}

#[test]
fn each_wrong_file_is_explained_as_expected() {
    let mut wrong = Vec::new();
    for path in corpus() {
        let diagnostics = said(&path);
        let found = format!("{diagnostics}\n");
        let names_rule = |id: &str| stem(&path).starts_with(&id.to_lowercase());
        assert!(
            diagnostics.list.iter().any(|one| names_rule(one.rule.id)),
            "{} does not break the rule of its name:\n{found}",
            stem(&path),
        );
        wrong.extend(expect(&path.with_extension("expected"), &found).err());
    }
    assert!(wrong.is_empty(), "not as expected:\n\n{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_a_file_and_each_finding_a_place_and_a_hint() {
    let files = corpus();
    for rule in rule_texts() {
        let prefix = rule.id.to_lowercase();
        assert!(
            files.iter().any(|path| stem(path).starts_with(&prefix)),
            "no file for {}",
            rule.id
        );
        assert!(rule.sentence().ends_with('.'), "{}", rule.id);
    }
    for path in files {
        let diagnostics = said(&path);
        for one in &diagnostics.list {
            assert!(!one.hint.trim().is_empty(), "{}: {one:?}", stem(&path));
            // Everything is said of the XML, also what a rule of system.toml found.
            let place = one.primary.as_ref().unwrap().span;
            assert_eq!(
                diagnostics.sources.name(place.file),
                format!("{}.xml", stem(&path))
            );
        }
    }
}

#[test]
fn only_warnings_leave_a_file() {
    for path in corpus() {
        let is_error = |one: &cofferdam_model::Diagnostic| one.severity == Severity::Error;
        match imported(&path) {
            Ok(made) => assert!(!made.report.list.iter().any(is_error), "{}", stem(&path)),
            Err(wrong) => assert!(wrong.list.iter().any(is_error), "{}", stem(&path)),
        }
    }
}

#[test]
fn a_module_of_another_tool_becomes_a_system() {
    let made = imported(&folder("good").join("module.xml"));
    let made = made.unwrap_or_else(|wrong| panic!("{wrong}"));
    let report = format!("{}\n", made.report);
    expect(&folder("good").join("module.toml"), &made.text).unwrap();
    expect(&folder("good").join("module.report"), &report).unwrap();
    cofferdam_check::check_text("module.toml", &made.text).unwrap();
}

/// It is built and run as any system of the tree.
#[test]
fn a_system_of_the_tree_is_what_its_module_becomes() {
    let system = folder("../../../systems/apex_xml");
    let made = imported(&system.join("module.xml"));
    let made = made.unwrap_or_else(|wrong| panic!("{wrong}"));
    expect(&system.join("system.toml"), &made.text).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// Damaged files are refused or read, and nothing else happens.
    #[test]
    fn nothing_that_a_file_holds_is_more_than_wrong(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, "[<>\"=/& a-z0-9:.-]{0,6}"), 1..4),
    ) {
        let mut text = fs::read_to_string(folder("good").join("module.xml")).unwrap();
        for (at, length, instead) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &instead);
            }
        }
        match import("damaged.xml", &text) {
            Ok(made) => prop_assert!(cofferdam_check::check_text("made.toml", &made.text).is_ok()),
            Err(wrong) => prop_assert!(!wrong.to_string().is_empty()),
        }
    }
}
