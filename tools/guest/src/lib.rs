//! Fetches and builds a Linux guest: a kernel from Debian's source package, unpatched, and a userland of one program, busybox, from
//! Debian's source too. What of it is ours lies in `personalities/guest`: two configurations, the list of what is in the initramfs,
//! and its `/init`.
//!
//! The results lie in `target/cofferdam-guest`:
//!
//! | file | what it is |
//! |---|---|
//! | `linux/vmlinux` | the kernel as an ELF file, with symbols |
//! | `linux/linux.bin` | its image as it lies in memory from address 0, where it is entered |
//! | `linux/uImage` | the same, packed as QEMU's boot loader for this processor takes it |
//! | `busybox/busybox`, `busybox/busybox.links` | the userland, and the names under which it is called |
//! | `initramfs.cpio.gz` | the guest's first file system, with all of that |
//! | `programs` | our own programs in it as ELF files, with what a debugger takes: the same code at the same addresses |
//! | `build.log` | what the compilers said |
//!
//! Building takes some ten minutes once. A result is kept until what it was made from changes, see [`stage`]; the folder can be
//! deleted at any time.

#![forbid(unsafe_code)]

mod busybox;
mod debian;
mod initramfs;
mod kbuild;
mod linux;
pub mod native;
pub mod one_file;
mod stage;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cofferdam_files::alone;
use cofferdam_setup::{Found, Requirement};

/// A guest that was built.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The kernel as an ELF file, with symbols.
    pub vmlinux: PathBuf,
    /// The kernel's image as it lies in memory from address 0. It is entered at its first instruction.
    pub image: PathBuf,
    /// The kernel for QEMU's own boot loader.
    pub uimage: PathBuf,
    /// The first file system: a compressed archive, the same bytes for the same sources and compiler.
    pub initramfs: PathBuf,
    /// The version of Debian's package with the kernel's source.
    pub linux_version: String,
    /// The version of Debian's source package of busybox.
    pub busybox_version: String,
}

/// Where the guest's files go, given where everything else goes that is made from the tree.
pub fn directory(target: &Path) -> PathBuf {
    target.join("cofferdam-guest")
}

/// Builds the guest of the tree at `root`, or looks that it is built. What [`cofferdam_setup::OF_LINUX_GUEST`] lists has been
/// provided.
pub fn build(root: &Path, target: &Path) -> Result<Guest> {
    let place = Place::new(root, target)?;
    let _alone = alone(&place.folder)?;
    let compiler = found(root, Requirement::CrossCompiler)?;
    let source = found(root, Requirement::LinuxSource)?;
    found(root, Requirement::LinuxTools)?;
    let busybox = busybox::build(&place, &compiler)?;
    let linux = linux::build(&place, &source, &compiler)?;
    let initramfs = initramfs::make(&place, &linux, &busybox)?;
    Ok(Guest {
        vmlinux: linux.join(linux::VMLINUX),
        image: linux.join(linux::IMAGE),
        uimage: linux.join(linux::UIMAGE),
        initramfs,
        linux_version: source.version,
        busybox_version: busybox.version,
    })
}

/// Our own programs in the first file system, in the folder of the guest.
const WITH_LINES: &str = "programs";

/// Our own programs in the first file system, for a debugger, in the order of their names; none if they are not built.
pub fn programs(target: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(directory(target).join(WITH_LINES));
    let entries = folder.into_iter().flatten().flatten();
    let mut programs: Vec<_> = entries.map(|entry| entry.path()).collect();
    programs.sort();
    programs
}

/// The folder of source packages, in that of the guest and in that of whoever fetches them beforehand.
pub const SOURCES: &str = "sources";
/// The variable that names a folder in which they were fetched beforehand.
pub const SOURCES_VARIABLE: &str = "COFFERDAM_SOURCES";

/// Fetches the source packages into a folder, for a machine that cannot.
pub fn fetch_sources(folder: &Path, log: &Path) -> Result<()> {
    debian::fetch(busybox::BUSYBOX, &folder.join(busybox::BUSYBOX), log)
}

fn found(root: &Path, requirement: Requirement) -> Result<Found> {
    Ok(requirement.examine(root)?)
}

/// Where things are.
struct Place {
    /// What the tree has of the guest.
    own: PathBuf,
    /// Where it is built.
    folder: PathBuf,
}

impl Place {
    fn new(root: &Path, target: &Path) -> Result<Self> {
        let folder = directory(target);
        std::fs::create_dir_all(&folder)
            .and_then(|()| folder.canonicalize())
            .with_context(|| format!("{} cannot be created", folder.display()))
            .and_then(|folder| {
                if folder.to_string_lossy().contains([' ', ':']) {
                    bail!(
                        "Linux cannot be built in {}, for the space or colon in the path; set CARGO_TARGET_DIR to another folder",
                        folder.display()
                    );
                }
                Ok(Self {
                    own: root.join("personalities/guest"),
                    folder,
                })
            })
    }

    fn log(&self) -> PathBuf {
        self.folder.join("build.log")
    }

    /// One of the tree's files about the guest.
    fn own(&self, file: &str) -> Result<String> {
        let path = self.own.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    }
}
