//! Installing, by the two installers that a user of Debian and Rust has already: apt and rustup.
//!
//! Both are left to do their own bookkeeping: interrupted, they are run again and go on from where they were.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::program::{on_path, output};

/// Installs Debian packages.
pub(crate) fn packages(names: &[&str], log: &Path) -> Result<()> {
    if on_path("apt-get").is_none() {
        bail!(
            "this is no Debian system: apt-get is not on the PATH. Install by your own means: {}",
            names.join(" ")
        );
    }
    let as_root = !sudo_prefix().is_empty();
    if as_root {
        if on_path("sudo").is_none() {
            bail!(
                "installing packages takes root's rights, and sudo is not on the PATH: run the command as root"
            );
        }
        // Asked for before the spinner starts, so that a password can be typed in peace.
        let granted = Command::new("sudo")
            .arg("-v")
            .status()
            .context("sudo did not start")?;
        if !granted.success() {
            bail!("sudo refused; nothing was installed");
        }
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if as_root { "sudo" } else { "env" });
        if as_root {
            command.arg("env");
        }
        command.args([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "DPkg::Lock::Timeout=120",
        ]);
        command.args(arguments);
        command
    };
    logged("reading Debian's package lists", &mut apt(&["update"]), log)?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend_from_slice(names);
    logged(
        &format!("installing {}", names.join(", ")),
        &mut apt(&arguments),
        log,
    )
}

/// Has rustup install what `rust-toolchain.toml` names.
pub(crate) fn rustup_toolchain(root: &Path, log: &Path) -> Result<()> {
    let mut command = Command::new("rustup");
    // The toolchain that runs us must not stand in for the one that the file names.
    command
        .args(["toolchain", "install", "--no-self-update"])
        .current_dir(root)
        .env_remove("RUSTUP_TOOLCHAIN");
    logged(
        "installing the Rust toolchain of rust-toolchain.toml",
        &mut command,
        log,
    )
}

/// "sudo " for a user who is not root.
pub(crate) fn sudo_prefix() -> &'static str {
    let root = output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if root { "" } else { "sudo " }
}

/// Runs an installer with its last line beside the spinner. It may ask nothing.
fn logged(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    command.stdin(Stdio::null());
    cofferdam_progress::logged(what, command, log, str::to_owned)
}
