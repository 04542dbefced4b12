//! Runs a built system, and judges the record that it leaves.
//!
//! The judge is outside: it reads the machine's memory, which the machine shares with this process. That an attack was refused,
//! or did no harm, is what the attacker itself says by a mark: it counts as far as the kernel's account of it, and the accounts of the
//! others, do not speak against it.
//!
//! [`run`] starts the machine, follows it, and ends it; [`judge`] turns what is left into a [`Report`]. Time is the machine's
//! own: with [`Options::instruction_clock`] one instruction takes one nanosecond and every run is the same; without it
//! the host decides when the machine runs, so that no deadline is judged.

#![forbid(unsafe_code)]

pub mod announce;
mod attacks;
pub mod command;
pub mod coverage;
mod follow;
mod gather;
mod judge;
mod memory;
pub mod recording;
mod report;
mod table;

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cofferdam_abi::record::{Header, HealthRecord, Mark, STOP_REQUEST};
use cofferdam_abi::space;
use cofferdam_build::{Built, Kernel};
use cofferdam_qemu::{
    Behind, Boot, Content, Drive, End, Machine, Memory, Network, Plugin, Running, Serial,
};
use cofferdam_record::Snapshot;
use cofferdam_record::gathered::Gathered;

use announce::Announced;

pub use follow::Ended;
pub use report::{AttackReport, DmaReport, PartitionReport, Report};

/// So long QEMU may take until a debugger can come.
const SOCKET_APPEARS: Duration = Duration::from_secs(30);

/// How to run a system.
#[derive(Clone, Debug)]
pub struct Options {
    /// QEMU.
    pub qemu: PathBuf,
    /// Which kernel.
    pub kernel: Kernel,
    /// Instructions are the clock, one nanosecond each.
    pub instruction_clock: bool,
    /// How long, in the machine's time; `None`: until the user quits. If there are moments, it counts from the last of them on: an idle machine runs
    /// ahead of a host that is slow to see what they come behind.
    pub machine_time: Option<Duration>,
    /// The run ends before that when this text has come over a captured serial line.
    pub until: Option<String>,
    /// The same when all of these have come, if there are any.
    pub until_marks: Vec<Marks>,
    /// Where the serial line goes.
    pub serial: Serial,
    /// What is done from outside meanwhile, one after the other.
    pub moments: Vec<Moment>,
    /// A TCG plugin to load.
    pub plugin: Option<Plugin>,
    /// Who comes from outside, to a system with a network.
    pub outside: Outside,
    /// What is behind disks in this run, in place of what stays from run to run.
    pub media: Vec<Medium>,
    /// Set by whoever comes from outside when it is enough: the kernel is then asked to stop, before the machine's time is over.
    pub enough: Option<Arc<AtomicBool>>,
    /// What a loader left, and what is looked at behind the run, in registers of the machine.
    pub probe: Option<Probe>,
    /// How often the module is expected to reset the machine. It goes on each time; one reset more ends the run.
    pub resets: u32,
}

/// Words at physical addresses, the registers of devices among them.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// What a loader left there: each is written before the first instruction, in this order.
    pub loader: Vec<(u64, u32)>,
    /// What is done behind the run, in this order: a word is written, or one is read.
    pub behind: Vec<(u64, Option<u32>)>,
}

/// What is behind a disk in one run. What is written to it stays.
#[derive(Clone, Debug)]
pub struct Medium {
    /// The disk's device.
    pub device: String,
    /// The file with its content, as large as the disk is to be.
    pub file: PathBuf,
    /// It cannot be written.
    pub read_only: bool,
    /// Which accesses fail: rules of QEMU's `blkdebug`.
    pub faults: Option<String>,
}

/// Who comes from outside, to a system with a network.
#[derive(Clone, Debug)]
pub enum Outside {
    /// Nobody: a network is there, and nobody on it says anything by himself.
    Nobody,
    /// Nobody, and devices whose requests cost the same in every run: disks are full of zeros and answer when the machine is idle
    /// ([`Machine::paced`]).
    Paced,
    /// Whoever connects to this port of the host: it leads to the one that a network device's `forward` names.
    Port(u16),
    /// Whoever sends frames, by the other end of this pair of sockets, and gets those of the machine there.
    Frames(Arc<UnixDatagram>),
    /// Nobody can: nothing is plugged in.
    Unplugged,
}

/// Marks of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The partition's number.
    pub partition: u32,
    /// What they are called.
    pub identifier: u32,
    /// How many of them.
    pub count: usize,
}

/// When something is done from outside, and what.
#[derive(Clone, Debug)]
pub struct Moment {
    /// It is done when this text has come over a captured serial line, behind the text of the moment before.
    pub after: String,
    /// What.
    pub deed: Deed,
}

impl Moment {
    /// Keys, typed when somebody is there to take them.
    pub fn typed(after: &str, keys: impl Into<Vec<u8>>) -> Self {
        Self {
            after: after.to_owned(),
            deed: Deed::Keys(keys.into()),
        }
    }
}

/// What is done from outside.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Keys are typed on the captured serial line.
    Keys(Vec<u8>),
    /// The cable of a network is pulled, or plugged in.
    Cable {
        /// The network's name, as the device on the bus has it.
        network: String,
        /// It is plugged in.
        plugged: bool,
    },
    /// What is behind a disk is taken away. The device stays.
    Removal {
        /// The disk's name, as the device on the bus has it.
        disk: String,
    },
}

impl Deed {
    /// The line of QEMU's monitor that does it; `None`: it is not the monitor's to do.
    fn line(&self) -> Option<String> {
        match self {
            Self::Keys(_) => None,
            Self::Cable { network, plugged } => {
                let state = if *plugged { "on" } else { "off" };
                Some(format!("set_link {network} {state}"))
            }
            Self::Removal { disk } => Some(format!("drive_del {disk}")),
        }
    }
}

/// What became of a run.
pub struct Outcome {
    /// The judgement.
    pub report: Report,
    /// The record as it was in the end.
    pub snapshot: Snapshot,
    /// What came over a captured serial line.
    pub serial: Vec<u8>,
    /// The marks of the whole run, in their order.
    pub marks: Vec<Mark>,
    /// The entries of the health log of the whole run, in their order; those are missing that were overwritten before the host looked.
    pub health: Vec<HealthRecord>,
    /// The machine's memory as it was in the end.
    pub memory: Memory,
    /// The words that [`Probe::behind`] read.
    pub probed: Vec<u32>,
    /// The events of the whole run, as far as they were seen before the ring overwrote them. `None`: the kernel keeps no trace.
    pub events: Option<Gathered>,
}

impl Options {
    /// For somebody who debugs: until the debugger ends it, with the console on standard output.
    pub fn to_debug(qemu: PathBuf, kernel: Kernel) -> Self {
        Self {
            qemu,
            kernel,
            instruction_clock: true,
            machine_time: None,
            until: None,
            until_marks: Vec::new(),
            serial: Serial::Output,
            moments: Vec::new(),
            plugin: None,
            outside: Outside::Nobody,
            media: Vec::new(),
            enough: None,
            probe: None,
            resets: 0,
        }
    }
}

/// A system under a debugger.
pub struct Debugged(Running);

impl Debugged {
    /// Ends it, if the debugger has not, and gives the record as it is then.
    pub fn end(self) -> Result<Snapshot> {
        let (memory, _) = self.0.end()?;
        snapshot(&memory).context("the machine's memory cannot be read")
    }
}

/// Starts a system for a debugger that comes by `socket`, and waits until it can: nothing has been executed then.
///
/// The machine ends with the thread that calls this.
pub fn debug(built: &Built, options: &Options, socket: &Path) -> Result<Debugged> {
    let mut machine = machine(built, built.image(options.kernel), options)?;
    machine.debugger = Some(socket.to_path_buf());
    let mut running = machine.prepare()?.start()?;
    match running.wait(Some(SOCKET_APPEARS), |_| socket.exists().then_some(()))? {
        End::Seen(()) => Ok(Debugged(running)),
        End::Failed(why) => bail!("QEMU failed with {}: {why}", built.plan.system),
        _ => bail!(
            "QEMU does not wait for a debugger within {} s: try again when the host has less to do",
            SOCKET_APPEARS.as_secs()
        ),
    }
}

/// Runs a system to its end, and judges it.
pub fn run(built: &Built, options: &Options) -> Result<Outcome> {
    run_image(built, built.image(options.kernel), options)
}

/// The same with another image than the one that was built.
pub fn run_image(built: &Built, image: &[u8], options: &Options) -> Result<Outcome> {
    run_machine(built, image, options, machine(built, image, options)?)
}

/// The same on a machine that was made for it.
fn run_machine(
    built: &Built,
    image: &[u8],
    options: &Options,
    machine: Machine,
) -> Result<Outcome> {
    let length = options
        .machine_time
        .map(|time| ticks(time, built.plan.timebase_hz));
    let prepared = machine.prepare()?;
    if let Some(length) = length {
        let waits = if options.moments.is_empty() {
            1
        } else {
            PATIENCE
        };
        request_stop(&prepared.memory()?, length.saturating_mul(waits))?;
    }
    let _announced = Announced::new(&built.directory, prepared.memory()?)?;
    let running = prepared.start()?;
    let followed = follow::follow(running, options, length, built.plan.timebase_hz)?;
    let snapshot = snapshot(&followed.memory).context("the machine's memory cannot be read")?;
    let report = judge::judge(built, options, image, &followed, &snapshot)?;
    Ok(Outcome {
        report,
        snapshot,
        serial: followed.serial,
        marks: followed.marks.into_values().collect(),
        health: followed.health.into_values().collect(),
        memory: followed.memory,
        probed: followed.probed,
        events: followed.events,
    })
}

/// Whether something in the system can be reached from the host: the port that a network device's `forward` names.
pub fn forwards(built: &Built) -> bool {
    let mut functions = built.plan.bus.iter().flat_map(|bus| &bus.functions);
    functions.any(|function| function.forward.is_some())
}

/// A port of the host that nobody has at the moment.
pub fn free_port() -> Result<u16> {
    let free = || std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr();
    Ok(free().context("the host has no free port for `forward`: end what uses its ports, or take the key out of the system's file")?.port())
}

/// The record as it is now.
fn snapshot(memory: &Memory) -> std::io::Result<Snapshot> {
    Snapshot::read(|address, bytes| memory.read(address, bytes))
}

fn machine(built: &Built, image: &[u8], options: &Options) -> Result<Machine> {
    let memory_mib = u32::try_from(built.plan.ram_bytes >> 20).with_context(|| {
        format!(
            "{} bytes of RAM are too many for QEMU: make `ram` in the system's file less",
            built.plan.ram_bytes
        )
    })?;
    if built.plan.machine != "ppce500" {
        bail!(
            "the board {} is the machine {} in QEMU, and this command runs ppce500 alone: docs/porting.md says what another takes",
            built.plan.board,
            built.plan.machine
        );
    }
    let devices = devices(built, options)?;
    // Whoever sits at the machine has no use for a clock that goes on while the host makes it wait, nor for one that jumps.
    let at_a_terminal = options.serial == Serial::Terminal && !options.instruction_clock;
    Ok(Machine {
        qemu: options.qemu.clone(),
        boot: Boot::Image(image.to_vec()),
        memory_mib,
        folder: built.directory.clone(),
        icount_shift: (options.instruction_clock || at_a_terminal).then_some(0),
        serial: options.serial,
        devices: devices.all,
        drives: devices.drives,
        networks: devices.networks,
        plugin: options
            .plugin
            .clone()
            .or(coverage::plugin(built, image, options)?),
        reboots: options.resets > 0,
        paced: at_a_terminal || matches!(options.outside, Outside::Paced),
        debugger: None,
        replay: None,
        probed: options.probe.as_ref().map(|probe| probe.loader.clone()),
        monitored: (options.moments.iter()).any(|moment| moment.deed.line().is_some()),
    })
}

/// The devices on the bus that a system uses, and what is behind them.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    /// Each as after QEMU's `-device`.
    pub all: Vec<String>,
    /// What is behind those that are disks.
    pub drives: Vec<Drive>,
    /// What is behind those that are network devices.
    pub networks: Vec<Network>,
}

/// When a disk of [`Outside::Paced`] answers: the 200,000 instructions of 32 requests, counted by a plugin, have to be over.
const ZEROS_AFTER: Duration = Duration::from_millis(8);

/// Those of a system. Under the instruction clock every run finds the disks as the first one did.
///
/// # Errors
/// If the file of a disk cannot be made.
pub fn devices(built: &Built, options: &Options) -> Result<Devices> {
    let mut devices = Devices::default();
    for function in built.plan.bus.iter().flat_map(|bus| &bus.functions) {
        let Some(emulator) = &function.emulator else {
            continue;
        };
        let behind = |key: &str| {
            let mut properties = emulator.split(',');
            properties.find_map(|one| one.strip_prefix(key).map(str::to_owned))
        };
        let network = behind("netdev=");
        let plugged = match &options.outside {
            Outside::Nobody | Outside::Paced => Some(Behind::User { forward: None }),
            Outside::Port(port) => Some(Behind::User {
                forward: function.forward.map(|guest| (*port, guest)),
            }),
            Outside::Frames(end) => Some(Behind::Datagrams(end.clone())),
            Outside::Unplugged => None,
        };
        devices.all.push(match (&network, &plugged) {
            (Some(name), None) => emulator.replace(&format!(",netdev={name}"), ""),
            _ => emulator.clone(),
        });
        let network = network.zip(plugged);
        (devices.networks).extend(network.map(|(name, behind)| Network { name, behind }));
        if let Some(name) = behind("drive=") {
            if let Some(own) = options.media.iter().find(|one| one.device == name) {
                devices.drives.push(own.drive()?);
                continue;
            }
            let bytes = function.medium_bytes.unwrap_or_default();
            let content = if matches!(options.outside, Outside::Paced) {
                Content::Zeros {
                    bytes,
                    after: ZEROS_AFTER,
                }
            } else {
                let file = built.directory.join(format!("{name}.img"));
                medium(&file, bytes)
                    .with_context(|| format!("the disk {} cannot be made", file.display()))?;
                Content::File(cofferdam_qemu::Medium {
                    file,
                    keeps: !options.instruction_clock,
                    flushes: true,
                    read_only: false,
                    faults: None,
                })
            };
            devices.drives.push(Drive { name, content });
        }
    }
    Ok(devices)
}

impl Medium {
    /// The drive with it; the rules lie beside its file.
    fn drive(&self) -> Result<Drive> {
        let faults = self.faults.as_ref().map(|rules| {
            let path = self.file.with_extension("faults");
            std::fs::write(&path, rules)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            anyhow::Ok(path)
        });
        Ok(Drive {
            name: self.device.clone(),
            content: Content::File(cofferdam_qemu::Medium {
                file: self.file.clone(),
                keeps: true,
                flushes: false,
                read_only: self.read_only,
                faults: faults.transpose()?,
            }),
        })
    }
}

/// The file of a disk. What is in it stays; it is as large as the system's file says.
fn medium(file: &Path, bytes: u64) -> std::io::Result<()> {
    let mut open = std::fs::OpenOptions::new();
    let file = open.create(true).truncate(false).write(true).open(file)?;
    if file.metadata()?.len() != bytes {
        file.set_len(bytes)?;
    }
    Ok(())
}

/// What a moment comes behind has come within so many times the length of a run, or never comes.
const PATIENCE: u64 = 20;

/// Asks the kernel to stop at the first major frame at or behind `stop_at` ticks, whatever it was asked before.
fn request_stop(memory: &Memory, stop_at: u64) -> Result<()> {
    let record = u64::from(space::kernel::RECORD);
    let field = |offset: usize| record + offset as u64;
    let request = |number: u32| {
        let at = field(std::mem::offset_of!(Header, stop_request));
        memory.write(at, &number.to_be_bytes())
    };
    let write = || {
        // It may look at any time, and should not find half of a tick.
        request(!STOP_REQUEST)?;
        memory.write(
            field(std::mem::offset_of!(Header, stop_at)),
            &stop_at.to_be_bytes(),
        )?;
        request(STOP_REQUEST)
    };
    write().context("the machine's memory cannot be written")
}

fn ticks(time: Duration, timebase_hz: u64) -> u64 {
    let ticks = time.as_nanos() * u128::from(timebase_hz) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

fn nanoseconds(ticks: u64, timebase_hz: u64) -> u64 {
    let time = u128::from(ticks) * 1_000_000_000 / u128::from(timebase_hz.max(1));
    u64::try_from(time).unwrap_or(u64::MAX)
}
