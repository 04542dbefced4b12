//! The Rust compiler for the target: the release pinned in `rust-toolchain.toml`, by rustup; or else Debian's.
//!
//! Later releases of rustc refuse a soft-float PowerPC target, earlier ones lack features that the code uses. Hence an exact
//! release, and one alternative that was tried: Debian's `rustc-web` 1.96.

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
        let of_rustup = rustups(root);
        match of_rustup {
            Ok(toolchain) => Ok(toolchain),
            Err(lack) => debians().ok_or(lack),
        }
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

    /// Where the source of the standard library lies.
    pub fn library_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }
}

/// The pinned toolchain of rustup, complete.
fn rustups(root: &Path) -> Result<Toolchain, Lack> {
    let channel = pinned_channel(root)?;
    if on_path("rustup").is_none() {
        return Err(Lack {
            why: format!(
                "neither rustup, which would bring Rust {channel}, nor Debian's Rust {DEBIAN_RELEASE} was found"
            ),
            remedy: Remedy::Packages(DEBIAN_PACKAGES),
        });
    }
    let lack = |why: String| Lack {
        why,
        remedy: Remedy::Rustup,
    };
    let rustc = output(Command::new("rustup").args(["which", "--toolchain", &channel, "rustc"]))
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
    let parts = [
        ("cargo", "bin/cargo".to_owned()),
        (
            "rust-src",
            "lib/rustlib/src/rust/library/core/src/lib.rs".to_owned(),
        ),
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

/// Debian's compiler, if it is the release that was tried and nothing is missing.
fn debians() -> Option<Toolchain> {
    let folder = Path::new("/usr/bin");
    let rustc = folder.join("rustc");
    let (release, _) = release_and_host(&rustc)?;
    let sysroot = PathBuf::from(output(Command::new(&rustc).args(["--print", "sysroot"]))?.trim());
    let linker = on_path("ld.lld")?;
    let complete = release == DEBIAN_RELEASE
        && sysroot
            .join("lib/rustlib/src/rust/library/core/src/lib.rs")
            .exists()
        && ["cargo", "cargo-clippy", "cargo-fmt"]
            .iter()
            .all(|name| folder.join(name).exists());
    complete.then(|| Toolchain {
        origin: Origin::Debian,
        release,
        cargo: folder.join("cargo"),
        rustc,
        sysroot,
        linker: Some(linker),
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
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "channel")
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .ok_or_else(|| Lack {
            why: format!("{} names no channel", file.display()),
            remedy: Remedy::ByHand("restore the file from the repository".into()),
        })
}
