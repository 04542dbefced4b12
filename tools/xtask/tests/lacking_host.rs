//! A host that lacks QEMU, or has one that is too old: each command says so, with what would mend it, and installs nothing that nobody
//! agreed to.

#[path = "../../cofferdam/tests/common/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../../cofferdam/tests/common/said.rs"]
mod said;

use std::path::Path;
use std::process::{Command, Stdio};

use host::{OLD, with_qemu};
use said::{Said, ends};

fn xtask(arguments: &[&str], host: &Path) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cofferdam-xtask"));
    command.args(arguments).env("PATH", host).env_remove("CI");
    ends(command.stdin(Stdio::null()))
}

const INSTALL: &str = "apt-get install --no-install-recommends qemu-system-ppc";
const TOO_OLD: &str =
    "is \"QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)\", and at least 7.2 is needed";

#[test]
fn the_doctor_shows_what_is_missing_and_what_is_too_old() {
    for (script, what, remedy) in [
        (None, "qemu-system-ppc is not on the PATH", INSTALL),
        (Some(OLD), TOO_OLD, "install a newer one"),
    ] {
        let host = with_qemu(env!("CARGO_TARGET_TMPDIR"), script);
        let said = xtask(&["doctor"], host.path());
        said.fails_with(&["error: 1 missing"]);
        for part in ["MISS QEMU for PowerPC: ", what, "to mend it: ", remedy] {
            assert!(said.out.contains(part), "{part}: {said:#?}");
        }
        assert!(said.out.contains(" ok  Rust for the target: "), "{said:#?}");
    }
}

#[test]
fn nothing_is_installed_without_consent_and_nothing_begun() {
    for command in ["setup", "run", "test", "bench", "soak"] {
        let host = with_qemu(env!("CARGO_TARGET_TMPDIR"), None);
        let said = xtask(&[command], host.path());
        said.fails_with(&[
            "Missing on this machine:\n  QEMU for PowerPC: qemu-system-ppc is not on the PATH",
            INSTALL,
            "error: there is no terminal to ask on: run the command again with --yes",
        ]);
        assert!(said.out.is_empty(), "{said:#?}");
    }
}

#[test]
fn what_is_too_old_is_not_installed_over() {
    for command in ["setup", "run", "test"] {
        let host = with_qemu(env!("CARGO_TARGET_TMPDIR"), Some(OLD));
        let said = xtask(&[command, "--yes"], host.path());
        said.fails_with(&[TOO_OLD, "error: this cannot be installed automatically"]);
    }
}

#[test]
fn without_apt_it_is_said_what_to_install() {
    let host = with_qemu(env!("CARGO_TARGET_TMPDIR"), None);
    let said = xtask(&["setup", "--yes"], host.path());
    said.fails_with(&["error: this is no Debian system: apt-get is not on the PATH"]);
}

#[test]
fn every_command_explains_itself_with_examples() {
    let host = with_qemu(env!("CARGO_TARGET_TMPDIR"), None);
    let help = xtask(&["--help"], host.path()).out;
    let list = help.split("Commands:").nth(1).unwrap();
    let commands: Vec<_> = list
        .lines()
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"doctor"), "{help}");
    for command in commands {
        let said = xtask(&[command, "--help"], host.path());
        let example = format!("  cargo xtask {command}");
        assert!(said.out.contains(&example), "{said:#?}");
    }
}
