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
