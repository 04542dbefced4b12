//! `cargo cofferdam record` and `replay`: a run that is kept, and gone through again to the instruction, forwards and backwards.
//!
//! A recording (`cofferdam_run::recording`) has what the machine takes. Beside it the command puts what a debugger takes: the programs with their
//! symbols, and who has which addresses. Backwards is forwards again from the start to an earlier instruction: a run that is always the same needs
//! no other way (`debug/replay.py`).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use cofferdam_abi::health::Error;
use cofferdam_abi::record::{Header, HealthRecord, offset};
use cofferdam_abi::{limits, space};
use cofferdam_build::{Built, Tree, directory_of, locate};
use cofferdam_files::for_folder;
use cofferdam_interrupt::Hold;
use cofferdam_progress::say;
use cofferdam_qemu::Serial;
use cofferdam_run::command::{RECORD_FILE, RunArguments};
use cofferdam_run::recording::{self, Recording};
use cofferdam_setup::Requirement;

use crate::debug::{self, Debugged, Files, GDB};
use crate::last_run;

/// What GDB is taught of runs that can be gone through again.
const COMMANDS: &str = include_str!("debug/replay.py");
/// What GDB has to know of the partitions ([`Debugged`]).
const PARTITIONS: &str = "partitions.json";
/// The folder of programs of guests.
const GUEST_PROGRAMS: &str = "guest-programs";
/// The folder of a system's last recording, in that of its build.
const RECORDING: &str = "recording";

/// What `record` is told.
#[derive(Args)]
pub struct RecordArguments {
    #[command(flatten)]
    run: RunArguments,
    /// The folder that becomes the recording, in place of one beside the image; an earlier recording that is there is replaced
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Runs a system as `run` does, and keeps the run. `Ok(false)`: something unexpected happened in it; it is kept all the same.
pub fn record(arguments: &RecordArguments, tree: impl FnOnce() -> Result<Tree>) -> Result<bool> {
    // Before the build, which may take a while.
    if let Some(folder) = &arguments.output {
        for_folder(folder)?;
        recording::has_room(folder)?;
    }
    let tree = tree()?;
    let own = tree.clone();
    let mut kept = None;
    let judged = arguments.run.execute_by(
        || Ok(tree),
        |built, options| {
            let mut options = options.clone();
            // On a terminal the machine waits with whoever types.
            options.instruction_clock |= options.serial != Serial::Terminal;
            let beside = built.directory.join(RECORDING);
            let folder = arguments.output.clone().unwrap_or(beside);
            let adds = |folder: &Path| add_programs(&own, built, options.kernel.name(), folder);
            let outcome = recording::record(built, &options, &folder, adds)?;
            kept = Some(folder);
            Ok(outcome)
        },
    )?;
    if let Some(folder) = kept {
        say!(
            "the run is in {}: `cargo cofferdam replay {}`",
            folder.display(),
            folder.display()
        );
    }
    Ok(judged)
}

/// Puts there what a debugger takes.
fn add_programs(tree: &Tree, built: &Built, kernel: &str, folder: &Path) -> Result<()> {
    let program = program(&format!("kernel-{kernel}"));
    let first = folder.join(&program);
    fs::create_dir_all(first.parent().unwrap_or(folder))?;
    let copy = |from: &Path, to: &str| {
        fs::copy(from, folder.join(to))
            .with_context(|| format!("{} cannot be copied", from.display()))
    };
    copy(&built.directory.join(&program), &program)?;
    let partitions = Debugged::of(tree, built);
    for Debugged { name, .. } in &partitions {
        let program = self::program(name);
        copy(&built.directory.join(&program), &program)?;
        if let Some(symbols) = debug::guest_symbols(tree, built, name) {
            copy(&symbols, &guest(name))?;
        }
        for path in debug::guest_programs(tree, built, name) {
            fs::create_dir_all(folder.join(GUEST_PROGRAMS))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            copy(&path, &guest_program(&name))?;
        }
    }
    let text = serde_json::to_vec_pretty(&partitions)?;
    Ok(fs::write(folder.join(PARTITIONS), text)?)
}

/// The program of a partition, or a kernel: in a system's folder, and in a recording.
fn program(name: &str) -> String {
    format!("programs/{name}.elf")
}

/// The kernel of a partition's guest, in a recording.
fn guest(name: &str) -> String {
    format!("programs/guest-{name}.elf")
}

/// A program of the guests that the build makes, in a recording.
fn guest_program(name: &str) -> String {
    format!("{GUEST_PROGRAMS}/{name}")
}

/// What `replay` is told.
#[derive(Args)]
pub struct ReplayArguments {
    /// The recording's folder, or a system: the last recording of it
    #[arg(default_value = "flight")]
    recording: String,
    /// Go there under GDB: `health`, the first entry of the health log; `health:PARTITION`, the first of that partition; or a count of instructions
    #[arg(long, value_name = "WHERE")]
    until: Option<String>,
    /// Under GDB, on this partition
    #[arg(long, value_name = "PARTITION")]
    debug: Option<String>,
    /// A command for GDB before it takes yours; several are carried out one after the other
    #[arg(long, value_name = "COMMAND")]
    execute: Vec<String>,
    /// End behind these commands
    #[arg(long)]
    batch: bool,
    /// Print nothing of what the machine prints
    #[arg(long)]
    quiet: bool,
}

/// Goes through a recording again. `Ok(false)`: GDB said so.
pub fn replay(arguments: &ReplayArguments, root: &Path) -> Result<bool> {
    let recording = find(&arguments.recording, root)?;
    let qemu = cofferdam_setup::qemu()?;
    if let Some(doubt) = recording.doubt(&qemu.path)? {
        say!("warning: {doubt}");
    }
    if arguments.debug.is_none() && arguments.until.is_none() {
        ensure!(
            arguments.execute.is_empty() && !arguments.batch,
            "commands for GDB need a partition: say `--debug PARTITION` or `--until WHERE`"
        );
        let serial = match arguments.quiet {
            true => Serial::Captured,
            false => Serial::Output,
        };
        recording.replay(&qemu.path, serial)?;
        say!(
            "\nreplay  {}, kernel {}: the same to the last byte of memory",
            recording.manifest.system,
            recording.manifest.kernel
        );
        return Ok(true);
    }
    Requirement::Gdb
        .examine(root)
        .map_err(anyhow::Error::from)?;
    under_gdb(arguments, &recording, &qemu.path, root)
}

fn find(named: &str, root: &Path) -> Result<Recording> {
    let path = Path::new(named);
    if path.join("recording.json").exists() {
        return Recording::open(path);
    }
    let Ok(file) = locate(root, named) else {
        // Neither: the folder's complaint says what is missing.
        return Recording::open(path);
    };
    Recording::open(&directory_of(root, &file)?.1.join(RECORDING))
}

/// Where GDB goes first, and on whom it is.
struct Goal {
    partition: String,
    command: Option<String>,
}

fn goal(arguments: &ReplayArguments, recording: &Recording) -> Result<Goal> {
    let path = recording.folder.join(RECORD_FILE);
    let record = last_run::kept(&path)?;
    let names: Vec<_> = (0..record.partition_count())
        .map(|index| record.partition_name(index))
        .collect();
    let known = |name: &str| match names.iter().any(|one| one == name) {
        true => Ok(name.to_owned()),
        false => bail!(
            "{} has no partition `{name}`: it has {}",
            recording.manifest.system,
            names.join(", ")
        ),
    };
    let wanted = arguments.debug.as_deref().map(known).transpose()?;
    let first = || {
        names
            .first()
            .cloned()
            .with_context(|| format!("{} has no partition: record the run again", path.display()))
    };
    let Some(until) = &arguments.until else {
        return Ok(Goal {
            partition: wanted.map_or_else(first, Ok)?,
            command: None,
        });
    };
    if until.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Goal {
            partition: wanted.map_or_else(first, Ok)?,
            command: Some(format!("go {until}")),
        });
    }
    let of = match until.split_once(':') {
        None if until == "health" => None,
        Some(("health", name)) => Some(known(name)?),
        _ => bail!(
            "`{until}` is nowhere: there are `health`, `health:PARTITION`, and a count of instructions such as 1000000"
        ),
    };
    // The log keeps the latest entries, the accounts count all.
    let was_logged = |name: &String| {
        let index = names.iter().position(|one| one == name);
        let errors = index.map(|index| record.partition(index).errors);
        errors.is_some_and(|errors| errors.iter().any(|count| count.get() > 0))
    };
    let log = record.health();
    let partition = match &of {
        Some(name) => was_logged(name).then(|| name.clone()),
        None => {
            ensure!(
                record.header().health.get() as usize <= log.len(),
                "this run's health log does not have its first entries any more, so that nobody knows whose the first was: say `health:PARTITION`"
            );
            let mut names = log
                .iter()
                .map(|entry| names.get(usize::from(entry.partition.get())));
            names.find_map(|name| name.cloned())
        }
    };
    let Some(partition) = partition else {
        bail!(
            "in this run the health log has no such entry: `cargo cofferdam crash --record {}` shows what it has",
            path.display()
        );
    };
    Ok(Goal {
        partition: wanted.unwrap_or(partition),
        command: Some(format!("next-health {}", of.unwrap_or_default())),
    })
}

fn under_gdb(
    arguments: &ReplayArguments,
    recording: &Recording,
    qemu: &Path,
    root: &Path,
) -> Result<bool> {
    let goal = goal(arguments, recording)?;
    // It stands in a script.
    let is_line = |letter: char| !letter.is_control() && !"\"\\".contains(letter);
    ensure!(
        recording.folder.display().to_string().chars().all(is_line),
        "{:?} has a letter in it that GDB would take for something else: rename it",
        recording.folder
    );
    let folder = tempfile::tempdir().context("no folder for the socket between GDB and QEMU")?;
    let socket = folder.path().join("gdb");
    let script = folder.path().join("script.gdb");
    fs::write(
        &script,
        self::script(recording, &goal.partition, &socket, root)?,
    )?;
    // Each machine has a socket of its own.
    let mut machines = 0;
    let mut machine = || {
        let socket = PathBuf::from(format!("{}{machines}", socket.display()));
        machines += 1;
        recording.debug(qemu, &socket)
    };
    let mut running = machine()?;
    // Ctrl-C is for GDB, which stops the machine.
    let hold = Hold::new()?;
    let mut gdb = Command::new(GDB);
    // A program can have scripts in it, and beside it, which GDB would carry out as it reads its symbols.
    gdb.args(["-q", "-iex", "set auto-load off", "-x"])
        .arg(&script);
    for command in goal.command.iter().chain(&arguments.execute) {
        gdb.arg("-ex").arg(command);
    }
    if arguments.batch {
        gdb.arg("-batch").stdin(Stdio::null());
    } else {
        say!(
            "--- `go COUNT`, `back COUNT`, `back-to PLACE`, `back-write WHAT`, `next-health`; `help go` ---"
        );
    }
    let mut gdb = Ended(
        gdb.spawn()
            .with_context(|| format!("{GDB} did not start"))?,
    );
    // Whoever goes back ends the machine, and comes to another one.
    let status = loop {
        if let Some(status) = gdb.0.try_wait()? {
            break status;
        }
        let end = running.wait(Some(Duration::from_millis(20)), |_| None::<()>)?;
        if matches!(
            end,
            cofferdam_qemu::End::Off | cofferdam_qemu::End::Failed(_)
        ) {
            running = machine()?;
        }
    };
    drop(hold);
    running.end()?;
    Ok(status.success())
}

/// Dropped, it is no more.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The partition's script, and what it takes to go through the recording. Nothing of it is the recording's but numbers, and names that `is_plain`.
fn script(recording: &Recording, partition: &str, socket: &Path, root: &Path) -> Result<String> {
    let path = recording.file(PARTITIONS)?;
    let all: Vec<Debugged> = serde_json::from_slice(&fs::read(&path)?)
        .with_context(|| format!("{} is not as it was written", path.display()))?;
    let kernel = &recording.manifest.kernel;
    let programs = all.iter().flat_map(|one| &one.guest_programs);
    let names = all.iter().map(|one| &one.name);
    let names = names.chain([kernel]).chain(programs);
    for name in names {
        ensure!(
            is_plain(name),
            "{} names a partition, or a program, in a way that no system does",
            path.display()
        );
    }
    let own = all.iter().find(|one| one.name == partition);
    let guest = own
        .is_some_and(|own| own.has_guest_symbols)
        .then(|| recording.file(&guest(partition)))
        .transpose()?;
    let programs = own.iter().flat_map(|own| &own.guest_programs);
    let programs: Vec<_> = programs
        .map(|name| recording.file(&guest_program(name)))
        .collect::<Result<_>>()?;
    let files = Files {
        program: &recording.file(&program(partition))?,
        guest: guest.as_deref(),
        programs: &programs,
        sources: root,
    };
    let mut text = debug::script(&all, partition, &files)?;
    // Its addresses are nobody else's.
    let kernel = recording.file(&program(&format!("kernel-{kernel}")))?;
    writeln!(text, "add-symbol-file \"{}\"", kernel.display())?;
    let health = space::kernel::RECORD as usize + offset::HEALTH;
    let written = space::kernel::RECORD as usize + std::mem::offset_of!(Header, health);
    writeln!(text, "python")?;
    writeln!(text, "SOCKET = \"{}\"", socket.display())?;
    writeln!(text, "HEALTH_WRITTEN = {written:#x}")?;
    writeln!(text, "HEALTH = {health:#x}")?;
    writeln!(text, "HEALTH_ENTRIES = {}", limits::HEALTH_RECORDS)?;
    writeln!(text, "HEALTH_ENTRY = {}", size_of::<HealthRecord>())?;
    for (name, field) in [
        ("TICK", std::mem::offset_of!(HealthRecord, tick)),
        ("PARTITION", std::mem::offset_of!(HealthRecord, partition)),
        ("ERROR", std::mem::offset_of!(HealthRecord, error)),
        ("PC", std::mem::offset_of!(HealthRecord, pc)),
        ("ADDRESS", std::mem::offset_of!(HealthRecord, address)),
    ] {
        writeln!(text, "OF_{name} = {field}")?;
    }
    let errors: Vec<_> = Error::ALL.iter().map(|error| error.name()).collect();
    writeln!(text, "ERRORS = {errors:?}")?;
    text += COMMANDS;
    writeln!(text, "connect()\nend")?;
    Ok(text)
}

/// As the names of partitions are (`docs/system-toml.md`).
fn is_plain(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.all(|letter| letter.is_ascii_alphanumeric() || b"_-".contains(&letter))
}
