//! A module as its XML describes it: well formed and nothing more.

use cofferdam_model::{Span, Spanned};

/// A module.
#[derive(Debug, Default)]
pub struct Module {
    /// Where it begins.
    pub span: Span,
    pub name: Option<Spanned<String>>,
    pub partitions: Vec<Partition>,
    pub memory: Vec<Memory>,
    pub schedules: Vec<Schedule>,
    pub channels: Vec<Channel>,
    /// The levels of errors (`System_HM_Table`).
    pub levels: Vec<Level>,
    /// The actions of the module.
    pub actions: Vec<Entry>,
    pub tables: Vec<Table>,
    /// Keys of the file, by their paths.
    pub keys: Vec<Key>,
}

/// A key of `system.toml` that the dialect has no word for.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in its table; of a module, its path.
    pub name: Spanned<String>,
    /// Its value, in TOML.
    pub value: Spanned<String>,
}

/// A partition by its identifier, and by its name if that is given too.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub identifier: Spanned<u64>,
    pub name: Option<Spanned<String>>,
}

#[derive(Debug)]
pub struct Partition {
    pub identifier: Spanned<u64>,
    pub name: Spanned<String>,
    /// Whether it has the services, where the extension says so.
    pub services: Option<bool>,
    pub ports: Vec<Port>,
    /// The stacks of its processes, in bytes.
    pub stacks: Vec<Spanned<u64>>,
    pub keys: Vec<Key>,
}

impl Partition {
    /// A key of the extension.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name.value == name)
    }
}

#[derive(Clone, Debug)]
pub struct Port {
    pub name: Spanned<String>,
    pub source: Spanned<bool>,
    pub message_bytes: Spanned<u64>,
    pub kind: PortKind,
}

#[derive(Clone, Debug)]
pub enum PortKind {
    /// With the refresh period in nanoseconds; `None`: for ever.
    Sampling(Option<Spanned<u64>>),
    /// With the depth.
    Queuing(Spanned<u64>),
}

#[derive(Debug)]
pub struct Memory {
    pub partition: Reference,
    pub requirements: Vec<Requirement>,
}

#[derive(Debug)]
pub struct Requirement {
    pub span: Span,
    pub name: Option<Spanned<String>>,
    pub bytes: Spanned<u64>,
    /// Whether it may be written.
    pub write: bool,
}

#[derive(Debug)]
pub struct Schedule {
    pub span: Span,
    pub name: Spanned<String>,
    pub initial: Option<Spanned<bool>>,
    pub frame_ns: Spanned<u64>,
    pub partitions: Vec<PartitionSchedule>,
}

#[derive(Debug)]
pub struct PartitionSchedule {
    pub span: Span,
    pub partition: Reference,
    pub period_ns: Spanned<u64>,
    pub duration_ns: Spanned<u64>,
    /// Whether it may set the schedule.
    pub sets: Option<Spanned<bool>>,
    /// What it does when the schedule comes into force: one of [`CHANGES`](crate::health::CHANGES), in the standard's words.
    pub change: Option<Spanned<String>>,
    pub windows: Vec<Window>,
}

#[derive(Clone, Debug)]
pub struct Window {
    pub span: Span,
    pub start_ns: Spanned<u64>,
    pub length_ns: Spanned<u64>,
    /// Whether the partition's period begins here.
    pub releases: bool,
    pub keys: Vec<Key>,
}

/// A channel.
#[derive(Debug)]
pub struct Channel {
    pub span: Span,
    pub name: Spanned<String>,
    /// Its ends; `None`: all of it is in the extension.
    pub ends: Option<(End, Vec<End>)>,
    pub keys: Vec<Key>,
}

#[derive(Clone, Debug)]
pub struct End {
    pub partition: Reference,
    pub port: Spanned<String>,
}

/// At which level an error is handled.
#[derive(Debug)]
pub struct Level {
    pub identifier: Spanned<u64>,
    pub level: Spanned<String>,
    /// The standard's kind of error.
    pub code: Option<Spanned<String>>,
}

/// What is done about an error.
#[derive(Debug)]
pub struct Entry {
    pub identifier: Spanned<u64>,
    pub description: Option<Spanned<String>>,
    pub action: Spanned<String>,
    /// The action of `system.toml`, where the standard's is only near it.
    pub exact: Option<Spanned<String>>,
}

/// The actions of a partition.
#[derive(Debug)]
pub struct Table {
    pub partition: Reference,
    pub entries: Vec<Entry>,
}
