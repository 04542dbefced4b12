//! What of the plan a trace is read with. `plan.json` in the folder of a build has it.

use anyhow::{Context, Result, ensure};
use cofferdam_record::Snapshot;
use cofferdam_record::trace::Names;
use serde::Deserialize;
use serde_json::Value;

/// A system, as the build has planned it.
#[derive(Clone, Debug, Deserialize)]
pub struct System {
    /// Its name.
    pub system: String,
    /// Timebase ticks per second.
    pub timebase_hz: u64,
    /// So many ticks before the end of a window the kernel takes the processor back.
    pub guard_ticks: u64,
    /// In the order of their indices.
    pub partitions: Vec<Partition>,
    /// In the order of their indices.
    pub channels: Vec<Channel>,
    /// In the order of their indices.
    pub interrupts: Vec<Interrupt>,
    /// The most urgent first.
    pub ranks: Vec<Rank>,
    /// In the order of their indices.
    pub schedules: Vec<Schedule>,
}

/// A partition.
#[derive(Clone, Debug, Deserialize)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Its period.
    pub period_ticks: Option<u64>,
    /// Its deadline, from its release on.
    pub deadline_ticks: Option<u64>,
    /// Its ports.
    pub ports: Vec<Port>,
}

/// A port.
#[derive(Clone, Debug, Deserialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The slot by which hypercalls name it.
    pub slot: usize,
    /// The channel that it is an end of.
    pub channel: Option<usize>,
}

/// A channel.
#[derive(Clone, Debug, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How many messages have room in it.
    pub depth: u64,
    /// Partition and port of each end, the source first.
    pub ends: Vec<(usize, String)>,
}

/// A device interrupt.
#[derive(Clone, Debug, Deserialize)]
pub struct Interrupt {
    /// The device's name.
    pub device: String,
    /// Whose it is.
    pub owner: usize,
}

/// A rank.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Rank {
    /// Whose.
    pub partition: usize,
    /// How much it may use in one window; 0: no limit.
    pub budget_ticks: u64,
}

/// A schedule.
#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// The length of the frame.
    pub major_frame_ticks: u64,
    /// In the order of time.
    pub windows: Vec<WindowPlan>,
}

/// A window.
#[derive(Clone, Debug, Deserialize)]
pub struct WindowPlan {
    /// From the start of the frame.
    pub start_ticks: u64,
    /// Its length.
    pub length_ticks: u64,
    /// The partitions that it belongs to.
    pub group: Vec<usize>,
    /// The set of eligible ranks, rank 0 the highest bit.
    pub eligible: u32,
    /// The set of partitions released, partition 0 the highest bit.
    pub releases: u32,
    /// The set of interrupts that may come, interrupt 0 the highest bit.
    pub interrupts: u32,
}

/// Longer than any time that a plan has, in ticks.
const TOO_LONG: u64 = 1 << 48;
/// Faster than any timebase.
const LARGEST_HZ: u64 = 100_000_000_000;

impl System {
    /// From `plan.json`.
    ///
    /// # Errors
    /// If it is none, or not one of this version.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let value = serde_json::from_slice(bytes).context("it is no JSON")?;
        Self::from_value(value)
    }

    /// From what `plan.json` says.
    ///
    /// # Errors
    /// As [`System::from_json`].
    pub fn from_value(plan: Value) -> Result<Self> {
        let system: Self = serde_json::from_value(plan)
            .context("it is no plan of a system, or one of another version")?;
        system.is_sound()?;
        Ok(system)
    }

    /// What everything else here relies on.
    fn is_sound(&self) -> Result<()> {
        ensure!(
            (1..=LARGEST_HZ).contains(&self.timebase_hz),
            "its `timebase_hz` is {}, which no clock has",
            self.timebase_hz
        );
        let windows = || self.schedules.iter().flat_map(|one| &one.windows);
        let times = windows().flat_map(|window| [window.start_ticks, window.length_ticks]);
        let frames = self.schedules.iter().map(|one| one.major_frame_ticks);
        let own = self.partitions.iter().flat_map(|partition| {
            let times = [partition.period_ticks, partition.deadline_ticks];
            times.into_iter().flatten()
        });
        let mut all = times.chain(frames).chain(own).chain([self.guard_ticks]);
        ensure!(all.all(|time| time < TOO_LONG), "it has times of days");
        let groups = windows().flat_map(|window| window.group.iter().copied());
        let ranks = self.ranks.iter().map(|rank| rank.partition);
        let ends = self
            .channels
            .iter()
            .flat_map(|one| one.ends.iter().map(|end| end.0));
        let mut partitions = groups.chain(ranks).chain(ends);
        ensure!(
            partitions.all(|partition| partition < self.partitions.len()),
            "it names partitions that it does not have"
        );
        Ok(())
    }

    /// Whether a record can be one of it.
    ///
    /// # Errors
    /// Its partitions are others.
    pub fn has_left(&self, record: &Snapshot) -> Result<()> {
        let count = record.partition_count();
        let left: Vec<_> = (0..count)
            .map(|index| record.partition_name(index))
            .collect();
        let planned: Vec<_> = self.partitions.iter().map(|one| &*one.name).collect();
        ensure!(
            left == planned,
            "the record is of another system than the plan of {}, or of one that was changed since: it has {}, and planned are {}; name its system, or run it again",
            self.system,
            left.join(", "),
            planned.join(", ")
        );
        Ok(())
    }

    /// The names of what events have numbers for.
    pub fn names(&self) -> Names {
        let windows = self.schedules.iter().flat_map(|schedule| {
            (0..schedule.windows.len()).map(|place| Names::window(&schedule.name, place))
        });
        Names {
            channels: self.channels.iter().map(|one| one.name.clone()).collect(),
            interrupts: (self.interrupts.iter())
                .map(|one| one.device.clone())
                .collect(),
            windows: windows.collect(),
        }
    }

    /// The index of its schedule, its place in that, and the plan of the window with this index of all.
    pub fn planned(&self, index: usize) -> Option<(usize, usize, &WindowPlan)> {
        let schedules = self.schedules.iter().enumerate();
        let mut all = schedules.flat_map(|(schedule, plan)| {
            let windows = plan.windows.iter().enumerate();
            windows.map(move |(place, window)| (schedule, place, window))
        });
        all.nth(index)
    }

    /// What a window is called, by its index of all.
    pub fn window_name(&self, index: usize) -> String {
        match self.planned(index) {
            Some((schedule, place, _)) => Names::window(&self.schedules[schedule].name, place),
            None => format!("window {index}"),
        }
    }

    /// The partition that is called so.
    ///
    /// # Errors
    /// If there is none: it names those that there are.
    pub fn partition(&self, name: &str) -> Result<usize> {
        let place = self.partitions.iter().position(|one| one.name == name);
        place.with_context(|| {
            let names: Vec<_> = self
                .partitions
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            format!(
                "{} has no partition `{name}`: it has {}",
                self.system,
                names.join(", ")
            )
        })
    }

    /// What a partition is called.
    pub fn partition_name(&self, index: usize) -> String {
        let known = self.partitions.get(index);
        known.map_or_else(|| format!("partition {index}"), |one| one.name.clone())
    }

    /// The ranks of a partition that may run in a window, the most urgent first.
    pub fn eligible_ranks(&self, window: &WindowPlan, partition: usize) -> Vec<u16> {
        let ranks = self.ranks.iter().enumerate();
        let own = ranks.filter(|(_, rank)| rank.partition == partition);
        let numbers = own.filter_map(|(rank, _)| u16::try_from(rank).ok());
        numbers.filter(|rank| has(window.eligible, *rank)).collect()
    }
}

/// Whether an element is in a set, element 0 being the highest bit.
pub fn has(set: u32, element: u16) -> bool {
    set & 0x8000_0000_u32.checked_shr(element.into()).unwrap_or(0) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_its_elements() {
        assert!(has(0x8000_0001, 0) && has(0x8000_0001, 31));
        assert!(!has(0x8000_0001, 1) && !has(u32::MAX, 32));
    }
}
