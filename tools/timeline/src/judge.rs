//! Whether the kernel kept to the plan: windows begin on their ticks and in their order, the processor goes to nobody who is
//! not eligible, no budget is exceeded, and no interrupt comes where the window does not let it in.

use anyhow::{Context, Result, ensure};

use crate::windows::budgets;
use crate::{NOBODY, System, Timeline, Window, WindowPlan, has};

impl Timeline {
    /// Holds all of it against the plan, of which it has to have one whole window at least. `interrupts_off_max_ticks`: the longest path of the kernel
    /// with interrupts off.
    ///
    /// # Errors
    /// What it did not keep to.
    pub fn judge(&self, system: &System, interrupts_off_max_ticks: u64) -> Result<()> {
        ensure!(
            self.windows.iter().any(|window| window.whole),
            "the ring went round within one window: take the events of the whole run, which `run` keeps beside the record"
        );
        ensure!(
            self.all_as_late(),
            "windows did not begin with the same number of ticks from their boundary to the partition: {:?}",
            self.lateness().collect::<Vec<_>>()
        );
        for pair in self.windows.windows(2) {
            let [window, following] = pair else { continue };
            if !window.whole {
                continue;
            }
            let (schedule, place, plan) = planned(system, window.index)?;
            let at = format!("window {place} of schedule {schedule}");
            let length = following.start - window.start;
            ensure!(
                u64::try_from(length) == Ok(plan.length_ticks),
                "{at} took {length} ticks"
            );
            ensure!(
                follows(system, schedule, place, following.index)?,
                "{at} was followed by window {} of all",
                following.index
            );
            judge_slices(system, plan, window, interrupts_off_max_ticks)
                .with_context(|| at.clone())?;
            for (interrupt, _) in &window.interrupts {
                ensure!(
                    has(plan.interrupts, *interrupt),
                    "{at}: interrupt {interrupt} came"
                );
            }
        }
        Ok(())
    }

    /// How late each whole window was, in ticks. The first event behind a gap says it of a window that the trace does not have.
    fn lateness(&self) -> impl Iterator<Item = u32> {
        let pairs = self.windows.windows(2).filter(|pair| pair[0].whole);
        pairs.map(|pair| pair[1].before_late)
    }

    /// Whether each took as long from its boundary to the partition as all others.
    fn all_as_late(&self) -> bool {
        let mut lateness = self.lateness();
        let first = lateness.next();
        lateness.all(|late| Some(late) == first)
    }
}

fn planned(system: &System, index: usize) -> Result<(usize, usize, &WindowPlan)> {
    let planned = system.planned(index);
    planned.with_context(|| format!("there is no window {index}"))
}

/// Whether the window of this index may come behind that one: the next of its schedule; behind the last, the first of any.
fn follows(system: &System, schedule: usize, place: usize, index: usize) -> Result<bool> {
    let (other_schedule, other_place, _) = planned(system, index)?;
    let last = place + 1 == system.schedules[schedule].windows.len();
    Ok(match last {
        true => other_place == 0,
        false => other_schedule == schedule && other_place == place + 1,
    })
}

fn judge_slices(
    system: &System,
    plan: &WindowPlan,
    window: &Window,
    interrupts_off_max_ticks: u64,
) -> Result<()> {
    for slice in window
        .slices
        .iter()
        .filter(|slice| slice.partition != NOBODY)
    {
        let rank = system.ranks.get(usize::from(slice.rank));
        let rank = rank.with_context(|| format!("there is no rank {}", slice.rank))?;
        ensure!(
            rank.partition == usize::from(slice.partition) && has(plan.eligible, slice.rank),
            "partition {} had the processor by rank {}",
            slice.partition,
            slice.rank
        );
    }
    for (rank, partition, budget) in budgets(system) {
        let used = window.used(rank);
        // The budget's end is a timer's interrupt, which may have to wait for the end of a path without interrupts.
        let most = budget.saturating_add(interrupts_off_max_ticks);
        ensure!(
            u64::try_from(used).is_ok_and(|used| used <= most),
            "partition {partition} used {used} ticks of a budget of {budget}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cofferdam_abi::record::TraceKind;

    use super::*;
    use crate::run::tests::{event, system, trace};

    #[test]
    fn windows_that_are_not_all_as_late_are_seen() {
        let timeline = |late: &[u32]| {
            let events = late.iter().zip(0..).map(|(late, number)| {
                let mut timed = event(100 * number, TraceKind::Window, NOBODY, 0);
                timed.event.value = (*late).into();
                timed
            });
            Timeline::of(&trace(events.collect()))
        };
        // Before the first window of all there was none.
        assert!(timeline(&[0, 4, 4, 4]).all_as_late());
        for moved in [[0, 5, 4, 4], [0, 4, 5, 4], [4, 4, 4, 3]] {
            assert!(!timeline(&moved).all_as_late(), "{moved:?}");
        }
    }

    /// The windows of the test system from its first tick on, with these events in the first one.
    fn judged(within: &[(i64, TraceKind, u8, u16)], second: (i64, u16)) -> Result<()> {
        let mut events = vec![event(0, TraceKind::Window, NOBODY, 0)];
        let within = within.iter();
        events.extend(
            within.map(|(tick, kind, partition, what)| event(*tick, *kind, *partition, *what)),
        );
        events.push(event(second.0, TraceKind::Window, NOBODY, second.1));
        Timeline::of(&trace(events)).judge(&system(), 10)
    }

    #[test]
    fn what_the_plan_does_not_have_is_seen() {
        use TraceKind::{Interrupt, Switch};
        let fails = |result: Result<()>, with: &str| {
            let error = format!("{:#}", result.expect_err(with));
            assert!(error.contains(with), "{error}");
        };
        assert!(judged(&[(0, Switch, 0, 0)], (400, 1)).is_ok());
        fails(judged(&[], (399, 1)), "took 399 ticks");
        fails(judged(&[], (400, 2)), "was followed by window 2");
        fails(
            judged(&[(0, Switch, 1, 1)], (400, 1)),
            "had the processor by rank 1",
        );
        fails(judged(&[(0, Switch, 0, 9)], (400, 1)), "no rank 9");
        fails(
            judged(&[(9, Interrupt, 2, 0)], (400, 1)),
            "interrupt 0 came",
        );
    }
}
