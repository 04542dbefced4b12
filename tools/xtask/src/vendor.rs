//! `cargo xtask vendor`: everything that a build needs, in one folder, for a machine without a network.
//!
//! | in the folder | what it is |
//! |---|---|
//! | `crates` | every crate of `Cargo.lock`, of the fuzz targets' and of the standard library's own, which the target compiles too |
//! | `cargo`, `rustup` | homes of the two: where cargo finds those crates, and the compiler that the tree names |
//! | `sources` | Debian's source package of the guest's userland |
//! | `debian` | Debian's packages that `cargo xtask doctor` looks for, with all that they depend on |
//! | `env.sh` | the variables that lead there, for a shell |
//!
//! Each part is whole or not there, and made again only if it is not: an interrupted command goes on where it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_build::store;
use cofferdam_progress::{logged, say};
use cofferdam_setup::{ALL, Origin, Requirement, Toolchain};

use crate::parts::Tally;
use crate::workspace::Workspace;

const CRATES: &str = "crates";
const CARGO: &str = "cargo";
const RUSTUP: &str = "rustup";
const DEBIAN: &str = "debian";
const ENVIRONMENT: &str = "env.sh";

/// Fetches all of it.
pub fn run(root: &Path, toolchain: &Toolchain, folder: &Path) -> Result<()> {
    let place = Place::new(root, toolchain, folder)?;
    place.part(CRATES, |to| place.crates(to, false))?;
    place.homes(copy)?;
    place.part(cofferdam_guest::SOURCES, |to| {
        cofferdam_guest::fetch_sources(to, &place.log)
    })?;
    place.part(DEBIAN, |to| place.packages(to))?;
    let folder = place.folder.display();
    say!(
        "everything is in {folder}. On the other machine: `sudo dpkg --install {folder}/{DEBIAN}/*.deb`, then in a shell `. {folder}/{ENVIRONMENT}`, and every command as ever"
    );
    Ok(())
}

/// How the compiler comes into the folder: from, to, and where it is told what went wrong.
type Bring = fn(&Path, &Path, &Path) -> Result<()>;

/// Where things are.
struct Place<'a> {
    root: &'a Path,
    toolchain: &'a Toolchain,
    folder: PathBuf,
    log: PathBuf,
}

impl<'a> Place<'a> {
    fn new(root: &'a Path, toolchain: &'a Toolchain, folder: &Path) -> Result<Self> {
        let made = fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
        let folder = made.with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(Self {
            root,
            toolchain,
            log: folder.join("vendor.log"),
            folder,
        })
    }

    /// A part: as a whole, or not at all.
    fn part(&self, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let to = self.folder.join(name);
        if to.is_dir() {
            return Ok(());
        }
        let partial = self.folder.join(format!("{name}.partial"));
        fs::remove_dir_all(&partial).ok();
        fs::create_dir_all(&partial)?;
        fill(&partial)?;
        fs::rename(&partial, &to).with_context(|| format!("{} cannot be created", to.display()))
    }

    /// Every crate, those of the standard library's own lock file among them. `offline`: from what cargo has fetched before.
    fn crates(&self, to: &Path, offline: bool) -> Result<()> {
        let library = self.toolchain.library_source().join("library/Cargo.toml");
        let mut cargo = self.toolchain.cargo();
        cargo
            .current_dir(self.root)
            .args(["vendor", "--locked", "--versioned-dirs"])
            .arg("--sync")
            .arg(library)
            .args(["--sync", "verification/fuzz/libfuzzer/Cargo.toml"])
            .arg(to)
            // The standard library's manifests use what a stable cargo has not (tools/target-build).
            .env("RUSTC_BOOTSTRAP", "1")
            .stdin(Stdio::null());
        if offline {
            cargo.env("CARGO_NET_OFFLINE", "true");
        }
        logged("fetching crates", &mut cargo, &self.log, str::to_owned)
    }

    /// The homes of cargo and of rustup, and what leads to them.
    fn homes(&self, bring: Bring) -> Result<()> {
        let folder = self.folder.display();
        self.part(CARGO, |to| {
            Ok(fs::write(to.join("config.toml"), self.configuration())?)
        })?;
        let mut variables = vec![
            ("CARGO_HOME".to_owned(), format!("{folder}/{CARGO}")),
            (
                cofferdam_guest::SOURCES_VARIABLE.to_owned(),
                format!("{folder}/{}", cofferdam_guest::SOURCES),
            ),
        ];
        if self.toolchain.origin == Origin::Rustup {
            self.part(RUSTUP, |to| self.rustup(to, bring))?;
            variables.push(("RUSTUP_HOME".to_owned(), format!("{folder}/{RUSTUP}")));
            variables.push(("PATH".to_owned(), format!("{folder}/{RUSTUP}/bin:$PATH")));
        }
        let lines = variables
            .iter()
            .map(|(name, value)| format!("export {name}=\"{value}\"\n"));
        store(
            &self.folder.join(ENVIRONMENT),
            lines.collect::<String>().as_bytes(),
        )
    }

    /// Where cargo finds crates: there, and nowhere else.
    fn configuration(&self) -> String {
        let crates = self.folder.join(CRATES);
        format!(
            "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = {:?}\n\n[net]\noffline = true\n",
            crates.display().to_string()
        )
    }

    /// The compiler as rustup has it, and rustup.
    fn rustup(&self, to: &Path, bring: Bring) -> Result<()> {
        let sysroot = &self.toolchain.sysroot;
        let name = format!(
            "{}-{}",
            self.toolchain.release,
            self.toolchain
                .host()
                .context("rustc does not say for which host it is")?
        );
        let toolchains = to.join("toolchains");
        fs::create_dir_all(&toolchains)?;
        bring(sysroot, &toolchains.join(name), &self.log)?;
        fs::write(to.join("settings.toml"), "version = \"12\"\n")?;
        let rustup = which("rustup").context("rustup is not on the PATH")?;
        let bin = to.join("bin");
        fs::create_dir_all(&bin)?;
        // rustup is all of them, by the name under which it is called.
        for name in ["rustup", "cargo", "rustc", "rustdoc"] {
            fs::copy(&rustup, bin.join(name))?;
        }
        Ok(())
    }

    /// Fails if `env.sh` leads to something in the folder that is not there.
    fn names_what_is_there(&self) -> Result<()> {
        let text = fs::read_to_string(self.folder.join(ENVIRONMENT))?;
        let values = text.split('"').skip(1).step_by(2);
        let paths = values.flat_map(|value| value.split(':'));
        let mut paths = paths.filter(|path| !path.starts_with('$')).peekable();
        ensure!(paths.peek().is_some(), "it names nothing:\n{text}");
        for path in paths {
            ensure!(Path::new(path).is_dir(), "{path} is not there:\n{text}");
        }
        Ok(())
    }

    /// Debian's packages, with all that they depend on: as for a system that has none.
    fn packages(&self, to: &Path) -> Result<()> {
        let state = to.join("state");
        fs::create_dir_all(state.join("archives/partial"))?;
        let status = state.join("status");
        fs::write(&status, "")?;
        let mut names: Vec<_> = ALL
            .iter()
            .copied()
            .flat_map(Requirement::packages)
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut apt = Command::new("apt-get");
        for (option, value) in [
            ("Dir::State::Status", status.display().to_string()),
            (
                "Dir::Cache::Archives",
                state.join("archives").display().to_string(),
            ),
            ("APT::Sandbox::User", "root".to_owned()),
            ("Debug::NoLocking", "1".to_owned()),
        ] {
            apt.arg("-o").arg(format!("{option}={value}"));
        }
        apt.args([
            "install",
            "--yes",
            "--download-only",
            "--no-install-recommends",
        ]);
        apt.args(names).stdin(Stdio::null());
        logged(
            "fetching Debian's packages",
            &mut apt,
            &self.log,
            str::to_owned,
        )?;
        for entry in fs::read_dir(state.join("archives"))? {
            let path = entry?.path();
            if let (true, Some(name)) = (
                path.extension().is_some_and(|ending| ending == "deb"),
                path.file_name(),
            ) {
                fs::rename(&path, to.join(name))?;
            }
        }
        Ok(fs::remove_dir_all(&state)?)
    }
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Copies a folder, without the documentation in it; what links lead to is copied as well.
fn copy(from: &Path, to: &Path, log: &Path) -> Result<()> {
    let mut cp = Command::new("cp");
    cp.args(["--recursive", "--dereference", "--preserve=mode"]);
    cp.arg(from).arg(to);
    logged("copying the compiler", &mut cp, log, str::to_owned)?;
    fs::remove_dir_all(to.join("share/doc")).ok();
    Ok(())
}

/// A link in its place, for a test that leaves the compiler where it is.
fn link(from: &Path, to: &Path, _: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(from, to)?)
}

/// What is executed where there is no network at all, in a shell that has read `env.sh`; none where nobody can be without one.
struct Alone<'a> {
    workspace: &'a Workspace<'a>,
    place: &'a Place<'a>,
}

impl Alone<'_> {
    fn is_possible() -> bool {
        let output = Self::unshare().arg("true").output();
        output.is_ok_and(|output| output.status.success())
    }

    fn unshare() -> Command {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--"]);
        command
    }

    /// What is built goes into the folder too.
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Self::unshare();
        command
            .args(["sh", "-c", ". \"$0\" && exec \"$@\""])
            .arg(self.place.folder.join(ENVIRONMENT))
            .args(arguments)
            .current_dir(self.workspace.root)
            .env("CARGO_TARGET_DIR", self.place.folder.join("target"));
        // As in a shell of somebody who has nothing but that folder.
        for variable in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO"] {
            command.env_remove(variable);
        }
        let output = command.output().context("unshare did not start")?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

const WHAT: &str = "a build with no network";
const IMPOSSIBLE: &str = "this host lets nobody go without a network (`unshare --net`)";

/// A system builds, host crates are found, and nothing is fetched, where there is no network at all. The compiler and the userland's source are
/// those that are here; [`whole`] fetches them as well.
pub fn without_network(workspace: &Workspace<'_>) -> Result<Tally> {
    if !Alone::is_possible() {
        return Ok(Tally::skipped(format!("{WHAT}: {}", IMPOSSIBLE)));
    }
    let folder = tempfile::tempdir().context("no folder for crates")?;
    let place = Place::new(workspace.root, workspace.toolchain, folder.path())?;
    // A machine that has built nothing yet has not fetched all of them: what is tried is the build.
    place.part(CRATES, |to| {
        place.crates(to, true).or_else(|_| place.crates(to, false))
    })?;
    place.part(cofferdam_guest::SOURCES, |to| {
        let guest = cofferdam_guest::directory(&workspace.tree().guests);
        let fetched = guest.join(cofferdam_guest::SOURCES);
        copy(&fetched.join("."), to, &place.log)
    })?;
    place.homes(link)?;
    let alone = Alone {
        workspace,
        place: &place,
    };
    let mut tally = Tally::default();
    tally.count("env.sh names what is there", place.names_what_is_there());
    tally.count(
        "every crate of the tree is there",
        alone.run(&[
            "cargo",
            "tree",
            "--locked",
            "--workspace",
            "--all-features",
            "--target",
            "all",
        ]),
    );
    let own = std::env::current_exe().context("this program is nowhere")?;
    let cofferdam = own.with_file_name("cofferdam").display().to_string();
    workspace.cargo(&["build", "--quiet", "--package", "cofferdam-cli"])?;
    tally.count(
        "`flight` is built, the standard library's crates included",
        alone.run(&[&cofferdam, "build", "flight"]),
    );
    Ok(tally.within(WHAT))
}

/// All that `cargo xtask vendor` makes, and with nothing else of the home of whoever does this `linux` is built where there is no network: its
/// kernel and its userland from their sources, and the command that builds it.
pub fn whole(workspace: &Workspace<'_>) -> Result<Tally> {
    if !Alone::is_possible() {
        return Ok(Tally::skipped(format!("{WHAT}: {}", IMPOSSIBLE)));
    }
    // Some gigabytes, for which there is room where everything else is built.
    let target = cofferdam_target_build::target_directory(workspace.root);
    let folder = tempfile::tempdir_in(target).context("no folder for what is fetched")?;
    let mut tally = Tally::default();
    let fetched = run(workspace.root, workspace.toolchain, folder.path());
    tally.count("everything is fetched into one folder", fetched);
    let place = Place::new(workspace.root, workspace.toolchain, folder.path())?;
    let alone = Alone {
        workspace,
        place: &place,
    };
    tally.count("env.sh names what is there", place.names_what_is_there());
    tally.count(
        "`linux` is built, its guest included",
        alone.run(&["cargo", "cofferdam", "build", "linux"]),
    );
    Ok(tally.within(WHAT))
}
