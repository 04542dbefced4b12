//! Names as indices, times as ticks.

use super::{ChannelTable, Dma, File, OneOrMore, PartitionTable};
use crate::Refusal;
use crate::facts::Facts;
use crate::numbers::{ACTIONS, HALT, MODULE_ERRORS, PARTITION_ERRORS, STOP};
use crate::records::ChannelKind;
use crate::units::{self, Quantity};

/// What a file declares.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The system's name.
    pub name: String,
    /// The RAM of the machine.
    pub ram_bytes: u64,
    /// The guard.
    pub guard_ticks: u64,
    /// What the module's errors do, and the schedule that they switch to.
    pub actions: (Vec<u8>, u8),
    /// In the order of the file.
    pub partitions: Vec<DeclaredPartition>,
    /// In the order of the file.
    pub devices: Vec<DeclaredDevice>,
    /// In the order of the file.
    pub channels: Vec<DeclaredChannel>,
    /// In the order of the file.
    pub schedules: Vec<DeclaredSchedule>,
    /// The schedule to begin with.
    pub initial_schedule: u8,
    /// `[require]`, as it is written.
    pub flow: Vec<String>,
    /// See `flow`.
    pub latency: Vec<String>,
    /// See `flow`.
    pub memory: Vec<String>,
}

/// A partition.
#[derive(Clone, Debug)]
pub struct DeclaredPartition {
    /// Its name.
    pub name: String,
    /// Its program was delivered, and brings its slots along.
    pub delivered: bool,
    /// The room for its stack.
    pub stack_bytes: u64,
    /// Its private memory.
    pub memory_bytes: u64,
    /// The physical address of its block.
    pub place: Option<u64>,
    /// Ticks from release to release; 0: none.
    pub period_ticks: u64,
    /// Ticks from a release to its deadline; 0: none.
    pub deadline_ticks: u64,
    /// It starts with the module.
    pub autostart: bool,
    /// Its translations: to stay, to be refilled, or as it comes.
    pub pinned: Option<bool>,
    /// What its errors do, and the schedule that they switch to.
    pub actions: (Vec<u8>, u8),
    /// How many restarts, in how many ticks, and the first wait.
    pub restart: (u64, u64, u64),
    /// Its devices, by their places among the declared ones.
    pub devices: Vec<String>,
    /// Its priority in the background, and its budget, if it has one.
    pub background: Option<(u64, Option<u64>)>,
    /// Its guest's memory.
    pub guest_bytes: Option<u64>,
    /// Its stacks of ARINC 653 processes, by number.
    pub stacks: Vec<(u32, u64)>,
    /// Its memory blocks.
    pub blocks: Vec<u64>,
    /// What it may do besides using its ports.
    pub grants: Vec<Grant>,
}

/// What a partition may do besides using its ports, as the file would write it, `*` replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Its text: grants are in the order of these.
    pub text: String,
    /// What it is.
    pub right: Right,
}

/// See [`Grant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Read the health log.
    HealthLog,
    /// Ask for the schedule, and perhaps set it.
    Schedule(bool),
    /// Of this partition: its status (0), stop it (1), restart it (2), both (3).
    Partition(u8, u8),
}

/// A device in use.
#[derive(Clone, Debug)]
pub struct DeclaredDevice {
    /// Its name on the board.
    pub name: String,
    /// What it reaches by itself.
    pub dma: Dma,
    /// Its owner's part of the arena.
    pub dma_memory: Option<u64>,
    /// Its interrupt comes wherever its owner is eligible.
    pub preempts: bool,
    /// How many may come in so many ticks; 0: no limit.
    pub storm: (u64, u64),
}

/// An end of a channel.
#[derive(Clone, Debug)]
pub struct DeclaredEnd {
    /// Whose.
    pub partition: usize,
    /// The name of its port. One of an array is called after the array and the partition at the other end.
    pub port: String,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct DeclaredChannel {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: ChannelKind,
    /// The size of its messages, if the file says it.
    pub message_bytes: Option<u64>,
    /// The size of its replies: of such that there are not, 0.
    pub reply_bytes: Option<u64>,
    /// A ring has a direction back.
    pub replies: bool,
    /// The source, then the destinations.
    pub ends: Vec<DeclaredEnd>,
    /// Its places.
    pub depth: u64,
    /// How old a value may be; 0: for ever.
    pub refresh_ticks: u64,
    /// Of a call; 0: none.
    pub deadline_ticks: u64,
    /// Memory in the arena.
    pub payload: Option<u64>,
    /// The ends get lines.
    pub notify: bool,
}

/// A schedule.
#[derive(Clone, Debug)]
pub struct DeclaredSchedule {
    /// Its name.
    pub name: String,
    /// The length of its frame.
    pub major_frame_ticks: u64,
    /// In the order of time.
    pub windows: Vec<DeclaredWindow>,
}

/// A window.
#[derive(Clone, Debug)]
pub struct DeclaredWindow {
    /// From the start of the frame.
    pub start_ticks: u64,
    /// How long it is.
    pub length_ticks: u64,
    /// Who may run, the most urgent first.
    pub group: Vec<usize>,
    /// Whose period begins.
    pub release: Vec<usize>,
}

struct Names<'a> {
    partitions: Vec<&'a str>,
    schedules: Vec<&'a str>,
    hz: u64,
}

impl Names<'_> {
    fn partition(&self, name: &str) -> Result<usize, Refusal> {
        let place = self.partitions.iter().position(|one| *one == name);
        place.ok_or_else(|| {
            Refusal::new(format!(
                "system.toml names the partition `{name}`, which there is not"
            ))
        })
    }

    fn ticks(&self, given: &Option<Quantity>) -> Result<u64, Refusal> {
        given.as_ref().map_or(Ok(0), |given| given.ticks(self.hz))
    }

    /// Sets what an error does.
    fn action(
        &self,
        errors: &[&str],
        entry: (&str, &str),
        to: &mut (Vec<u8>, u8),
    ) -> Result<(), Refusal> {
        let (error, text) = entry;
        let wrong = || {
            Refusal::new(format!(
                "system.toml: `{error} = \"{text}\"` is no error and action"
            ))
        };
        let place = errors
            .iter()
            .position(|one| *one == error)
            .ok_or_else(wrong)?;
        let (action, target) = match text.split_once(':') {
            Some((action, target)) => (action, Some(target)),
            None => (text, None),
        };
        let number = ACTIONS
            .iter()
            .position(|one| *one == action)
            .ok_or_else(wrong)?;
        to.0[place] = number as u8;
        if let Some(target) = target {
            let schedule = self.schedules.iter().position(|one| *one == target);
            to.1 = schedule.ok_or_else(wrong)? as u8;
        }
        Ok(())
    }
}

pub(super) fn declared(file: File, facts: &Facts) -> Result<Declared, Refusal> {
    let names = Names {
        partitions: file
            .partition
            .0
            .iter()
            .map(|(name, _)| name.as_str())
            .collect(),
        schedules: file
            .schedule
            .0
            .iter()
            .map(|(name, _)| name.as_str())
            .collect(),
        hz: facts.timebase_hz,
    };
    let mut actions = (vec![HALT; MODULE_ERRORS.len()], 0);
    for (error, text) in &file.kernel.errors.0 {
        names.action(&MODULE_ERRORS, (error, text), &mut actions)?;
    }
    let mut partitions = Vec::new();
    for (name, table) in &file.partition.0 {
        partitions.push(partition(&names, &file, name, table)?);
    }
    let mut devices = Vec::new();
    for (name, table) in &file.device.0 {
        devices.push(DeclaredDevice {
            name: name.clone(),
            dma: table.dma,
            dma_memory: table.dma_memory.as_ref().map(Quantity::bytes).transpose()?,
            preempts: table.when_not_running.as_deref() == Some("preempt"),
            storm: match &table.storm {
                Some(text) => units::rate(text, names.hz)?,
                None => (0, 0),
            },
        });
    }
    let channels = file.channel.0.iter();
    let mut schedules = Vec::new();
    for (name, table) in &file.schedule.0 {
        let of = |all: &[String]| -> Result<Vec<usize>, Refusal> {
            all.iter().map(|name| names.partition(name)).collect()
        };
        let mut windows = Vec::new();
        for window in &table.windows {
            windows.push(DeclaredWindow {
                start_ticks: window.at.ticks(names.hz)?,
                length_ticks: window.length.ticks(names.hz)?,
                group: of(&window.group)?,
                release: of(&window.release)?,
            });
        }
        schedules.push(DeclaredSchedule {
            name: name.clone(),
            major_frame_ticks: table.major_frame.ticks(names.hz)?,
            windows,
        });
    }
    let initial = file.schedule.0.iter().position(|(_, table)| table.initial);
    Ok(Declared {
        name: file.system.name.clone(),
        ram_bytes: file.system.ram.bytes()?,
        guard_ticks: file.kernel.guard.ticks(names.hz)?,
        actions,
        devices,
        channels: channels
            .map(|(name, table)| channel(&names, name, table))
            .collect::<Result<_, _>>()?,
        schedules,
        initial_schedule: initial.unwrap_or(0) as u8,
        partitions,
        flow: file.require.flow,
        latency: file.require.latency,
        memory: file.require.memory,
    })
}

fn partition(
    names: &Names<'_>,
    file: &File,
    name: &str,
    table: &PartitionTable,
) -> Result<DeclaredPartition, Refusal> {
    let mut actions = (vec![STOP; PARTITION_ERRORS.len()], 0);
    for (error, text) in file.errors.0.iter().chain(&table.errors.0) {
        names.action(&PARTITION_ERRORS, (error, text), &mut actions)?;
    }
    let mut restart = (0, 0, 0);
    if let Some(limit) = &table.restart {
        names.action(
            &PARTITION_ERRORS,
            ("restart_limit", &limit.then),
            &mut actions,
        )?;
        restart = (
            limit.max,
            limit.per.ticks(names.hz)?,
            names.ticks(&limit.back_off)?,
        );
    }
    let mut stacks = Vec::new();
    let mut blocks = Vec::new();
    if let Some(apex) = &table.apex {
        let exception = apex
            .exception_stack
            .as_ref()
            .map_or(Ok(0x1000), Quantity::bytes)?;
        stacks.push((0, exception));
        if let Some(handler) = &apex.error_handler_stack {
            stacks.push((1, handler.bytes()?));
        }
        for (number, stack) in (2..).zip(&apex.stacks) {
            stacks.push((number, stack.bytes()?));
        }
        for block in &apex.memory_blocks {
            blocks.push(block.size.bytes()?);
        }
    }
    let background = match &table.background {
        None => None,
        Some(one) => {
            let budget = one
                .budget
                .as_ref()
                .map(|budget| budget.ticks(names.hz))
                .transpose()?;
            Some((one.priority, budget))
        }
    };
    let guest = table
        .guest
        .as_ref()
        .map(|guest| guest.memory.bytes())
        .transpose()?;
    Ok(DeclaredPartition {
        name: name.to_owned(),
        delivered: table.image.is_some(),
        stack_bytes: table.stack.bytes()?,
        memory_bytes: table.memory.bytes()?,
        place: table.place,
        period_ticks: names.ticks(&table.period)?,
        deadline_ticks: names.ticks(&table.deadline)?,
        autostart: table.autostart,
        pinned: match table.tlb.as_deref() {
            Some(text) => Some(text == "pinned"),
            None if table.deadline.is_some() => Some(true),
            None => None,
        },
        actions,
        restart,
        devices: table.devices.clone(),
        background,
        guest_bytes: guest,
        stacks,
        blocks,
        grants: grants(names, file, name)?,
    })
}

fn grants(names: &Names<'_>, file: &File, holder: &str) -> Result<Vec<Grant>, Refusal> {
    let mut all = Vec::new();
    let own = file.capability.0.iter().filter(|(name, _)| name == holder);
    for text in own.flat_map(|(_, texts)| texts) {
        let wrong = || Refusal::new(format!("system.toml: `{text}` is no capability"));
        let right = match text.as_str() {
            "health.log" => Right::HealthLog,
            "schedule.status" => Right::Schedule(false),
            "schedule.set" => Right::Schedule(true),
            other => {
                let (right, target) = other
                    .strip_prefix("partition.")
                    .and_then(|rest| rest.split_once(':'))
                    .ok_or_else(wrong)?;
                let rights = ["status", "stop", "restart", "control"];
                let number = rights
                    .iter()
                    .position(|one| *one == right)
                    .ok_or_else(wrong)?;
                let targets = match target {
                    "*" => names
                        .partitions
                        .iter()
                        .copied()
                        .filter(|one| *one != holder)
                        .collect(),
                    one => vec![one],
                };
                for target in targets {
                    all.push(Grant {
                        text: format!("partition.{right}:{target}"),
                        right: Right::Partition(number as u8, names.partition(target)? as u8),
                    });
                }
                continue;
            }
        };
        all.push(Grant {
            text: text.clone(),
            right,
        });
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// The size of a message, if its type says it.
fn size_of(text: &Option<String>) -> Option<u64> {
    match text {
        None => Some(0),
        Some(text) => {
            let count = text.strip_prefix("bytes(")?.strip_suffix(')')?;
            units::size(count).ok()
        }
    }
}

fn channel(
    names: &Names<'_>,
    name: &str,
    table: &ChannelTable,
) -> Result<DeclaredChannel, Refusal> {
    let to = match &table.to {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more.iter().collect(),
    };
    let mut ends = Vec::new();
    for text in [&table.from].into_iter().chain(to) {
        let wrong = || Refusal::new(format!("system.toml: `{text}` is no end of a channel"));
        let (partition, port) = text.split_once('.').ok_or_else(wrong)?;
        ends.push((names.partition(partition)?, port));
    }
    let peer = |place: usize| match (place, ends.len()) {
        (0, 2) => Some(ends[1].0),
        (0, _) => None,
        _ => Some(ends[0].0),
    };
    let named = ends.iter().enumerate().map(|(place, (partition, port))| {
        let port = match (port.strip_suffix("[]"), peer(place)) {
            (Some(array), Some(peer)) => format!("{array}_{}", names.partitions[peer]),
            (Some(array), None) => array.to_owned(),
            (None, _) => (*port).to_owned(),
        };
        DeclaredEnd {
            partition: *partition,
            port,
        }
    });
    let kind = ChannelKind::from(table.kind);
    Ok(DeclaredChannel {
        name: name.to_owned(),
        kind,
        message_bytes: size_of(&table.message),
        reply_bytes: size_of(&table.reply),
        replies: table.reply.is_some(),
        ends: named.collect(),
        depth: table.depth.unwrap_or(1),
        refresh_ticks: names.ticks(&table.refresh)?,
        deadline_ticks: names.ticks(&table.deadline)?,
        payload: table.payload.as_ref().map(Quantity::bytes).transpose()?,
        notify: table.notify.unwrap_or(kind != ChannelKind::Sampling),
    })
}

impl Declared {
    /// Whether there are guests.
    pub fn guests(&self) -> usize {
        self.partitions
            .iter()
            .filter(|one| one.guest_bytes.is_some())
            .count()
    }

    /// The owner of a device.
    pub fn owner(&self, device: &str) -> Option<usize> {
        let owns = |one: &DeclaredPartition| one.devices.iter().any(|name| name == device);
        self.partitions.iter().position(owns)
    }

    /// The rings that a partition is an end of.
    pub fn rings_of(&self, partition: usize) -> Vec<usize> {
        let is_end = |channel: &DeclaredChannel| {
            channel.kind == ChannelKind::Ring
                && channel.ends.iter().any(|end| end.partition == partition)
        };
        let all = self.channels.iter().enumerate();
        all.filter(|(_, channel)| is_end(channel))
            .map(|(index, _)| index)
            .collect()
    }
}
