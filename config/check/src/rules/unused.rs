//! What is there and does nothing: a mistake more often than not.

use cofferdam_model::{Board, CapabilityRequest, System};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &PARTITION_IDLE,
    &PARTITION_PROGRAM,
    &PARTITION_STOPPED,
    &SCHEDULE_UNREACHABLE,
    &CAPABILITY_TWICE,
    &CAPABILITY_EMPTY,
    &EXPECT_HAPPENS,
    &EXPECT_TWICE,
    &SYSTEM_EMPTY,
];

rule! {
    /// Each partition has a program: one of `crate`, `c` and `image`.
    PARTITION_PROGRAM = "PARTITION-PROGRAM", program;
}

fn program(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        if partition.program.is_none() {
            let count = partition.program_keys.len();
            let message = format!("`{}` has {count} programs", partition.name);
            let mut diagnostic = PARTITION_PROGRAM.violation(partition.name.span, message);
            for key in &partition.program_keys {
                diagnostic = diagnostic.also(key.span, "here");
            }
            let hint = "`crate` names a folder that is built, `c` files of an ARINC 653 application, `image` an ELF that was delivered";
            findings.push(diagnostic.hint(hint));
        }
    }
}

rule! {
    /// Each partition can run: it is in the group of a window, or in the background.
    PARTITION_IDLE = "PARTITION-IDLE", idle;
}

fn idle(system: &System, _: &Board, findings: &mut Findings) {
    let windows: Vec<_> = system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows)
        .collect();
    for partition in &system.partitions {
        let named = windows.iter().flat_map(|window| &window.group);
        let in_window = named
            .into_iter()
            .any(|name| *name.value == *partition.name.value);
        if !in_window && partition.background.is_none() {
            let message = format!(
                "`{}` is in no window, and not in the background",
                partition.name
            );
            let diagnostic = PARTITION_IDLE.violation(partition.name.span, message);
            findings.push(diagnostic.hint("name it in the `group` of a window, or remove it"));
        }
    }
}

rule! {
    /// A partition that does not start with the module can be started: somebody has the capability to restart it.
    PARTITION_STOPPED = "PARTITION-STOPPED", stopped;
}

fn stopped(system: &System, _: &Board, findings: &mut Findings) {
    use cofferdam_model::PartitionRight::{Control, Restart};
    for partition in system.partitions.iter().filter(|one| !one.autostart) {
        let name = &partition.name;
        let starts = system.capabilities.iter().any(|(holder, requests)| {
            requests.iter().any(|request| match &request.value {
                CapabilityRequest::Partition(Control | Restart, target) => {
                    holder.value != name.value
                        && target.as_ref().is_none_or(|target| *target == name.value)
                }
                _ => false,
            })
        });
        if !starts {
            let message = format!("nobody can start `{name}`");
            let diagnostic = PARTITION_STOPPED.violation(name.span, message);
            let hint = format!(
                "give somebody `partition.restart:{name}`, or leave `autostart = false` out"
            );
            findings.push(diagnostic.hint(hint));
        }
    }
}

rule! {
    /// Each schedule can come into force: it is the initial one, an action switches to it, or somebody may set the schedule.
    SCHEDULE_UNREACHABLE = "SCHEDULE-UNREACHABLE", schedule;
}

fn schedule(system: &System, _: &Board, findings: &mut Findings) {
    let mut requests = system
        .capabilities
        .iter()
        .flat_map(|(_, requests)| requests);
    if requests.any(|request| request.value == CapabilityRequest::ScheduleSet) {
        return;
    }
    let of_partitions = (0..system.partitions.len()).flat_map(|index| system.actions_of(index));
    let actions: Vec<_> = system.module_errors.iter().chain(of_partitions).collect();
    // Without an initial one nothing is reachable, which another rule says.
    if !system.schedules.iter().any(is_initial) {
        return;
    }
    for schedule in &system.schedules {
        let mut targets = actions.iter().filter_map(|one| one.schedule.as_ref());
        if !is_initial(schedule) && !targets.any(|target| target.value == *schedule.name) {
            let message = format!("nothing switches to the schedule `{}`", schedule.name);
            let diagnostic = SCHEDULE_UNREACHABLE.violation(schedule.name.span, message);
            let hint = "give somebody the capability `schedule.set`, or remove the schedule";
            findings.push(diagnostic.hint(hint));
        }
    }
}

fn is_initial(schedule: &cofferdam_model::Schedule) -> bool {
    schedule.initial.as_ref().is_some_and(|initial| **initial)
}

rule! {
    /// No partition is given a capability twice.
    CAPABILITY_TWICE = "CAPABILITY-TWICE", capability;
}

fn capability(system: &System, _: &Board, findings: &mut Findings) {
    for (holder, requests) in &system.capabilities {
        for (index, request) in requests.iter().enumerate() {
            let covers = |other: &CapabilityRequest| match (other, &request.value) {
                (
                    CapabilityRequest::Partition(one, None),
                    CapabilityRequest::Partition(two, Some(name)),
                ) => one == two && *name != holder.value,
                (other, own) => other == own,
            };
            let others = requests.iter().enumerate();
            let mut others = others.filter(|(at, other)| {
                *at != index
                    && covers(&other.value)
                    && (*at < index || other.value != request.value)
            });
            if let Some((_, other)) = others.next() {
                let message = format!("`{holder}` has `{}` twice", request.value);
                let diagnostic = CAPABILITY_TWICE.violation(request.span, message);
                findings.push(
                    diagnostic
                        .also(other.span, "it is in here")
                        .hint("remove one of them"),
                );
            }
        }
    }
}

rule! {
    /// Each entry of `[capability]` gives something.
    CAPABILITY_EMPTY = "CAPABILITY-EMPTY", no_capability;
}

fn no_capability(system: &System, _: &Board, findings: &mut Findings) {
    for (holder, requests) in &system.capabilities {
        if requests.is_empty() {
            let message = format!("`{holder}` is given no capability");
            let violation = CAPABILITY_EMPTY.violation(holder.span, message);
            findings.push(violation.hint("remove the entry: what is not listed is denied"));
        }
    }
}

rule! {
    /// Each error that a run is expected to show can happen in its partition.
    ///
    /// `deadline_missed` needs a `deadline`, `interrupt_storm` a device with a `storm` limit, `restart_limit` a `restart` policy,
    /// and `device_unfit` a device on the bus.
    EXPECT_HAPPENS = "EXPECT-HAPPENS", expected_happens;
}

fn expected_happens(system: &System, board: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        for error in &partition.expect {
            if !super::health::can_happen(system, board, partition, **error) {
                let message = format!("`{}` cannot happen in `{}`", error.name(), partition.name);
                let violation = EXPECT_HAPPENS.violation(error.span, message);
                let hint = "remove it from `expect`, or configure what raises it";
                findings.push(violation.hint(hint));
            }
        }
    }
}

rule! {
    /// No error is expected twice.
    EXPECT_TWICE = "EXPECT-TWICE", expected_twice;
}

fn expected_twice(system: &System, _: &Board, findings: &mut Findings) {
    for partition in &system.partitions {
        for (index, error) in partition.expect.iter().enumerate() {
            let mut before = partition.expect[..index].iter();
            if let Some(first) = before.find(|other| other.value == error.value) {
                let message = format!("`{}` is expected twice", error.name());
                let violation = EXPECT_TWICE.violation(error.span, message);
                findings.push(
                    violation
                        .also(first.span, "first here")
                        .hint("remove one of them"),
                );
            }
        }
    }
}

rule! {
    /// There is a partition, and each schedule has a window.
    SYSTEM_EMPTY = "SYSTEM-EMPTY", empty;
}

fn empty(system: &System, _: &Board, findings: &mut Findings) {
    if system.partitions.is_empty() || system.schedules.is_empty() {
        let message = "a system has at least one partition and one schedule";
        let hint = "`cargo cofferdam new NAME` prints the lines of a partition; a schedule gives it windows";
        findings.push(SYSTEM_EMPTY.violation(system.name.span, message).hint(hint));
    }
    for schedule in system.schedules.iter().filter(|one| one.windows.is_empty()) {
        let message = format!("the schedule `{}` has no window", schedule.name);
        let hint = "give it windows that tile its frame, or remove it";
        findings.push(
            SYSTEM_EMPTY
                .violation(schedule.name.span, message)
                .hint(hint),
        );
    }
}
