//! The description of a system, typed. Times are in timebase ticks, sizes in bytes.

use std::fmt;

use cofferdam_abi::health::{Action, Error};

use crate::apex::Apex;
use crate::board::Board;
use crate::requirement::{FlowRequirement, LatencyRequirement, MemoryRequirement};
use crate::source::{Span, Spanned};

/// All of `system.toml`.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// Its name.
    pub name: Spanned<String>,
    /// The RAM of the machine.
    pub ram_bytes: Spanned<u64>,
    /// See `[kernel] guard`.
    pub guard_ticks: Spanned<u64>,
    /// Actions at module level.
    pub module_errors: Vec<ErrorAction>,
    /// Where `[kernel] errors` stands.
    pub module_errors_span: Span,
    /// Actions at partition level where a partition does not say otherwise.
    pub default_errors: Vec<ErrorAction>,
    /// In the order of the file, which is that of their indices.
    pub partitions: Vec<Partition>,
    /// In the order of the file.
    pub devices: Vec<Device>,
    /// In the order of the file, which is that of their indices.
    pub channels: Vec<Channel>,
    /// What each partition named may do.
    pub capabilities: Vec<(Spanned<String>, Vec<Spanned<CapabilityRequest>>)>,
    /// In the order of the file, which is that of their indices.
    pub schedules: Vec<Schedule>,
    /// `[require] flow`.
    pub flow: Vec<Spanned<FlowRequirement>>,
    /// `[require] latency`.
    pub latency: Vec<Spanned<LatencyRequirement>>,
    /// `[require] memory`.
    pub memory: Vec<Spanned<MemoryRequirement>>,
}

impl System {
    /// The index of the partition with this name.
    pub fn partition_index(&self, name: &str) -> Option<usize> {
        self.partitions.iter().position(|one| *one.name == name)
    }

    /// The index of the schedule with this name.
    pub fn schedule_index(&self, name: &str) -> Option<usize> {
        self.schedules.iter().position(|one| *one.name == name)
    }

    /// Whether any partition has a guest.
    pub fn has_guests(&self) -> bool {
        self.partitions.iter().any(|one| one.guest.is_some())
    }

    /// The longest that the kernel keeps interrupts off in this system on this board.
    pub fn interrupts_off_max_ticks(&self, board: &Board) -> u64 {
        if self.has_guests() {
            board.interrupts_off_max_with_guests_ticks
        } else {
            board.interrupts_off_max_ticks
        }
    }

    /// The actions that the tables name for a partition, the least particular first.
    pub fn actions_of(&self, partition: usize) -> impl Iterator<Item = &ErrorAction> {
        let own = &self.partitions[partition];
        let limit = own.restart.iter().flat_map(|restart| &restart.then);
        self.default_errors.iter().chain(&own.errors).chain(limit)
    }
}

/// What the health monitor does about an error.
#[derive(Clone, Debug)]
pub struct ErrorAction {
    /// The error.
    pub error: Spanned<Error>,
    /// The action.
    pub action: Spanned<Action>,
    /// The target of [`Action::SwitchSchedule`].
    pub schedule: Option<Spanned<String>>,
}

/// Where a partition's program comes from.
#[derive(Clone, Debug)]
pub enum Program {
    /// The folder of a crate.
    Crate(Spanned<String>),
    /// A finished ELF.
    Image(Spanned<String>),
}

/// How a partition's translations reach the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlb {
    /// They stay in TLB1 while its windows last.
    Pinned,
    /// Each miss refills TLB0.
    Refill,
}

/// A partition.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its name.
    pub name: Spanned<String>,
    /// Where its program comes from. `None` where the file says neither or both.
    pub program: Option<Program>,
    /// The files in C that are built into the program, which is then a crate of the tree's own.
    pub sources: Vec<Spanned<String>>,
    /// The keys `crate`, `c` and `image`, as far as they are there.
    pub program_keys: Vec<Spanned<String>>,
    /// The room for the stack.
    pub stack_bytes: Spanned<u64>,
    /// The private memory, the stack included.
    pub memory_bytes: Spanned<u64>,
    /// The physical address of its block, where the file chooses it.
    pub place: Option<Spanned<u64>>,
    /// The distance of its releases.
    pub period_ticks: Option<Spanned<u64>>,
    /// From release to deadline.
    pub deadline_ticks: Option<Spanned<u64>>,
    /// Whether it starts with the module.
    pub autostart: bool,
    /// As the file says it.
    pub tlb: Option<Spanned<Tlb>>,
    /// Its own actions.
    pub errors: Vec<ErrorAction>,
    /// How often it may be restarted.
    pub restart: Option<Restart>,
    /// Health events that a run is expected to show.
    pub expect: Vec<Spanned<Error>>,
    /// Its devices, by name.
    pub devices: Vec<Spanned<String>>,
    /// Its membership in the background.
    pub background: Option<Background>,
    /// The key `personality`, if it is there.
    pub personality: Option<Spanned<String>>,
    /// The guest that its program monitors.
    pub guest: Option<Guest>,
    /// ARINC 653 services.
    pub apex: Option<Apex>,
}

/// A guest.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its table.
    pub span: Span,
    /// Its memory.
    pub memory_bytes: Spanned<u64>,
    /// The file of its kernel; none: the one that is built.
    pub kernel: Option<Spanned<String>>,
    /// Whether its kernel is rewritten.
    pub rewrite: Option<Spanned<bool>>,
    /// What it begins with in place of a kernel.
    pub firmware: Option<Spanned<String>>,
    /// What it has for a console.
    pub console: Option<Spanned<String>>,
    /// The file of its first file system.
    pub initramfs: Option<Spanned<String>>,
    /// The file of what is added to its device tree.
    pub overlay: Option<Spanned<String>>,
    /// What its kernel is told.
    pub arguments: Option<Spanned<String>>,
    /// How long it may have its interrupts off.
    pub watchdog_ticks: Option<Spanned<u64>>,
    /// What follows a reset that it asked for.
    pub on_reset: Action,
    /// What follows when it turns its power off.
    pub on_power_off: Action,
    /// What follows a panic of its kernel.
    pub on_panic: Action,
    /// What follows when it hangs.
    pub on_hang: Action,
}

impl Guest {
    /// Whether its console is a UART; else it is a byte channel.
    pub fn has_uart(&self) -> bool {
        self.console.as_ref().is_some_and(|one| **one == "uart")
    }

    /// Whether it is the Linux that the build fetches and builds.
    pub fn is_built(&self) -> bool {
        self.kernel.is_none() && self.firmware.is_none()
    }
}

impl Partition {
    /// Where the file names its program.
    pub fn program_span(&self) -> Span {
        let key = self.program_keys.first();
        key.map_or(self.name.span, |key| key.span)
    }
}

/// A restart policy.
#[derive(Clone, Debug)]
pub struct Restart {
    /// How many restarts are allowed.
    pub max: Spanned<u64>,
    /// In this time.
    pub per_ticks: Spanned<u64>,
    /// What comes then.
    pub then: Option<ErrorAction>,
    /// The wait before the first.
    pub back_off_ticks: u64,
}

/// A membership in the background.
#[derive(Clone, Debug)]
pub struct Background {
    /// 1 is the most urgent.
    pub priority: Spanned<u64>,
    /// With it, the member is above each window's own group.
    pub budget_ticks: Option<Spanned<u64>>,
}

/// When the interrupt of a device comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenNotRunning {
    /// It waits for a window of its owner.
    #[default]
    Pend,
    /// It comes wherever its owner is eligible.
    Preempt,
}

/// What a device on the bus reaches by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dma {
    /// Nothing.
    #[default]
    None,
    /// The arena, and that is proved as far as it can be.
    Arena,
    /// What it likes, for all that is proved.
    Trusted,
}

/// A device in use.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name in the board file.
    pub name: Spanned<String>,
    /// When its interrupt comes.
    pub when_not_running: Spanned<WhenNotRunning>,
    /// A count and the ticks that it is for.
    pub storm: Option<Spanned<(u64, u64)>>,
    /// What it reaches by itself.
    pub dma: Spanned<Dma>,
    /// Its owner's own part of the arena.
    pub dma_memory_bytes: Option<Spanned<u64>>,
    /// How large the disk behind it is, on the emulator.
    pub medium_bytes: Option<Spanned<u64>>,
    /// The port of the network behind it that the host reaches, on the emulator.
    pub forward: Option<Spanned<u64>>,
}

/// What a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// The last value.
    Sampling,
    /// A bounded queue.
    Queuing,
    /// Request and reply.
    Call,
    /// Shared memory and doorbells.
    Ring,
    /// A doorbell.
    Signal,
}

impl ChannelKind {
    /// As the file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Queuing => "queuing",
            Self::Call => "call",
            Self::Ring => "ring",
            Self::Signal => "signal",
        }
    }
}

/// The type of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// This many bytes, without a meaning.
    Bytes(u64),
    /// A Rust type by its path, `crate::Type`.
    Path(String),
}

/// `partition.port`, or `partition.array[]`.
#[derive(Clone, Debug, Default)]
pub struct PortReference {
    /// The partition.
    pub partition: Spanned<String>,
    /// The port. One of an array is called after the array and the partition at its other end: `array_peer`.
    pub port: Spanned<String>,
    /// The array of ports that it belongs to.
    pub array: Option<String>,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name.
    pub name: Spanned<String>,
    /// What it does. `None` where the file says nothing that is known.
    pub kind: Option<Spanned<ChannelKind>>,
    /// The type of messages, or of requests.
    pub message: Option<Spanned<MessageType>>,
    /// The type of replies.
    pub reply: Option<Spanned<MessageType>>,
    /// The end that sends. `None` where it cannot be read.
    pub from: Option<PortReference>,
    /// The ends that receive, as far as they can be read.
    pub to: Vec<PortReference>,
    /// Places.
    pub depth: Option<Spanned<u64>>,
    /// Validity of a sampling value.
    pub refresh_ticks: Option<Spanned<u64>>,
    /// Of a call.
    pub deadline_ticks: Option<Spanned<u64>>,
    /// Whether ends get lines; `None`: as is usual for the kind.
    pub notify: Option<Spanned<bool>>,
    /// On behalf of an image without notes.
    pub fingerprint: Option<Spanned<u64>>,
    /// Memory in the arena that both ends of a ring have.
    pub payload_bytes: Option<Spanned<u64>>,
    /// Which part of a disk it is for.
    pub disk: Option<DiskRange>,
    /// Who its client is on a network.
    pub network: Option<NetworkClient>,
}

/// A client of a network.
#[derive(Clone, Debug)]
pub struct NetworkClient {
    /// Its hardware address, as text.
    pub address: Spanned<String>,
    /// How many frames it may send in so many ticks.
    pub rate: Spanned<(u64, u64)>,
    /// With whom it may talk.
    pub peers: Vec<Spanned<String>>,
    /// The types of frames that it may send, and gets. `None`: all.
    pub protocols: Option<Spanned<Vec<Spanned<String>>>>,
}

impl NetworkClient {
    /// What stands for the outside among its peers.
    pub const WIRE: &str = "wire";

    /// Its address in bytes; `None` if the text is none.
    pub fn station(&self) -> Option<[u8; 6]> {
        let parts: Vec<_> = self.address.split(':').collect();
        let byte = |part: &&str| {
            let digits = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
            digits.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        };
        let bytes: Option<Vec<u8>> = parts.iter().map(byte).collect();
        bytes?.try_into().ok()
    }

    /// The type of frames that a text stands for; `None` if it is none. Below 0x600 stands a length there, and no type (IEEE 802.3, 3.2.6).
    pub fn protocol(text: &str) -> Option<u16> {
        let digits = match text {
            "arp" => return Some(0x0806),
            "ipv4" => return Some(0x0800),
            "ipv6" => return Some(0x86dd),
            other => other.strip_prefix("0x")?,
        };
        let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = is_plain.then(|| u16::from_str_radix(digits, 16).ok());
        number.flatten().filter(|number| *number >= 0x600)
    }

    /// Whether it may talk with a partition, or the wire, of that name.
    pub fn may_talk_with(&self, name: &str) -> bool {
        self.peers.iter().any(|peer| **peer == *name)
    }
}

/// A part of a disk.
#[derive(Clone, Debug)]
pub struct DiskRange {
    /// Where it begins.
    pub from_bytes: Spanned<u64>,
    /// How large it is.
    pub bytes: Spanned<u64>,
    /// Whether it may only be read.
    pub read_only: bool,
}

impl Channel {
    /// Every end: the one that sends, then those that receive.
    pub fn ends(&self) -> impl Iterator<Item = &PortReference> {
        self.from.iter().chain(&self.to)
    }

    /// Every end with its number: 0 sends, the others receive. An end that cannot be read leaves the numbers of the others.
    pub fn numbered_ends(&self) -> impl Iterator<Item = (usize, &PortReference)> {
        let from = self.from.iter().map(|end| (0, end));
        from.chain(self.to.iter().enumerate().map(|(at, end)| (at + 1, end)))
    }

    /// The only end at the other side of an end, of which 0 sends. `None` where several receive.
    pub fn peer(&self, end: usize) -> Option<&PortReference> {
        match (end, &self.to[..]) {
            (0, [only]) => Some(only),
            (0, _) => None,
            _ => self.from.as_ref(),
        }
    }

    /// Whether ends get lines.
    pub fn notifies(&self) -> bool {
        let sampling = matches!(&self.kind, Some(kind) if **kind == ChannelKind::Sampling);
        self.notify.as_ref().map_or(!sampling, |notify| **notify)
    }
}

/// What one capability is for, as the file writes it. `None` as a name stands for every other partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapabilityRequest {
    /// Read the health log.
    HealthLog,
    /// Ask for the schedule.
    ScheduleStatus,
    /// Set the schedule.
    ScheduleSet,
    /// Something with another partition.
    Partition(PartitionRight, Option<String>),
}

impl fmt::Display for CapabilityRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HealthLog => formatter.write_str("health.log"),
            Self::ScheduleStatus => formatter.write_str("schedule.status"),
            Self::ScheduleSet => formatter.write_str("schedule.set"),
            Self::Partition(right, name) => {
                let name = name.as_deref().unwrap_or("*");
                write!(formatter, "partition.{}:{name}", right.name())
            }
        }
    }
}

/// What may be done with another partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionRight {
    /// Stop and restart it.
    Control,
    /// Restart it.
    Restart,
    /// Ask for its status.
    Status,
    /// Stop it.
    Stop,
}

impl PartitionRight {
    /// As the file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Restart => "restart",
            Self::Status => "status",
            Self::Stop => "stop",
        }
    }
}

/// A schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub name: Spanned<String>,
    /// Whether the module begins with it.
    pub initial: Option<Spanned<bool>>,
    /// The length of the frame.
    pub major_frame_ticks: Spanned<u64>,
    /// In the order of the file.
    pub windows: Vec<Window>,
}

/// A window.
#[derive(Clone, Debug)]
pub struct Window {
    /// Where it stands.
    pub span: Span,
    /// From the start of the frame.
    pub at_ticks: Spanned<u64>,
    /// Its length.
    pub length_ticks: Spanned<u64>,
    /// Who may run, the most urgent first.
    pub group: Vec<Spanned<String>>,
    /// Whose period begins here.
    pub release: Vec<Spanned<String>>,
}
