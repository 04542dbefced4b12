//! `cargo cofferdam new`: a whole crate, or nothing. Each test has a tree of its own, with the templates and what is needed to refuse a
//! name.

mod common;

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::processes::{Job, until};
use common::{cofferdam, ends, folder};
use rustix::process::Signal;
use tempfile::TempDir;

const TEMPLATES: &str = "personalities/native/template";

/// A tree as far as `new` looks at it.
fn tree() -> TempDir {
    let tree = folder();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::create_dir_all(tree.path().join("partitions/there")).unwrap();
    fs::create_dir_all(tree.path().join("systems")).unwrap();
    fs::create_dir_all(tree.path().join(TEMPLATES)).unwrap();
    fs::copy(source.join("Cargo.lock"), tree.path().join("Cargo.lock")).unwrap();
    for template in fs::read_dir(source.join(TEMPLATES)).unwrap() {
        let name = template.unwrap().file_name();
        let file = Path::new(TEMPLATES).join(name);
        fs::copy(source.join(&file), tree.path().join(&file)).unwrap();
    }
    tree
}

fn new(tree: &TempDir, name: &str) -> Command {
    let mut command = cofferdam(&["new", name]);
    command.env("COFFERDAM_ROOT", tree.path());
    command
}

/// What lies in the tree, but for the templates' content.
fn entries(tree: &TempDir) -> Vec<PathBuf> {
    let mut all: Vec<_> = ["", "partitions"]
        .iter()
        .flat_map(|folder| fs::read_dir(tree.path().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn a_new_partition_is_a_whole_crate() {
    let tree = tree();
    let said = ends(&mut new(&tree, "pump"));
    assert!(said.status.success(), "{said:#?}");
    assert!(said.out.starts_with("[partition.pump]\n"), "{said:#?}");
    assert!(said.out.contains("\"console.logs[]\""), "{said:#?}");
    for file in ["Cargo.toml", "build.rs", "src/main.rs"] {
        let path = tree.path().join("partitions/pump").join(file);
        assert!(said.err.contains(&format!("wrote {}", path.display())));
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("{{"), "{text}");
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "{file} is for everybody to read");
    }
    assert_eq!(entries(&tree).len(), 6, "{:?}", entries(&tree));
}

#[test]
fn a_name_that_is_none_or_taken_is_refused() {
    let tree = tree();
    let before = entries(&tree);
    for (name, what) in [
        ("there", "partitions/there is there already"),
        ("Pump", "is no name for a partition"),
        ("pump-2", "is no name for a partition"),
        ("../pump", "is no name for a partition"),
        ("2nd", "is no name for a partition"),
        ("", "is no name for a partition"),
        ("match", "Rust or cargo uses it"),
        ("core", "Rust or cargo uses it"),
        ("a_very_long_name_", "has at most 16 letters"),
        ("serde", "a package that this tree uses already"),
        ("cofferdam_native", "a package that this tree uses already"),
    ] {
        ends(&mut new(&tree, name)).fails_with(&["error: ", what]);
    }
    assert_eq!(entries(&tree), before);
}

#[test]
fn a_tree_without_its_templates_is_left_alone() {
    let tree = tree();
    let template = tree.path().join(TEMPLATES).join("main.rs.template");
    fs::remove_file(&template).unwrap();
    let before = entries(&tree);
    let what = format!("the template {} cannot be read", template.display());
    ends(&mut new(&tree, "pump")).fails_with(&[&what]);
    assert_eq!(entries(&tree), before);
}

#[test]
fn what_is_interrupted_has_written_nothing() {
    let tree = tree();
    let template = tree.path().join(TEMPLATES).join("main.rs.template");
    fs::remove_file(&template).unwrap();
    // Reading a pipe that nobody writes to lasts for ever.
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &template, mode).unwrap();
    let before = entries(&tree);
    let mut job = Job::start(&mut new(&tree, "pump"));
    // It reads as soon as somebody can open the pipe for writing. Who cannot does not wait for it here: it may have ended for another reason.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let _writer = until("a reader of the template", || {
        let mut options = fs::File::options();
        let options = options.write(true).custom_flags(nonblocking);
        options.open(&template).ok()
    });
    job.signal_group(Signal::INT);
    let said = job.end();
    assert_eq!(said.status.signal(), Some(Signal::INT.as_raw()));
    assert!(said.err.starts_with("interrupted;"), "{said:#?}");
    assert_eq!(entries(&tree), before);
}

#[test]
fn what_cannot_be_written_whole_is_not_written() {
    let tree = tree();
    let before = entries(&tree);
    // No file may be longer than this; the signal that goes with it is ignored, so that writing fails.
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; exec prlimit --fsize=450 -- \"$@\"";
    command.args([
        "-c",
        script,
        "sh",
        env!("CARGO_BIN_EXE_cofferdam"),
        "new",
        "pump",
    ]);
    command.env("COFFERDAM_ROOT", tree.path());
    let said = ends(&mut command);
    said.fails_with(&["cannot be written", "File too large"]);
    assert_eq!(entries(&tree), before);
}
