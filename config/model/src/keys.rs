//! Each key of `system.toml` and of a board file: its shape, whether it must be there, and what it means.
//!
//! The one home of the file's grammar. The reader refuses what is not declared here, and the JSON Schema and the reference are
//! made from it.

mod apex;
mod board;

pub use apex::{APEX, MEMORY_BLOCK, SCHEDULE_CHANGE};
pub use board::{BOARD, BOARD_BUS, BOARD_DEVICE, BOARD_FILE, BOARD_FUNCTION, BOARD_INTERRUPT};

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
}

/// What a value looks like.
#[derive(Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// An integer from 0 on; `0x` is understood.
    Integer,
    /// A time with a unit, of at most 2^32 ticks.
    Time,
    /// A time with a unit, of at most 2^64 ticks.
    LongTime,
    /// A size, with a unit or in bytes.
    Size,
    /// A count per time.
    Rate,
    /// A list of sizes.
    Sizes,
    /// A list of texts.
    Texts,
    /// A list of some of these texts.
    Choices(&'static [&'static str]),
    /// A text, or a list of texts.
    TextOrTexts,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A list of tables with these keys.
    Tables(&'static [Key]),
    /// A table whose keys are names, each for a table with these keys.
    Named(&'static [Key]),
    /// A table whose keys are names, each for a text.
    NamedText,
    /// A table whose keys are names, each for a list of texts.
    NamedTexts,
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        shape,
        required: true,
        doc,
    }
}

const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        shape,
        required: false,
        doc,
    }
}

/// The version of the format of `system.toml`.
pub const SCHEMA: &str = "cofferdam-system/1";

/// `system.toml`.
pub const FILE: &[Key] = &[
    required("system", Shape::Table(SYSTEM), "The system as a whole."),
    required(
        "kernel",
        Shape::Table(KERNEL),
        "What concerns the module and its kernel.",
    ),
    required(
        "partition",
        Shape::Named(PARTITION),
        "The partitions, by name.",
    ),
    optional(
        "errors",
        Shape::NamedText,
        "The action for each partition-level error, where a partition does not say otherwise.",
    ),
    optional(
        "device",
        Shape::Named(DEVICE),
        "The devices in use, by their names in the board file.",
    ),
    optional("channel", Shape::Named(CHANNEL), "The channels, by name."),
    optional(
        "capability",
        Shape::NamedTexts,
        "What each partition may do besides using its ports. Everything not listed is denied.",
    ),
    required(
        "schedule",
        Shape::Named(SCHEDULE),
        "The schedules, by name.",
    ),
    optional(
        "require",
        Shape::Table(REQUIRE),
        "Statements that the build has to prove, or fail.",
    ),
];

/// `[system]`.
pub const SYSTEM: &[Key] = &[
    required("name", Shape::Text, "The system's name."),
    required(
        "schema",
        Shape::Choice(&[SCHEMA]),
        "The version of this format.",
    ),
    required(
        "board",
        Shape::Text,
        "A board that the tool knows, or the path of a board file, which ends in `.toml`.",
    ),
    required("ram", Shape::Size, "The RAM of the machine."),
];

/// `[kernel]`.
pub const KERNEL: &[Key] = &[
    required(
        "guard",
        Shape::Time,
        "How long before a window's end the kernel takes the processor back, so that the next window starts on its tick.",
    ),
    required(
        "errors",
        Shape::NamedText,
        "The action for each module-level error.",
    ),
];

/// `[partition.NAME]`.
pub const PARTITION: &[Key] = &[
    optional(
        "personality",
        Shape::Choice(&["native", "linux", "guest"]),
        "What runs in the partition: its program alone, or a guest that its program monitors: Linux, or another one. Default: `native`.",
    ),
    optional(
        "crate",
        Shape::Text,
        "The folder of the crate that is built for this partition.",
    ),
    optional(
        "c",
        Shape::Texts,
        "The files in C of an ARINC 653 application, in place of `crate`: the build compiles them, and links them with the services (`apex.h`).",
    ),
    optional(
        "image",
        Shape::Text,
        "The ELF that a supplier delivered, in place of `crate` and `c`.",
    ),
    required(
        "stack",
        Shape::Size,
        "The room for the stack, at the lower end of `memory`.",
    ),
    required(
        "memory",
        Shape::Size,
        "The private memory that the partition may write: stack, data, and what is left.",
    ),
    optional(
        "place",
        Shape::Integer,
        "The physical address of its block: program, memory, register page and pristine copy, the largest region first. Default: the \
         build's choice.",
    ),
    optional("period", Shape::Time, "The distance of its releases."),
    optional(
        "deadline",
        Shape::Time,
        "How long after a release its work must be complete.",
    ),
    optional(
        "autostart",
        Shape::Boolean,
        "Whether it starts with the module. Default: true.",
    ),
    optional(
        "tlb",
        Shape::Choice(&["pinned", "refill"]),
        "Whether its translations stay in TLB1 while its windows last, or are refilled at each miss. Default: pinned where it fits.",
    ),
    optional(
        "errors",
        Shape::NamedText,
        "The action for partition-level errors, before `[errors]`.",
    ),
    optional(
        "restart",
        Shape::Table(RESTART),
        "How often the health monitor may restart it. Default: without limit.",
    ),
    optional(
        "expect",
        Shape::Texts,
        "Health events that a run of this system is expected to show; others make the run fail.",
    ),
    optional("devices", Shape::Texts, "The devices that it owns."),
    optional(
        "guest",
        Shape::Table(GUEST),
        "The guest that its program monitors, with `personality = \"linux\"` or `\"guest\"`.",
    ),
    optional(
        "apex",
        Shape::Table(APEX),
        "How much there is of everything for ARINC 653 services, if its program has them.",
    ),
    optional(
        "background",
        Shape::Table(BACKGROUND),
        "Makes it a member of the group that is eligible in every window.",
    ),
];

/// `guest` of a partition.
pub const GUEST: &[Key] = &[
    required(
        "memory",
        Shape::Size,
        "The guest's memory, one block: 16M or 64M.",
    ),
    optional(
        "kernel",
        Shape::Text,
        "The file of the guest's kernel: an ELF, whose segments lie at their physical addresses and which is entered where it says; a flat image that lies at address 0 and is entered there; or one file in C, which the build compiles. Default: Linux, which the build fetches and builds.",
    ),
    optional(
        "firmware",
        Shape::Choice(&["u-boot"]),
        "What the guest begins with in place of a kernel: `u-boot` is the binary of Debian's package `u-boot-qemu`, as it is.",
    ),
    optional(
        "console",
        Shape::Choice(&["byte-channel", "uart"]),
        "What the guest has for a console: a byte channel of ePAPR, or the UART of a `ppce500` board, which costs an exit for each register that is touched. Default: `byte-channel`.",
    ),
    optional(
        "rewrite",
        Shape::Boolean,
        "Whether the privileged instructions of the guest's kernel are rewritten beforehand, which makes it faster; otherwise they trap. Default: `true` for a Linux with symbols, as the default kernel is one; `false` for another. A kernel whose symbols say that it was written for a partition (`docs/guests.md`) needs no rewriting; with `false` they are not heard.",
    ),
    optional(
        "initramfs",
        Shape::Text,
        "The file of the guest's first file system. Default: none; with the default kernel the one that is built with it.",
    ),
    optional(
        "overlay",
        Shape::Text,
        "The file of a flattened overlay, as `dtc -@ -I dts -O dtb` makes it, which adds to the guest's device tree. Default: none.",
    ),
    optional(
        "arguments",
        Shape::Text,
        "What the guest's kernel is told at its start. Default: nothing.",
    ),
    optional(
        "watchdog",
        Shape::Time,
        "How long the guest may be found with its interrupts off, at each release, before it is taken to hang. Default: for ever.",
    ),
    optional(
        "on_reset",
        Shape::Choice(ENDINGS),
        "What follows a reset that the guest asked for. Default: `restart_cold`.",
    ),
    optional(
        "on_power_off",
        Shape::Choice(ENDINGS),
        "What follows when it turns its power off. Default: `stop`.",
    ),
    optional(
        "on_panic",
        Shape::Choice(FAILURES),
        "What follows a panic of its kernel. Default: `restart_cold`.",
    ),
    optional(
        "on_hang",
        Shape::Choice(FAILURES),
        "What follows when a watchdog finds that it hangs. Default: `restart_cold`.",
    ),
];

/// What follows the end of a guest: behind it there is nothing to go on with.
const ENDINGS: &[&str] = &["restart_cold", "stop"];
/// What follows a failure of a guest: with `log` it may go on, if it can.
const FAILURES: &[&str] = &["restart_cold", "stop", "log"];

/// `restart` of a partition.
pub const RESTART: &[Key] = &[
    required(
        "max",
        Shape::Integer,
        "How many restarts within `per` are allowed; the next failure is `restart_limit`.",
    ),
    required("per", Shape::LongTime, "See `max`."),
    required(
        "then",
        Shape::Text,
        "The action for the error `restart_limit`.",
    ),
    optional(
        "back_off",
        Shape::Time,
        "The wait before the first restart in a row; it doubles with each further one, up to eight times. Default: none.",
    ),
];

/// `background` of a partition.
pub const BACKGROUND: &[Key] = &[
    required(
        "priority",
        Shape::Integer,
        "Its place among the background's members: 1 is the most urgent.",
    ),
    optional(
        "budget",
        Shape::Time,
        "With it, the member comes before each window's own group, for this long in each window. Without, it takes what the group leaves.",
    ),
];

/// `[device.NAME]`.
pub const DEVICE: &[Key] = &[
    optional(
        "dma",
        Shape::Choice(&["none", "arena", "trusted"]),
        "Whether the device, one on the bus, reaches memory by itself: not at all; the DMA arena alone, through the bus's window; or \
         without a proof of that, which is a warning. Default: `none`.",
    ),
    optional(
        "dma_memory",
        Shape::Size,
        "The part of the DMA arena that its owner has for itself, for what the device and its driver say to each other.",
    ),
    optional(
        "medium",
        Shape::Size,
        "On the emulator, how large the disk is that is behind the device: a file in the folder of what is built, made where it is missing.",
    ),
    optional(
        "forward",
        Shape::Integer,
        "On the emulator, a TCP port of 10.0.2.15, which is a partition on the network behind the device: `run` gives it a port of the host, and says which.",
    ),
    optional(
        "when_not_running",
        Shape::Choice(&["pend", "preempt"]),
        "Its interrupt outside of its owner's windows waits for the next one, or comes wherever its owner is eligible. Default: `pend`.",
    ),
    optional(
        "storm",
        Shape::Rate,
        "More interrupts than this are a health event, and mask the source. Default: no limit.",
    ),
];

/// `[channel.NAME]`.
pub const CHANNEL: &[Key] = &[
    required(
        "kind",
        Shape::Choice(&["sampling", "queuing", "call", "ring", "signal"]),
        "What the channel does.",
    ),
    optional(
        "type",
        Shape::Text,
        "The type of its messages (for `call`: of the request): `crate::Type` or `bytes(N)`. Not for `signal`.",
    ),
    optional("reply", Shape::Text, "The type of the reply of a `call`."),
    required(
        "from",
        Shape::Text,
        "The end that sends (for `call`: the client), as `partition.port` or `partition.array[]`.",
    ),
    required(
        "to",
        Shape::TextOrTexts,
        "The end that receives (for `call`: the server); a list for a sampling channel with several.",
    ),
    optional(
        "depth",
        Shape::Integer,
        "The places of a `queuing` channel, or of each direction of a `ring`.",
    ),
    optional(
        "refresh",
        Shape::LongTime,
        "How old a sampling value may be and still be valid. Default: for ever.",
    ),
    optional(
        "deadline",
        Shape::Time,
        "How long a `call` may take where the caller does not say.",
    ),
    optional(
        "payload",
        Shape::Size,
        "Of a `ring` with a `reply`: memory in the DMA arena that both ends have besides, for what requests and replies speak of.",
    ),
    optional(
        "disk",
        Shape::Table(DISK_RANGE),
        "Which part of a disk this channel is for, where its server is a driver of one.",
    ),
    optional(
        "network",
        Shape::Table(NETWORK_CLIENT),
        "Who its client is on a network, where its server is a driver of one.",
    ),
    optional(
        "notify",
        Shape::Boolean,
        "Whether each end gets a virtual interrupt line when the other does something. Default: true, for `sampling` false.",
    ),
    optional(
        "fingerprint",
        Shape::Text,
        "The type's fingerprint in hexadecimal, on behalf of an image that has no notes.",
    ),
];

/// `disk` of a channel.
pub const DISK_RANGE: &[Key] = &[
    required(
        "from",
        Shape::Size,
        "Where the part begins on the disk: whole sectors of 512 bytes.",
    ),
    required(
        "size",
        Shape::Size,
        "How large it is: whole sectors of 512 bytes.",
    ),
    optional(
        "read_only",
        Shape::Boolean,
        "Whether the client may only read. Default: false.",
    ),
];

/// `network` of a channel.
pub const NETWORK_CLIENT: &[Key] = &[
    required(
        "address",
        Shape::Text,
        "The client's hardware address, as `02:00:00:00:01:01`. It sends with no other, and nobody else sends with it.",
    ),
    required(
        "rate",
        Shape::Rate,
        "How many frames it may send. A burst may have as many as the rate's count, up to 64.",
    ),
    required(
        "peers",
        Shape::Texts,
        "With whom it may talk: other clients of the driver, by the names of their partitions, and `wire`, the outside.",
    ),
    optional(
        "protocols",
        Shape::Texts,
        "The only types of frames that it may send, and gets: `arp`, `ipv4`, `ipv6`, or a number as `0x88b5`. Default: all, and frames without a type.",
    ),
];

/// `[schedule.NAME]`.
pub const SCHEDULE: &[Key] = &[
    optional(
        "initial",
        Shape::Boolean,
        "Whether the module begins with it. Default: false.",
    ),
    required(
        "major_frame",
        Shape::Time,
        "The length of the frame that repeats.",
    ),
    required(
        "windows",
        Shape::Tables(WINDOW),
        "The windows, in the order of time. They tile the frame.",
    ),
];

/// A window of a schedule.
pub const WINDOW: &[Key] = &[
    required(
        "at",
        Shape::Time,
        "Its start, from the start of the major frame.",
    ),
    required("length", Shape::Time, "Its length."),
    required(
        "group",
        Shape::Texts,
        "The partitions that may run, the most urgent first. Empty: the background alone.",
    ),
    optional(
        "release",
        Shape::Texts,
        "The partitions whose period begins here.",
    ),
];

/// `[require]`.
pub const REQUIRE: &[Key] = &[
    optional(
        "flow",
        Shape::Texts,
        "Influence that must not exist: `A -/-> B`, or `A -/-> B except C, D`.",
    ),
    optional(
        "latency",
        Shape::Texts,
        "Bounds: `interrupt DEVICE -> PARTITION <= TIME`.",
    ),
    optional(
        "memory",
        Shape::Texts,
        "Properties: `no page writable and executable`, `no page shared except by ring`.",
    ),
];
