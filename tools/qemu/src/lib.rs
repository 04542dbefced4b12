//! Runs an image on QEMU's `ppce500` machine, watches its memory from outside, and ends it reliably.
//!
//! The guest's RAM is a file shared with QEMU. What the kernel writes into its record region can therefore be read at any
//! moment, during the run and after it, without a word from the guest over a serial line; and what the host writes before the
//! start lies in memory when the kernel boots (QEMU loads the image's segments over the file and keeps the rest of it).
//!
//! A run is the same every time with [`Machine::icount_shift`] set: instructions are the clock, the real-time clock of the board begins
//! with [`RTC_BASE`] and counts with them until it is set, and the one random input that QEMU gives a guest of this machine, `/chosen/rng-seed` of
//! the device tree it makes, is replaced by an empty tree (the kernel reads none). A Linux kernel that boots without cofferdam
//! needs QEMU's tree, whose seed is fixed then. Else the real-time clock is the host's.

#![forbid(unsafe_code)]

mod memory;
mod monitor;
mod probe;
mod running;

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::{FdFlags, fcntl_setfd};

pub use memory::Memory;
pub use running::{End, Running};

use memory::SharedFile;
use monitor::Line;
use probe::Probe;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Machine {
    /// QEMU, as `cofferdam-setup` found it.
    pub qemu: PathBuf,
    /// What boots.
    pub boot: Boot,
    /// RAM in MiB; this machine takes multiples of 64.
    pub memory_mib: u32,
    /// Where the file behind the RAM goes, and what else QEMU reads. They have no names there and disappear with the run, however
    /// that ends.
    pub folder: PathBuf,
    /// One instruction takes 2^shift ns of machine time, which jumps over idle time. `None`: the host's clock.
    pub icount_shift: Option<u8>,
    /// Where the first serial line goes.
    pub serial: Serial,
    /// Further devices, each as after QEMU's `-device`.
    pub devices: Vec<String>,
    /// What is behind those of them that are disks.
    pub drives: Vec<Drive>,
    /// What is behind those that are network devices.
    pub networks: Vec<Network>,
    /// A TCG plugin to load.
    pub plugin: Option<Plugin>,
    /// A reset starts the machine anew, its RAM kept but for what the image brings; else it ends it.
    pub reboots: bool,
    /// For whoever counts instructions with devices at work, records them, or sits at a terminal: idle time passes as on the host's clock, instead of being jumped over from timer
    /// to timer while a device is busy; and a network device sends a while after it was told to, by the machine's clock.
    pub paced: bool,
    /// Something will be done to it while it runs: see [`Running::ask`].
    pub monitored: bool,
    /// The socket by which a debugger comes: the machine waits for it with its first instruction, and its Ctrl-C is not QEMU's.
    pub debugger: Option<PathBuf>,
    /// The run is written down, or is one that was.
    pub replay: Option<Replay>,
    /// What a loader left in registers and memory, if words at physical addresses are asked for at all: see [`Running::read_physical`].
    pub probed: Option<Vec<(u64, u32)>>,
}

/// QEMU's own record of what came from outside, by the count of instructions. It takes [`Machine::icount_shift`].
#[derive(Clone, Debug)]
pub enum Replay {
    /// It is written to this file.
    Record(PathBuf),
    /// It is read from this file, and nothing comes from outside but what stands there.
    Replay(PathBuf),
}

/// What a machine boots.
#[derive(Clone, Debug)]
pub enum Boot {
    /// An ELF image, which is told nothing of the machine.
    Image(Vec<u8>),
    /// A Linux kernel, with the device tree that QEMU makes.
    Linux {
        /// The kernel, as a uImage.
        kernel: Vec<u8>,
        /// Its first file system.
        initramfs: Vec<u8>,
        /// Its boot arguments.
        arguments: String,
    },
}

/// Where the machine's first serial line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    /// The user's terminal, both ways, with QEMU's own keys (Ctrl-A X ends, Ctrl-A C is the monitor).
    Terminal,
    /// Our standard output; nothing can be typed.
    Output,
    /// Kept in memory: see [`Running::serial`] and [`Running::type_in`].
    Captured,
}

/// What is behind a disk.
#[derive(Clone, Debug)]
pub struct Drive {
    /// The name by which a device has it.
    pub name: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a disk.
#[derive(Clone, Debug)]
pub enum Content {
    /// That of a file.
    File(Medium),
    /// Zeros, whatever is written. It answers each request after so much time of the host's, which is enough for the machine to be idle then.
    Zeros {
        /// How large it is.
        bytes: u64,
        /// When it answers.
        after: Duration,
    },
}

/// A file as a disk.
#[derive(Clone, Debug)]
pub struct Medium {
    /// The file with its content, sector by sector.
    pub file: PathBuf,
    /// What is written stays in the file, else it is gone with the run.
    pub keeps: bool,
    /// What is flushed reaches the host's disk, else the host's cache: that is faster, and as good unless the host itself ends.
    pub flushes: bool,
    /// It cannot be written.
    pub read_only: bool,
    /// Which accesses fail: a file of rules (QEMU, `docs/devel/blkdebug.txt`).
    pub faults: Option<PathBuf>,
}

impl Replay {
    /// As a part of the argument of `-icount`.
    fn argument(&self) -> String {
        let (mode, log) = match self {
            Self::Record(log) => ("record", log),
            Self::Replay(log) => ("replay", log),
        };
        format!(",rr={mode},rrfile={}", value(log))
    }
}

/// QEMU ends a value at a comma, and takes two commas for one.
fn value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

impl Drive {
    fn argument(&self, name: &str) -> String {
        let content = match &self.content {
            Content::File(medium) => medium.argument(),
            Content::Zeros { bytes, after } => {
                let after_ns = after.as_nanos();
                format!("driver=null-co,size={bytes},read-zeroes=on,latency-ns={after_ns}")
            }
        };
        format!("if=none,id={name},{content}")
    }
}

impl Medium {
    fn argument(&self) -> String {
        let file = value(&self.file);
        let snapshot = if self.keeps { "off" } else { "on" };
        let no_flush = if self.flushes { "off" } else { "on" };
        let read_only = if self.read_only { "on" } else { "off" };
        let behind = match &self.faults {
            None => format!("format=raw,file={file},cache.no-flush={no_flush}"),
            // There a flush goes as far as the rules, for one of them may be about it.
            Some(faults) => format!(
                "driver=raw,file.driver=blkdebug,file.config={},file.image.driver=file,file.image.filename={file},file.image.cache.no-flush={no_flush}",
                value(faults)
            ),
        };
        format!("snapshot={snapshot},read-only={read_only},{behind}")
    }
}

/// What is behind a network device.
#[derive(Clone, Debug)]
pub struct Network {
    /// The name by which a device has it.
    pub name: String,
    /// It.
    pub behind: Behind,
}

/// What a network consists of.
#[derive(Clone, Debug)]
pub enum Behind {
    /// QEMU's own network, which reaches out by the host's sockets.
    User {
        /// A port of TCP on the host's own address, and the one of 10.0.2.15 that is behind it.
        forward: Option<(u16, u16)>,
    },
    /// Frames in datagrams, just as they are: the machine's end of a pair of sockets.
    Datagrams(Arc<UnixDatagram>),
}

impl Network {
    fn argument(&self) -> String {
        let name = &self.name;
        match self.behind {
            // With IPv6 the network would say something from time to time, when chance will have it.
            Behind::User { forward: None } => format!("user,id={name},ipv6=off"),
            Behind::User {
                forward: Some((host, guest)),
            } => format!("user,id={name},ipv6=off,hostfwd=tcp:127.0.0.1:{host}-10.0.2.15:{guest}"),
            Behind::Datagrams(ref end) => format!("socket,id={name},fd={}", end.as_raw_fd()),
        }
    }
}

/// A TCG plugin.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// The shared library.
    pub library: PathBuf,
    /// Its arguments.
    pub arguments: Vec<(String, String)>,
}

/// What the real-time clock of the board says at the start, where it is not the host's: midnight, in UTC.
pub const RTC_BASE: &str = "2026-01-01";

/// A device tree of one empty node. Flattened device tree, version 17 (Devicetree Specification 0.3, section 5): a header of
/// ten words, an empty memory reservation map, and the structure block BEGIN_NODE "" END_NODE END.
#[rustfmt::skip]
const EMPTY_DEVICE_TREE: [u32; 18] = {
    const RESERVATIONS: u32 = 40;
    const STRUCTURE: u32 = RESERVATIONS + 16;
    const STRUCTURE_SIZE: u32 = 16;
    const TOTAL: u32 = STRUCTURE + STRUCTURE_SIZE;
    const BEGIN_NODE: u32 = 1;
    const END_NODE: u32 = 2;
    const END: u32 = 9;
    [
        0xd00d_feed, TOTAL, STRUCTURE, TOTAL, RESERVATIONS, 17, 16, 0, 0, STRUCTURE_SIZE,
        0, 0, 0, 0,
        BEGIN_NODE, 0, END_NODE, END,
    ]
};

impl Machine {
    /// Prepares the memory, so that it can be written before the machine starts.
    pub fn prepare(self) -> Result<Prepared> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("the folder {} cannot be created", self.folder.display()))?;
        let bytes = u64::from(self.memory_mib) << 20;
        let memory = SharedFile::in_folder(&self.folder)?;
        memory.file.set_len(bytes).with_context(|| {
            format!(
                "no room for {} MiB of guest memory in {}",
                self.memory_mib,
                self.folder.display()
            )
        })?;
        let tree: Vec<u8>;
        let (kernel, companion) = match &self.boot {
            Boot::Image(image) => {
                tree = EMPTY_DEVICE_TREE
                    .iter()
                    .flat_map(|word| word.to_be_bytes())
                    .collect();
                (image, &tree)
            }
            Boot::Linux {
                kernel, initramfs, ..
            } => (kernel, initramfs),
        };
        let files = Files {
            memory,
            kernel: SharedFile::with(&self.folder, kernel)?,
            companion: SharedFile::with(&self.folder, companion)?,
        };
        // Whoever is probed waits until the monitor lets it begin.
        let monitored = self.monitored || self.probed.is_some();
        let hands = Hands {
            line: monitored.then(Line::new).transpose()?,
            probe: self.probed.as_ref().map(|_| Probe::new()).transpose()?,
        };
        Ok(Prepared {
            machine: self,
            files,
            hands,
        })
    }

    fn command(&self, files: &Files, hands: &Hands) -> Result<Command> {
        // If this process is killed outright, nothing of ours can end QEMU any more; the kernel of the host then does.
        let mut qemu = if std::path::Path::new("/usr/bin/setpriv").exists() {
            let mut setpriv = Command::new("/usr/bin/setpriv");
            setpriv.args(["--pdeathsig", "KILL", "--"]).arg(&self.qemu);
            setpriv
        } else {
            Command::new(&self.qemu)
        };
        qemu.args(["-M", "ppce500,memory-backend=ram", "-cpu", "e500v2"]);
        qemu.args(["-m", &format!("{}M", self.memory_mib)]);
        qemu.arg("-object").arg(format!(
            "memory-backend-file,id=ram,size={}M,mem-path={},share=on",
            self.memory_mib,
            files.memory.path()
        ));
        // The default network card wants a ROM from another package, and is not used.
        qemu.args(["-nic", "none", "-display", "none"]);
        if !self.reboots {
            qemu.arg("-no-reboot");
        }
        qemu.args(["-kernel", &files.kernel.path()]);
        match &self.boot {
            Boot::Image(_) => {
                qemu.args(["-dtb", &files.companion.path()]);
            }
            Boot::Linux { arguments, .. } => {
                qemu.args(["-initrd", &files.companion.path(), "-append", arguments]);
                // What the guest could see of the host's chance is the same in every run.
                qemu.args(["-seed", "42"]);
            }
        }
        // And of its time.
        let the_same_every_time = self.icount_shift.is_some() && !self.paced;
        if the_same_every_time || matches!(self.boot, Boot::Linux { .. }) {
            qemu.args(["-rtc", &format!("base={RTC_BASE},clock=vm")]);
        }
        if let Some(shift) = self.icount_shift {
            let sleep = if self.paced { "on" } else { "off" };
            let replay = self.replay.as_ref().map(Replay::argument);
            let replay = replay.unwrap_or_default();
            qemu.args(["-icount", &format!("shift={shift},sleep={sleep}{replay}")]);
        }
        if self.replay.is_some() {
            // Who records keeps QEMU itself waiting until a timer is due, and a machine that has come to its end has none: a filter without any frame
            // has one, each 10 ms. The machine does not see it.
            qemu.args(["-netdev", "hubport,id=pulse,hubid=0"]);
            let filter = "filter-buffer,id=pulse-filter,netdev=pulse,interval=10000";
            qemu.args(["-object", filter]);
        }
        if self.paced {
            qemu.args(["-global", "virtio-net-device.tx=timer"]);
        }
        for drive in &self.drives {
            match &self.replay {
                None => {
                    qemu.args(["-drive", &drive.argument(&drive.name)]);
                }
                // QEMU, `docs/system/replay.rst`: requests of a disk end where they did.
                Some(_) => {
                    let (name, behind) = (&drive.name, format!("{}-content", drive.name));
                    qemu.args(["-drive", &drive.argument(&behind)]);
                    let replayed = format!("driver=blkreplay,if=none,image={behind},id={name}");
                    qemu.args(["-drive", &replayed]);
                }
            }
        }
        for network in &self.networks {
            if let Behind::Datagrams(end) = &network.behind {
                // QEMU inherits it.
                fcntl_setfd(end, FdFlags::empty())?;
            }
            qemu.args(["-netdev", &network.argument()]);
            if self.replay.is_some() {
                let name = &network.name;
                let filter = format!("filter-replay,id={name}-replay,netdev={name}");
                qemu.args(["-object", &filter]);
            }
        }
        for device in &self.devices {
            qemu.args(["-device", device]);
        }
        if let Some(plugin) = &self.plugin {
            let mut loaded = value(&plugin.library);
            for (key, argument) in &plugin.arguments {
                loaded.push_str(&format!(",{key}={}", argument.replace(',', ",,")));
            }
            qemu.args(["-plugin", &loaded]);
        }
        if let Some(line) = &hands.line {
            qemu.args(line.arguments());
        }
        if let Some(probe) = &hands.probe {
            qemu.args(probe.arguments());
        }
        if let Some(socket) = &self.debugger {
            qemu.arg("-gdb")
                .arg(format!("unix:{},server=on,wait=off", value(socket)));
            qemu.arg("-S").process_group(0);
        }
        match self.serial {
            Serial::Terminal => {
                qemu.args(["-serial", "mon:stdio"]);
            }
            Serial::Output => {
                qemu.args(["-serial", "stdio", "-monitor", "none"])
                    .stdin(Stdio::null())
                    .stderr(Stdio::piped());
            }
            Serial::Captured => {
                qemu.args(["-serial", "stdio", "-monitor", "none"]);
                qemu.stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
            }
        }
        Ok(qemu)
    }
}

/// What QEMU opens.
pub(crate) struct Files {
    memory: SharedFile,
    kernel: SharedFile,
    /// What the kernel gets along: a device tree, or Linux's first file system.
    companion: SharedFile,
}

/// By what something is done to the machine from outside.
pub(crate) struct Hands {
    line: Option<Line>,
    probe: Option<Probe>,
}

/// A machine whose memory is there, but which has not started.
pub struct Prepared {
    machine: Machine,
    files: Files,
    hands: Hands,
}

impl Prepared {
    /// The guest's RAM, zero so far.
    pub fn memory(&self) -> Result<Memory> {
        Ok(Memory::of(self.files.memory.file.try_clone()?))
    }

    /// Starts QEMU.
    ///
    /// The machine ends with the thread that calls this: keep that thread until the run is over.
    pub fn start(self) -> Result<Running> {
        let memory = self.memory()?;
        let command = self.machine.command(&self.files, &self.hands)?;
        let mut running =
            Running::start(command, self.machine.serial, memory, self.files, self.hands)?;
        if let Some(words) = &self.machine.probed {
            for (physical, word) in words {
                running.write_physical(*physical, *word)?;
            }
            running.ask("cont")?;
        }
        Ok(running)
    }
}
