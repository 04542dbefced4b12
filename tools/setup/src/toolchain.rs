//! The Rust compiler for the target: the release pinned in `rust-toolchain.toml`, by rustup; or else Debian's.
//!
//! Later releases of rustc refuse a soft-float PowerPC target, earlier ones lack features that the code uses. Hence an exact
//! release, and one alternative that was tried: Debian's `rustc-web` 1.96.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{on_path, output};
use crate::{Lack, Remedy};

/// Debian's compiler that builds the target too.
const DEBIAN_RELEASE: &str = "1.96.0";
const DEBIAN_PACKAGES: &[&str] = &[
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-clippy",
    "rustfmt-web",
    "lld",
];

/// A file of the source of `core`, in a sysroot.
const CORE: &str = "lib/rustlib/src/rust/library/core/src/lib.rs";

/// A complete compiler: cargo, rustc, the source of `core`, a linker, clippy and rustfmt.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Who installed it.
    pub origin: Origin,
    /// Its release, such as "1.95.0".
    pub release: String,
    /// The compiler.
    pub rustc: PathBuf,
    /// Its cargo.
    pub cargo: PathBuf,
    /// The folder that holds `lib/rustlib`.
    pub sysroot: PathBuf,
    /// The linker to be named to cargo; `None` if the compiler finds its own.
    pub linker: Option<PathBuf>,
}

/// Who installed a toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// rustup.
    Rustup,
    /// Debian's packages.
    Debian,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "rustup",
            Self::Debian => "Debian",
        })
    }
}

impl Toolchain {
    /// Finds it, or says what is missing.
    pub fn find(root: &Path) -> Result<Self, Lack> {
        Places::of_this_host().find(root)
    }

    /// A cargo of this toolchain, with nothing left of the toolchain that may be running us.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        for variable in [
            "CARGO",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTUP_TOOLCHAIN",
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
        ] {
            cargo.env_remove(variable);
        }
        cargo.env("RUSTC", &self.rustc);
        // `cargo clippy` and `cargo fmt` are looked up on the PATH, and call rustc and rustfmt there.
        if let Some(folder) = self.cargo.parent() {
            let rest = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&rest));
            if let Ok(path) = std::env::join_paths(folders) {
                cargo.env("PATH", path);
            }
        }
        cargo
    }

    /// The host that it is for, as rustc calls it.
    pub fn host(&self) -> Option<String> {
        let said = output(Command::new(&self.rustc).arg("-vV"))?;
        let line = said.lines().find_map(|line| line.strip_prefix("host: "))?;
        Some(line.to_owned())
    }

    /// Where the source of the standard library lies.
    pub fn library_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }
}

/// Where compilers are looked for.
struct Places {
    /// rustup, if there is one.
    rustup: Option<PathBuf>,
    /// The folder of the programs that Debian's packages install.
    debian: PathBuf,
    /// The linker of Debian's LLVM, if there is one.
    linker: Option<PathBuf>,
}

impl Places {
    fn of_this_host() -> Self {
        Self {
            rustup: on_path("rustup"),
            debian: PathBuf::from("/usr/bin"),
            linker: on_path("ld.lld"),
        }
    }

    /// rustup's toolchain; or else Debian's; or else what rustup's lacks, for that is the one to be mended.
    fn find(&self, root: &Path) -> Result<Toolchain, Lack> {
        let channel = pinned_channel(root)?;
        let debians = self.debians();
        let Some(rustup) = &self.rustup else {
            return debians.map_err(|why| Lack {
                why: format!("there is no rustup, which would bring Rust {channel}, and {why}"),
                remedy: Remedy::Packages(DEBIAN_PACKAGES),
            });
        };
        rustups(rustup, &channel).or_else(|lack| debians.map_err(|_| lack))
    }

    /// Debian's compiler, if it is the release that was tried and nothing is missing; or else in words what is.
    fn debians(&self) -> Result<Toolchain, String> {
        let rustc = self.debian.join("rustc");
        let (release, _) = release_and_host(&rustc)
            .ok_or_else(|| format!("Debian's Rust {DEBIAN_RELEASE} is not there either"))?;
        if release != DEBIAN_RELEASE {
            return Err(format!(
                "{} is Rust {release}, not {DEBIAN_RELEASE}",
                rustc.display()
            ));
        }
        let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))
            .map(|path| PathBuf::from(path.trim()))
            .ok_or_else(|| format!("{} names no sysroot", rustc.display()))?;
        let mut absent = Vec::new();
        for (name, file) in [
            ("cargo", self.debian.join("cargo")),
            ("rust-src", sysroot.join(CORE)),
            ("clippy", self.debian.join("cargo-clippy")),
            ("rustfmt", self.debian.join("cargo-fmt")),
        ] {
            if !file.exists() {
                absent.push(name);
            }
        }
        let linker = self.linker.clone();
        if linker.is_none() {
            absent.push("lld");
        }
        if !absent.is_empty() {
            return Err(format!(
                "Debian's Rust {release} lacks {}",
                absent.join(", ")
            ));
        }
        Ok(Toolchain {
            origin: Origin::Debian,
            release,
            cargo: self.debian.join("cargo"),
            rustc,
            sysroot,
            linker,
        })
    }
}

/// The pinned toolchain of rustup, complete.
fn rustups(rustup: &Path, channel: &str) -> Result<Toolchain, Lack> {
    let lack = |why: String| Lack {
        why,
        remedy: Remedy::Rustup,
    };
    let rustc = output(Command::new(rustup).args(["which", "--toolchain", channel, "rustc"]))
        .map(|path| PathBuf::from(path.trim()))
        .ok_or_else(|| lack(format!("rustup has no toolchain {channel}")))?;
    // Toolchains can be links to one another, and the compiler names files by where they really lie.
    let sysroot = rustc
        .canonicalize()
        .ok()
        .and_then(|rustc| Some(rustc.parent()?.parent()?.to_path_buf()))
        .ok_or_else(|| lack(format!("rustup's {} is not there", rustc.display())))?;
    let (release, host) = release_and_host(&rustc)
        .ok_or_else(|| lack(format!("{} does not start", rustc.display())))?;
    if release != channel {
        // rustup takes the name for the thing, and would install nothing.
        return Err(Lack {
            why: format!(
                "rustup's toolchain {channel} is Rust {release}: {}",
                rustc.display()
            ),
            remedy: Remedy::ByHand(format!(
                "rustup toolchain uninstall {channel}, then rustup toolchain install"
            )),
        });
    }
    let parts = [
        ("cargo", "bin/cargo".to_owned()),
        ("rust-src", CORE.to_owned()),
        ("rust-lld", format!("lib/rustlib/{host}/bin/rust-lld")),
        ("clippy", "bin/cargo-clippy".to_owned()),
        ("rustfmt", "bin/cargo-fmt".to_owned()),
    ];
    let absent: Vec<_> = parts
        .iter()
        .filter(|(_, file)| !sysroot.join(file).exists())
        .map(|(name, _)| *name)
        .collect();
    if !absent.is_empty() {
        return Err(lack(format!(
            "toolchain {channel} lacks {}",
            absent.join(", ")
        )));
    }
    Ok(Toolchain {
        origin: Origin::Rustup,
        release,
        cargo: sysroot.join("bin/cargo"),
        rustc,
        sysroot,
        linker: None,
    })
}

/// The release and host that a compiler says it is.
fn release_and_host(rustc: &Path) -> Option<(String, String)> {
    let text = output(Command::new(rustc).arg("-vV"))?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|rest| rest.trim().to_owned())
    };
    Some((field("release:")?, field("host:")?))
}

/// `toolchain.channel` of `rust-toolchain.toml`. The file is our own and has one `channel`; rustup judges the rest of it.
fn pinned_channel(root: &Path) -> Result<String, Lack> {
    let file = root.join("rust-toolchain.toml");
    let by_hand = |why: String| Lack {
        why,
        remedy: Remedy::ByHand("restore the file from the repository".into()),
    };
    let text = std::fs::read_to_string(&file)
        .map_err(|error| by_hand(format!("{} cannot be read: {error}", file.display())))?;
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "channel")
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .ok_or_else(|| by_hand(format!("{} names no channel", file.display())))
}
