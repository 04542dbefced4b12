//! How much of each window of the plan was used at most.

use std::collections::BTreeMap;

use crate::{NOBODY, Run, Window};

/// What a run made of a window of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How often it was seen from its start to its end.
    pub times: u32,
    /// By how much it began late at most, in ticks.
    pub latest_ticks: u64,
    /// The most that all together had of it, in ticks.
    pub most_ticks: u64,
    /// The most that each rank had of it, by its number; one that never ran is not there.
    pub by_rank: BTreeMap<u16, u64>,
}

/// What became of each window of the plan, by its index of all.
///
/// Only windows count of which no event is missing: what is known of the others is less than what happened in them.
pub fn used(run: &Run) -> Vec<Used> {
    let schedules = run.system.schedules.iter();
    let count = schedules.map(|schedule| schedule.windows.len()).sum();
    let mut all = vec![Used::default(); count];
    let windows = &run.timeline.windows;
    for (window, next) in windows.iter().zip(windows.iter().skip(1)) {
        let Some(used) = all.get_mut(window.index).filter(|_| window.whole) else {
            continue;
        };
        used.times = used.times.saturating_add(1);
        // How late a window began is said where the next one begins.
        used.latest_ticks = used.latest_ticks.max(next.before_late.into());
        let by_rank = of_window(window, run.system.guard_ticks);
        let together = by_rank
            .values()
            .fold(0, |sum: u64, one| sum.saturating_add(*one));
        used.most_ticks = used.most_ticks.max(together);
        for (rank, ticks) in by_rank {
            let most = used.by_rank.entry(rank).or_default();
            *most = ticks.max(*most);
        }
    }
    all
}

/// How long each rank had the processor in a window. At the guard the kernel takes it back, which no event says.
fn of_window(window: &Window, guard_ticks: u64) -> BTreeMap<u16, u64> {
    let guard = window.end.saturating_sub_unsigned(guard_ticks);
    let mut by_rank = BTreeMap::new();
    for slice in window.slices.iter().filter(|one| one.partition != NOBODY) {
        let ticks = slice.end.min(guard) - slice.start.min(guard);
        let ticks = u64::try_from(ticks).unwrap_or(0);
        let sum: &mut u64 = by_rank.entry(slice.rank).or_default();
        *sum = sum.saturating_add(ticks);
    }
    by_rank
}

#[cfg(test)]
mod tests {
    use cofferdam_abi::record::TraceKind;
    use cofferdam_record::trace::Gap;

    use super::*;
    use crate::Timeline;
    use crate::run::tests::{detailed, event, run};

    /// Two frames: rank 0 has 100 and then 150 of window 0, whose guard of 10 is nobody's, and rank 2 what is left of it.
    fn two_frames() -> Run {
        let late = |tick, index, late| detailed(tick, TraceKind::Window, NOBODY, [index, late, 0]);
        run(vec![
            late(0, 0, 0),
            event(0, TraceKind::Switch, 0, 0),
            event(100, TraceKind::Switch, 2, 2),
            event(120, TraceKind::Switch, NOBODY, 0),
            late(400, 1, 3),
            event(400, TraceKind::Switch, 1, 1),
            late(700, 2, 0),
            late(1000, 0, 0),
            event(1000, TraceKind::Switch, 0, 0),
            event(1150, TraceKind::Switch, 2, 2),
            late(1400, 1, 7),
            event(1410, TraceKind::Switch, 1, 1),
        ])
    }

    #[test]
    fn a_window_has_the_most_of_all_times_that_it_was_seen() {
        let used = used(&two_frames());
        let [first, second, third] = used.as_slice() else {
            panic!("{} windows", used.len());
        };
        assert_eq!((first.times, first.latest_ticks), (2, 7));
        assert_eq!(first.most_ticks, 390);
        assert_eq!(first.by_rank, [(0, 150), (2, 240)].into());
        // The last window is not whole.
        assert_eq!((second.times, second.most_ticks), (1, 290));
        assert_eq!(second.by_rank, [(1, 290)].into());
        assert_eq!((third.times, third.most_ticks), (1, 0));
    }

    #[test]
    fn a_window_of_which_events_are_missing_does_not_count() {
        let mut run = two_frames();
        run.trace.gaps.push(Gap { before: 9, lost: 2 });
        run.timeline = Timeline::of(&run.trace);
        assert_eq!(used(&run)[0].times, 1);
        assert_eq!(used(&run)[0].by_rank, [(0, 100), (2, 20)].into());
    }
}
