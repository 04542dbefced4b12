//! The trace of a run, read as windows and who had the processor in them.
//!
//! The kernel wrote it, event after event; here it is held against the plan that the build made: windows begin on their
//! ticks and in their order, the processor goes to nobody who is not eligible, no budget is exceeded, and no interrupt comes
//! where the window does not let it in. The ring keeps the last events, so that the first window seen is the first
//! that begins in it.

use anyhow::{Context, Result, ensure};
use cofferdam_abi::record::{TraceEvent, TraceKind};
use cofferdam_build::Built;
use cofferdam_compile::plan::WindowPlan;
use cofferdam_record::Snapshot;

/// Nobody, where a partition's index stands.
const NOBODY: u8 = 0xff;

/// A stretch of time in which one partition had the processor by one rank.
#[derive(Clone, Copy, Debug)]
struct Slice {
    partition: u8,
    rank: u16,
    start: u32,
    end: u32,
}

/// A window as it was seen.
#[derive(Clone, Debug)]
struct Window {
    /// Its index among the windows of all schedules.
    index: usize,
    start: u32,
    /// How late the window before it was, in ticks.
    before_late: u32,
    slices: Vec<Slice>,
    /// Interrupts that came: index and tick.
    interrupts: Vec<(u16, u32)>,
}

/// The windows of a trace, the oldest first. The last one is not over.
pub struct Timeline {
    windows: Vec<Window>,
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
const AS_SOON_AS_IT_BEGINS: u32 = 400;

impl Timeline {
    /// The windows that begin in the trace.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::of_events(snapshot.trace())
    }

    fn of_events(events: Vec<TraceEvent>) -> Self {
        let mut windows: Vec<Window> = Vec::new();
        for event in events {
            let tick = event.tick.get();
            if event.kind == TraceKind::Window as u8 {
                if let Some(before) = windows.last_mut() {
                    end_slice(before, tick);
                }
                windows.push(Window {
                    index: usize::from(event.what.get()),
                    start: tick,
                    before_late: event.value.get(),
                    slices: Vec::new(),
                    interrupts: Vec::new(),
                });
            } else if let Some(window) = windows.last_mut() {
                add(window, &event, tick);
            }
        }
        Self { windows }
    }

    /// Holds all of it against the plan, of which it has to have one whole window at least.
    pub fn judge(&self, built: &Built) -> Result<()> {
        ensure!(
            self.windows.len() > 1,
            "the ring went round within one window"
        );
        ensure!(
            self.all_as_late(),
            "windows did not begin with the same number of ticks from their boundary to the partition: {:?}",
            self.lateness().collect::<Vec<_>>()
        );
        for pair in self.windows.windows(2) {
            let [window, following] = pair else { continue };
            let (schedule, place, plan) = planned(built, window.index)?;
            let at = format!("window {place} of schedule {schedule}");
            let length = u64::from(following.start.wrapping_sub(window.start));
            ensure!(length == plan.length_ticks, "{at} took {length} ticks");
            ensure!(
                follows(built, schedule, place, following.index)?,
                "{at} was followed by window {} of all",
                following.index
            );
            judge_slices(built, plan, window).with_context(|| at.clone())?;
            for (interrupt, _) in &window.interrupts {
                ensure!(
                    has(plan.interrupts, *interrupt),
                    "{at}: interrupt {interrupt} came"
                );
            }
        }
        Ok(())
    }

    /// How late each whole window was, in ticks. The first event says it of a window that the trace does not have.
    fn lateness(&self) -> impl Iterator<Item = u32> {
        self.windows.iter().skip(1).map(|window| window.before_late)
    }

    /// Whether each took as long from its boundary to the partition as all others.
    fn all_as_late(&self) -> bool {
        let mut lateness = self.lateness();
        let first = lateness.next();
        lateness.all(|late| Some(late) == first)
    }

    /// What it shows of the interrupt of this device.
    pub fn interrupt(&self, built: &Built, device: &str) -> Result<InterruptFacts> {
        let plans = &built.plan.interrupts;
        let index = plans.iter().position(|one| one.device == device);
        let index = index.with_context(|| format!("{device} has no interrupt"))?;
        let owner = plans[index].owner;
        let mut facts = InterruptFacts {
            in_own_windows: 0,
            in_others_windows: 0,
            taken_after_ticks: Vec::new(),
            had_waited: 0,
            budget_used_up: 0,
            went_on_behind: 0,
        };
        for window in &self.windows {
            let (_, _, plan) = planned(built, window.index)?;
            let own = plan.group.contains(&owner);
            let of_device = window.interrupts.iter();
            for (_, tick) in of_device.filter(|one| usize::from(one.0) == index) {
                let waited = tick.wrapping_sub(window.start) < AS_SOON_AS_IT_BEGINS;
                facts.had_waited += u32::from(waited);
                if own {
                    facts.in_own_windows += 1;
                } else {
                    facts.in_others_windows += 1;
                    let after = taken_after(window, owner, *tick);
                    facts.taken_after_ticks.extend(after);
                }
            }
            let mut budget = budgets(built).filter(|(_, partition, _)| *partition == owner);
            let rank = budget.find(|(rank, _, ticks)| u64::from(used(window, *rank)) >= *ticks);
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

fn add(window: &mut Window, event: &TraceEvent, tick: u32) {
    if event.kind == TraceKind::Switch as u8 {
        end_slice(window, tick);
        window.slices.push(Slice {
            partition: event.partition,
            rank: event.what.get(),
            start: tick,
            end: tick,
        });
    } else if event.kind == TraceKind::Interrupt as u8 {
        window.interrupts.push((event.what.get(), tick));
    }
}

fn end_slice(window: &mut Window, tick: u32) {
    if let Some(slice) = window.slices.last_mut() {
        slice.end = tick;
    }
}

/// The index of its schedule, its place in that, and the plan of the window with this index of all.
fn planned(built: &Built, index: usize) -> Result<(usize, usize, &WindowPlan)> {
    let schedules = built.plan.schedules.iter().enumerate();
    let mut all = schedules.flat_map(|(schedule, plan)| {
        let windows = plan.windows.iter().enumerate();
        windows.map(move |(place, window)| (schedule, place, window))
    });
    all.nth(index)
        .with_context(|| format!("there is no window {index}"))
}

/// Whether the window of this index may come behind that one: the next of its schedule; behind the last, the first of any.
fn follows(built: &Built, schedule: usize, place: usize, index: usize) -> Result<bool> {
    let (other_schedule, other_place, _) = planned(built, index)?;
    let last = place + 1 == built.plan.schedules[schedule].windows.len();
    Ok(match last {
        true => other_place == 0,
        false => other_schedule == schedule && other_place == place + 1,
    })
}

/// The ranks that have a budget: each with its partition and its ticks.
fn budgets(built: &Built) -> impl Iterator<Item = (u16, usize, u64)> {
    let ranks = built.plan.ranks.iter().enumerate();
    let budgeted = ranks.filter(|(_, plan)| plan.budget_ticks != 0);
    budgeted.map(|(rank, plan)| (rank as u16, plan.partition, plan.budget_ticks))
}

/// How much of a window was used by a rank, in ticks.
fn used(window: &Window, rank: u16) -> u32 {
    let slices = window.slices.iter();
    let of_rank = slices.filter(|slice| slice.rank == rank && slice.partition != NOBODY);
    of_rank
        .map(|slice| slice.end.wrapping_sub(slice.start))
        .sum()
}

/// How long after a tick a partition has the processor, in ticks. `None`: not in this window any more.
fn taken_after(window: &Window, partition: usize, tick: u32) -> Option<u32> {
    let slices = window.slices.iter();
    let mut own = slices.filter(|slice| usize::from(slice.partition) == partition);
    // The end of a slice that contains the tick lies ahead of it.
    let slice = own.find(|slice| slice.end.wrapping_sub(tick) as i32 > 0)?;
    Some((slice.start.wrapping_sub(tick) as i32).max(0) as u32)
}

fn judge_slices(built: &Built, plan: &WindowPlan, window: &Window) -> Result<()> {
    for slice in window
        .slices
        .iter()
        .filter(|slice| slice.partition != NOBODY)
    {
        let rank = built.plan.ranks.get(usize::from(slice.rank));
        let rank = rank.with_context(|| format!("there is no rank {}", slice.rank))?;
        ensure!(
            rank.partition == usize::from(slice.partition) && has(plan.eligible, slice.rank),
            "partition {} had the processor by rank {}",
            slice.partition,
            slice.rank
        );
    }
    for (rank, partition, budget) in budgets(built) {
        let used = u64::from(used(window, rank));
        // The budget's end is a timer's interrupt, which may have to wait for the end of a path without interrupts.
        let checked = &built.checked;
        let most = budget + checked.system.interrupts_off_max_ticks(&checked.board);
        ensure!(
            used <= most,
            "partition {partition} used {used} ticks of a budget of {budget}"
        );
    }
    Ok(())
}

/// Whether an element is in a set, element 0 being the highest bit.
fn has(set: u32, element: u16) -> bool {
    set & 0x8000_0000_u32.checked_shr(element.into()).unwrap_or(0) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(tick: u32, kind: TraceKind, partition: u8, what: u16) -> TraceEvent {
        TraceEvent {
            tick: tick.into(),
            kind: kind as u8,
            partition,
            what: what.into(),
            value: 0.into(),
            extra: 0.into(),
        }
    }

    #[test]
    fn a_trace_becomes_windows_with_slices() {
        // The timebase wraps in the middle.
        let start = u32::MAX - 50;
        let timeline = Timeline::of_events(vec![
            event(start - 10, TraceKind::Switch, 1, 4),
            event(start, TraceKind::Window, NOBODY, 2),
            event(start, TraceKind::Switch, 1, 4),
            event(start.wrapping_add(40), TraceKind::Interrupt, 0, 3),
            event(start.wrapping_add(45), TraceKind::Switch, 0, 0),
            event(start.wrapping_add(60), TraceKind::Switch, NOBODY, 0),
            event(start.wrapping_add(70), TraceKind::Switch, 0, 0),
            event(start.wrapping_add(100), TraceKind::Window, NOBODY, 3),
        ]);
        let [window, last] = timeline.windows.as_slice() else {
            panic!("{} windows", timeline.windows.len());
        };
        assert_eq!((window.index, last.index), (2, 3));
        assert_eq!(window.interrupts, [(3, start.wrapping_add(40))]);
        assert_eq!((used(window, 4), used(window, 0)), (45, 45));
        let after = |tick: u32| taken_after(window, 0, start.wrapping_add(tick));
        assert_eq!(
            [after(40), after(50), after(65)],
            [Some(5), Some(0), Some(5)]
        );
        assert_eq!(taken_after(last, 0, start.wrapping_add(100)), None);
    }

    #[test]
    fn windows_that_are_not_all_as_late_are_seen() {
        let timeline = |late: &[u32]| {
            let events = late.iter().zip(0..).map(|(late, number)| TraceEvent {
                value: (*late).into(),
                ..event(100 * number, TraceKind::Window, NOBODY, 0)
            });
            Timeline::of_events(events.collect())
        };
        // Before the first window of all there was none.
        assert!(timeline(&[0, 4, 4, 4]).all_as_late());
        for moved in [[0, 5, 4, 4], [0, 4, 5, 4], [4, 4, 4, 3]] {
            assert!(!timeline(&moved).all_as_late(), "{moved:?}");
        }
    }

    #[test]
    fn a_set_has_its_elements() {
        assert!(has(0x8000_0001, 0) && has(0x8000_0001, 31));
        assert!(!has(0x8000_0001, 1) && !has(u32::MAX, 32));
    }
}
