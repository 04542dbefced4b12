//! Which service can give which return code: the list that the cases are held against.

use cofferdam_apex::ReturnCode;

/// A return code, NO_ERROR among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// NO_ERROR.
    NoError,
    /// Another one.
    Refused(ReturnCode),
}

impl Code {
    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoError => "NO_ERROR",
            Self::Refused(ReturnCode::NoAction) => "NO_ACTION",
            Self::Refused(ReturnCode::NotAvailable) => "NOT_AVAILABLE",
            Self::Refused(ReturnCode::InvalidParam) => "INVALID_PARAM",
            Self::Refused(ReturnCode::InvalidConfig) => "INVALID_CONFIG",
            Self::Refused(ReturnCode::InvalidMode) => "INVALID_MODE",
            Self::Refused(ReturnCode::TimedOut) => "TIMED_OUT",
        }
    }
}

/// A service, and the codes that it can give besides NO_ERROR.
#[derive(Clone, Copy, Debug)]
pub struct Required {
    /// The part of ARINC 653 that has it.
    pub part: u8,
    /// Its name.
    pub service: &'static str,
    /// The codes.
    pub refusals: &'static [ReturnCode],
}

const fn part_1(service: &'static str, refusals: &'static [ReturnCode]) -> Required {
    Required {
        part: 1,
        service,
        refusals,
    }
}

const fn part_2(service: &'static str, refusals: &'static [ReturnCode]) -> Required {
    Required {
        part: 2,
        ..part_1(service, refusals)
    }
}

use ReturnCode::{InvalidConfig, InvalidMode, InvalidParam, NoAction, NotAvailable, TimedOut};

/// All services: 70 of Part 1, of which two are in newer headers only, and those of Part 2 that are here.
pub static REQUIRED: &[Required] = &[
    part_1("GET_PARTITION_STATUS", &[]),
    part_1("SET_PARTITION_MODE", &[InvalidParam, NoAction, InvalidMode]),
    part_1("GET_MY_PARTITION_ID", &[]),
    part_1(
        "CREATE_PROCESS",
        &[InvalidConfig, NoAction, InvalidParam, InvalidMode],
    ),
    part_1("SET_PRIORITY", &[InvalidParam, InvalidMode]),
    part_1("SUSPEND_SELF", &[InvalidMode, InvalidParam, TimedOut]),
    part_1("SUSPEND", &[InvalidParam, InvalidMode, NoAction]),
    part_1("RESUME", &[InvalidParam, InvalidMode, NoAction]),
    part_1("STOP_SELF", &[]),
    part_1("STOP", &[InvalidParam, NoAction]),
    part_1("START", &[InvalidParam, NoAction, InvalidConfig]),
    part_1("DELAYED_START", &[InvalidParam, NoAction, InvalidConfig]),
    part_1("LOCK_PREEMPTION", &[InvalidConfig, NoAction, InvalidMode]),
    part_1("UNLOCK_PREEMPTION", &[NoAction, InvalidMode]),
    part_1("GET_MY_ID", &[InvalidMode]),
    part_1("GET_PROCESS_ID", &[InvalidConfig]),
    part_1("GET_PROCESS_STATUS", &[InvalidParam]),
    part_1(
        "INITIALIZE_PROCESS_CORE_AFFINITY",
        &[InvalidParam, InvalidConfig, InvalidMode],
    ),
    part_1("GET_MY_PROCESSOR_CORE_ID", &[]),
    part_1("GET_MY_INDEX", &[InvalidMode]),
    part_1("TIMED_WAIT", &[InvalidMode, InvalidParam]),
    part_1("PERIODIC_WAIT", &[InvalidMode, InvalidConfig]),
    part_1("GET_TIME", &[]),
    part_1("REPLENISH", &[InvalidParam, InvalidMode, NoAction]),
    part_1(
        "CREATE_SAMPLING_PORT",
        &[InvalidConfig, NoAction, InvalidMode],
    ),
    part_1(
        "WRITE_SAMPLING_MESSAGE",
        &[InvalidParam, InvalidConfig, InvalidMode],
    ),
    part_1(
        "READ_SAMPLING_MESSAGE",
        &[InvalidParam, InvalidMode, NoAction],
    ),
    part_1("GET_SAMPLING_PORT_ID", &[InvalidConfig]),
    part_1("GET_SAMPLING_PORT_STATUS", &[InvalidParam]),
    part_1(
        "CREATE_QUEUING_PORT",
        &[InvalidConfig, NoAction, InvalidMode],
    ),
    part_1(
        "SEND_QUEUING_MESSAGE",
        &[
            InvalidParam,
            InvalidConfig,
            InvalidMode,
            NotAvailable,
            TimedOut,
        ],
    ),
    part_1(
        "RECEIVE_QUEUING_MESSAGE",
        &[
            InvalidParam,
            InvalidMode,
            NotAvailable,
            TimedOut,
            InvalidConfig,
        ],
    ),
    part_1("GET_QUEUING_PORT_ID", &[InvalidConfig]),
    part_1("GET_QUEUING_PORT_STATUS", &[InvalidParam]),
    part_1("CLEAR_QUEUING_PORT", &[InvalidParam, InvalidMode]),
    part_1(
        "CREATE_BUFFER",
        &[InvalidConfig, NoAction, InvalidParam, InvalidMode],
    ),
    part_1(
        "SEND_BUFFER",
        &[InvalidParam, InvalidMode, NotAvailable, TimedOut],
    ),
    part_1(
        "RECEIVE_BUFFER",
        &[InvalidParam, InvalidMode, NotAvailable, TimedOut],
    ),
    part_1("GET_BUFFER_ID", &[InvalidConfig]),
    part_1("GET_BUFFER_STATUS", &[InvalidParam]),
    part_1(
        "CREATE_BLACKBOARD",
        &[InvalidConfig, NoAction, InvalidParam, InvalidMode],
    ),
    part_1("DISPLAY_BLACKBOARD", &[InvalidParam]),
    part_1(
        "READ_BLACKBOARD",
        &[InvalidParam, InvalidMode, NotAvailable, TimedOut],
    ),
    part_1("CLEAR_BLACKBOARD", &[InvalidParam]),
    part_1("GET_BLACKBOARD_ID", &[InvalidConfig]),
    part_1("GET_BLACKBOARD_STATUS", &[InvalidParam]),
    part_1(
        "CREATE_SEMAPHORE",
        &[InvalidConfig, NoAction, InvalidParam, InvalidMode],
    ),
    part_1(
        "WAIT_SEMAPHORE",
        &[InvalidParam, InvalidMode, NotAvailable, TimedOut],
    ),
    part_1("SIGNAL_SEMAPHORE", &[InvalidParam, NoAction]),
    part_1("GET_SEMAPHORE_ID", &[InvalidConfig]),
    part_1("GET_SEMAPHORE_STATUS", &[InvalidParam]),
    part_1("CREATE_EVENT", &[InvalidConfig, NoAction, InvalidMode]),
    part_1("SET_EVENT", &[InvalidParam]),
    part_1("RESET_EVENT", &[InvalidParam]),
    part_1(
        "WAIT_EVENT",
        &[InvalidParam, InvalidMode, NotAvailable, TimedOut],
    ),
    part_1("GET_EVENT_ID", &[InvalidConfig]),
    part_1("GET_EVENT_STATUS", &[InvalidParam]),
    part_1("APERIODIC_WAIT_EVENT", &[]),
    part_1(
        "CREATE_MUTEX",
        &[InvalidConfig, NoAction, InvalidParam, InvalidMode],
    ),
    part_1(
        "ACQUIRE_MUTEX",
        &[
            InvalidParam,
            InvalidMode,
            NotAvailable,
            TimedOut,
            InvalidConfig,
        ],
    ),
    part_1("RELEASE_MUTEX", &[InvalidParam, InvalidMode]),
    part_1("RESET_MUTEX", &[InvalidParam, InvalidMode]),
    part_1("GET_MUTEX_ID", &[InvalidConfig]),
    part_1("GET_MUTEX_STATUS", &[InvalidParam]),
    part_1("GET_PROCESS_MUTEX_STATE", &[InvalidParam]),
    part_1("REPORT_APPLICATION_MESSAGE", &[InvalidParam]),
    part_1(
        "CREATE_ERROR_HANDLER",
        &[NoAction, InvalidConfig, InvalidMode],
    ),
    part_1("GET_ERROR_STATUS", &[InvalidConfig, NoAction]),
    part_1("RAISE_APPLICATION_ERROR", &[InvalidParam]),
    part_1("CONFIGURE_ERROR_HANDLER", &[InvalidConfig, InvalidMode]),
    part_2(
        "SET_MODULE_SCHEDULE",
        &[InvalidParam, InvalidConfig, NoAction],
    ),
    part_2("GET_MODULE_SCHEDULE_STATUS", &[]),
    part_2("GET_MODULE_SCHEDULE_ID", &[InvalidConfig]),
    part_2("GET_MEMORY_BLOCK_STATUS", &[InvalidConfig]),
    part_2(
        "READ_UPDATED_SAMPLING_MESSAGE",
        &[InvalidParam, InvalidMode],
    ),
    part_2("GET_SAMPLING_PORT_CURRENT_STATUS", &[InvalidParam]),
    part_2(
        "READ_SAMPLING_MESSAGE_CONDITIONAL",
        &[InvalidParam, InvalidMode, NoAction],
    ),
];
