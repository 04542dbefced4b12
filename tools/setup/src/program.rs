//! Programs looked for on the `PATH`, and what version they say they are.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Found, Lack, Remedy};

/// The oldest QEMU that is accepted: the release whose model of the machine the kernel was tried on, and the first of
/// Debian 12.
pub const MINIMUM_QEMU: (u32, u32) = (7, 2);

/// Debian's package with it.
pub(crate) const QEMU_PACKAGES: &[&str] = &["qemu-system-ppc"];

/// Finds QEMU for 32-bit PowerPC.
pub fn qemu() -> Result<Found, Lack> {
    let found = any_version("qemu-system-ppc", QEMU_PACKAGES)?;
    let (major, minor) = MINIMUM_QEMU;
    match version_number(&found.version) {
        Some(version) if version >= MINIMUM_QEMU => Ok(found),
        _ => Err(Lack {
            why: format!(
                "{} is \"{}\", and at least {major}.{minor} is needed",
                found.path.display(),
                found.version
            ),
            remedy: Remedy::ByHand(format!(
                "remove it from the PATH and install a newer one: Debian 12 or later has it in the package qemu-system-ppc ({major}.{minor})"
            )),
        }),
    }
}

/// Finds a program of which every version will do.
pub(crate) fn any_version(name: &str, packages: &'static [&'static str]) -> Result<Found, Lack> {
    let Some(path) = on_path(name) else {
        return Err(Lack {
            why: format!("{name} is not on the PATH"),
            remedy: Remedy::Packages(packages),
        });
    };
    match first_line(Command::new(&path).arg("--version")) {
        Some(version) => Ok(Found { path, version }),
        None => Err(Lack {
            why: format!("{} does not start", path.display()),
            remedy: Remedy::ByHand(format!(
                "reinstall the Debian package {}",
                packages.join(" ")
            )),
        }),
    }
}

/// The program's full path. What nobody may execute is no program, as for a shell.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| {
            let executable = |file: Metadata| file.is_file() && file.mode() & 0o111 != 0;
            candidate.metadata().is_ok_and(executable)
        })
}

/// What a program prints, if it ends well.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn first_line(command: &mut Command) -> Option<String> {
    output(command)?.lines().next().map(str::to_owned)
}

/// The first "major.minor" in a version line.
fn version_number(line: &str) -> Option<(u32, u32)> {
    line.split([' ', '(', ')', '-', '+']).find_map(|word| {
        let mut parts = word.split('.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::version_number;

    #[test]
    fn version_lines_of_qemu() {
        assert_eq!(
            version_number("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"),
            Some((7, 2))
        );
        assert_eq!(
            version_number("QEMU emulator version 10.0.2"),
            Some((10, 0))
        );
        assert_eq!(
            version_number("QEMU emulator version 5.2.0 (Debian)"),
            Some((5, 2))
        );
        assert_eq!(version_number("no such thing"), None);
    }
}
