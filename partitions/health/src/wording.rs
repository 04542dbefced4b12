//! Entries of the health log in plain words.

use core::fmt;

use cofferdam_abi::health::{Action, Error, Exception};
use cofferdam_abi::record::{HealthRecord, MODULE};

/// ESR: the access was a store (e500 core reference manual, section 2.7.2.4).
const SYNDROME_STORE: u32 = 0x0080_0000;

/// What an error is called in a sentence.
pub fn error_name(error: Option<Error>) -> &'static str {
    match error {
        Some(Error::MemoryViolation) => "memory violation",
        Some(Error::StackOverflow) => "stack overflow",
        Some(Error::PrivilegedInstruction) => "privileged instruction",
        Some(Error::IllegalInstruction) => "illegal instruction",
        Some(Error::Trap) => "trap",
        Some(Error::Alignment) => "misaligned access",
        Some(Error::DeadlineMissed) => "missed deadline",
        Some(Error::ApplicationError) => "application error",
        Some(Error::InterruptStorm) => "interrupt storm",
        Some(Error::RestartLimit) => "too many restarts",
        Some(Error::DeviceUnfit) => "unfit device",
        Some(Error::KernelException) => "exception in the kernel",
        Some(Error::MachineCheck) => "machine check",
        Some(Error::WindowLate) => "late window",
        Some(Error::Configuration) => "unusable configuration",
        None => "unknown error",
    }
}

/// What was done, as a sentence says it. `at_instruction`: the error was that of an instruction.
pub fn action_taken(action: Option<Action>, at_instruction: bool) -> &'static str {
    match action {
        Some(Action::Ignore) => "ignored",
        Some(Action::Log) if at_instruction => "logged, it goes on behind the instruction",
        Some(Action::Log) => "logged",
        Some(Action::Reflect | Action::RestartCold) => "restarted, its memory cleared",
        Some(Action::RestartWarm) => "restarted, its memory kept",
        Some(Action::Stop) => "stopped",
        Some(Action::SwitchSchedule) => "the schedule is switched",
        Some(Action::Halt) => "the machine halts",
        Some(Action::Reset) => "the machine is reset",
        None => "unknown action",
    }
}

/// An entry, with the names of the partitions in their order.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The entry.
    pub record: &'a HealthRecord,
    /// The partitions' names.
    pub partitions: &'a [&'a str],
}

impl Entry<'_> {
    /// Whose error it was.
    pub fn who(&self) -> &str {
        match self.record.partition.get() {
            MODULE => "the module",
            partition => self
                .partitions
                .get(usize::from(partition))
                .copied()
                .unwrap_or("an unknown partition"),
        }
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record;
        let error = Error::from_number(record.error);
        let (who, pc, address) = (self.who(), record.pc.get(), record.address.get());
        match error {
            Some(Error::MemoryViolation) => {
                let exception = record.exception.get();
                let fetch = exception == Exception::InstructionStorage as u32
                    || exception == Exception::InstructionTlbError as u32;
                if fetch {
                    write!(f, "{who} jumped to {address:#010x}")?;
                } else if record.detail.get() & SYNDROME_STORE != 0 {
                    write!(f, "{who} wrote to {address:#010x}")?;
                } else {
                    write!(f, "{who} read {address:#010x}")?;
                }
            }
            Some(Error::StackOverflow) => write!(f, "{who} ran off its stack at {address:#010x}")?,
            Some(Error::DeadlineMissed | Error::RestartLimit) => {
                write!(f, "{who}: {}", error_name(error))?;
            }
            Some(Error::InterruptStorm) => {
                write!(f, "{who}: interrupt storm, its source is held off")?;
            }
            Some(Error::DeviceUnfit) => {
                let slot = record.detail.get() / 8;
                write!(f, "{who}: the device in slot {slot} of the bus is unfit")?;
            }
            Some(Error::ApplicationError) => {
                write!(f, "{who} raised error {:#x}", record.detail.get())?;
            }
            _ if record.partition.get() == MODULE => write!(f, "{who}: {}", error_name(error))?,
            _ => write!(f, "{who}: {} at {pc:#010x}", error_name(error))?,
        }
        let action = Action::from_number(record.action);
        let at_instruction = record.exception.get() != 0;
        write!(f, ": {}", action_taken(action, at_instruction))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    fn record(error: Error, action: Action) -> HealthRecord {
        HealthRecord {
            tick: 0.into(),
            sequence: 0.into(),
            partition: 1.into(),
            error: error as u8,
            action: action as u8,
            pc: 0x1000_0040.into(),
            address: 0x0010_0000.into(),
            detail: 0.into(),
            exception: (Exception::DataTlbError as u32).into(),
            epoch: 1.into(),
            reserved: [0; 28],
        }
    }

    fn words(record: &HealthRecord) -> std::string::String {
        format!(
            "{}",
            Entry {
                record,
                partitions: &["flight", "rogue"],
            }
        )
    }

    #[test]
    fn a_memory_violation_says_what_was_tried() {
        let mut entry = record(Error::MemoryViolation, Action::RestartCold);
        let read = "rogue read 0x00100000: restarted, its memory cleared";
        assert_eq!(words(&entry), read);
        entry.detail = SYNDROME_STORE.into();
        assert!(words(&entry).starts_with("rogue wrote to 0x00100000"));
        entry.exception = (Exception::InstructionStorage as u32).into();
        assert!(words(&entry).starts_with("rogue jumped to 0x00100000"));
    }

    #[test]
    fn every_entry_has_words_and_none_is_too_long_for_a_line() {
        for error in Error::ALL {
            for action in Action::ALL {
                let mut entry = record(*error, *action);
                assert!(words(&entry).len() <= 96, "{}", words(&entry));
                entry.partition = MODULE.into();
                assert!(words(&entry).starts_with("the module"));
            }
        }
        let mut nonsense = record(Error::Trap, Action::Log);
        (nonsense.error, nonsense.action) = (0xff, 0xff);
        nonsense.partition = 77.into();
        assert_eq!(
            words(&nonsense),
            "an unknown partition: unknown error at 0x10000040: unknown action"
        );
    }
}
