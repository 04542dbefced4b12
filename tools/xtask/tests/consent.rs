//! Installing what is missing, by an apt-get of a script: after the user said so beforehand, or at the terminal, and never else.

#[path = "../../cofferdam/tests/common/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../../cofferdam/tests/common/processes.rs"]
#[allow(dead_code)]
mod processes;
#[path = "../../cofferdam/tests/common/said.rs"]
mod said;
#[path = "../../cofferdam/tests/common/terminal.rs"]
#[allow(dead_code)]
mod terminal;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use host::{link, program, with_qemu};
use said::{Said, ends};
use tempfile::TempDir;
use terminal::Terminal;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
/// What a script of an installer needs.
const TOOLS: [&str; 6] = ["env", "chmod", "cat", "rm", "mktemp", "setsid"];
/// What the linker's script needs besides.
const OF_LINKER: [&str; 6] = ["sh", "flock", "grep", "sed", "tail", "dirname"];

/// An apt-get that writes down what it is told in `told`, and installs a program of this name if it is to install something.
fn apt(host: &Path, installs: &str) {
    let folder = host.display();
    let script = format!(
        "#!/bin/sh\necho \"$0 $*\" >>'{folder}/told'\necho 'a word of apt'\ncase \"$*\" in *' install '*)\nprintf '#!/bin/sh\\necho QEMU emulator version 9.0.0 with \"$@\"\\n' >'{folder}/{installs}'\nchmod +x '{folder}/{installs}' ;;\nesac\n"
    );
    program(&host.join("apt-get"), &script);
}

fn told(host: &Path) -> String {
    fs::read_to_string(host.join("told")).unwrap_or_default()
}

/// A host without QEMU, whose user has this number.
fn without_qemu(user: u32) -> TempDir {
    let host = with_qemu(FOLDER, None);
    link(host.path(), &TOOLS);
    apt(host.path(), "qemu-system-ppc");
    fs::remove_file(host.path().join("id")).unwrap();
    program(
        &host.path().join("id"),
        &format!("#!/bin/sh\necho {user}\n"),
    );
    host
}

fn setup(host: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cofferdam-xtask"));
    command.arg("setup").args(arguments).stdin(Stdio::null());
    command.env("PATH", host).env_remove("CI");
    command.env("CARGO_TARGET_DIR", host.join("target"));
    command
}

#[track_caller]
fn installed(host: &Path) {
    let told = told(host);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].ends_with(" update"), "{told}");
    let install = " install --yes --no-install-recommends qemu-system-ppc";
    assert!(lines[1].ends_with(install), "{told}");
}

#[test]
fn who_said_so_beforehand_is_not_asked() {
    for (arguments, variable) in [(&["--yes"][..], None), (&[][..], Some("true"))] {
        let host = without_qemu(0);
        let mut command = setup(host.path(), arguments);
        if let Some(value) = variable {
            command.env("CI", value);
        }
        let said: Said = ends(&mut command);
        assert!(said.status.success(), "{said:#?}");
        installed(host.path());
        assert!(
            said.out.contains("QEMU emulator version 9.0.0"),
            "{said:#?}"
        );
        // What the installer said is kept where cargo builds.
        let log = fs::read_to_string(host.path().join("target/cofferdam/setup.log")).unwrap();
        assert!(log.contains("a word of apt"), "{log}");
    }
}

#[test]
fn who_is_not_root_becomes_it_by_sudo() {
    let host = without_qemu(1000);
    let without = ends(&mut setup(host.path(), &["--yes"]));
    without.fails_with(&["sudo is not on the PATH: run the command as root"]);
    assert_eq!(told(host.path()), "");
    let sudo = host.path().join("sudo");
    program(&sudo, "#!/bin/sh\nexit 1\n");
    let refused = ends(&mut setup(host.path(), &["--yes"]));
    refused.fails_with(&["sudo refused; nothing was installed"]);
    assert_eq!(told(host.path()), "");
    program(&sudo, "#!/bin/sh\n[ \"$1\" = -v ] || exec \"$@\"\n");
    let said = ends(&mut setup(host.path(), &["--yes"]));
    assert!(said.status.success(), "{said:#?}");
    installed(host.path());
}

#[test]
fn an_installer_that_fails_is_quoted() {
    let host = without_qemu(0);
    program(
        &host.path().join("apt-get"),
        "#!/bin/sh\necho 'E: no such package' >&2\nexit 100\n",
    );
    let said = ends(&mut setup(host.path(), &["--yes"]));
    said.fails_with(&["E: no such package", "setup.log"]);
}

#[test]
fn at_a_terminal_the_answer_counts() {
    for (answer, yes) in [
        ("y\n", true),
        ("yes\n", true),
        ("n\n", false),
        ("\n", false),
    ] {
        let host = without_qemu(0);
        let mut terminal = Terminal::open();
        terminal.start(setup(host.path(), &[]));
        terminal.shows("Install this now? [y/N] ");
        assert_eq!(told(host.path()), "");
        terminal.keys(answer.as_bytes());
        assert_eq!(terminal.end().success(), yes, "{}", terminal.text());
        if yes {
            installed(host.path());
        } else {
            terminal.shows("nothing was installed");
            assert_eq!(told(host.path()), "");
        }
    }
}

/// A host without a linker, and a cargo that links with the tree's script.
fn without_linker() -> TempDir {
    let host = tempfile::tempdir_in(FOLDER).unwrap();
    link(host.path(), &TOOLS);
    link(host.path(), &OF_LINKER);
    apt(host.path(), "cc");
    program(&host.path().join("id"), "#!/bin/sh\necho 0\n");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/linker.sh");
    // Its own copy, for the script itself is what those who link at a time wait for.
    fs::copy(script, host.path().join("linker.sh")).unwrap();
    let cargo = "#!/bin/sh\nsh \"$(dirname \"$0\")/linker.sh\" one.o\nexit $?\n";
    program(&host.path().join("cargo"), cargo);
    host
}

/// That cargo, away from the terminal that the tests may run at.
fn cargo(host: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("setsid");
    command
        .arg("--wait")
        .arg(host.join("cargo"))
        .args(arguments);
    command
        .env("PATH", host)
        .env_remove("CI")
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn linked(host: &Path, out: &str) {
    let told = told(host);
    let install = " install --yes --no-install-recommends gcc libc6-dev";
    assert!(
        told.contains(" update\n") && told.trim_end().ends_with(install),
        "{told}"
    );
    assert!(out.contains("with one.o"), "{out}");
}

#[test]
fn a_linker_is_installed_if_cargo_was_told_yes() {
    let host = without_linker();
    let refused = ends(&mut cargo(host.path(), &["build"]));
    refused.fails_with(&["nothing was installed: install the linker with: apt-get install"]);
    assert_eq!(told(host.path()), "");
    let said = ends(&mut cargo(host.path(), &["xtask", "run", "--yes"]));
    assert!(said.status.success(), "{said:#?}");
    linked(host.path(), &said.out);
    // Now there is one, and nobody is asked any more.
    fs::remove_file(host.path().join("told")).unwrap();
    let again = ends(&mut cargo(host.path(), &["build"]));
    assert!(again.out.contains("with one.o"), "{again:#?}");
    assert_eq!(told(host.path()), "");
}

#[test]
fn a_linker_is_installed_in_continuous_integration() {
    let host = without_linker();
    let said = ends(cargo(host.path(), &["build"]).env("CI", "true"));
    assert!(said.status.success(), "{said:#?}");
    linked(host.path(), &said.out);
}

#[test]
fn at_a_terminal_the_answer_about_the_linker_counts() {
    for (answer, yes) in [("y\n", true), ("n\n", false)] {
        let host = without_linker();
        let mut terminal = Terminal::open();
        let mut command = Command::new(host.path().join("cargo"));
        command
            .arg("build")
            .env("PATH", host.path())
            .env_remove("CI");
        terminal.start(command);
        terminal.shows("Install this now? [y/N] ");
        terminal.keys(answer.as_bytes());
        assert_eq!(terminal.end().success(), yes, "{}", terminal.text());
        if yes {
            terminal.shows("with one.o");
            linked(host.path(), &terminal.text());
        } else {
            assert_eq!(told(host.path()), "");
        }
    }
}
