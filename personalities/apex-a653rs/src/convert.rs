//! The types of `a653rs` from ours, and ours from theirs. Every conversion has an answer for every value.

use a653rs::bindings::{self, ErrorReturnCode};
use cofferdam_apex_native::apex::{
    Concurrency, DeadlineKind, Direction, Discipline, EmptyIndicator, ErrorCode, EventState,
    MemoryBlockMode, MutexState, Name, OperatingMode, ProcessState, ReturnCode, StartCondition,
};

/// Why a service was refused.
pub(crate) const fn refused(code: ReturnCode) -> ErrorReturnCode {
    match code {
        ReturnCode::NoAction => ErrorReturnCode::NoAction,
        ReturnCode::NotAvailable => ErrorReturnCode::NotAvailable,
        ReturnCode::InvalidParam => ErrorReturnCode::InvalidParam,
        ReturnCode::InvalidConfig => ErrorReturnCode::InvalidConfig,
        ReturnCode::InvalidMode => ErrorReturnCode::InvalidMode,
        ReturnCode::TimedOut => ErrorReturnCode::TimedOut,
    }
}

/// An answer.
pub(crate) fn answer<T, U>(
    done: Result<T, ReturnCode>,
    convert: impl FnOnce(T) -> U,
) -> Result<U, ErrorReturnCode> {
    done.map(convert).map_err(refused)
}

/// An answer that is nothing but that it was done.
pub(crate) fn done(done: Result<(), ReturnCode>) -> Result<(), ErrorReturnCode> {
    done.map_err(refused)
}

/// An identifier. 0 names nothing, here as there.
pub(crate) fn identifier(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(0)
}

/// A size or a count, which has a sign on the other side. One that is too large stays too large.
pub(crate) fn size(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The length of a message that there is room for.
pub(crate) const fn length_of(length: usize) -> u32 {
    // No message is longer than the partition's memory.
    length as u32
}

/// A name.
pub(crate) fn name(bytes: bindings::ApexName) -> Name {
    Name::from_bytes(&bytes)
}

/// Pairs of variants, from the left type to the right, or back.
macro_rules! same {
    ($($function:ident: $from:path => $to:path { $($variant:ident),+ })+) => {$(
        pub(crate) const fn $function(from: $from) -> $to {
            match from {
                $(<$from>::$variant => <$to>::$variant),+
            }
        }
    )+};
}

same! {
    mode: OperatingMode => bindings::OperatingMode { Idle, ColdStart, WarmStart, Normal }
    mode_of: bindings::OperatingMode => OperatingMode { Idle, ColdStart, WarmStart, Normal }
    start_condition: StartCondition => bindings::StartCondition {
        NormalStart, PartitionRestart, HmModuleRestart, HmPartitionRestart
    }
    process_state: ProcessState => bindings::ProcessState { Dormant, Ready, Running, Waiting, Faulted }
    deadline: DeadlineKind => bindings::Deadline { Soft, Hard }
    deadline_of: bindings::Deadline => DeadlineKind { Soft, Hard }
    direction: Direction => bindings::PortDirection { Source, Destination }
    direction_of: bindings::PortDirection => Direction { Source, Destination }
    discipline_of: bindings::QueuingDiscipline => Discipline { Fifo, Priority }
    empty_indicator: EmptyIndicator => bindings::EmptyIndicator { Empty, Occupied }
    event_state: EventState => bindings::EventState { Down, Up }
    mutex_state: MutexState => bindings::MutexState { Available, Owned }
    error_code: ErrorCode => bindings::ErrorCode {
        DeadlineMissed, ApplicationError, NumericError, IllegalRequest, StackOverflow, MemoryViolation,
        HardwareFault, PowerFail
    }
    error_code_of: bindings::ErrorCode => ErrorCode {
        DeadlineMissed, ApplicationError, NumericError, IllegalRequest, StackOverflow, MemoryViolation,
        HardwareFault, PowerFail
    }
    concurrency_of: bindings::ErrorHandlerConcurrencyControl => Concurrency {
        ProcessesPause, ProcessesScheduled
    }
    memory_block_mode: MemoryBlockMode => bindings::MemoryBlockMode { Read, ReadWrite }
}

/// Whether a message is not older than its refresh period.
pub(crate) const fn validity(valid: bool) -> bindings::Validity {
    if valid {
        bindings::Validity::Valid
    } else {
        bindings::Validity::Invalid
    }
}
