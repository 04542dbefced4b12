//! `cargo cofferdam import-arinc653` and `export-arinc653`: a whole file, or nothing.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{cofferdam, ends, folder};
use serde_json::Value;

fn corpus(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../config/arinc653/tests").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_module_becomes_a_system_that_check_accepts() {
    let folder = folder();
    let (module, made) = (corpus("good/module.xml"), folder.path().join("made.toml"));
    let arguments = ["import-arinc653", text(&module), "--output", text(&made)];
    let said = ends(&mut cofferdam(&arguments));
    assert!(said.status.success(), "{said:#?}");
    assert_eq!(said.out, "");
    assert!(said.err.contains("warning[XML-COUNTERPART]"), "{said:#?}");
    let expected = fs::read_to_string(corpus("good/module.toml")).unwrap();
    assert_eq!(fs::read_to_string(&made).unwrap(), expected);
    let said = ends(&mut cofferdam(&["import-arinc653", text(&module)]));
    assert_eq!(said.out, expected);
}

#[test]
fn a_wrong_module_changes_nothing_and_fails() {
    let folder = folder();
    let (module, made) = (
        corpus("bad/xml-time-overlap.xml"),
        folder.path().join("made.toml"),
    );
    fs::write(&made, "as it was").unwrap();
    let arguments = ["import-arinc653", text(&module), "--output", text(&made)];
    let said = ends(&mut cofferdam(&arguments));
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    assert_eq!(said.out, "");
    assert!(said.err.contains("error[XML-TIME]"), "{said:#?}");
    assert!(said.err.contains("xml-time-overlap.xml:22:44"), "{said:#?}");
    assert_eq!(fs::read_to_string(&made).unwrap(), "as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let said = ends(&mut cofferdam(&[
        "import-arinc653",
        text(&module),
        "--format",
        "json",
    ]));
    let object: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(object["ok"], false);
    assert_eq!(object["diagnostics"][0]["primary"]["line"], 22);
}

#[test]
fn a_file_that_is_not_there_is_said() {
    let said = ends(&mut cofferdam(&["import-arinc653", "nowhere.xml"]));
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    assert!(said.err.contains("nowhere.xml cannot be read"), "{said:#?}");
}

#[test]
fn a_system_becomes_xml_and_comes_back() {
    let folder = folder();
    let (xml, back) = (
        folder.path().join("made.xml"),
        folder.path().join("back.toml"),
    );
    let system = corpus("good/module.toml");
    let arguments = ["export-arinc653", text(&system), "--output", text(&xml)];
    let said = ends(&mut cofferdam(&arguments));
    // The folders of its crates are not there.
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    assert!(said.err.contains("error[FILE-READ]"), "{said:#?}");
    assert!(!xml.exists());
    let whole = fs::read_to_string(&system).unwrap();
    let system = folder.path().join("system.toml");
    for name in ["sensor", "control"] {
        let partition = folder.path().join("partitions").join(name);
        fs::create_dir_all(&partition).unwrap();
        fs::write(partition.join("Cargo.toml"), "").unwrap();
    }
    fs::write(&system, &whole).unwrap();
    let arguments = ["export-arinc653", text(&system), "--output", text(&xml)];
    let said = ends(&mut cofferdam(&arguments));
    assert!(said.status.success(), "{said:#?}");
    let arguments = ["import-arinc653", text(&xml), "--output", text(&back)];
    let said = ends(&mut cofferdam(&arguments));
    assert!(said.status.success(), "{said:#?}");
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_string).collect();
        lines.sort();
        lines
    };
    // The keys of a table come in another order.
    assert_eq!(lines(&fs::read_to_string(&back).unwrap()), lines(&whole));
}

#[test]
fn the_rules_of_modules_are_explained() {
    let said = ends(&mut cofferdam(&["explain", "xml-counterpart"]));
    assert!(said.status.success(), "{said:#?}");
    assert!(said.out.starts_with("XML-COUNTERPART: "), "{said:#?}");
}
