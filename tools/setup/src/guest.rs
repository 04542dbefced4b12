//! What guests take. To build the Linux guest: Debian's source of the kernel, a cross compiler, and what the builds call. U-Boot is
//! taken as Debian built it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{any_version, on_path, output};
use crate::{Found, Lack, Remedy};

/// Debian's package with the source of the kernel.
pub(crate) const LINUX_SOURCE: &[&str; 1] = &["linux-source-6.12"];
/// What is in it.
const LINUX_ARCHIVE: &str = "/usr/src/linux-source-6.12.tar.xz";

/// Debian's package with U-Boot for the machines of QEMU.
pub(crate) const U_BOOT: &[&str; 1] = &["u-boot-qemu"];
/// What of it is for `ppce500`.
const U_BOOT_ELF: &str = "/usr/lib/u-boot/qemu-ppce500/uboot.elf";

/// Debian's package with the programs for file systems, and the one that makes them: it is not on everybody's PATH.
pub(crate) const FILE_SYSTEMS: &[&str; 1] = &["e2fsprogs"];
const MAKE_FILE_SYSTEM: &str = "/sbin/mke2fs";

pub(crate) const CROSS_COMPILER: &[&str] = &["gcc-powerpc-linux-gnu", "libc6-dev-powerpc-cross"];
/// The static C library that comes with the second package.
const CROSS_LIBRARY: &str = "/usr/powerpc-linux-gnu/lib/libc.a";

/// Programs that the builds call, or we before them. The compiler of the host is there: cargo links with it.
const TOOLS: [&str; 7] = [
    "make",
    "flex",
    "bison",
    "bc",
    "mkimage",
    "dpkg-source",
    "xz",
];
pub(crate) const TOOLS_PACKAGES: &[&str] = &[
    "make",
    "gcc",
    "libc6-dev",
    "flex",
    "bison",
    "bc",
    "u-boot-tools",
    "dpkg-dev",
    "xz-utils",
];

/// The archive of the source, and the version of its package.
pub(crate) fn linux_source() -> Result<Found, Lack> {
    of_package(LINUX_ARCHIVE, LINUX_SOURCE)
}

/// The ELF of U-Boot, and the version of its package.
pub fn u_boot() -> Result<Found, Lack> {
    of_package(U_BOOT_ELF, U_BOOT)
}

/// The program that makes file systems, and the version of its package. The others lie beside it.
pub(crate) fn file_systems() -> Result<Found, Lack> {
    of_package(MAKE_FILE_SYSTEM, FILE_SYSTEMS)
}

/// A file that a Debian package has: the package alone.
fn of_package(file: &str, packages: &'static [&'static str; 1]) -> Result<Found, Lack> {
    let lack = |why: String| Lack {
        why,
        remedy: Remedy::Packages(packages),
    };
    let path = PathBuf::from(file);
    if !path.is_file() {
        return Err(lack(format!("{file} is not there")));
    }
    let [package] = packages;
    let version =
        output(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]))
            .ok_or_else(|| {
                lack(format!(
                    "{file} is there, but not from the package {package}"
                ))
            })?;
    Ok(Found { path, version })
}

/// The compiler, if it has its library too.
pub(crate) fn cross_compiler() -> Result<Found, Lack> {
    let found = any_version("powerpc-linux-gnu-gcc", CROSS_COMPILER)?;
    if !Path::new(CROSS_LIBRARY).is_file() {
        return Err(Lack {
            why: format!("{CROSS_LIBRARY} is not there"),
            remedy: Remedy::Packages(CROSS_COMPILER),
        });
    }
    Ok(found)
}

/// All of the tools; for the version, that of `make` stands.
pub(crate) fn linux_tools() -> Result<Found, Lack> {
    let absent: Vec<_> = TOOLS
        .into_iter()
        .filter(|name| on_path(name).is_none())
        .collect();
    if !absent.is_empty() {
        return Err(Lack {
            why: format!("not on the PATH: {}", absent.join(", ")),
            remedy: Remedy::Packages(TOOLS_PACKAGES),
        });
    }
    any_version("make", TOOLS_PACKAGES)
}
