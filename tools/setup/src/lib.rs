//! What the build and the runs need on this host, where it was found, and how to get what is missing.
//!
//! A command names its [`Requirement`]s and calls [`provide`]: what is there costs a few process starts; what is missing is
//! listed, asked about, and installed from the two sources a user of Debian and Rust trusts already: Debian's packages and
//! rustup. Nothing else on the machine is touched, and running it again at any time is harmless: each requirement is judged
//! afresh by looking at the tool itself, not at a note of an earlier installation.

#![forbid(unsafe_code)]

mod guest;
mod install;
mod program;
mod toolchain;

use std::fmt::{self, Write as _};
use std::io::{BufRead, IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cofferdam_progress::{ask, say};

pub use guest::u_boot;
pub use program::{MINIMUM_QEMU, qemu};
pub use toolchain::{Origin, Toolchain};

/// Something that a command needs on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The pinned Rust compiler with the source of `core` and a linker for PowerPC.
    Toolchain,
    /// The emulator.
    Qemu,
    /// A debugger that knows PowerPC.
    Gdb,
    /// `readelf` and `objdump` for PowerPC.
    Binutils,
    /// The source of the Linux guest's kernel.
    LinuxSource,
    /// The C compiler for PowerPC under Linux, with its library.
    CrossCompiler,
    /// What the builds of a Linux kernel and of busybox call.
    LinuxTools,
    /// U-Boot for a `ppce500` machine.
    UBoot,
    /// What makes file systems of Linux, and looks whether they are sound.
    FileSystems,
    /// A browser that needs no screen.
    Browser,
}

/// What building the Linux guest takes, and nothing else does.
pub const OF_LINUX_GUEST: [Requirement; 3] = [
    Requirement::LinuxSource,
    Requirement::CrossCompiler,
    Requirement::LinuxTools,
];

/// All requirements, in the order in which they are shown.
pub const ALL: [Requirement; 10] = [
    Requirement::Toolchain,
    Requirement::Qemu,
    Requirement::Gdb,
    Requirement::Binutils,
    Requirement::LinuxSource,
    Requirement::CrossCompiler,
    Requirement::LinuxTools,
    Requirement::UBoot,
    Requirement::FileSystems,
    Requirement::Browser,
];

const GDB_PACKAGES: &[&str] = &["gdb-multiarch"];
const BINUTILS_PACKAGES: &[&str] = &["binutils-powerpc-linux-gnu"];
const BROWSER_PACKAGES: &[&str] = &["chromium"];

/// A requirement that is met.
#[derive(Clone, Debug)]
pub struct Found {
    /// The program.
    pub path: PathBuf,
    /// What it calls itself.
    pub version: String,
}

/// A requirement that is not met.
#[derive(Clone, Debug)]
pub struct Lack {
    /// What was looked for, and what was there instead.
    pub why: String,
    /// What would mend it.
    pub remedy: Remedy,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; to mend it: {}", self.why, self.remedy.by_hand())?;
        match self.remedy {
            Remedy::ByHand(_) => Ok(()),
            Remedy::Rustup | Remedy::Packages(_) => f.write_str(" (or `cargo xtask setup`)"),
        }
    }
}

impl std::error::Error for Lack {}

/// How a requirement can be met.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// `rustup toolchain install`, which reads `rust-toolchain.toml`.
    Rustup,
    /// These Debian packages.
    Packages(&'static [&'static str]),
    /// Nothing that this program may do; the text says what the user can.
    ByHand(String),
}

impl Requirement {
    /// The name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Toolchain => "Rust for the target",
            Self::Qemu => "QEMU for PowerPC",
            Self::Gdb => "debugger",
            Self::Binutils => "binutils for PowerPC",
            Self::LinuxSource => "source of Linux, for a guest",
            Self::CrossCompiler => "C compiler for PowerPC, for a guest or an application in C",
            Self::LinuxTools => "tools of the builds of Linux and busybox, for a guest",
            Self::UBoot => "U-Boot, for a guest",
            Self::FileSystems => "file systems, for tests",
            Self::Browser => "browser, for a test of the page",
        }
    }

    /// Debian's packages that bring it; none for what rustup brings.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Toolchain => &[],
            Self::Qemu => program::QEMU_PACKAGES,
            Self::Gdb => GDB_PACKAGES,
            Self::Binutils => BINUTILS_PACKAGES,
            Self::LinuxSource => guest::LINUX_SOURCE,
            Self::CrossCompiler => guest::CROSS_COMPILER,
            Self::LinuxTools => guest::TOOLS_PACKAGES,
            Self::UBoot => guest::U_BOOT,
            Self::FileSystems => guest::FILE_SYSTEMS,
            Self::Browser => BROWSER_PACKAGES,
        }
    }

    /// Looks for it. `root` is the root of the source tree, whose `rust-toolchain.toml` names the compiler.
    pub fn examine(self, root: &Path) -> Result<Found, Lack> {
        match self {
            Self::Toolchain => Toolchain::find(root).map(|toolchain| Found {
                version: format!("rustc {} ({})", toolchain.release, toolchain.origin),
                path: toolchain.rustc,
            }),
            Self::Qemu => qemu(),
            Self::Gdb => program::any_version("gdb-multiarch", GDB_PACKAGES),
            Self::Binutils => program::any_version("powerpc-linux-gnu-readelf", BINUTILS_PACKAGES),
            Self::LinuxSource => guest::linux_source(),
            Self::CrossCompiler => guest::cross_compiler(),
            Self::LinuxTools => guest::linux_tools(),
            Self::UBoot => guest::u_boot(),
            Self::FileSystems => guest::file_systems(),
            Self::Browser => program::any_version("chromium", BROWSER_PACKAGES),
        }
    }
}

impl Remedy {
    /// What the user can type to the same effect.
    pub fn by_hand(&self) -> String {
        match self {
            Self::Rustup => "rustup toolchain install".into(),
            Self::Packages(names) => {
                format!(
                    "{}apt-get install --no-install-recommends {}",
                    install::sudo_prefix(),
                    names.join(" ")
                )
            }
            Self::ByHand(text) => text.clone(),
        }
    }
}

/// Whether something may be installed without a further question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The user said so beforehand (`--yes`), or there is nobody to ask (continuous integration).
    Given,
    /// The user is at a terminal: ask.
    Ask,
    /// Not given, and no terminal to ask on.
    Withheld,
}

impl Consent {
    /// From the flag `--yes`, the variable `CI`, and whether there is a terminal.
    pub fn of_user(yes: bool) -> Self {
        if yes || std::env::var("CI").is_ok_and(|value| value == "true" || value == "1") {
            Self::Given
        } else if stdin().is_terminal() && stderr().is_terminal() {
            Self::Ask
        } else {
            Self::Withheld
        }
    }
}

/// Makes sure that all of `needed` is there, installing what is missing if `consent` allows it.
///
/// On return everything was looked at again and found. What the installers say is kept in `target`, where cargo builds.
pub fn provide(root: &Path, target: &Path, needed: &[Requirement], consent: Consent) -> Result<()> {
    let lacks = lacks(root, needed);
    if lacks.is_empty() {
        return Ok(());
    }
    let mut list = String::from("Missing on this machine:\n");
    for (requirement, lack) in &lacks {
        writeln!(
            list,
            "  {}: {}\n      {}",
            requirement.title(),
            lack.why,
            lack.remedy.by_hand()
        )?;
    }
    say!("{}", list.trim_end());
    if lacks
        .iter()
        .any(|(_, lack)| matches!(lack.remedy, Remedy::ByHand(_)))
    {
        bail!(
            "this cannot be installed automatically; follow the hints above and run the command again"
        );
    }
    match consent {
        Consent::Given => {}
        Consent::Ask if asked_yes()? => {}
        Consent::Ask => bail!("nothing was installed"),
        Consent::Withheld => bail!(
            "there is no terminal to ask on: run the command again with --yes to have this installed, or install it yourself"
        ),
    }
    let log = target.join("cofferdam/setup.log");
    let mut packages = Vec::new();
    let mut rustup = false;
    for (_, lack) in lacks {
        match lack.remedy {
            Remedy::Packages(names) => packages.extend_from_slice(names),
            Remedy::Rustup => rustup = true,
            Remedy::ByHand(_) => {}
        }
    }
    if !packages.is_empty() {
        install::packages(&packages, &log)?;
    }
    if rustup {
        install::rustup_toolchain(root, &log)?;
    }
    match self::lacks(root, needed).first() {
        None => Ok(()),
        Some((requirement, lack)) => {
            bail!(
                "installed, but {} is still missing: {} (see {})",
                requirement.title(),
                lack.why,
                log.display()
            )
        }
    }
}

fn lacks(root: &Path, needed: &[Requirement]) -> Vec<(Requirement, Lack)> {
    needed
        .iter()
        .filter_map(|need| need.examine(root).err().map(|lack| (*need, lack)))
        .collect()
}

fn asked_yes() -> Result<bool> {
    ask("Install this now? [y/N] ");
    let mut answer = String::new();
    stdin()
        .lock()
        .read_line(&mut answer)
        .context("the answer could not be read")?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
