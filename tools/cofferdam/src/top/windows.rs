//! What partitions were granted of their windows, and what they made of those that were seen.

use cofferdam_record::trace::Trace;
use cofferdam_timeline::{System, Timeline};

/// Of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Its own windows, as far as all of their events were seen.
    pub seen: u32,
    /// Those in which it had the processor.
    pub used: u32,
    /// Windows of anybody's in which it used up a budget.
    pub spent: u32,
}

/// Counts windows while a run goes on. The kernel keeps no such account: these are those that the events show, which it keeps for a while.
pub struct Windows {
    /// When the last one began that was counted.
    until: Option<i64>,
    /// By partition.
    pub counts: Vec<Count>,
}

impl Windows {
    pub fn new(system: &System) -> Self {
        Self {
            until: None,
            counts: vec![Count::default(); system.partitions.len()],
        }
    }

    /// Counts those that nobody has counted yet.
    pub fn look_at(&mut self, trace: &Trace, system: &System) {
        for window in Timeline::of(trace).windows {
            let is_new = self.until.is_none_or(|until| until < window.start);
            let Some((_, _, plan)) = system.planned(window.index) else {
                continue;
            };
            if !window.whole || !is_new {
                continue;
            }
            self.until = Some(window.start);
            for (partition, count) in self.counts.iter_mut().enumerate() {
                let mut slices = window.slices.iter();
                let ran = slices
                    .any(|slice| usize::from(slice.partition) == partition && slice.length() > 0);
                let is_own = plan.group.contains(&partition);
                count.seen += u32::from(is_own);
                count.used += u32::from(is_own && ran);
                let spent = budgets(system, partition).any(|(rank, budget)| {
                    u64::try_from(window.used(rank)).is_ok_and(|used| used >= budget)
                });
                count.spent += u32::from(spent);
            }
        }
    }
}

/// The ranks of a partition that have a budget, each with its ticks.
pub fn budgets(system: &System, partition: usize) -> impl Iterator<Item = (u16, u64)> {
    let ranks = (0..).zip(&system.ranks);
    let own = ranks.filter(move |(_, rank)| rank.partition == partition && rank.budget_ticks != 0);
    own.map(|(index, rank)| (index, rank.budget_ticks))
}

/// The most that a partition is granted of one window: of the longest of its own what the kernel does not take back for the guard; where it has none, its
/// budget in those of others.
pub fn granted(system: &System, partition: usize) -> u64 {
    let windows = system.schedules.iter().flat_map(|one| &one.windows);
    let own = windows.filter(|window| window.group.contains(&partition));
    let own = own.map(|window| window.length_ticks.saturating_sub(system.guard_ticks));
    let budgets = budgets(system, partition).map(|(_, ticks)| ticks);
    own.max().or(budgets.max()).unwrap_or_default()
}
