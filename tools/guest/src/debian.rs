//! Debian's source packages, fetched by apt as any user, from where the system's own packages come.
//!
//! A plain Debian lists no sources of source packages, and its files are not ours to change. So apt gets a list of its own, made of
//! the system's: `deb-src` for each archive of Debian that the system has `deb` for; and a folder of its own for what it fetches.
//! It verifies what it fetches by the system's keys, as ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cofferdam_progress::logged;

use crate::stage::whole;
use crate::{SOURCES, SOURCES_VARIABLE};

/// A source package that was fetched.
pub struct Source {
    name: &'static str,
    /// The file that names all others.
    description: PathBuf,
    /// Its version, as in the names of its files.
    pub version: String,
}

/// Fetches a source package, unless it is here. A newer one is fetched when the folder `sources` is deleted.
pub fn source(name: &'static str, folder: &Path, log: &Path) -> Result<Source> {
    let sources = folder.join(SOURCES).join(name);
    whole(&sources, |partial| {
        match std::env::var_os(SOURCES_VARIABLE) {
            Some(beforehand) => copy(&Path::new(&beforehand).join(name), partial),
            None => fetch(name, partial, log),
        }
    })?;
    let mut files = fs::read_dir(&sources)?.filter_map(|file| Some(file.ok()?.path()));
    let description = files
        .find(|file| file.extension().is_some_and(|ending| ending == "dsc"))
        .with_context(|| {
            format!(
                "there is no description of a package in {}; delete the folder",
                sources.display()
            )
        })?;
    let version = description
        .file_stem()
        .and_then(|stem| stem.to_str()?.strip_prefix(name)?.strip_prefix('_'))
        .with_context(|| format!("{} has an unusual name", description.display()))?
        .to_owned();
    Ok(Source {
        name,
        description,
        version,
    })
}

impl Source {
    /// Unpacks it, with Debian's patches applied.
    pub fn unpack(&self, to: &Path, log: &Path) -> Result<()> {
        whole(to, |partial| {
            // dpkg-source makes the folder itself.
            fs::remove_dir(partial)?;
            let mut unpack = Command::new("dpkg-source");
            unpack.arg("--extract").arg(&self.description).arg(partial);
            let what = format!("unpacking the source of {}", self.name);
            logged(&what, unpack.stdin(Stdio::null()), log, str::to_owned)
        })
    }
}

/// What was fetched beforehand.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| {
        format!(
            "{} cannot be read: {SOURCES_VARIABLE} names the folder above it",
            from.display()
        )
    })?;
    for entry in entries {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Fetches it.
pub fn fetch(name: &str, folder: &Path, log: &Path) -> Result<()> {
    let apt = folder.join("apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let list = apt.join("sources.list");
    fs::write(&list, source_lines()?)?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        for (option, value) in [
            ("Dir::Etc::SourceList", list.clone()),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State::Lists", apt.join("lists")),
            ("Dir::Cache", apt.join("cache")),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", value.display()));
        }
        // Else root's apt fetches as another user, who may not write here.
        command.args(["-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0"]);
        command.current_dir(folder).stdin(Stdio::null());
        command
    };
    logged(
        "reading the lists of Debian's source packages",
        apt_get().arg("update"),
        log,
        str::to_owned,
    )?;
    logged(
        &format!("fetching the source of {name}"),
        apt_get().args(["source", "--download-only", name]),
        log,
        str::to_owned,
    )?;
    fs::remove_dir_all(&apt)?;
    Ok(())
}

/// The lines of a list of sources: for each archive of Debian that this system has packages from, the source packages.
fn source_lines() -> Result<String> {
    let listed = Command::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
            "Origin: Debian",
        ])
        .stdin(Stdio::null())
        .output()
        .context("apt-get did not start: `cargo xtask doctor` shows what is missing")?;
    ensure!(
        listed.status.success(),
        "`apt-get indextargets` does not say where this system's packages come from: {}; see /etc/apt/sources.list.d",
        String::from_utf8_lossy(&listed.stderr).trim_end()
    );
    let lines: BTreeSet<_> = std::str::from_utf8(&listed.stdout)
        .context("`apt-get indextargets` writes no UTF-8: see /etc/apt/sources.list.d for a line that is damaged")?
        .lines()
        .collect();
    if lines.is_empty() {
        bail!(
            "apt knows no archive of Debian; `apt-get update` fetches the lists of those in /etc/apt"
        );
    }
    Ok(lines.into_iter().flat_map(|line| [line, "\n"]).collect())
}
