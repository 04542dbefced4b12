//! `cargo cofferdam debug PARTITION`: GDB on a partition by its name.
//!
//! QEMU waits with its first instruction until GDB is there. What GDB has to know stands in a script that is left beside the image: the partition's
//! program with its symbols, where sources lie, and how a breakpoint binds to this partition alone (`commands.py`). The machine stands
//! still while GDB does, its clock too, so that nobody inside can tell; `park` has the partition alone stand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use cofferdam_build::{Built, Kernel, Tree, locate};
use cofferdam_files::store;
use cofferdam_interrupt::Hold;
use cofferdam_model::Guest;
use cofferdam_progress::say;
use cofferdam_run::command::RECORD_FILE;
use cofferdam_run::{Options, debug as start};
use cofferdam_setup::Requirement;

use crate::Format;
use crate::build::failed;

/// What GDB is taught.
const COMMANDS: &str = include_str!("debug/commands.py");
/// The debugger.
pub const GDB: &str = "gdb-multiarch";

/// What `debug` is told.
#[derive(Args)]
pub struct DebugArguments {
    /// The partition; of a guest's, its kernel and its programs as well
    partition: String,
    /// The system
    #[arg(default_value = "flight")]
    system: String,
    /// Which kernel
    #[arg(long, value_enum, default_value = "release")]
    kernel: cofferdam_run::command::KernelChoice,
    /// A command for GDB before it takes yours; several are carried out one after the other
    #[arg(long, value_name = "COMMAND")]
    execute: Vec<String>,
    /// End behind these commands
    #[arg(long)]
    batch: bool,
    /// Write the script for GDB, print where it is, and start nothing
    #[arg(long)]
    script: bool,
}

/// Starts both. `Ok(false)`: the system is wrong, or GDB said so.
pub fn debug(arguments: &DebugArguments, tree: impl FnOnce() -> Result<Tree>) -> Result<bool> {
    let tree = tree()?;
    let file = locate(&tree.root, &arguments.system)?;
    if !arguments.script {
        let needed = [Requirement::Qemu, Requirement::Gdb];
        cofferdam_setup::provide(&tree.root, &tree.target, &needed, tree.consent)?;
    }
    let built = match tree.build(&file) {
        Ok(built) => built,
        Err(failure) => return failed(failure, Format::Text),
    };
    let folder = tempfile::tempdir().context("no folder for the socket between GDB and QEMU")?;
    let socket = folder.path().join("gdb");
    let mut text = script(&tree, &built, &arguments.partition, &built.directory)?;
    writeln!(text, "target remote {}", socket.display())?;
    let path = built
        .directory
        .join(format!("debug-{}.gdb", arguments.partition));
    store(&path, text.as_bytes())?;
    if arguments.script {
        cofferdam_progress::print_result(path.display())?;
        return Ok(true);
    }
    let kernel: Kernel = arguments.kernel.into();
    let qemu = cofferdam_setup::qemu()?;
    let debugged = start(&built, &Options::to_debug(qemu.path, kernel), &socket)?;
    // Ctrl-C is for GDB, which stops the machine.
    let hold = Hold::new()?;
    let mut gdb = Command::new(GDB);
    gdb.arg("-q").arg("-x").arg(&path);
    for command in &arguments.execute {
        gdb.arg("-ex").arg(command);
    }
    if arguments.batch {
        gdb.arg("-batch");
        gdb.stdin(Stdio::null());
    } else {
        say!("--- Ctrl-C stops the machine; `who` says who has the processor; `help park` ---");
        gdb.stdin(Stdio::inherit());
    }
    let status = gdb
        .status()
        .with_context(|| format!("{GDB} did not start"))?;
    drop(hold);
    let snapshot = debugged.end()?;
    store(&built.directory.join(RECORD_FILE), snapshot.bytes())?;
    Ok(status.success())
}

/// The script for GDB, up to where it connects. `folder`: what has the programs.
pub fn script(tree: &Tree, built: &Built, partition: &str, folder: &Path) -> Result<String> {
    let plans = &built.plan.partitions;
    let Some(plan) = plans.iter().find(|one| one.name == partition) else {
        let names: Vec<_> = plans.iter().map(|one| one.name.as_str()).collect();
        bail!(
            "{} has no partition `{partition}`: it has {}",
            built.plan.system,
            names.join(", ")
        );
    };
    let described = built.checked.system.partitions.iter();
    let guest = described
        .filter(|one| *one.name == partition)
        .find_map(|one| one.guest.as_ref());
    let tags = |plan: &cofferdam_compile::plan::PartitionPlan| {
        plan.guest.as_ref().map(|guest| {
            let (first, count) = guest.tags;
            (u16::from(first), u16::from(first) + u16::from(count) - 1)
        })
    };
    let symbols = guest.and_then(|guest| guest_symbols(tree, built, guest));
    let program = folder.join(format!("programs/{partition}.elf"));
    let mut text = format!(
        "# GDB on the partition {partition} of {}: gdb-multiarch -x this\n\
         set pagination off\nset confirm off\nset architecture powerpc:e500\nset endian big\n\
         file {}\nset substitute-path /cofferdam {root}\ndirectory {root}\n",
        built.plan.system,
        program.display(),
        root = tree.root.display(),
    );
    if let Some(symbols) = &symbols {
        writeln!(text, "add-symbol-file {}", symbols.display())?;
    }
    let pair = |range: Option<(u16, u16)>| match range {
        Some((low, high)) => format!("({low}, {high})"),
        None => "None".to_owned(),
    };
    let own = u16::from(plan.pid);
    writeln!(text, "python")?;
    writeln!(text, "PARTITION = \"{partition}\"")?;
    writeln!(text, "PIDS = ({own}, {own})")?;
    writeln!(text, "GUEST_PIDS = {}", pair(tags(plan)))?;
    // Linux's kernel has the upper quarter of addresses; the monitor is a partition, below.
    let kernel = if symbols.is_some() {
        "0xC0000000"
    } else {
        "None"
    };
    writeln!(text, "GUEST_KERNEL = {kernel}")?;
    writeln!(text, "EVERYBODY = [")?;
    for one in plans {
        let pid = u16::from(one.pid);
        writeln!(text, "    (\"{}\", {pid}, {pid}),", one.name)?;
        if let Some((low, high)) = tags(one) {
            writeln!(text, "    (\"the guest of {}\", {low}, {high}),", one.name)?;
        }
    }
    writeln!(text, "]")?;
    text += COMMANDS;
    writeln!(text, "end")?;
    Ok(text)
}

/// The ELF of a guest's kernel, if it is one.
fn guest_symbols(tree: &Tree, built: &Built, guest: &Guest) -> Option<PathBuf> {
    let path = match &guest.kernel {
        None if guest.is_built() => cofferdam_guest::directory(&tree.guests).join("linux/vmlinux"),
        Some(kernel) => built.checked.find_file(kernel)?,
        None => return None,
    };
    let start = std::fs::read(&path).ok()?;
    start.starts_with(b"\x7fELF").then_some(path)
}
