//! Errors and actions: the standard's words, and those of `system.toml`.
//!
//! Which error an identifier stands for is each implementation's affair. So an entry is understood by its `Description`, if that is the name of an
//! error here; else by the kind of error (`ErrorCode`) that the `System_HM_Table` gives the identifier.

use cofferdam_abi::health::{Action, Error};

/// The standard's kinds of errors, with the errors of a partition that are of that kind.
pub const CODES: [(&str, &[Error]); 8] = [
    ("DEADLINE_MISSED", &[Error::DeadlineMissed]),
    ("APPLICATION_ERROR", &[Error::ApplicationError]),
    ("NUMERIC_ERROR", &[Error::Trap]),
    (
        "ILLEGAL_REQUEST",
        &[Error::IllegalInstruction, Error::PrivilegedInstruction],
    ),
    ("STACK_OVERFLOW", &[Error::StackOverflow]),
    (
        "MEMORY_VIOLATION",
        &[Error::MemoryViolation, Error::Alignment],
    ),
    ("HARDWARE_FAULT", &[]),
    ("POWER_FAILURE", &[]),
];

/// What a partition can do when a schedule comes into force: the standard's words, and those of `system.toml`.
pub const CHANGES: [(&str, &str); 3] = [
    ("IGNORE", "ignore"),
    ("COLD_START", "restart_cold"),
    ("WARM_START", "restart_warm"),
];

/// The errors of a kind.
pub fn errors_of(code: &str) -> &'static [Error] {
    let found = CODES.iter().find(|(name, _)| *name == code);
    found.map_or(&[], |(_, errors)| errors)
}

/// The identifier under which an error is exported.
pub const fn identifier(error: Error) -> u64 {
    error as u64 + 1
}

/// What an action of the standard does here. At the level of the module `SHUTDOWN` and `RESET`.
pub fn action(standard: &str) -> Option<Action> {
    match standard {
        "IGNORE" => Some(Action::Ignore),
        "IDLE" => Some(Action::Stop),
        "WARM_START" => Some(Action::RestartWarm),
        "COLD_START" => Some(Action::RestartCold),
        "SHUTDOWN" => Some(Action::Halt),
        "RESET" => Some(Action::Reset),
        _ => None,
    }
}

/// The standard's action for a partition that comes nearest, and whether it is the same.
pub const fn of_partition(action: Action) -> (&'static str, bool) {
    match action {
        Action::Ignore => ("IGNORE", true),
        Action::Stop => ("IDLE", true),
        Action::RestartWarm => ("WARM_START", true),
        Action::RestartCold => ("COLD_START", true),
        Action::Log | Action::SwitchSchedule => ("IGNORE", false),
        Action::Reflect => ("COLD_START", false),
        Action::Halt | Action::Reset => ("IDLE", false),
    }
}

/// The same for the module.
pub const fn of_module(action: Action) -> (&'static str, bool) {
    match action {
        Action::Ignore => ("IGNORE", true),
        Action::Halt => ("SHUTDOWN", true),
        Action::Reset => ("RESET", true),
        _ => ("IGNORE", false),
    }
}

/// Which of two actions stops more: for several identifiers that stand for one error.
pub const fn strength(action: Action) -> u8 {
    match action {
        Action::Ignore => 0,
        Action::Log => 1,
        Action::Reflect => 2,
        Action::RestartWarm => 3,
        Action::RestartCold => 4,
        Action::Stop => 5,
        Action::SwitchSchedule => 6,
        Action::Reset => 7,
        Action::Halt => 8,
    }
}

/// What is done about an error of which the XML says nothing.
pub const fn default(error: Error) -> Action {
    match error {
        Error::DeadlineMissed
        | Error::ApplicationError
        | Error::InterruptStorm
        | Error::WindowLate => Action::Log,
        Error::RestartLimit | Error::DeviceUnfit => Action::Stop,
        Error::KernelException | Error::MachineCheck | Error::Configuration => Action::Halt,
        _ => Action::RestartCold,
    }
}
