//! The report as data. Its JSON form is part of the command's interface; the page shows nothing that is not here.
//!
//! Times are in timebase ticks, sizes in bytes. Partitions are named, not numbered, so that two reports can be compared
//! whatever the order of the files.

use serde::{Deserialize, Serialize};

/// What says that a file is a report, and of which form.
pub const FORMAT: &str = "cofferdam-report/3";

/// A system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// Its name.
    pub system: String,
    /// Its board.
    pub board: String,
    /// The RAM of the machine.
    pub ram_bytes: u64,
    /// How many entries of TLB1 are left for partitions in each window.
    pub tlb1_entries: usize,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// The end of each window that the kernel keeps for itself.
    pub guard_ticks: u64,
    /// What the report was made of.
    pub inputs: Vec<Input>,
    /// The statements of `[require]`, each proved by the build.
    pub proved: Vec<String>,
    /// The modes.
    pub schedules: Vec<Schedule>,
    /// Physical memory, in the order of addresses.
    pub memory: Vec<Piece>,
    /// Who there is.
    pub partitions: Vec<Partition>,
    /// Who can talk to whom.
    pub channels: Vec<Channel>,
    /// Who may do what besides.
    pub capabilities: Vec<Capability>,
    /// Who can influence whom, and by what.
    pub flows: Vec<Flow>,
    /// What partitions share that no file configures.
    pub shared: Vec<Shared>,
    /// Where interrupts go.
    pub interrupts: Vec<Interrupt>,
    /// Devices that reach memory by themselves.
    pub masters: Vec<Master>,
    /// How long interrupts wait at worst.
    pub latencies: Vec<Latency>,
    /// Who has authority over the machine as a whole.
    pub authorities: Vec<Authority>,
    /// What was done to the kernels of guests.
    pub rewritten: Vec<Rewritten>,
    /// What the evidence does not cover, as far as it concerns this system.
    pub caveats: Vec<Caveat>,
    /// What the prover says of the image, if it was asked.
    pub proof: Option<Proof>,
    /// What the last run left, if it is known.
    pub run: Option<Run>,
}

/// Something that the report was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub name: String,
    /// How large.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whether the module begins with it.
    pub initial: bool,
    /// The length of the frame.
    pub major_frame_ticks: u64,
    /// In the order of time.
    pub windows: Vec<Window>,
    /// The windows that belong to nobody's group, together.
    pub slack_ticks: u64,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From the start of the frame.
    pub start_ticks: u64,
    /// Its length, the guard included.
    pub length_ticks: u64,
    /// Whose it is, the first first.
    pub group: Vec<String>,
    /// Who is released with it.
    pub releases: Vec<String>,
    /// Who may run in it at all, the most urgent first, with what it may use at most; none: whatever is left.
    pub eligible: Vec<Rank>,
    /// Whose interrupts may come.
    pub interrupts: Vec<String>,
    /// The entries of TLB1 that its partitions need, of those that are not the kernel's.
    pub tlb1_entries: usize,
    /// How many of them are written when it begins.
    pub tlb1_writes: usize,
}

/// Who may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// Who.
    pub partition: String,
    /// How much of a window; none: whatever is left.
    pub budget_ticks: Option<u64>,
}

/// A piece of physical memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it begins.
    pub physical: u64,
    /// How large it is.
    pub bytes: u64,
    /// Who reaches it.
    pub holders: Vec<String>,
    /// What it is.
    pub what: String,
    /// How its holders reach it: `r`, `rw`, `rx`; empty: nobody does but the kernel.
    pub rights: String,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// `native`, `apex` or `guest`.
    pub personality: String,
    /// The tag of its translations.
    pub pid: u8,
    /// `pinned` or `refill`.
    pub tlb: String,
    /// The entries of TLB1 while its windows last.
    pub tlb1_entries: usize,
    /// Where it starts.
    pub entry: u32,
    /// Its stack.
    pub stack_bytes: u64,
    /// What was asked for of RAM.
    pub asked_bytes: u64,
    /// What it takes.
    pub taken_bytes: u64,
    /// The distance of its releases.
    pub period_ticks: Option<u64>,
    /// From a release to its deadline.
    pub deadline_ticks: Option<u64>,
    /// The devices that it owns.
    pub devices: Vec<String>,
    /// Its memory as it sees it, in the order of addresses.
    pub regions: Vec<Region>,
    /// Its restart policy.
    pub restart: Option<Restart>,
    /// What the health monitor does about its errors.
    pub actions: Vec<Action>,
}

/// A region of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// What it is.
    pub name: String,
    /// `r`, `rw` or `rx`.
    pub rights: String,
    /// Where the partition sees it.
    pub effective: u32,
    /// Where it is.
    pub physical: u64,
    /// Its size.
    pub bytes: u64,
    /// So much below it is mapped by nobody, if it is a stack of its own.
    pub guard_bytes: Option<u64>,
}

/// A restart policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// So many restarts.
    pub max: u64,
    /// In this time.
    pub per_ticks: u64,
}

/// What the health monitor does about an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The error.
    pub error: String,
    /// The action.
    pub action: String,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The type of its messages, as the file writes it.
    pub message: String,
    /// The longest.
    pub message_bytes: u64,
    /// The type of its replies.
    pub reply: Option<String>,
    /// Places.
    pub depth: u64,
    /// The memory that two partitions share for it.
    pub payload_bytes: Option<u64>,
    /// The fingerprint of the messages.
    pub fingerprint: Option<String>,
    /// Who sends.
    pub from: End,
    /// Who receives.
    pub to: Vec<End>,
}

/// An end of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Whose.
    pub partition: String,
    /// The port.
    pub port: String,
}

/// A right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Whose.
    pub partition: String,
    /// As the file writes it.
    pub what: String,
}

/// A way of influence from one partition to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Who influences.
    pub from: String,
    /// Whom.
    pub to: String,
    /// By what, directly. None: in several steps alone.
    pub direct: Vec<String>,
    /// The shortest way in several steps, the ends included, where there is no direct one.
    pub through: Vec<String>,
}

/// Hardware that several partitions use, so that each can notice the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// What it is.
    pub what: String,
    /// Who uses it.
    pub between: Vec<String>,
    /// What keeps them apart there.
    pub kept_apart: String,
    /// What can be noticed nevertheless.
    pub noticed: String,
}

/// Where an interrupt goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupt {
    /// The device.
    pub device: String,
    /// Its number at the controller.
    pub source: u64,
    /// Who serves it.
    pub partition: String,
    /// `pend` or `preempt`.
    pub when_not_running: String,
    /// It is shut off for a while behind so many.
    pub storm_count: Option<u64>,
    /// In this time.
    pub storm_ticks: Option<u64>,
}

/// A device that reaches memory by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Master {
    /// The device.
    pub device: String,
    /// Whose.
    pub partition: String,
    /// `none`, `arena` or `trusted`.
    pub dma: String,
    /// The others whose memory it reaches.
    pub reaches: Vec<String>,
}

/// How long an interrupt waits for its partition at worst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The device.
    pub device: String,
    /// Who serves it.
    pub partition: String,
    /// What the configuration and the analysed paths of the kernel allow; none: for ever.
    pub worst_ticks: Option<u64>,
    /// What `[require]` asks for.
    pub required_ticks: Option<u64>,
    /// How much of the worst is the kernel with interrupts off.
    pub interrupts_off_ticks: u64,
}

/// Who has authority over the machine as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Who.
    pub partition: String,
    /// By what, and what it can do.
    pub by: String,
}

/// What was done to the kernel of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// The guest's partition.
    pub partition: String,
    /// Places in all.
    pub sites: usize,
    /// By what became of them.
    pub counts: Vec<(String, usize)>,
}

/// What the evidence does not cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// The chapter.
    pub chapter: String,
    /// In a sentence, and more.
    pub text: String,
}

/// What the prover says of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The image that was proved: its SHA-256, in hexadecimal.
    pub image_sha256: String,
    /// Every statement holds that was looked at.
    pub holds: bool,
    /// Those that were not looked at.
    pub open: Vec<String>,
    /// Each statement.
    pub statements: Vec<Proved>,
}

/// A statement of the prover's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// What the prover calls it.
    pub name: String,
    /// What it says.
    pub statement: String,
    /// Over how many things it was checked.
    pub checked: u64,
    /// Where it does not hold: the first of these, in words.
    pub failures: Vec<String>,
}

/// What a run left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Whether nothing unexpected happened.
    pub ok: bool,
    /// What did, in words.
    pub reasons: Vec<String>,
    /// For how long it was to run. None: until somebody ends it.
    pub asked_for_ns: Option<u64>,
    /// The partition that switched the machine off, as the file lets it.
    pub powered_off_by: Option<String>,
    /// Which kernel.
    pub kernel: String,
    /// Whether instructions were the clock.
    pub instruction_clock: bool,
    /// How long, by the machine's time.
    pub machine_time_ns: u64,
    /// By how much windows began later than the earliest.
    pub window_jitter_max_ticks: Option<u32>,
    /// Whom it cost what.
    pub margins: Vec<Margin>,
    /// What each window came to, if the kernel kept a trace.
    pub windows: Vec<WindowUse>,
    /// What is missing of that trace, in words.
    pub missing: Option<String>,
    /// How full queues were, if the kernel kept a trace.
    pub queues: Vec<Queue>,
    /// How long interrupts waited, if it did.
    pub waits: Vec<Wait>,
}

/// What a window came to in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUse {
    /// Its schedule.
    pub schedule: String,
    /// From the start of the frame.
    pub start_ticks: u64,
    /// Its length without the guard.
    pub granted_ticks: u64,
    /// How often it was seen from its start to its end.
    pub times: u32,
    /// By how much it began late at most.
    pub latest_ticks: u64,
    /// The most that all together had of it.
    pub used_max_ticks: u64,
    /// Those of its group, and whoever else had the processor in it, the most urgent first.
    pub ranks: Vec<RankUse>,
}

/// What somebody had of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankUse {
    /// Who.
    pub partition: String,
    /// `group`, `budget` or `rest`: by what it may have the processor there.
    pub by: String,
    /// How much it may have.
    pub granted_ticks: u64,
    /// The most that it had.
    pub used_max_ticks: u64,
}

/// How full a queue was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// The channel.
    pub channel: String,
    /// The most messages in it at once; none: no message went over it.
    pub most: Option<u64>,
    /// Places.
    pub depth: u64,
}

/// How long an interrupt waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The device.
    pub device: String,
    /// How often it came.
    pub times: u32,
    /// The longest from where the kernel took it to where its owner had the processor.
    pub longest_ticks: u64,
}

/// What a partition used of what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Margin {
    /// Whose.
    pub partition: String,
    /// Releases.
    pub releases: u32,
    /// Deadlines missed.
    pub deadlines_missed: u32,
    /// The longest from a release to its completion.
    pub response_max_ticks: u32,
    /// The most that it used of one window.
    pub worst_window_used_ticks: u32,
    /// The most that any window may give it: the longest in which it may run, without the guard.
    pub longest_window_ticks: Option<u64>,
    /// The most of its stack that was in use.
    pub stack_used_bytes: u32,
    /// Processor time.
    pub cpu_ticks: u64,
    /// Starts after the first.
    pub restarts: u32,
    /// Health events.
    pub health_events: u32,
}
