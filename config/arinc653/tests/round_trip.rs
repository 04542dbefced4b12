//! What is exported comes back as it was: the same plan, and the same tables for the kernel.

#[path = "../../compile/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use cofferdam_arinc653::{export, import};
use cofferdam_check::Checked;
use cofferdam_compile::compile;
use common::{checked, kernel, programs};

/// The size of messages whose types are Rust's, in programs made by hand.
const TYPED_BYTES: u64 = 20;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_path_buf()
}

/// Every system of the tree, and one with everything that ARINC 653 services can have.
fn systems() -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(root().join("systems"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("system.toml").is_file())
        .map(|folder| {
            let name = folder.file_name().unwrap().to_str().unwrap().to_string();
            (
                name,
                fs::read_to_string(folder.join("system.toml")).unwrap(),
            )
        })
        .collect();
    all.sort();
    let apex = include_str!("../../compile/tests/apex.toml");
    all.push(("apex.toml".to_string(), apex.to_string()));
    assert!(all.len() > 10);
    all
}

fn there(text: &str) -> String {
    let made = export(&checked(text), text, &|_| Some(TYPED_BYTES));
    made.unwrap_or_else(|wrong| panic!("{wrong}")).text
}

fn back(name: &str, xml: &str) -> String {
    let made = import(&format!("{name}.xml"), xml);
    made.unwrap_or_else(|wrong| panic!("{name}: {wrong}\n{xml}"))
        .text
}

/// The plan and the tables, as the tools write them; or what is wrong, without the places.
fn built(checked: &Checked) -> Result<(serde_json::Value, Vec<u8>), Vec<String>> {
    match compile(checked, &kernel(), &programs(checked), &[]) {
        Ok(image) => Ok((serde_json::to_value(&image.plan).unwrap(), image.tables)),
        Err(wrong) => Err(wrong.list.into_iter().map(|one| one.message).collect()),
    }
}

#[test]
fn every_system_comes_back_with_the_same_plan_and_the_same_tables() {
    let mut not_built = Vec::new();
    for (name, text) in systems() {
        let again = back(&name, &there(&text));
        match (built(&checked(&text)), built(&checked(&again))) {
            (Ok((plan, tables)), Ok((plan_again, tables_again))) => {
                assert_eq!(plan, plan_again, "{name}:\n{again}");
                assert!(tables == tables_again, "the tables of {name}:\n{again}");
            }
            (one, other) => {
                assert_eq!(one.err(), other.err(), "{name}:\n{again}");
                not_built.push(name);
            }
        }
    }
    // The programs made by hand do not fit the smallest partitions.
    assert_eq!(not_built, ["sweep"]);
}

#[test]
fn what_came_back_goes_there_the_same_way() {
    for (name, text) in systems() {
        let xml = there(&text);
        assert_eq!(there(&back(&name, &xml)), xml, "{name}");
    }
}

#[test]
fn what_has_no_counterpart_is_said_at_its_line() {
    let text = fs::read_to_string(root().join("systems/flight/system.toml")).unwrap();
    let made = export(&checked(&text), &text, &|_| Some(TYPED_BYTES)).unwrap();
    let report = format!("{}\n", made.report);
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flight.report.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &report).unwrap();
    }
    assert_eq!(fs::read_to_string(expected).unwrap(), report);
}

#[test]
fn a_size_that_is_not_known_is_an_error_at_the_type() {
    let text = fs::read_to_string(root().join("systems/flight/system.toml")).unwrap();
    let wrong = export(&checked(&text), &text, &|_| None).unwrap_err();
    let sizes = wrong.list.iter().filter(|one| one.rule.id == "XML-VALUE");
    let lines: Vec<_> = sizes
        .map(|one| {
            wrong
                .sources
                .position(one.primary.as_ref().unwrap().span)
                .line
        })
        .collect();
    let typed = |line: &str| line.starts_with("type") && line.contains("::");
    let expected: Vec<_> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| typed(line) && !line.contains("Question"))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(lines, expected);
}
