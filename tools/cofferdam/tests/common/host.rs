//! Hosts that lack something. The tests of `cargo xtask` use them too.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

/// The programs without which the compiler is not found.
const NEEDED: [&str; 4] = ["rustup", "ld.lld", "id", "sh"];

/// A folder for the `PATH`, with what is needed and a QEMU that is this script. `None`: there is no QEMU.
pub fn with_qemu(folder: &str, script: Option<&str>) -> TempDir {
    let host = tempfile::tempdir_in(folder).expect("a folder");
    let path = std::env::var_os("PATH").expect("a PATH");
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    for name in NEEDED {
        let mut candidates = folders.iter().map(|folder| folder.join(name));
        if let Some(program) = candidates.find(|program| program.is_file()) {
            symlink(program, host.path().join(name)).expect("a link");
        }
    }
    if let Some(script) = script {
        program(&host.path().join("qemu-system-ppc"), script);
    }
    host
}

fn program(path: &Path, script: &str) {
    fs::write(path, script).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
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
