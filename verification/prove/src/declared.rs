//! What `system.toml` declares, as the thing to be proved.
//!
//! A key that is not known here is refused: it could give somebody something that no statement looks at.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Refusal;
use crate::facts::Facts;
use crate::records::ChannelKind;
use crate::units::Quantity;

mod resolve;

pub use resolve::*;

/// A table of names, in the order of the file: that order numbers things.
#[derive(Debug)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Named(all))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    system: SystemTable,
    kernel: Kernel,
    partition: Named<PartitionTable>,
    #[serde(default)]
    errors: Named<String>,
    #[serde(default)]
    device: Named<DeviceTable>,
    #[serde(default)]
    channel: Named<ChannelTable>,
    #[serde(default)]
    capability: Named<Vec<String>>,
    schedule: Named<ScheduleTable>,
    #[serde(default)]
    require: Require,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemTable {
    name: String,
    #[serde(rename = "schema")]
    _schema: IgnoredAny,
    board: String,
    ram: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kernel {
    guard: Quantity,
    errors: Named<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionTable {
    #[serde(rename = "personality")]
    _personality: Option<IgnoredAny>,
    #[serde(rename = "crate")]
    _folder: Option<IgnoredAny>,
    #[serde(rename = "c")]
    _sources: Option<IgnoredAny>,
    image: Option<String>,
    stack: Quantity,
    memory: Quantity,
    place: Option<u64>,
    period: Option<Quantity>,
    deadline: Option<Quantity>,
    #[serde(default = "truth")]
    autostart: bool,
    tlb: Option<String>,
    #[serde(default)]
    errors: Named<String>,
    restart: Option<RestartTable>,
    #[serde(rename = "expect")]
    _expect: Option<IgnoredAny>,
    #[serde(default)]
    devices: Vec<String>,
    background: Option<BackgroundTable>,
    guest: Option<GuestTable>,
    apex: Option<ApexTable>,
}

fn truth() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartTable {
    max: u64,
    per: Quantity,
    then: String,
    back_off: Option<Quantity>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackgroundTable {
    priority: u64,
    budget: Option<Quantity>,
}

/// Besides its memory a guest's table is about what runs in it, which is its own affair.
#[derive(Debug, Deserialize)]
struct GuestTable {
    memory: Quantity,
}

/// As of a guest's: besides stacks and blocks it is about the inside of the partition.
#[derive(Debug, Deserialize)]
struct ApexTable {
    stacks: Vec<Quantity>,
    error_handler_stack: Option<Quantity>,
    exception_stack: Option<Quantity>,
    #[serde(default)]
    memory_blocks: Vec<BlockTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockTable {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    size: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceTable {
    #[serde(default)]
    dma: Dma,
    dma_memory: Option<Quantity>,
    #[serde(rename = "medium")]
    _medium: Option<IgnoredAny>,
    #[serde(rename = "forward")]
    _forward: Option<IgnoredAny>,
    when_not_running: Option<String>,
    storm: Option<String>,
}

/// What a device on the bus reaches by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dma {
    /// Nothing.
    #[default]
    None,
    /// The arena.
    Arena,
    /// What it likes, for all that is proved.
    Trusted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Sampling,
    Queuing,
    Call,
    Ring,
    Signal,
}

impl From<KindName> for ChannelKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Sampling => Self::Sampling,
            KindName::Queuing => Self::Queuing,
            KindName::Call => Self::Call,
            KindName::Ring => Self::Ring,
            KindName::Signal => Self::Signal,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTable {
    kind: KindName,
    #[serde(rename = "type")]
    message: Option<String>,
    reply: Option<String>,
    from: String,
    to: OneOrMore,
    depth: Option<u64>,
    refresh: Option<Quantity>,
    deadline: Option<Quantity>,
    payload: Option<Quantity>,
    #[serde(rename = "disk")]
    _disk: Option<IgnoredAny>,
    #[serde(rename = "network")]
    _network: Option<IgnoredAny>,
    notify: Option<bool>,
    #[serde(rename = "fingerprint")]
    _fingerprint: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleTable {
    #[serde(default)]
    initial: bool,
    major_frame: Quantity,
    windows: Vec<WindowTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    at: Quantity,
    length: Quantity,
    group: Vec<String>,
    #[serde(default)]
    release: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Require {
    #[serde(default)]
    flow: Vec<String>,
    #[serde(default)]
    latency: Vec<String>,
    #[serde(default)]
    memory: Vec<String>,
}

/// The name of the board that a `system.toml` is for: one that the tool knows, or the path of its file.
///
/// # Errors
/// If the text is no `system.toml`.
pub fn board_of(text: &str) -> Result<String, Refusal> {
    Ok(file(text)?.system.board)
}

/// The names of the partitions of a `system.toml`.
///
/// # Errors
/// If the text is none.
pub fn partitions_of(text: &str) -> Result<Vec<String>, Refusal> {
    Ok(file(text)?
        .partition
        .0
        .into_iter()
        .map(|(name, _)| name)
        .collect())
}

fn file(text: &str) -> Result<File, Refusal> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            1 + text
                .as_bytes()
                .iter()
                .take(span.start)
                .filter(|byte| **byte == b'\n')
                .count()
        });
        let what = error.message();
        Refusal::new(format!("line {line} of system.toml: {what}"))
    })
}

impl Declared {
    /// Reads `system.toml`, for this board.
    ///
    /// # Errors
    /// If it is none, or something in it is not understood.
    pub fn read(text: &str, facts: &Facts) -> Result<Self, Refusal> {
        resolve::declared(file(text)?, facts)
    }
}
