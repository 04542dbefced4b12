//! How long a device's interrupt can wait for the partition that serves it, at worst.
//!
//! The bound is what the configuration guarantees whatever anybody does: others of the owner's group that come first may use
//! all of a window, so they serve nothing there; members of the background use up their budgets; and the owner's own budget may be
//! used up when the interrupt comes, so that it counts at the start of a window only. To it comes the longest time that the
//! kernel keeps interrupts off.

use cofferdam_model::{Board, Schedule, System, WhenNotRunning, Window};

use crate::timing;

/// How a window serves an interrupt.
struct Service {
    /// The first moment at which the owner runs, if the interrupt has come by the window's start.
    first: u64,
    /// Behind this moment of the window an interrupt may have to wait for another window.
    last: u64,
}

/// The longest that an interrupt of `device` waits for `partition`, its owner, in the worst schedule. `None`: for ever.
pub fn worst(system: &System, board: &Board, device: usize, partition: usize) -> Option<u64> {
    let schedules = system.schedules.iter();
    let each = schedules.map(|schedule| worst_in(system, schedule, device, partition));
    let worst = each.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    Some(worst + system.interrupts_off_max_ticks(board))
}

fn worst_in(system: &System, schedule: &Schedule, device: usize, partition: usize) -> Option<u64> {
    let services: Vec<_> = schedule
        .windows
        .iter()
        .filter_map(|window| service(system, window, device, partition))
        .collect();
    let first = services.first()?;
    let again = first.first + *schedule.major_frame_ticks;
    let nexts = services
        .iter()
        .skip(1)
        .map(|service| service.first)
        .chain([again]);
    let gaps = services
        .iter()
        .zip(nexts)
        .map(|(service, next)| next.saturating_sub(service.last));
    // Within a window an interrupt waits as long as one that came before it.
    let within = schedule.windows.iter().filter_map(|window| {
        Some(service(system, window, device, partition)?.first - *window.at_ticks)
    });
    gaps.chain(within).max()
}

fn service(system: &System, window: &Window, device: usize, partition: usize) -> Option<Service> {
    let owner = &system.partitions[partition];
    let preempts = *system.devices[device].when_not_running == WhenNotRunning::Preempt;
    let start = *window.at_ticks;
    let end = timing::end_ticks(window).saturating_sub(*system.guard_ticks);
    // First of the group: only budgets come before it.
    if window
        .group
        .first()
        .is_some_and(|first| first.value == *owner.name)
    {
        let before = timing::budgets_of_others(system, partition);
        let last = end.saturating_sub(before);
        return (last > start).then_some(Service {
            first: start + before,
            last,
        });
    }
    let background = owner.background.as_ref().filter(|_| preempts)?;
    let priority = *background.priority;
    let others = system
        .partitions
        .iter()
        .filter_map(|one| one.background.as_ref());
    let more_urgent = others.filter(|one| *one.priority < priority);
    if background.budget_ticks.is_some() {
        let budgets = more_urgent.filter_map(|one| one.budget_ticks.as_ref());
        let before = budgets.fold(0u64, |sum, budget| sum.saturating_add(**budget));
        let first = start + before;
        return (first < end).then_some(Service { first, last: start });
    }
    // Without a budget it takes what the group leaves: something for certain only where there is no group.
    let alone = window.group.is_empty() && more_urgent.count() == 0;
    let before = timing::budgets_of_others(system, partition);
    let last = end.saturating_sub(before);
    (alone && last > start).then_some(Service {
        first: start + before,
        last,
    })
}
