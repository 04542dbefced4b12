//! Health tables and restart policies.

use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_model::{Board, ErrorAction, Partition, System};

use super::{Findings, Rule, rule};

pub(super) static RULES: &[&Rule] = &[
    &HEALTH_TOTAL,
    &HEALTH_MODULE,
    &HEALTH_REFLECT,
    &HEALTH_SCHEDULE,
    &RESTART_POLICY,
];

rule! {
    /// Each error that can happen has an action: at module level in `[kernel] errors`, at partition level in `[errors]` or in the
    /// partition's own table.
    ///
    /// There is no built-in reaction that somebody might not know of. `deadline_missed` needs one where there is a deadline or ARINC 653 services,
    /// `interrupt_storm` where a device has a limit, `restart_limit` where there is a restart policy,
    /// and `device_unfit` where a device is on the bus.
    HEALTH_TOTAL = "HEALTH-TOTAL", total;
}

fn total(system: &System, board: &Board, findings: &mut Findings) {
    for error in &Error::ALL[PARTITION_ERRORS..] {
        if !system.module_errors.iter().any(|one| *one.error == *error) {
            let message = format!("nothing says what happens on `{}`", error.name());
            let diagnostic = HEALTH_TOTAL.violation(system.module_errors_span, message);
            findings.push(diagnostic.hint(format!("add `{} = \"halt\"`", error.name())));
        }
    }
    for (index, partition) in system.partitions.iter().enumerate() {
        for error in &Error::ALL[..PARTITION_ERRORS] {
            let handled = system.actions_of(index).any(|one| *one.error == *error);
            if !handled && can_happen(system, board, partition, *error) {
                let message = format!(
                    "nothing says what happens on `{}` of `{}`",
                    error.name(),
                    partition.name
                );
                let diagnostic = HEALTH_TOTAL.violation(partition.name.span, message);
                let hint = format!(
                    "add `{}` to `[errors]` or to the partition's `errors`",
                    error.name()
                );
                findings.push(diagnostic.hint(hint));
            }
        }
    }
}

/// Whether the configuration leaves an error possible.
pub(super) fn can_happen(
    system: &System,
    board: &Board,
    partition: &Partition,
    error: Error,
) -> bool {
    let on_bus = |name: &cofferdam_model::Spanned<String>| {
        board.device(name).is_some_and(|one| one.function.is_some())
    };
    let limited = |name: &cofferdam_model::Spanned<String>| {
        system
            .devices
            .iter()
            .any(|device| *device.name == **name && device.storm.is_some())
    };
    match error {
        Error::DeadlineMissed => partition.deadline_ticks.is_some() || partition.apex.is_some(),
        Error::InterruptStorm => partition.devices.iter().any(limited),
        Error::RestartLimit => partition.restart.is_some(),
        Error::DeviceUnfit => partition.devices.iter().any(on_bus),
        _ => true,
    }
}

rule! {
    /// At module level the action is one that the module can take; on `kernel_exception`, `machine_check` and `configuration` it is `halt` or
    /// `reset`.
    ///
    /// A kernel that met an exception of its own, a machine that failed, or tables that cannot be used, leave nothing that could go on.
    HEALTH_MODULE = "HEALTH-MODULE", module;
}

fn module(system: &System, _: &Board, findings: &mut Findings) {
    for one in &system.module_errors {
        let fatal = matches!(
            *one.error,
            Error::KernelException | Error::MachineCheck | Error::Configuration
        );
        let fits = match *one.action {
            Action::Halt | Action::Reset => true,
            Action::Ignore | Action::Log | Action::SwitchSchedule => !fatal,
            Action::Reflect | Action::RestartCold | Action::RestartWarm | Action::Stop => false,
        };
        if !fits {
            let message = format!(
                "the module cannot `{}` on `{}`",
                one.action.name(),
                one.error.name()
            );
            let hint = if fatal {
                "use `halt` or `reset`"
            } else {
                "use `ignore`, `log`, `switch_schedule:NAME`, `halt` or `reset`"
            };
            findings.push(HEALTH_MODULE.violation(one.action.span, message).hint(hint));
        }
    }
}

rule! {
    /// Only an exception is reflected.
    ///
    /// `reflect` hands an exception to the handler that the partition asked for. A missed deadline or a limit is no exception, and a stack that
    /// overflowed has no room for a handler.
    HEALTH_REFLECT = "HEALTH-REFLECT", reflect;
}

fn reflect(system: &System, _: &Board, findings: &mut Findings) {
    let own = system.partitions.iter().flat_map(|one| {
        one.errors
            .iter()
            .chain(one.restart.iter().flat_map(|restart| &restart.then))
    });
    for one in system.default_errors.iter().chain(own) {
        let exception = matches!(
            *one.error,
            Error::MemoryViolation
                | Error::PrivilegedInstruction
                | Error::IllegalInstruction
                | Error::Trap
                | Error::Alignment
        );
        if *one.action == Action::Reflect && !exception {
            let message = format!(
                "`{}` is no exception that could be reflected",
                one.error.name()
            );
            let diagnostic = HEALTH_REFLECT.violation(one.action.span, message);
            findings.push(diagnostic.hint("use `log`, a restart or `stop`"));
        }
    }
}

rule! {
    /// All actions `switch_schedule` of one table name the same schedule.
    ///
    /// The kernel keeps one target for each partition, and one for the module.
    HEALTH_SCHEDULE = "HEALTH-SCHEDULE", one_schedule;
}

fn one_schedule(system: &System, _: &Board, findings: &mut Findings) {
    let mut differ = |actions: &mut dyn Iterator<Item = &ErrorAction>| {
        let mut targets = actions.filter_map(|one| one.schedule.as_ref());
        let Some(first) = targets.next() else { return };
        for other in targets.filter(|other| other.value != first.value) {
            let message = format!("actions name `{first}` and `{other}`");
            let diagnostic = HEALTH_SCHEDULE.violation(other.span, message);
            let hint = "let both switch to the same schedule";
            findings.push(diagnostic.also(first.span, "the other action").hint(hint));
        }
    };
    differ(&mut system.module_errors.iter());
    for index in 0..system.partitions.len() {
        differ(&mut in_force(system, index).into_iter());
    }
}

/// The actions of a partition, without those that others override.
fn in_force(system: &System, partition: usize) -> Vec<&ErrorAction> {
    let all: Vec<_> = system.actions_of(partition).collect();
    let last = |index: usize, one: &ErrorAction| {
        !all[index + 1..]
            .iter()
            .any(|later| *later.error == *one.error)
    };
    let indexed = all.iter().enumerate();
    indexed
        .filter(|(index, one)| last(*index, one))
        .map(|(_, one)| *one)
        .collect()
}

rule! {
    /// A restart policy allows 1 to 65535 restarts in a time that is more than nothing, and does not end in another restart.
    ///
    /// `restart_limit` is raised when there were too many; were its action a restart, the policy would limit nothing. It is given once:
    /// by `then`, or in a table of errors if there is no policy.
    RESTART_POLICY = "RESTART-POLICY", restart;
}

fn restart(system: &System, _: &Board, findings: &mut Findings) {
    let restarts = |action: &Action| matches!(action, Action::RestartCold | Action::RestartWarm);
    for partition in &system.partitions {
        let Some(policy) = &partition.restart else {
            continue;
        };
        if !(1..=u64::from(u16::MAX)).contains(&*policy.max) {
            let message = format!("`{}` cannot have {} restarts", partition.name, *policy.max);
            findings.push(
                RESTART_POLICY
                    .violation(policy.max.span, message)
                    .hint("write 1 to 65535, or leave `restart` out"),
            );
        }
        if *policy.per_ticks == 0 {
            let message = "restarts in no time are never too many";
            let violation = RESTART_POLICY.violation(policy.per_ticks.span, message);
            findings.push(violation.hint("write the time that `max` counts in, such as \"10s\""));
        }
        if let Some(then) = &policy.then
            && restarts(&then.action)
        {
            let message = "a restart cannot be what follows too many restarts";
            let diagnostic = RESTART_POLICY.violation(then.action.span, message);
            findings.push(diagnostic.hint("use `stop`, `switch_schedule:NAME`, `halt` or `reset`"));
        }
        let own = partition
            .errors
            .iter()
            .find(|one| *one.error == Error::RestartLimit);
        if let (Some(own), Some(then)) = (own, &policy.then) {
            let message = format!(
                "`{}` says twice what follows too many restarts",
                partition.name
            );
            let diagnostic = RESTART_POLICY.violation(own.error.span, message);
            let hint = "keep `then`, and remove `restart_limit` from the table";
            findings.push(diagnostic.also(then.action.span, "and here").hint(hint));
        }
    }
}
