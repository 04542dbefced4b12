//! A corpus of small wrong files, one for each mistake, with what the tool says beside each.
//!
//! A file is called `<rule id>-<what is wrong>.toml`, and `.expected` beside it has the whole text. `UPDATE_EXPECT=1 cargo test`
//! writes them; the difference is then read by a human.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cofferdam_check::{check_text, rule_texts, rules};
use cofferdam_model::{Diagnostics, READING_RULES};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_string()
}

fn diagnostics(path: &Path) -> Diagnostics {
    let text = fs::read_to_string(path).unwrap();
    match check_text(&format!("{}.toml", stem(path)), &text) {
        Ok(checked) => checked.warnings,
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn each_wrong_file_is_explained_as_expected() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in corpus() {
        let diagnostics = diagnostics(&path);
        let found = format!("{diagnostics}\n");
        let rule = rule_of(&stem(&path));
        assert!(
            diagnostics.list.iter().any(|one| Some(one.rule.id) == rule),
            "{} does not break the rule of its name:\n{found}",
            stem(&path),
        );
        let expected = path.with_extension("expected");
        if update {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&found) {
            wrong.push(format!("{}:\n{found}", stem(&path)));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n\n{}", wrong.join("\n"));
}

#[test]
fn each_finding_says_what_to_do_about_it() {
    for path in corpus() {
        for one in diagnostics(&path).list {
            assert!(!one.hint.trim().is_empty(), "{}: {one:?}", stem(&path));
        }
    }
}

/// The rule that a file is of: the longest id that its name begins with, for some ids are the beginnings of others.
fn rule_of(name: &str) -> Option<&'static str> {
    let ids = rule_texts().map(|text| text.id);
    let begins = |id: &&str| {
        let rest = name.strip_prefix(&id.to_lowercase());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    ids.filter(begins).max_by_key(|id| id.len())
}

#[test]
fn each_rule_has_a_wrong_file() {
    let ids = READING_RULES
        .iter()
        .map(|text| text.id)
        .chain(rules().map(|rule| rule.text.id));
    let of: Vec<_> = corpus().iter().map(|path| rule_of(&stem(path))).collect();
    assert!(!of.contains(&None), "a file whose name is of no rule");
    for id in ids {
        assert!(of.contains(&Some(id)), "no file for {id}");
    }
}

#[test]
fn each_rule_has_a_sentence_and_an_id_of_its_own() {
    let mut seen = Vec::new();
    for text in rule_texts() {
        assert!(
            text.sentence().ends_with('.'),
            "{}: {}",
            text.id,
            text.sentence()
        );
        assert!(!seen.contains(&text.id), "{} twice", text.id);
        seen.push(text.id);
    }
}

#[test]
fn the_json_has_the_places_of_the_text() {
    for path in corpus() {
        let diagnostics = diagnostics(&path);
        let json = diagnostics.to_json();
        let list = json.as_array().unwrap();
        assert_eq!(list.len(), diagnostics.list.len());
        for one in list {
            assert!(one["primary"].is_null() || one["primary"]["line"].as_u64() > Some(0));
        }
    }
}
