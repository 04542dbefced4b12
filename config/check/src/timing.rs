//! What the schedules give a partition, counted on the configuration alone.

use cofferdam_model::{Schedule, System, Window};

/// A window of a schedule, by its index there.
pub type WindowIndex = usize;

/// Where a window ends, from the start of the frame.
pub fn end_ticks(window: &Window) -> u64 {
    window.at_ticks.saturating_add(*window.length_ticks)
}

/// The budgets of the background's members that come before each window's group, the partition's own left out.
pub fn budgets_of_others(system: &System, partition: usize) -> u64 {
    let others = system.partitions.iter().enumerate();
    let budgets = others
        .filter(|(index, _)| *index != partition)
        .filter_map(|(_, other)| {
            let background = other.background.as_ref()?;
            background.budget_ticks.as_ref().map(|budget| **budget)
        });
    budgets.fold(0, u64::saturating_add)
}

/// The windows of a schedule at whose start a partition is released.
pub fn releases(schedule: &Schedule, name: &str) -> Vec<WindowIndex> {
    let windows = schedule.windows.iter().enumerate();
    let released = |window: &Window| window.release.iter().any(|one| **one == name);
    let released = windows.filter(|(_, window)| released(window));
    released.map(|(index, _)| index).collect()
}

/// Whether a partition is in the group of a window.
pub fn in_group(window: &Window, name: &str) -> bool {
    window.group.iter().any(|one| **one == name)
}

/// Whether a partition's own windows leave it time between `from`, which lies in the frame, and `to`, ticks from the frame's start, if it
/// is the first of its groups: without guards, and without what the background may take.
pub fn has_time_between(
    system: &System,
    schedule: &Schedule,
    partition: usize,
    from: u64,
    to: u64,
) -> bool {
    let name = &system.partitions[partition].name;
    let lost = system
        .guard_ticks
        .saturating_add(budgets_of_others(system, partition));
    // A window that comes at all comes in this frame behind `from`, or else in the next.
    [0, *schedule.major_frame_ticks].iter().any(|frame| {
        let own = schedule
            .windows
            .iter()
            .filter(|window| in_group(window, name));
        own.into_iter().any(|window| {
            let start = frame + *window.at_ticks;
            let end = (start + *window.length_ticks).saturating_sub(lost);
            end.min(to) > start.max(from)
        })
    })
}
