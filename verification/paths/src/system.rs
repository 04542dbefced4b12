//! What a system's compiled tables say that bounds the kernel's loops.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use cofferdam_abi::space;
use cofferdam_tables::{ChannelKind, Record, open};
use object::{Object, ObjectSegment};

/// The numbers of a system, by the names that `facts.toml` has for them.
#[derive(Clone, Debug, Default)]
pub struct System {
    numbers: BTreeMap<&'static str, u64>,
}

impl System {
    /// Of the image that boots.
    pub fn of_image(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let file = object::File::parse(bytes.as_slice())
            .with_context(|| format!("{} is no ELF", path.display()))?;
        let segment = file
            .segments()
            .find(|segment| segment.address() == u64::from(space::kernel::TABLES))
            .with_context(|| format!("{} has no tables", path.display()))?;
        let (_, records) = open(segment.data()?)
            .map_err(|error| anyhow!("{}: the tables: {error:?}", path.display()))?;
        let records = records
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| anyhow!("{}: the tables: {error:?}", path.display()))?;
        Ok(Self::of_records(&records))
    }

    /// Of the tables' records.
    pub fn of_records(records: &[Record]) -> Self {
        let mut count = Count::default();
        for record in records {
            count.add(record);
        }
        Self {
            numbers: count.numbers(),
        }
    }

    /// A number by its name.
    pub fn number(&self, name: &str) -> Result<u64> {
        let names = || self.numbers.keys().copied().collect::<Vec<_>>().join(", ");
        self.numbers
            .get(name)
            .copied()
            .with_context(|| format!("there is no number {name}; there are {}", names()))
    }
}

/// What is counted on the way through the records.
#[derive(Default)]
struct Count {
    timebase_hz: u64,
    guard_ticks: u64,
    partitions: u64,
    guests: u64,
    buses: u64,
    steps: u64,
    steps_at_most: u64,
    ranks: Vec<u8>,
    budgets: u64,
    regions: u64,
    regions_at_most: u64,
    channels: u64,
    calls: u64,
    message_bytes: u64,
    ends: BTreeMap<u64, Vec<u8>>,
    interrupts: u64,
    eligible: Vec<u32>,
    releases: u32,
    tlb_writes: u64,
    tlb_writes_at_most: u64,
}

impl Count {
    fn add(&mut self, record: &Record) {
        match record {
            Record::RamBlock(_) | Record::Copy(_) | Record::Capability(_) => {}
            Record::Guest(_) => self.guests += 1,
            Record::Bus(_) => self.buses += 1,
            Record::Function(_) => self.steps = 0,
            Record::Step(_) => {
                self.steps += 1;
                self.steps_at_most = self.steps_at_most.max(self.steps);
            }
            Record::Board(board) => self.timebase_hz = u64::from(board.timebase_hz),
            Record::Module(module) => self.guard_ticks = u64::from(module.guard_ticks),
            Record::Partition(_) => {
                self.partitions += 1;
                self.regions = 0;
            }
            Record::Region(_) => {
                self.regions += 1;
                self.regions_at_most = self.regions_at_most.max(self.regions);
            }
            Record::Channel(channel) => {
                self.channels += 1;
                if channel.kind == ChannelKind::Call {
                    self.calls += 1;
                }
                if channel.kind != ChannelKind::Ring {
                    let bytes = channel.message_bytes.max(channel.reply_bytes);
                    self.message_bytes = self.message_bytes.max(u64::from(bytes));
                }
            }
            Record::End(end) => self
                .ends
                .entry(self.channels)
                .or_default()
                .push(end.partition),
            Record::Interrupt(_) => self.interrupts += 1,
            Record::Rank(rank) => {
                self.ranks.push(rank.partition);
                self.budgets += u64::from(rank.budget_ticks != 0);
            }
            Record::Schedule(_) => self.tlb_writes = 0,
            Record::Window(window) => {
                self.eligible.push(window.eligible);
                self.releases = self.releases.max(window.releases.count_ones());
                self.tlb_writes = 0;
            }
            Record::TlbWrite(_) => {
                self.tlb_writes += 1;
                self.tlb_writes_at_most = self.tlb_writes_at_most.max(self.tlb_writes);
            }
        }
    }

    fn numbers(&self) -> BTreeMap<&'static str, u64> {
        let of_partition = |partition: u64| {
            let ends = self.ends.values();
            ends.filter(|ends| ends.contains(&(partition as u8)))
                .count() as u64
        };
        let peers = self.ends.values().map(|ends| ends.len() as u64 - 1).max();
        let runs = |eligible: &u32| {
            let ranks = self.ranks.iter().zip(0..);
            let may_run = ranks.filter(|(_, rank)| eligible << rank & 0x8000_0000 != 0);
            may_run
                .map(|(owner, _)| *owner)
                .collect::<BTreeSet<u8>>()
                .len() as u64
        };
        BTreeMap::from([
            ("timebase_hz", self.timebase_hz),
            ("guard_ticks", self.guard_ticks),
            ("partitions", self.partitions),
            ("guests", self.guests),
            ("buses", self.buses),
            ("steps_of_a_function", self.steps_at_most),
            ("regions_of_a_partition", self.regions_at_most),
            ("calls", self.calls),
            (
                "channels_of_a_partition",
                (0..self.partitions).map(of_partition).max().unwrap_or(0),
            ),
            ("peers_of_a_channel", peers.unwrap_or(0)),
            ("message_bytes", self.message_bytes),
            ("interrupts", self.interrupts),
            ("budgets", self.budgets),
            (
                "partitions_of_a_window",
                self.eligible.iter().map(runs).max().unwrap_or(0),
            ),
            (
                "ranks_of_a_window",
                self.eligible
                    .iter()
                    .map(|eligible| u64::from(eligible.count_ones()))
                    .max()
                    .unwrap_or(0),
            ),
            ("releases_of_a_window", u64::from(self.releases)),
            ("tlb_writes_of_a_window", self.tlb_writes_at_most),
        ])
    }
}
