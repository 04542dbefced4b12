//! Hosts that lack something. The tests of `cargo xtask` use them too.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The programs without which the compiler is not found.
const NEEDED: [&str; 4] = ["rustup", "ld.lld", "id", "sh"];

/// A folder for the `PATH`, with what is needed and a QEMU that is this script. `None`: there is no QEMU.
pub fn with_qemu(folder: &str, script: Option<&str>) -> TempDir {
    let host = tempfile::tempdir_in(folder).expect("a folder");
    link(host.path(), &NEEDED);
    if let Some(script) = script {
        program(&host.path().join("qemu-system-ppc"), script);
    }
    host
}

/// Links to programs of this host.
pub fn link(folder: &Path, names: &[&str]) {
    let path = std::env::var_os("PATH").expect("a PATH");
    for name in names {
        let mut candidates = std::env::split_paths(&path).map(|one| one.join(name));
        if let Some(program) = candidates.find(|program| program.is_file()) {
            symlink(program, folder.join(name)).expect("a link");
        }
    }
}

/// A program of a test's own. It is a child that writes it: what this process has open for writing, and with it whatever another test
/// starts just then, cannot be executed.
pub fn program(path: &Path, script: &str) {
    let write = "printf %s \"$2\" >\"$1\" && chmod +x \"$1\"";
    let mut sh = Command::new("sh");
    sh.args(["-c", write, "sh"]).arg(path).arg(script);
    assert!(sh.status().expect("it starts").success());
}

/// One that is too old.
pub const OLD: &str =
    "#!/bin/sh\necho 'QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)'\n";
/// One that does not start.
pub const BROKEN: &str = "#!/bin/sh\nexit 127\n";
/// One that is new enough, but cannot run the machine.
pub const POOR: &str = "#!/bin/sh
case $1 in
    --version) echo 'QEMU emulator version 9.0.0' ;;
    *) echo 'qemu-system-ppc: unsupported machine type' >&2; exit 1 ;;
esac
";
