//! Compilers of scripts, on hosts that have some of what they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{CORE, DEBIAN_PACKAGES, Origin, Places, Toolchain};
use crate::{Lack, Remedy};

const PINNED: &str = "1.95.0";
const RUSTUPS: [&str; 5] = [
    "bin/cargo",
    CORE,
    "lib/rustlib/of-a-test/bin/rust-lld",
    "bin/cargo-clippy",
    "bin/cargo-fmt",
];
const DEBIANS: [&str; 4] = ["bin/cargo", CORE, "bin/cargo-clippy", "bin/cargo-fmt"];

/// A tree that pins a channel, and two folders that compilers can be in.
struct Host {
    folder: TempDir,
    places: Places,
}

impl Host {
    /// Without any compiler.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pin = format!("[toolchain]\nchannel = \"{PINNED}\"\n");
        fs::write(folder.path().join("rust-toolchain.toml"), pin).unwrap();
        let places = Places {
            rustup: None,
            debian: folder.path().join("debian/bin"),
            linker: None,
        };
        Self { folder, places }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Puts a compiler of this release into a sysroot that has these files.
    fn compiler(&self, sysroot: &str, release: &str, files: &[&str]) {
        let sysroot = self.path(sysroot);
        for file in files {
            let file = sysroot.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let script = format!(
            "#!/bin/sh\ncase $1 in\n-vV) echo 'release: {release}'; echo 'host: of-a-test' ;;\n--print) echo '{}' ;;\nesac\n",
            sysroot.display()
        );
        program(&sysroot.join("bin/rustc"), &script);
    }

    /// Puts a rustup there that has the pinned toolchain if it is installed.
    fn rustup(&mut self) {
        let rustup = self.path("rustup");
        let rustc = self.path("rustup.d/bin/rustc");
        let script = format!(
            "#!/bin/sh\n[ \"$*\" = 'which --toolchain {PINNED} rustc' ] && [ -e '{rustc}' ] && echo '{rustc}'\n",
            rustc = rustc.display()
        );
        program(&rustup, &script);
        self.places.rustup = Some(rustup);
    }

    fn linker(&mut self) {
        self.places.linker = Some(self.path("ld.lld"));
    }

    fn find(&self) -> Result<Toolchain, Lack> {
        self.places.find(self.folder.path())
    }

    #[track_caller]
    fn lacks(&self, why: &str) -> Remedy {
        let lack = self.find().expect_err("something is missing");
        assert!(lack.why.contains(why), "{why}: {lack:?}");
        lack.remedy
    }
}

/// A program. It is a child that writes it: a file that this process has open for writing, and with it whatever another test
/// starts just then, cannot be executed.
fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let write = "printf %s \"$2\" >\"$1\" && chmod +x \"$1\"";
    let mut sh = Command::new("sh");
    sh.args(["-c", write, "sh"]).arg(path).arg(script);
    assert!(sh.status().unwrap().success());
}

#[test]
fn rustups_toolchain_comes_before_debians() {
    let mut host = Host::new();
    host.rustup();
    host.linker();
    host.compiler("rustup.d", PINNED, &RUSTUPS);
    host.compiler("debian", "1.96.0", &DEBIANS);
    let found = host.find().unwrap();
    assert_eq!(
        (found.origin, found.release.as_str()),
        (Origin::Rustup, PINNED)
    );
    assert_eq!(found.sysroot, host.path("rustup.d"));
    assert_eq!(found.cargo, host.path("rustup.d/bin/cargo"));
    assert_eq!(found.linker, None);
}

#[test]
fn a_toolchain_that_is_another_release_than_its_name_says_is_none() {
    for release in ["1.94.1", "1.95.1", "1.95.0-nightly", "1.96.0"] {
        let mut host = Host::new();
        host.rustup();
        host.compiler("rustup.d", release, &RUSTUPS);
        let remedy = host.lacks(&format!("rustup's toolchain 1.95.0 is Rust {release}: "));
        assert!(
            matches!(&remedy, Remedy::ByHand(text) if text.contains("uninstall 1.95.0")),
            "{remedy:?}"
        );
        // Debian's will do, if it is there.
        host.linker();
        host.compiler("debian", "1.96.0", &DEBIANS);
        assert_eq!(host.find().unwrap().origin, Origin::Debian);
    }
}

#[test]
fn what_a_toolchain_of_rustup_lacks_is_named() {
    let names = ["cargo", "rust-src", "rust-lld", "clippy", "rustfmt"];
    for (number, name) in names.iter().enumerate() {
        let mut host = Host::new();
        host.rustup();
        let mut files = RUSTUPS.to_vec();
        files.remove(number);
        host.compiler("rustup.d", PINNED, &files);
        let remedy = host.lacks(&format!("toolchain 1.95.0 lacks {name}"));
        assert!(matches!(remedy, Remedy::Rustup), "{remedy:?}");
    }
    let mut host = Host::new();
    host.rustup();
    let remedy = host.lacks("rustup has no toolchain 1.95.0");
    assert!(matches!(remedy, Remedy::Rustup), "{remedy:?}");
}

#[test]
fn debians_compiler_stands_in_where_rustup_has_none() {
    for with_rustup in [false, true] {
        let mut host = Host::new();
        if with_rustup {
            host.rustup();
        }
        host.linker();
        host.compiler("debian", "1.96.0", &DEBIANS);
        let found = host.find().unwrap();
        assert_eq!(
            (found.origin, found.release.as_str()),
            (Origin::Debian, "1.96.0")
        );
        assert_eq!(found.sysroot, host.path("debian"));
        assert_eq!(found.linker, Some(host.path("ld.lld")));
    }
}

#[test]
fn debians_compiler_is_wanted_whole_and_in_the_release_that_was_tried() {
    let packages = |remedy| matches!(remedy, Remedy::Packages(names) if names == DEBIAN_PACKAGES);
    let host = Host::new();
    assert!(packages(host.lacks(
        "no rustup, which would bring Rust 1.95.0, and Debian's Rust 1.96.0 is not there either"
    )));
    host.compiler("debian", "1.63.0", &DEBIANS);
    assert!(packages(
        host.lacks("debian/bin/rustc is Rust 1.63.0, not 1.96.0")
    ));
    host.compiler("debian", "1.96.0", &DEBIANS);
    assert!(packages(host.lacks("Debian's Rust 1.96.0 lacks lld")));
    for (number, name) in ["cargo", "rust-src", "clippy", "rustfmt"]
        .iter()
        .enumerate()
    {
        let mut host = Host::new();
        host.linker();
        let mut files = DEBIANS.to_vec();
        files.remove(number);
        host.compiler("debian", "1.96.0", &files);
        let why = format!("Debian's Rust 1.96.0 lacks {name}");
        assert!(packages(host.lacks(&why)));
    }
}

#[test]
fn a_tree_that_pins_nothing_is_no_tree() {
    let host = Host::new();
    fs::write(host.path("rust-toolchain.toml"), "[toolchain]\n").unwrap();
    let remedy = host.lacks("rust-toolchain.toml names no channel");
    assert!(matches!(remedy, Remedy::ByHand(_)), "{remedy:?}");
    fs::remove_file(host.path("rust-toolchain.toml")).unwrap();
    host.lacks("rust-toolchain.toml cannot be read");
}
