//! What a running system's accounts say at one moment, as data and as a table.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result, bail};
use cofferdam_abi::record::{Header, PartitionRecord, PartitionState, TraceKind};
use cofferdam_qemu::Memory;
use cofferdam_record::Snapshot;
use cofferdam_record::trace::Trace;
use cofferdam_timeline::{System, text};
use serde::Serialize;

use super::windows::{Count, Windows, budgets, granted};

/// So often the record is read again if the accounts changed meanwhile.
const ATTEMPTS: usize = 8;
/// The errors that an instruction of a partition makes: those before a missed deadline.
const FAULTS: usize = 6;

/// One moment.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// The system's name.
    pub system: String,
    /// The run goes on.
    pub running: bool,
    /// What the machine does.
    pub state: String,
    /// Which kernel.
    pub kernel: &'static str,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// Since the first window.
    pub elapsed_ticks: u64,
    /// Whether `cpu_permille` is of the time since the sample before this, else since the first window.
    pub since_last: bool,
    /// Major frames completed.
    pub major_frames: u64,
    /// The schedule in use.
    pub schedule: String,
    /// Windows that began after their tick.
    pub late_windows: u32,
    /// Health events of the module.
    pub health_events: u32,
    /// In the order of their indices.
    pub partitions: Vec<Row>,
    /// The queuing channels. Empty if the kernel keeps no trace.
    pub channels: Vec<Fill>,
}

/// A partition.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: &'static str,
    /// Thousandths of the time that it had the processor.
    pub cpu_permille: u64,
    /// Processor time in all.
    pub cpu_ticks: u64,
    /// Windows of its own of which all events were seen; none if the kernel keeps none.
    pub windows_seen: Option<u32>,
    /// Those of them in which it had the processor.
    pub windows_used: Option<u32>,
    /// The most that it used of one window.
    pub worst_window_used_ticks: u32,
    /// What it is granted of the longest of its own; where it has none, its budget in those of others.
    pub granted_ticks: u64,
    /// Seen windows in which it used up a budget; none if it has none, or if the kernel keeps no events.
    pub budget_spent: Option<u32>,
    /// Releases of its period.
    pub releases: u32,
    /// Releases whose work was not complete at the deadline.
    pub deadlines_missed: u32,
    /// The longest from a release to its completion.
    pub response_max_ticks: u32,
    /// Hypercalls; none if the kernel does not count them.
    pub hypercalls: Option<u32>,
    /// Instructions of it that were at fault.
    pub faults: u32,
    /// All health events.
    pub health_events: u32,
    /// Starts after the first.
    pub restarts: u32,
}

/// A queuing channel.
#[derive(Clone, Debug, Serialize)]
pub struct Fill {
    /// Its name.
    pub channel: String,
    /// Messages that it holds; none: too little of it was seen.
    pub held: Option<u32>,
    /// How many have room.
    pub depth: u64,
}

/// The sample before.
struct Last {
    elapsed: u64,
    times: Vec<u64>,
    permille: Vec<u64>,
}

/// Takes samples of one run.
pub struct Sampler {
    system: System,
    last: Option<Last>,
    /// The numbers of the last messages that went out and were taken, by channel.
    numbers: BTreeMap<u16, (u32, u32)>,
    windows: Windows,
    /// All events since the start are in the last record that was looked at.
    all_seen: bool,
}

impl Sampler {
    /// For a run of this system.
    pub fn new(system: System) -> Self {
        Self {
            windows: Windows::new(&system),
            system,
            last: None,
            numbers: BTreeMap::new(),
            all_seen: false,
        }
    }

    /// What this record says.
    ///
    /// # Errors
    /// If it is of another system, or of a machine whose kernel has not begun.
    pub fn take(&mut self, snapshot: &Snapshot, running: bool) -> Result<Sample> {
        if !snapshot.is_valid() {
            bail!("the kernel has not begun yet");
        }
        let system = &self.system;
        system.has_left(snapshot)?;
        let count = system.partitions.len();
        let header = snapshot.header();
        let elapsed = header
            .now_tick
            .get()
            .saturating_sub(header.start_tick.get());
        let accounts: Vec<_> = (0..count).map(|index| snapshot.partition(index)).collect();
        // Behind a reset everything begins anew. While no window begins, what was said before is as new as can be.
        let last = self.last.take().filter(|last| last.elapsed <= elapsed);
        let same = last.as_ref().is_some_and(|last| last.elapsed == elapsed);
        let traced = header.trace_kernel.get() != 0;
        if last.is_none() {
            self.numbers.clear();
            self.windows = Windows::new(&self.system);
        }
        if traced {
            let trace = Trace::of_ring(snapshot);
            self.look_at_messages(&trace);
            self.windows.look_at(&trace, &self.system);
        }
        let system = &self.system;
        let permille = accounts
            .iter()
            .enumerate()
            .map(|(index, account)| match &last {
                Some(last) if same => last.permille.get(index).copied().unwrap_or_default(),
                Some(last) => {
                    let before = last.times.get(index).copied().unwrap_or_default();
                    permille(
                        account.cpu_ticks.get().saturating_sub(before),
                        elapsed - last.elapsed,
                    )
                }
                None => permille(account.cpu_ticks.get(), elapsed),
            });
        let permille: Vec<_> = permille.collect();
        let rows = accounts.iter().enumerate().map(|(index, account)| {
            let count = traced.then(|| self.windows.counts[index]);
            row(system, index, account, permille[index], count)
        });
        let schedule = system.schedules.get(header.schedule.get() as usize);
        let sample = Sample {
            system: system.system.clone(),
            running,
            state: snapshot.state().map_or_else(
                || "unknown".to_owned(),
                |state| format!("{state:?}").to_lowercase(),
            ),
            kernel: if traced { "trace" } else { "release" },
            timebase_hz: system.timebase_hz,
            elapsed_ticks: elapsed,
            since_last: last.is_some(),
            major_frames: header.major_frames.get(),
            schedule: schedule.map_or_else(|| header.schedule.to_string(), |one| one.name.clone()),
            late_windows: header.late_windows.get(),
            health_events: header.health_events.get(),
            partitions: rows.collect(),
            channels: if traced { self.fills() } else { Vec::new() },
        };
        self.last = Some(match last {
            Some(last) if same => last,
            _ => Last {
                elapsed,
                times: accounts
                    .iter()
                    .map(|account| account.cpu_ticks.get())
                    .collect(),
                permille,
            },
        });
        Ok(sample)
    }

    fn look_at_messages(&mut self, trace: &Trace) {
        self.all_seen = trace.gaps.is_empty();
        for timed in &trace.events {
            let event = timed.event;
            let number = event.extra.get();
            let both = self.numbers.get(&event.what.get()).copied();
            let (out, taken) = match TraceKind::from_number(event.kind) {
                // Of the first that is seen nobody knows how many were before it, unless everything is seen.
                Some(TraceKind::MessageOut) => match both {
                    Some((_, taken)) => (number, taken),
                    None if trace.gaps.is_empty() => (number, 0),
                    None => continue,
                },
                Some(TraceKind::MessageIn) => {
                    (both.map_or(number, |both| both.0.max(number)), number)
                }
                _ => continue,
            };
            self.numbers.insert(event.what.get(), (out, taken));
        }
    }

    fn fills(&self) -> Vec<Fill> {
        let channels = self.system.channels.iter().zip(0..);
        let queues = channels.filter(|(channel, _)| channel.kind == "queuing");
        let fill = queues.map(|(channel, index)| {
            let numbers = self.numbers.get(&index);
            let held = match numbers {
                Some((out, taken)) => out.checked_sub(*taken),
                // It had no message since the start.
                None => self.all_seen.then_some(0),
            };
            Fill {
                channel: channel.name.clone(),
                // More than has room is of a channel that was cleared in between.
                held: held.filter(|held| u64::from(*held) <= channel.depth),
                depth: channel.depth,
            }
        });
        fill.collect()
    }
}

/// The account goes on a little behind the last window's beginning.
fn permille(used: u64, since: u64) -> u64 {
    let permille = u128::from(used) * 1000 / u128::from(since.max(1));
    u64::try_from(permille).unwrap_or(u64::MAX).min(1000)
}

/// `count`: none if the kernel keeps no events.
fn row(
    system: &System,
    index: usize,
    account: &PartitionRecord,
    cpu_permille: u64,
    count: Option<Count>,
) -> Row {
    let states = [
        (PartitionState::Stopped, "stopped"),
        (PartitionState::Starting, "starting"),
        (PartitionState::Ready, "ready"),
        (PartitionState::Waiting, "waiting"),
        (PartitionState::Delayed, "delayed"),
    ];
    let state = states
        .iter()
        .find(|one| one.0 as u32 == account.state.get());
    let faults = account.errors.iter().take(FAULTS);
    Row {
        name: system.partitions[index].name.clone(),
        state: state.map_or("unknown", |one| one.1),
        cpu_permille,
        cpu_ticks: account.cpu_ticks.get(),
        windows_seen: count.map(|count| count.seen),
        windows_used: count.map(|count| count.used),
        worst_window_used_ticks: account.worst_window_used_ticks.get(),
        granted_ticks: granted(system, index),
        budget_spent: count
            .filter(|_| budgets(system, index).next().is_some())
            .map(|count| count.spent),
        releases: account.releases.get(),
        deadlines_missed: account.deadlines_missed.get(),
        response_max_ticks: account.response_max_ticks.get(),
        hypercalls: count.map(|_| account.hypercalls.get()),
        faults: faults.map(|count| u32::from(count.get())).sum(),
        health_events: account.health_events.get(),
        restarts: account.restarts.get(),
    }
}

/// The record of a machine that runs. Its accounts change at any time: it is read again until no number is half of two.
pub fn read(memory: &Memory) -> Result<Snapshot> {
    let read = || {
        let snapshot = Snapshot::read(|address, bytes| memory.read(address, bytes));
        snapshot.context("the machine's memory cannot be read")
    };
    let mut last = read()?;
    for _ in 0..ATTEMPTS {
        let again = read()?;
        let (ours, theirs) = (accounts(&last), accounts(&again));
        if ours == theirs {
            break;
        }
        last = again;
    }
    Ok(last)
}

/// What has to be whole: the head and the accounts.
fn accounts(snapshot: &Snapshot) -> Option<&[u8]> {
    let room = cofferdam_abi::limits::PARTITIONS * size_of::<PartitionRecord>();
    let end = cofferdam_abi::record::offset::PARTITIONS + room;
    debug_assert!(size_of::<Header>() < end);
    snapshot.bytes().get(..end)
}

/// Where a number would stand that nobody has.
const UNKNOWN: &str = "-";

/// The titles of the columns.
pub const COLUMNS: [&str; 15] = [
    "partition",
    "state",
    "cpu %",
    "cpu",
    "windows",
    "worst window",
    "granted",
    "spent",
    "releases",
    "missed",
    "response",
    "hypercalls",
    "faults",
    "events",
    "restarts",
];

impl Row {
    /// As texts under [`COLUMNS`].
    pub fn cells(&self, timebase_hz: u64) -> [String; 15] {
        let counted = |count: Option<u32>| {
            count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string())
        };
        let windows = self.windows_used.zip(self.windows_seen);
        let time = |ticks: u64| text(i64::try_from(ticks).unwrap_or(i64::MAX), timebase_hz);
        [
            self.name.clone(),
            self.state.to_owned(),
            format!("{}.{}", self.cpu_permille / 10, self.cpu_permille % 10),
            time(self.cpu_ticks),
            windows.map_or_else(
                || UNKNOWN.to_owned(),
                |(used, seen)| format!("{used}/{seen}"),
            ),
            time(self.worst_window_used_ticks.into()),
            time(self.granted_ticks),
            counted(self.budget_spent),
            self.releases.to_string(),
            self.deadlines_missed.to_string(),
            // Who never says that its work is complete has no response.
            match self.response_max_ticks {
                0 => "-".to_owned(),
                ticks => time(ticks.into()),
            },
            counted(self.hypercalls),
            self.faults.to_string(),
            self.health_events.to_string(),
            self.restarts.to_string(),
        ]
    }
}

impl Fill {
    /// As a text.
    pub fn cell(&self) -> String {
        let held = self
            .held
            .map_or_else(|| "?".to_owned(), |held| held.to_string());
        format!("{} {held}/{}", self.channel, self.depth)
    }
}

impl Sample {
    /// The line above the table.
    pub fn head(&self) -> String {
        let elapsed = i64::try_from(self.elapsed_ticks).unwrap_or(i64::MAX);
        let late = match self.late_windows {
            0 => "no window late".to_owned(),
            1 => "1 window late".to_owned(),
            count => format!("{count} windows late"),
        };
        format!(
            "{}: {}, {} kernel, {} of machine time, frame {} of {}, {late}",
            self.system,
            self.state,
            self.kernel,
            text(elapsed, self.timebase_hz),
            self.major_frames,
            self.schedule
        )
    }

    /// The line about channels.
    pub fn foot(&self) -> String {
        if self.kernel == "release" {
            return "windows, spent budgets, hypercalls and the fill of channels are known of the kernel `trace` alone"
                .to_owned();
        }
        let fills: Vec<_> = self.channels.iter().map(Fill::cell).collect();
        match fills.as_slice() {
            [] => "there are no queuing channels".to_owned(),
            fills => {
                let unknown = self.channels.iter().any(|fill| fill.held.is_none());
                let why = match unknown {
                    true => {
                        "; `?`: no message of it was seen to come and go, and what came before is not among the events any more"
                    }
                    false => "",
                };
                format!("channels: {}{why}", fills.join(", "))
            }
        }
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        let titles = COLUMNS.map(str::to_owned);
        let rows = self
            .partitions
            .iter()
            .map(|row| row.cells(self.timebase_hz));
        let all: Vec<_> = std::iter::once(titles).chain(rows).collect();
        let width = |column: usize| all.iter().map(|cells| cells[column].len()).max();
        for cells in &all {
            for (column, cell) in cells.iter().enumerate() {
                let width = width(column).unwrap_or(0);
                match column {
                    0 | 1 => write!(f, "  {cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        write!(f, "{}", self.foot())
    }
}
