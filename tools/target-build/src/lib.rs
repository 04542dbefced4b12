//! Builds, checks and lints crates for the target, as a child cargo that compiles `core` along (`build-std`).
//!
//! The target is a custom one, for which rustup has no compiled `core`; compiling it takes cargo's `-Z` options, which a stable
//! cargo accepts with `RUSTC_BOOTSTRAP=1`. That variable is set on this child alone: the code itself stays free of unstable
//! features (`unstable_features = "forbid"` in the workspace), and nothing unstable stands in `.cargo/config.toml`.
//!
//! Two builds of one tree in different folders give the same bytes: the folders' names, which the compiler would put into
//! debug information and panic locations, are replaced by fixed ones.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, Read, stderr};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use cofferdam_progress::{Step, say};
use cofferdam_setup::Toolchain;
use serde_json::Value;

/// The target's name. Its specification is `targets/<name>.json`.
pub const TARGET: &str = "powerpc-cofferdam-e500v2";

/// Where cargo builds, and where everything else goes that is made from the tree.
pub fn target_directory(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path))
}

/// What cargo and the compilers say about a full disk (`strerror` of `ENOSPC`).
const DISK_FULL: &str = "No space left on device";

/// What cargo says about the workspace at `root`.
pub fn metadata(root: &Path, toolchain: &Toolchain) -> Result<Value> {
    let output = toolchain
        .cargo()
        .current_dir(root)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("cargo did not start")?;
    if !output.status.success() {
        bail!(
            "cargo cannot read the workspace:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")
}

/// What to do with the crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compile and link.
    Build,
    /// Look for errors only.
    Check,
    /// Lint; a warning is an error.
    Clippy,
}

/// A build for the target.
#[derive(Clone, Debug)]
pub struct TargetBuild<'a> {
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// The root of cofferdam's source tree, which has the target.
    pub root: &'a Path,
    /// The root of the workspace that the packages are of: cargo runs there. It is the tree's, or somebody else's.
    pub workspace: PathBuf,
    /// Where cargo builds.
    pub target: &'a Path,
    /// The packages to build, by name.
    pub packages: Vec<String>,
    /// Features, as `package/feature`.
    pub features: Vec<String>,
    /// Variables for the build scripts and `env!` of the crates.
    pub environment: Vec<(String, OsString)>,
}

/// An executable that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Its name: that of the binary within its package.
    pub name: String,
    /// The `Cargo.toml` of its package.
    pub manifest: PathBuf,
    /// The ELF file. The next build of the same binary with other features replaces it: copy what is to stay.
    pub path: PathBuf,
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    folder
        .canonicalize()
        .with_context(|| format!("the source tree {} is not there", folder.display()))
}

/// The profile `release` of the tree as the variables by which cargo takes it for another workspace.
fn release_profile(root: &Path) -> Result<Vec<(String, String)>> {
    let path = root.join("Cargo.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let manifest: toml::Table =
        toml::from_str(&text).with_context(|| format!("{} is no manifest", path.display()))?;
    let profile = manifest.get("profile").and_then(|all| all.get("release"));
    let profile = profile.and_then(toml::Value::as_table);
    let settings = profile.into_iter().flatten().filter_map(|(key, value)| {
        let value = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            // What concerns single packages is of this workspace alone.
            _ => return None,
        };
        let key = key.to_uppercase().replace('-', "_");
        Some((format!("CARGO_PROFILE_RELEASE_{key}"), value))
    });
    Ok(settings.collect())
}

fn show(complaints: &str) {
    if !complaints.is_empty() {
        say!("{}", complaints.trim_end());
    }
}

/// Whether a message of the compiler only counts the others, or says where to read more.
fn is_count(message: &Value) -> bool {
    let text = message["message"].as_str().unwrap_or_default();
    let counts = text.starts_with("aborting due to") || text.ends_with(" emitted");
    message["level"] == "failure-note"
        || counts && message["spans"].as_array().is_none_or(Vec::is_empty)
}

/// A rendered message in which the folders of this machine have their own names again: what the arrows point at can be opened.
fn real_paths(rendered: &str, folders: &[(PathBuf, &str)]) -> String {
    let mut text = String::new();
    for line in rendered.split_inclusive('\n') {
        let arrow = ["--> ", "::: "].into_iter().find_map(|arrow| {
            let at = line.find(arrow)?;
            Some(at + arrow.len())
        });
        let path = arrow.and_then(|at| {
            let colour = if line[at..].starts_with("\u{1b}[0m") {
                4
            } else {
                0
            };
            Some((&line[..at + colour], line.get(at + colour..)?))
        });
        let real = path.and_then(|(before, path)| {
            folders.iter().rev().find_map(|(folder, name)| {
                let rest = path.strip_prefix(name)?.strip_prefix('/')?;
                Some(format!("{before}{}/{rest}", folder.display()))
            })
        });
        match real {
            Some(real) => text.push_str(&real),
            None => text.push_str(line),
        }
    }
    text
}

impl TargetBuild<'_> {
    /// Runs cargo. `what` is shown while it runs ("building the kernel"); compiler errors go to standard error as the compiler
    /// renders them, and so do warnings.
    pub fn run(&self, action: Action, what: &str) -> Result<Vec<Executable>> {
        self.run_without(action, what, |_| false)
    }

    /// The same, without those of the compiler's errors that somebody else explains: for which `explained` is true. It is given the
    /// compiler's own JSON.
    pub fn run_without(
        &self,
        action: Action,
        what: &str,
        mut explained: impl FnMut(&Value) -> bool,
    ) -> Result<Vec<Executable>> {
        let folders = self.folders()?;
        let step = Step::start(what);
        let mut cargo = self.cargo(action)?;
        let mut child = cargo
            .spawn()
            .with_context(|| format!("{} did not start", cargo.get_program().display()))?;
        let (Some(messages), Some(mut complaints)) = (child.stdout.take(), child.stderr.take())
        else {
            bail!(
                "cargo's output is not connected, which is a fault of this command: run it again"
            );
        };
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            complaints.read_to_string(&mut text).map(|_| text)
        });
        let mut executables = Vec::new();
        let mut rendered = String::new();
        for line in BufReader::new(messages).lines() {
            let line = line.context("cargo's messages cannot be read")?;
            // Whatever is no message of cargo's was printed by a build script, and is none of ours.
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if message["reason"] == "compiler-message" {
                let message = &message["message"];
                if !is_count(message) && !explained(message) {
                    let text = message["rendered"].as_str().unwrap_or_default();
                    rendered.push_str(&real_paths(text, &folders));
                }
            }
            if message["reason"] != "compiler-artifact" {
                continue;
            }
            let name = message["target"]["name"].as_str().unwrap_or_default();
            step.note(format!("{name} is ready"));
            if let Some(path) = message["executable"].as_str() {
                executables.push(Executable {
                    name: name.to_owned(),
                    manifest: PathBuf::from(message["manifest_path"].as_str().unwrap_or_default()),
                    path: PathBuf::from(path),
                });
            }
        }
        let status = child.wait().context("cargo cannot be waited for")?;
        let complaints = complaints
            .join()
            .ok()
            .and_then(Result::ok)
            .unwrap_or_default();
        let complaints = rendered + &complaints;
        if status.success() {
            step.done();
            show(&complaints);
            return Ok(executables);
        }
        // The Ctrl-C that ended cargo was meant for this command.
        cofferdam_interrupt::give_way();
        drop(step);
        show(&complaints);
        match status.signal() {
            Some(signal) => bail!(
                "{what} failed: cargo was killed (signal {signal}), by somebody or for want of memory; run the command again"
            ),
            None if complaints.contains(DISK_FULL) => bail!(
                "{what} failed: no room is left on the disk for {}; make some, and run the command again",
                self.target.display()
            ),
            None => bail!("{what} failed: the compiler's messages above say why"),
        }
    }

    fn cargo(&self, action: Action) -> Result<Command> {
        let mut cargo = self.toolchain.cargo();
        cargo
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env(
            "CARGO_ENCODED_RUSTFLAGS",
            self.remapped_folders()?.join("\u{1f}"),
        );
        if let Some(linker) = &self.toolchain.linker {
            let target = TARGET.to_uppercase().replace('-', "_");
            cargo.env(format!("CARGO_TARGET_{target}_LINKER"), linker);
        }
        cargo.envs(self.environment.iter().map(|(name, value)| (name, value)));
        cargo.arg(match action {
            Action::Build => "build",
            Action::Check => "check",
            Action::Clippy => "clippy",
        });
        // With `--keep-going` one run shows what is wrong with every package.
        cargo.args(["--release", "--quiet", "--keep-going"]);
        cargo.args(if stderr().is_terminal() {
            [
                "--color=always",
                "--message-format=json,json-diagnostic-rendered-ansi",
            ]
        } else {
            ["--color=never", "--message-format=json"]
        });
        cargo.args(["-Zjson-target-spec", "-Zbuild-std=core,compiler_builtins"]);
        cargo.arg("-Zbuild-std-features=compiler-builtins-mem");
        let specification = format!("targets/{TARGET}.json");
        if self.workspace == self.root {
            cargo.arg("--target").arg(specification);
        } else {
            // Somebody else's workspace has other profiles, or none.
            cargo.envs(release_profile(self.root)?);
            let root = absolute(self.root)?;
            cargo.arg("--target").arg(root.join(specification));
        }
        cargo.arg("--target-dir").arg(self.target);
        for package in &self.packages {
            cargo.args(["--package", package]);
        }
        if !self.features.is_empty() {
            cargo.args(["--features", &self.features.join(",")]);
        }
        if action == Action::Clippy {
            cargo.args(["--", "-D", "warnings"]);
        }
        Ok(cargo)
    }

    /// The compiler's options that give every folder of this machine a fixed name.
    fn remapped_folders(&self) -> Result<Vec<String>> {
        let folders = self.folders()?;
        Ok(folders
            .iter()
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
            .collect())
    }

    /// The folders of this machine, each with its fixed name. Of several that match, the last counts, so inner folders come after
    /// outer ones.
    fn folders(&self) -> Result<[(PathBuf, &'static str); 5]> {
        let [root, workspace] = [self.root, &self.workspace].map(absolute);
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        let cargo_home =
            std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let target = self.target.to_path_buf();
        Ok([
            (cargo_home, "/cargo"),
            (self.toolchain.library_source(), "/rust"),
            (workspace?, "/workspace"),
            (root?, "/cofferdam"),
            (target, "/cofferdam/target"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_at_files_of_this_machine() {
        let folders = [
            (PathBuf::from("/b/tree"), "/cofferdam"),
            (PathBuf::from("/b/built"), "/cofferdam/target"),
        ];
        let rendered = "error: no\n  --> /cofferdam/target/x.rs:1:2\n  ::: /cofferdam/y.rs:1:1\n \
                        --> \u{1b}[0m/cofferdam/z.rs\n  --> tools/cofferdam/a.rs:1:1\n /cofferdam/b";
        let real = "error: no\n  --> /b/built/x.rs:1:2\n  ::: /b/tree/y.rs:1:1\n \
                    --> \u{1b}[0m/b/tree/z.rs\n  --> tools/cofferdam/a.rs:1:1\n /cofferdam/b";
        assert_eq!(real_paths(rendered, &folders), real);
    }
}
