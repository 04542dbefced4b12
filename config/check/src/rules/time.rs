//! Schedules, releases, deadlines and budgets.

use cofferdam_model::{Board, Schedule, System, show_ticks};

use super::{Findings, Rule, rule};
use crate::timing;

pub(super) static RULES: &[&Rule] = &[
    &SCHEDULE_INITIAL,
    &WINDOW_TILING,
    &WINDOW_MEMBERS,
    &TIME_GUARD,
    &RELEASE_PERIOD,
    &DEADLINE_PERIOD,
    &DEADLINE_FEASIBLE,
    &BUDGET_SUM,
    &BACKGROUND_PRIORITY,
];

rule! {
    /// Exactly one schedule is the initial one.
    SCHEDULE_INITIAL = "SCHEDULE-INITIAL", initial;
}

fn initial(system: &System, _: &Board, findings: &mut Findings) {
    let is_initial = |one: &&Schedule| one.initial.as_ref().is_some_and(|initial| **initial);
    let all: Vec<_> = system.schedules.iter().filter(is_initial).collect();
    if all.len() != 1 {
        let place = all
            .get(1)
            .or(system.schedules.first().as_ref())
            .map(|one| one.name.span);
        let message = format!("{} schedules are the initial one", all.len());
        let place = place.unwrap_or(system.name.span);
        let diagnostic = SCHEDULE_INITIAL.violation(place, message);
        findings.push(diagnostic.hint("write `initial = true` in one of them"));
    }
}

rule! {
    /// The windows of a schedule tile its major frame: the first begins at 0, each begins where the one before ends, and the last ends
    /// with the frame.
    ///
    /// Time that nobody has is a window with `group = []`, so that a gap is never an oversight.
    WINDOW_TILING = "WINDOW-TILING", tiling;
}

fn tiling(system: &System, board: &Board, findings: &mut Findings) {
    let show = |ticks| show_ticks(ticks, board.timebase_hz);
    for schedule in &system.schedules {
        let frame = &schedule.major_frame_ticks;
        let mut expected = 0;
        for window in &schedule.windows {
            let at = *window.at_ticks;
            if at != expected {
                let what = if at > expected {
                    "a gap lies before"
                } else {
                    "the one before overlaps"
                };
                let message = format!("{what} the window at {}", show(at));
                let hint = format!(
                    "write `at = \"{}\"`, or change the window before it; a gap is a window with `group = []`",
                    show(expected),
                );
                findings.push(
                    WINDOW_TILING
                        .violation(window.at_ticks.span, message)
                        .hint(hint),
                );
            }
            if *window.length_ticks == 0 {
                let message = format!("the window at {} has no length", show(at));
                let violation = WINDOW_TILING.violation(window.length_ticks.span, message);
                findings.push(violation.hint("give it a length, or remove the window"));
            }
            expected = timing::end_ticks(window);
        }
        if expected != **frame && !schedule.windows.is_empty() {
            let message = format!(
                "the windows end at {}, the major frame at {}",
                show(expected),
                show(**frame)
            );
            let hint = "change the last window or the frame; a rest is a window with `group = []`";
            let diagnostic = WINDOW_TILING.violation(frame.span, message);
            findings.push(diagnostic.hint(hint));
        }
    }
}

rule! {
    /// No partition is named twice in a window's group or in its releases.
    WINDOW_MEMBERS = "WINDOW-MEMBERS", members;
}

fn members(system: &System, _: &Board, findings: &mut Findings) {
    for window in system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows)
    {
        for names in [&window.group, &window.release] {
            for (index, name) in names.iter().enumerate() {
                if let Some(earlier) = names[..index]
                    .iter()
                    .find(|other| other.value == name.value)
                {
                    let message = format!("`{name}` is named twice");
                    let diagnostic = WINDOW_MEMBERS.violation(name.span, message);
                    let hint = "remove one of them";
                    findings.push(diagnostic.also(earlier.span, "first here").hint(hint));
                }
            }
        }
    }
}

rule! {
    /// The guard is at least twice as long as the kernel ever keeps interrupts off, and shorter than each window.
    ///
    /// The kernel takes the processor back a guard before each window's end: after whatever path is under way then, and it has to
    /// be done with the boundary before the tick, which is a path of its own. Were the guard shorter, a window could begin late.
    TIME_GUARD = "TIME-GUARD", guard;
}

fn guard(system: &System, board: &Board, findings: &mut Findings) {
    let show = |ticks| show_ticks(ticks, board.timebase_hz);
    let guard = &system.guard_ticks;
    let longest = system.interrupts_off_max_ticks(board);
    if **guard < longest.saturating_mul(2) {
        let message = format!("a guard of {} is too short", show(**guard));
        let with_guests = if system.has_guests() {
            ", in a system with guests,"
        } else {
            ""
        };
        let hint = format!(
            "on this board{with_guests} the kernel keeps interrupts off for up to {}: whatever is under way when the guard begins, and then the boundary",
            show(longest),
        );
        findings.push(TIME_GUARD.violation(guard.span, message).hint(hint));
    }
    for window in system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows)
    {
        if *window.length_ticks <= **guard && *window.length_ticks > 0 {
            let message = format!("a window of {} is all guard", show(*window.length_ticks));
            let diagnostic = TIME_GUARD.violation(window.length_ticks.span, message);
            let hint = "make the window longer: the guard comes off its end";
            findings.push(diagnostic.also(guard.span, "the guard").hint(hint));
        }
    }
}

rule! {
    /// In each schedule in which a partition with a period has windows, its releases are a period apart; nobody else is released.
    ///
    /// A release is the start of a window that names the partition in `release`. The major frame repeats, so it holds a whole number of
    /// periods.
    RELEASE_PERIOD = "RELEASE-PERIOD", releases;
}

fn releases(system: &System, board: &Board, findings: &mut Findings) {
    let show = |ticks| show_ticks(ticks, board.timebase_hz);
    for schedule in &system.schedules {
        for name in schedule.windows.iter().flat_map(|window| &window.release) {
            let partition = system
                .partition_index(name)
                .map(|index| &system.partitions[index]);
            if partition.is_some_and(|one| one.period_ticks.is_none()) {
                let message = format!("`{name}` is released and has no period");
                let diagnostic = RELEASE_PERIOD.violation(name.span, message);
                findings.push(diagnostic.hint(format!("add `period` to `[partition.{name}]`")));
            }
        }
        for partition in &system.partitions {
            let Some(period) = &partition.period_ticks else {
                continue;
            };
            let name = &partition.name;
            let starts: Vec<_> = timing::releases(schedule, name)
                .into_iter()
                .map(|index| &schedule.windows[index].at_ticks)
                .collect();
            if starts.is_empty() {
                if schedule
                    .windows
                    .iter()
                    .any(|window| timing::in_group(window, name))
                {
                    let message = format!(
                        "`{name}` has a period, and no release in the schedule `{}`",
                        schedule.name
                    );
                    let diagnostic = RELEASE_PERIOD.violation(schedule.name.span, message);
                    let hint = format!(
                        "add `release = [\"{name}\"]` to the window in which its period begins"
                    );
                    findings.push(diagnostic.also(period.span, "the period").hint(hint));
                }
                continue;
            }
            for (index, start) in starts.iter().enumerate() {
                // Behind the last comes the first of the next frame.
                let next = match starts.get(index + 1) {
                    Some(next) => ***next,
                    None => ***starts.first().unwrap_or(start) + *schedule.major_frame_ticks,
                };
                let distance = next.saturating_sub(***start);
                if distance != **period {
                    let message = format!(
                        "`{name}` is released here, and next {} later; its period is {}",
                        show(distance),
                        show(**period),
                    );
                    let diagnostic = RELEASE_PERIOD.violation(start.span, message);
                    let hint = "let the windows with its releases be a period apart, across the end of the frame as well";
                    findings.push(diagnostic.also(period.span, "the period").hint(hint));
                }
            }
        }
    }
}

rule! {
    /// A deadline belongs to a period, and is from more than nothing up to the period.
    ///
    /// Work that could go on past the next release would make two releases wait for one completion.
    DEADLINE_PERIOD = "DEADLINE-PERIOD", deadline;
}

fn deadline(system: &System, board: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        if let Some(period) = &partition.period_ticks
            && **period == 0
        {
            let message = format!("the period of `{}` is nothing", partition.name);
            findings.push(
                DEADLINE_PERIOD
                    .violation(period.span, message)
                    .hint("leave it out, or give it a length"),
            );
        }
        let Some(deadline) = &partition.deadline_ticks else {
            continue;
        };
        match &partition.period_ticks {
            None => {
                let message = format!("`{}` has a deadline and no period", partition.name);
                let diagnostic = DEADLINE_PERIOD.violation(deadline.span, message);
                findings.push(diagnostic.hint("add `period`: a deadline counts from a release"));
            }
            Some(period) if **deadline > **period || **deadline == 0 => {
                let message = format!(
                    "the deadline of `{}` is not within its period",
                    partition.name
                );
                let label = format!("the period is {}", show_ticks(**period, board.timebase_hz));
                let diagnostic = DEADLINE_PERIOD.violation(deadline.span, message);
                let hint = "choose a deadline from more than nothing to the period";
                findings.push(diagnostic.also(period.span, label).hint(hint));
            }
            Some(_) => {}
        }
    }
}

rule! {
    /// Between each release and its deadline the partition's own windows have time left, without guards and the background's budgets.
    ///
    /// How much of it the partition needs is not known to the build; that there is none would miss every deadline.
    DEADLINE_FEASIBLE = "DEADLINE-FEASIBLE", feasible;
}

fn feasible(system: &System, board: &Board, findings: &mut Findings) {
    for (index, partition) in system.partitions.iter().enumerate() {
        let Some(deadline) = &partition.deadline_ticks else {
            continue;
        };
        for schedule in &system.schedules {
            for release in timing::releases(schedule, &partition.name) {
                let window = &schedule.windows[release];
                let from = *window.at_ticks;
                let to = from.saturating_add(**deadline);
                if !timing::has_time_between(system, schedule, index, from, to) {
                    let message = format!(
                        "`{}` has no time between its release at {} and its deadline",
                        partition.name,
                        show_ticks(from, board.timebase_hz),
                    );
                    let diagnostic = DEADLINE_FEASIBLE.violation(window.at_ticks.span, message);
                    let hint = "let it have a window sooner, or allow it a longer deadline";
                    findings.push(diagnostic.also(deadline.span, "the deadline").hint(hint));
                }
            }
        }
    }
}

rule! {
    /// The background's budgets and the guard leave time in each window that has a group.
    ///
    /// A member of the background with a budget comes before each window's own group, in every window.
    BUDGET_SUM = "BUDGET-SUM", budgets;
}

fn budgets(system: &System, board: &Board, findings: &mut Findings) {
    let show = |ticks| show_ticks(ticks, board.timebase_hz);
    let members = system
        .partitions
        .iter()
        .filter_map(|one| one.background.as_ref());
    let budgets: Vec<_> = members
        .filter_map(|one| one.budget_ticks.as_ref())
        .collect();
    for budget in budgets.iter().filter(|budget| ***budget.to_owned() == 0) {
        let message = "a budget of nothing is none";
        let hint = "leave `budget` out: the member then takes what each window's group leaves";
        findings.push(BUDGET_SUM.violation(budget.span, message).hint(hint));
    }
    let all = budgets
        .iter()
        .fold(0u64, |sum, budget| sum.saturating_add(***budget));
    let lost = all.saturating_add(*system.guard_ticks);
    if budgets.is_empty() {
        return;
    }
    for window in system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows)
    {
        if !window.group.is_empty() && lost >= *window.length_ticks {
            let message = format!(
                "the background's budgets of {} leave nothing of this window of {}",
                show(all),
                show(*window.length_ticks),
            );
            let mut diagnostic = BUDGET_SUM.violation(window.length_ticks.span, message);
            for budget in &budgets {
                diagnostic = diagnostic.also(budget.span, "a budget in every window");
            }
            findings.push(diagnostic.hint("make the window longer or the budgets shorter"));
        }
    }
}

rule! {
    /// The background's members have different priorities, from 1 on.
    BACKGROUND_PRIORITY = "BACKGROUND-PRIORITY", priorities;
}

fn priorities(system: &System, _: &Board, findings: &mut Findings) {
    let members = system
        .partitions
        .iter()
        .filter_map(|one| one.background.as_ref());
    let members: Vec<_> = members.map(|one| &one.priority).collect();
    for (index, priority) in members.iter().enumerate() {
        let earlier = members[..index]
            .iter()
            .find(|other| other.value == priority.value);
        if let Some(earlier) = earlier {
            let message = format!(
                "two members of the background have priority {}",
                priority.value
            );
            let diagnostic = BACKGROUND_PRIORITY.violation(priority.span, message);
            findings.push(
                diagnostic
                    .also(earlier.span, "the other")
                    .hint("1 is the most urgent"),
            );
        } else if priority.value == 0 {
            let diagnostic = BACKGROUND_PRIORITY.violation(priority.span, "there is no priority 0");
            findings.push(diagnostic.hint("1 is the most urgent"));
        }
    }
}
