//! A host whose QEMU is missing, too old, or of no use.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::host::{BROKEN, OLD, POOR, with_qemu};
use common::{Said, System, cofferdam, ends};

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn run(system: &str, path: &std::ffi::OsStr) -> Said {
    let arguments = ["run", system, "--for", "20ms", "--icount"];
    ends(cofferdam(&arguments).env("PATH", path))
}

#[test]
fn what_is_missing_is_said_before_anything_is_built() {
    let system = System::spinning("qemu_missing");
    for (script, what, remedy) in [
        (
            None,
            "qemu-system-ppc is not on the PATH",
            "apt-get install --no-install-recommends qemu-system-ppc",
        ),
        (
            Some(OLD),
            "QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)\", and at least 7.2 is needed",
            "remove it from the PATH and install a newer one",
        ),
        (
            Some(BROKEN),
            "does not start",
            "reinstall the Debian package qemu-system-ppc",
        ),
    ] {
        let host = with_qemu(FOLDER, script);
        let said = run(&system.file(), host.path().as_os_str());
        said.fails_with(&["error: ", what, "to mend it: ", remedy]);
        assert_eq!(said.err.lines().count(), 1, "{said:#?}");
        assert!(!system.built().exists());
    }
}

#[test]
fn what_qemu_complains_about_is_the_verdict() {
    let system = System::spinning("qemu_poor");
    let host = with_qemu(FOLDER, Some(POOR));
    let said = run(&system.file(), host.path().as_os_str());
    said.fails_with(&[
        "not expected: QEMU failed: qemu-system-ppc: unsupported machine type\nFAILED",
    ]);
    ends(&mut cofferdam(&["crash", &system.file()]))
        .fails_with(&["in that run of qemu_poor no kernel began"]);
}

#[test]
fn what_may_not_be_executed_is_no_program() {
    let system = System::spinning("qemu_file");
    let host = with_qemu(FOLDER, Some(OLD));
    let program = host.path().join("qemu-system-ppc");
    fs::set_permissions(program, fs::Permissions::from_mode(0o644)).unwrap();
    let mut path = host.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let said = run(&system.file(), &path);
    assert!(said.status.success(), "{said:#?}");
}

#[test]
fn a_missing_qemu_is_an_answer_in_json() {
    let system = System::spinning("qemu_json");
    let host = with_qemu(FOLDER, None);
    let arguments = ["run", &system.file(), "--for", "20ms", "--json"];
    let said = ends(cofferdam(&arguments).env("PATH", host.path()));
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["ok"], false);
    let reasons = answer["reasons"].to_string();
    assert!(
        reasons.contains("qemu-system-ppc is not on the PATH"),
        "{reasons}"
    );
}

#[test]
fn systems_of_one_name_keep_their_runs_apart() {
    let one = System::spinning("qemu_namesake");
    let other = System::spinning("qemu_namesake");
    let path = std::env::var_os("PATH").unwrap();
    assert!(run(&one.file(), &path).status.success());
    let crash = |system: &System| ends(&mut cofferdam(&["crash", &system.file()]));
    crash(&other).fails_with(&["there is no record of a run of qemu_namesake"]);
    assert!(other.files().is_empty());
    // What is wrong with the file by now does not matter.
    for wrong in [
        "[system]\nname = \"qemu_namesake\"\nnmae = 3\n",
        "[system]\nname = \"qemu_namesake\"\n[[",
    ] {
        one.put("system.toml", wrong.as_bytes());
        let said = crash(&one);
        assert_eq!(
            said.out, "that run of qemu_namesake left no failure\n",
            "{said:#?}"
        );
    }
    one.put("system.toml", b"[partition.one]\n");
    crash(&one).fails_with(&["gives the system no name"]);
    one.put("system.toml", b"\x7fELF\xff");
    crash(&one).fails_with(&["is no text: name the `system.toml`"]);
}
