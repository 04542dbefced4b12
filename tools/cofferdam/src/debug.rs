//! `cargo cofferdam debug PARTITION`: GDB on a partition by its name.
//!
//! QEMU waits with its first instruction until GDB is there. What GDB has to know stands in a script that is left beside the image: the partition's
//! program with its symbols, where sources lie, and how a breakpoint binds to this partition alone (`commands.py`). The machine stands
//! still while GDB does, its clock too, so that nobody inside can tell; `park` has the partition alone stand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::Args;
use cofferdam_build::{Built, Kernel, Tree, locate};
use cofferdam_compile::plan::PartitionPlan;
use cofferdam_files::store;
use cofferdam_interrupt::Hold;
use cofferdam_model::Guest;
use cofferdam_progress::say;
use cofferdam_run::command::RECORD_FILE;
use cofferdam_run::{Options, debug as start};
use cofferdam_setup::Requirement;
use serde::{Deserialize, Serialize};

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
    /// Write the script for GDB, print where it is, and start nothing: the script connects to nothing
    #[arg(long)]
    script: bool,
}

/// Starts both. `Ok(false)`: the system is wrong, or GDB said so.
pub fn debug(arguments: &DebugArguments, tree: impl FnOnce() -> Result<Tree>) -> Result<bool> {
    let tree = tree()?;
    let file = locate(&tree.root, &arguments.system)?;
    // Who is misspelt is said before anything is built.
    if let Ok(checked) = cofferdam_build::check(&file) {
        let names = checked.system.partitions.iter();
        known(&arguments.partition, names.map(|one| one.name.as_str()))?;
    }
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
    let partition = &arguments.partition;
    let guest = guest_symbols(&tree, &built, partition);
    let programs = guest_programs(&tree, &built, partition);
    let files = Files {
        program: &built.directory.join(format!("programs/{partition}.elf")),
        guest: guest.as_deref(),
        programs: &programs,
        sources: &tree.root,
    };
    let mut text = script(&Debugged::of(&tree, &built), partition, &files)?;
    if !arguments.script {
        writeln!(text, "target remote {}", socket.display())?;
    }
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

/// What GDB has to know of a partition. It is data, and no script: a recording has it, which somebody else may have made, and a script does
/// whatever its user may.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debugged {
    /// Its name.
    pub name: String,
    pid: u16,
    /// The first and the last of its guest's.
    guest_pids: Option<(u16, u16)>,
    /// Whether the guest's kernel is a file with symbols.
    pub has_guest_symbols: bool,
    /// The programs of its guest that a debugger has lines of.
    #[serde(default)]
    pub guest_programs: Vec<String>,
}

impl Debugged {
    /// All partitions of a system, in its order.
    pub fn of(tree: &Tree, built: &Built) -> Vec<Self> {
        let of = |plan: &PartitionPlan| Self {
            name: plan.name.clone(),
            pid: u16::from(plan.pid),
            guest_pids: plan.guest.as_ref().map(|guest| {
                let (first, count) = guest.tags;
                (u16::from(first), u16::from(first) + u16::from(count) - 1)
            }),
            has_guest_symbols: guest_symbols(tree, built, &plan.name).is_some(),
            guest_programs: (guest_programs(tree, built, &plan.name).iter())
                .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
                .collect(),
        };
        built.plan.partitions.iter().map(of).collect()
    }
}

/// Where GDB finds what it shows.
pub struct Files<'a> {
    /// The partition's program.
    pub program: &'a Path,
    /// The kernel of its guest, if that has symbols.
    pub guest: Option<&'a Path>,
    /// Programs of its guest, each by its own name.
    pub programs: &'a [PathBuf],
    /// The tree of the sources.
    pub sources: &'a Path,
}

/// Which of these it is.
fn known<'n>(partition: &str, names: impl Iterator<Item = &'n str>) -> Result<usize> {
    let names: Vec<_> = names.collect();
    let place = names.iter().position(|name| *name == partition);
    place.with_context(|| {
        format!(
            "there is no partition `{partition}`: there are {}",
            names.join(", ")
        )
    })
}

/// The script for GDB on one of these, up to where it connects.
pub fn script(all: &[Debugged], partition: &str, files: &Files<'_>) -> Result<String> {
    let place = known(partition, all.iter().map(|one| one.name.as_str()))?;
    let own = &all[place];
    let mut text = format!(
        "# GDB on the partition {partition}: gdb-multiarch -x this\n\
         set pagination off\nset confirm off\nset architecture powerpc:e500\nset endian big\n\
         file \"{}\"\nset substitute-path /cofferdam \"{root}\"\ndirectory \"{root}\"\n",
        files.program.display(),
        root = files.sources.display(),
    );
    if let Some(symbols) = files.guest {
        writeln!(text, "add-symbol-file \"{}\"", symbols.display())?;
    }
    let pair = |range: Option<(u16, u16)>| match range {
        Some((low, high)) => format!("({low}, {high})"),
        None => "None".to_owned(),
    };
    let pid = own.pid;
    writeln!(text, "python")?;
    writeln!(text, "PARTITION = \"{partition}\"")?;
    writeln!(text, "PIDS = ({pid}, {pid})")?;
    writeln!(text, "GUEST_PIDS = {}", pair(own.guest_pids))?;
    // Linux's kernel has the upper quarter of addresses; the monitor is a partition, below.
    let kernel = if files.guest.is_some() {
        "0xC0000000"
    } else {
        "None"
    };
    writeln!(text, "GUEST_KERNEL = {kernel}")?;
    writeln!(text, "GUEST_PROGRAMS = {:?}", files.programs)?;
    writeln!(text, "EVERYBODY = [")?;
    for one in all {
        let pid = one.pid;
        writeln!(text, "    (\"{}\", {pid}, {pid}),", one.name)?;
        if let Some((low, high)) = one.guest_pids {
            writeln!(text, "    (\"the guest of {}\", {low}, {high}),", one.name)?;
        }
    }
    writeln!(text, "]")?;
    text += COMMANDS;
    writeln!(text, "end")?;
    Ok(text)
}

fn guest<'b>(built: &'b Built, partition: &str) -> Option<&'b Guest> {
    let mut described = built.checked.system.partitions.iter();
    described.find(|one| *one.name == partition)?.guest.as_ref()
}

/// The programs in the first file system of a partition's guest, if the build made that.
pub fn guest_programs(tree: &Tree, built: &Built, partition: &str) -> Vec<PathBuf> {
    match guest(built, partition) {
        Some(guest) if guest.is_built() && guest.initramfs.is_none() => {
            cofferdam_guest::programs(&tree.guests)
        }
        _ => Vec::new(),
    }
}

/// The kernel of a partition's guest, if that is an ELF.
pub fn guest_symbols(tree: &Tree, built: &Built, partition: &str) -> Option<PathBuf> {
    let guest = guest(built, partition)?;
    let path = match &guest.kernel {
        None if guest.is_built() => cofferdam_guest::directory(&tree.guests).join("linux/vmlinux"),
        Some(kernel) => built.checked.find_file(kernel)?,
        None => return None,
    };
    let start = std::fs::read(&path).ok()?;
    start.starts_with(b"\x7fELF").then_some(path)
}
