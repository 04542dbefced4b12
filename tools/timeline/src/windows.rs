//! Events as windows, and who had the processor in them.
//!
//! The events begin somewhere, and some may be missing between: the first window seen is the first that begins, and none goes on over a gap.

use anyhow::{Context, Result};
use cofferdam_abi::record::TraceKind;
use cofferdam_record::trace::{Timed, Trace};

use crate::{NOBODY, System};

/// A stretch of time in which one partition had the processor by one rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Whose; [`NOBODY`]: the processor was idle.
    pub partition: u8,
    /// By which rank.
    pub rank: u16,
    /// From then on, in ticks.
    pub start: i64,
    /// Until then.
    pub end: i64,
}

impl Slice {
    /// How long, in ticks.
    pub fn length(&self) -> i64 {
        self.end - self.start
    }
}

/// A window as it was seen.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its index among the windows of all schedules.
    pub index: usize,
    /// When it began.
    pub start: i64,
    /// The last that was seen of it. If it is whole, that is when the next one began.
    pub end: i64,
    /// Its end was seen.
    pub whole: bool,
    /// How late the window before it was, in ticks.
    pub before_late: u32,
    /// Who had the processor.
    pub slices: Vec<Slice>,
    /// Interrupts that came: index and tick.
    pub interrupts: Vec<(u16, i64)>,
}

/// The windows of a trace, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Each.
    pub windows: Vec<Window>,
}

/// What the trace shows of a device's interrupt.
pub struct InterruptFacts {
    /// How many came in windows whose group has the owner.
    pub in_own_windows: u32,
    /// How many came in others.
    pub in_others_windows: u32,
    /// From each of those to the owner having the processor, in ticks.
    pub taken_after_ticks: Vec<u32>,
    /// How many came as soon as a window had begun: they had waited for it.
    pub had_waited: u32,
    /// In how many windows the owner used up its budget.
    pub budget_used_up: u32,
    /// In how many of those it went on behind others, who had nothing to do.
    pub went_on_behind: u32,
}

/// An interrupt that waited for a window comes within this time, in ticks.
const AS_SOON_AS_IT_BEGINS: i64 = 400;

impl Timeline {
    /// The windows that begin in the trace.
    pub fn of(trace: &Trace) -> Self {
        let mut windows: Vec<Window> = Vec::new();
        let mut gaps = trace.gaps.iter().map(|gap| gap.before).peekable();
        // Behind a gap nobody knows in which window it goes on.
        let mut known = false;
        for (place, timed) in trace.events.iter().enumerate() {
            if gaps.next_if_eq(&place).is_some() {
                known = false;
            }
            let Timed { ticks, event } = *timed;
            if event.kind == TraceKind::Window as u8 {
                if let Some(before) = windows.last_mut().filter(|_| known) {
                    before.close(ticks);
                }
                known = true;
                windows.push(Window {
                    index: usize::from(event.what.get()),
                    start: ticks,
                    end: ticks,
                    whole: false,
                    before_late: event.value.get(),
                    slices: Vec::new(),
                    interrupts: Vec::new(),
                });
            } else if let Some(window) = windows.last_mut().filter(|_| known) {
                window.add(timed);
            }
        }
        Self { windows }
    }

    /// The window in which a tick lies, if it was seen.
    pub fn at(&self, tick: i64) -> Option<&Window> {
        let behind = self.windows.partition_point(|window| window.start <= tick);
        let window = self.windows.get(behind.checked_sub(1)?)?;
        (tick < window.end).then_some(window)
    }

    /// What it shows of the interrupt of this device.
    ///
    /// # Errors
    /// If there is no such interrupt, or the trace is none of this system.
    pub fn interrupt(&self, system: &System, device: &str) -> Result<InterruptFacts> {
        let interrupts = &system.interrupts;
        let index = interrupts.iter().position(|one| one.device == device);
        let index = index.with_context(|| format!("{device} has no interrupt"))?;
        let owner = interrupts[index].owner;
        let mut facts = InterruptFacts {
            in_own_windows: 0,
            in_others_windows: 0,
            taken_after_ticks: Vec::new(),
            had_waited: 0,
            budget_used_up: 0,
            went_on_behind: 0,
        };
        for window in &self.windows {
            let (_, _, plan) = system
                .planned(window.index)
                .with_context(|| format!("there is no window {}", window.index))?;
            let own = plan.group.contains(&owner);
            let of_device = window.interrupts.iter();
            for (_, tick) in of_device.filter(|one| usize::from(one.0) == index) {
                let waited = tick - window.start < AS_SOON_AS_IT_BEGINS;
                facts.had_waited += u32::from(waited);
                if own {
                    facts.in_own_windows += 1;
                } else {
                    facts.in_others_windows += 1;
                    let after = window.taken_after(owner, *tick);
                    facts.taken_after_ticks.extend(after);
                }
            }
            let mut budget = budgets(system).filter(|(_, partition, _)| *partition == owner);
            let rank = budget.find(|(rank, _, ticks)| window.used(*rank) >= *ticks as i64);
            if let Some((rank, ..)) = rank {
                let mut slices = window.slices.iter();
                let behind =
                    slices.any(|one| usize::from(one.partition) == owner && one.rank != rank);
                facts.budget_used_up += 1;
                facts.went_on_behind += u32::from(behind && !own);
            }
        }
        Ok(facts)
    }
}

/// The ranks that have a budget: each with its partition and its ticks.
pub(crate) fn budgets(system: &System) -> impl Iterator<Item = (u16, usize, u64)> {
    let ranks = system.ranks.iter().enumerate();
    let budgeted = ranks.filter(|(_, plan)| plan.budget_ticks != 0);
    budgeted.map(|(rank, plan)| (rank as u16, plan.partition, plan.budget_ticks))
}

impl Window {
    fn add(&mut self, timed: &Timed) {
        let Timed { ticks, event } = *timed;
        self.goes_on_until(ticks);
        if event.kind == TraceKind::Switch as u8 {
            let start = ticks.max(self.slices.last().map_or(self.start, |one| one.end));
            self.slices.push(Slice {
                partition: event.partition,
                rank: event.what.get(),
                start,
                end: start,
            });
        } else if event.kind == TraceKind::Interrupt as u8 {
            self.interrupts.push((event.what.get(), ticks));
        }
    }

    /// The next window begins.
    fn close(&mut self, ticks: i64) {
        self.goes_on_until(ticks);
        self.end = ticks.max(self.start);
        self.whole = true;
        for slice in &mut self.slices {
            slice.end = slice.end.min(self.end);
            slice.start = slice.start.min(self.end);
        }
    }

    fn goes_on_until(&mut self, ticks: i64) {
        // The events of a window's first tick may be written before that.
        self.end = ticks.max(self.end);
        if let Some(slice) = self.slices.last_mut() {
            slice.end = ticks.max(slice.end);
        }
    }

    /// How much of it was used by a rank, in ticks.
    pub fn used(&self, rank: u16) -> i64 {
        let slices = self.slices.iter();
        let of_rank = slices.filter(|slice| slice.rank == rank && slice.partition != NOBODY);
        of_rank.map(Slice::length).sum()
    }

    /// How long after a tick a partition has the processor, in ticks. `None`: not in this window any more.
    fn taken_after(&self, partition: usize, tick: i64) -> Option<u32> {
        let slices = self.slices.iter();
        let mut own = slices.filter(|slice| usize::from(slice.partition) == partition);
        // The end of a slice that contains the tick lies ahead of it.
        let slice = own.find(|slice| slice.end > tick)?;
        u32::try_from((slice.start - tick).max(0)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{event, trace};

    #[test]
    fn a_trace_becomes_windows_with_slices() {
        let timeline = Timeline::of(&trace(vec![
            event(-10, TraceKind::Switch, 1, 4),
            event(0, TraceKind::Window, NOBODY, 2),
            event(0, TraceKind::Switch, 1, 4),
            event(40, TraceKind::Interrupt, 0, 3),
            event(45, TraceKind::Switch, 0, 0),
            event(60, TraceKind::Switch, NOBODY, 0),
            event(70, TraceKind::Switch, 0, 0),
            event(100, TraceKind::Window, NOBODY, 3),
        ]));
        let [window, last] = timeline.windows.as_slice() else {
            panic!("{} windows", timeline.windows.len());
        };
        assert_eq!((window.index, last.index), (2, 3));
        assert_eq!((window.whole, last.whole), (true, false));
        assert_eq!(window.interrupts, [(3, 40)]);
        assert_eq!((window.used(4), window.used(0)), (45, 45));
        let after = |tick: i64| window.taken_after(0, tick);
        assert_eq!(
            [after(40), after(50), after(65)],
            [Some(5), Some(0), Some(5)]
        );
        assert_eq!(last.taken_after(0, 100), None);
        assert_eq!(timeline.at(99).map(|one| one.index), Some(2));
        assert!(timeline.at(-1).is_none() && timeline.at(100).is_none());
    }

    #[test]
    fn no_window_goes_on_over_a_gap() {
        let mut events = trace(vec![
            event(0, TraceKind::Window, NOBODY, 0),
            event(0, TraceKind::Switch, 1, 4),
            event(50, TraceKind::Interrupt, 0, 3),
            event(500, TraceKind::Switch, 0, 0),
            event(600, TraceKind::Window, NOBODY, 1),
        ]);
        events
            .gaps
            .push(cofferdam_record::trace::Gap { before: 3, lost: 9 });
        let timeline = Timeline::of(&events);
        let seen = timeline
            .windows
            .iter()
            .map(|one| (one.start, one.end, one.whole));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [(0, 50, false), (600, 600, false)]
        );
    }
}
