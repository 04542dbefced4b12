//! A service and its arguments as data: numbers, as C has them, so that any of them can be wrong.

use cofferdam_apex::{
    BlackboardStatus, BufferStatus, ErrorStatus, EventStatus, MemoryBlockStatus, MutexStatus,
    PartitionStatus, ProcessStatus, QueuingPortStatus, ReturnCode, SamplingPortCurrentStatus,
    SamplingPortStatus, ScheduleStatus, SemaphoreStatus,
};

/// The longest message in these cases, in bytes.
pub const MESSAGE_BYTES: usize = 16;

/// What `CREATE_PROCESS` takes. The entry point is a number that these cases do not care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessAttributes {
    /// Its name.
    pub name: &'static str,
    /// In nanoseconds; -1: aperiodic.
    pub period: i64,
    /// In nanoseconds; -1: none.
    pub time_capacity: i64,
    /// In bytes.
    pub stack_bytes: u32,
    /// 1 to 239.
    pub base_priority: i32,
}

/// A call of a service. Times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "the standard's services and parameters, by their names"
)]
pub enum Call {
    GetPartitionStatus,
    SetPartitionMode {
        mode: u32,
    },
    GetMyPartitionId,
    CreateProcess {
        attributes: ProcessAttributes,
    },
    SetPriority {
        process: i32,
        priority: i32,
    },
    SuspendSelf {
        time_out: i64,
    },
    Suspend {
        process: i32,
    },
    Resume {
        process: i32,
    },
    StopSelf,
    Stop {
        process: i32,
    },
    Start {
        process: i32,
    },
    DelayedStart {
        process: i32,
        delay: i64,
    },
    LockPreemption,
    UnlockPreemption,
    GetMyId,
    GetProcessId {
        name: &'static str,
    },
    GetProcessStatus {
        process: i32,
    },
    InitializeProcessCoreAffinity {
        process: i32,
        core: i32,
    },
    GetMyProcessorCoreId,
    GetMyIndex,
    TimedWait {
        delay: i64,
    },
    PeriodicWait,
    GetTime,
    Replenish {
        budget: i64,
    },
    CreateSamplingPort {
        name: &'static str,
        message_bytes: i32,
        direction: u32,
        refresh: i64,
    },
    WriteSamplingMessage {
        port: i32,
        message: &'static [u8],
    },
    ReadSamplingMessage {
        port: i32,
    },
    GetSamplingPortId {
        name: &'static str,
    },
    GetSamplingPortStatus {
        port: i32,
    },
    CreateQueuingPort {
        name: &'static str,
        message_bytes: i32,
        messages_max: i32,
        direction: u32,
        discipline: u32,
    },
    SendQueuingMessage {
        port: i32,
        message: &'static [u8],
        time_out: i64,
    },
    ReceiveQueuingMessage {
        port: i32,
        time_out: i64,
    },
    GetQueuingPortId {
        name: &'static str,
    },
    GetQueuingPortStatus {
        port: i32,
    },
    ClearQueuingPort {
        port: i32,
    },
    CreateBuffer {
        name: &'static str,
        message_bytes: i32,
        messages_max: i32,
        discipline: u32,
    },
    SendBuffer {
        buffer: i32,
        message: &'static [u8],
        time_out: i64,
    },
    ReceiveBuffer {
        buffer: i32,
        time_out: i64,
    },
    GetBufferId {
        name: &'static str,
    },
    GetBufferStatus {
        buffer: i32,
    },
    CreateBlackboard {
        name: &'static str,
        message_bytes: i32,
    },
    DisplayBlackboard {
        blackboard: i32,
        message: &'static [u8],
    },
    ReadBlackboard {
        blackboard: i32,
        time_out: i64,
    },
    ClearBlackboard {
        blackboard: i32,
    },
    GetBlackboardId {
        name: &'static str,
    },
    GetBlackboardStatus {
        blackboard: i32,
    },
    CreateSemaphore {
        name: &'static str,
        value: i32,
        maximum: i32,
        discipline: u32,
    },
    WaitSemaphore {
        semaphore: i32,
        time_out: i64,
    },
    SignalSemaphore {
        semaphore: i32,
    },
    GetSemaphoreId {
        name: &'static str,
    },
    GetSemaphoreStatus {
        semaphore: i32,
    },
    CreateEvent {
        name: &'static str,
    },
    SetEvent {
        event: i32,
    },
    ResetEvent {
        event: i32,
    },
    WaitEvent {
        event: i32,
        time_out: i64,
    },
    GetEventId {
        name: &'static str,
    },
    GetEventStatus {
        event: i32,
    },
    CreateMutex {
        name: &'static str,
        priority: i32,
        discipline: u32,
    },
    AcquireMutex {
        mutex: i32,
        time_out: i64,
    },
    ReleaseMutex {
        mutex: i32,
    },
    ResetMutex {
        mutex: i32,
        process: i32,
    },
    GetMutexId {
        name: &'static str,
    },
    GetMutexStatus {
        mutex: i32,
    },
    GetProcessMutexState {
        process: i32,
    },
    ReportApplicationMessage {
        message: &'static [u8],
    },
    CreateErrorHandler {
        entry_point: usize,
        stack_bytes: u32,
    },
    GetErrorStatus,
    RaiseApplicationError {
        code: u32,
        message: &'static [u8],
    },
    ConfigureErrorHandler {
        concurrency: u32,
        core: i32,
    },
    SetModuleSchedule {
        schedule: i32,
    },
    GetModuleScheduleStatus,
    GetModuleScheduleId {
        name: &'static str,
    },
    GetMemoryBlockStatus {
        name: &'static str,
    },
    ReadUpdatedSamplingMessage {
        port: i32,
    },
    GetSamplingPortCurrentStatus {
        port: i32,
    },
    ReadSamplingMessageConditional {
        port: i32,
        reference: i64,
    },
}

impl Call {
    /// How long its caller waits at most, in nanoseconds, if that has an end.
    pub fn waits_ns(&self) -> Option<u64> {
        match *self {
            Self::SuspendSelf { time_out }
            | Self::SendQueuingMessage { time_out, .. }
            | Self::ReceiveQueuingMessage { time_out, .. }
            | Self::SendBuffer { time_out, .. }
            | Self::ReceiveBuffer { time_out, .. }
            | Self::ReadBlackboard { time_out, .. }
            | Self::WaitSemaphore { time_out, .. }
            | Self::WaitEvent { time_out, .. }
            | Self::AcquireMutex { time_out, .. }
            | Self::TimedWait { delay: time_out } => time_out.try_into().ok(),
            _ => None,
        }
    }

    /// The standard's name of the service.
    pub const fn service(&self) -> &'static str {
        match self {
            Self::GetPartitionStatus => "GET_PARTITION_STATUS",
            Self::SetPartitionMode { .. } => "SET_PARTITION_MODE",
            Self::GetMyPartitionId => "GET_MY_PARTITION_ID",
            Self::CreateProcess { .. } => "CREATE_PROCESS",
            Self::SetPriority { .. } => "SET_PRIORITY",
            Self::SuspendSelf { .. } => "SUSPEND_SELF",
            Self::Suspend { .. } => "SUSPEND",
            Self::Resume { .. } => "RESUME",
            Self::StopSelf => "STOP_SELF",
            Self::Stop { .. } => "STOP",
            Self::Start { .. } => "START",
            Self::DelayedStart { .. } => "DELAYED_START",
            Self::LockPreemption => "LOCK_PREEMPTION",
            Self::UnlockPreemption => "UNLOCK_PREEMPTION",
            Self::GetMyId => "GET_MY_ID",
            Self::GetProcessId { .. } => "GET_PROCESS_ID",
            Self::GetProcessStatus { .. } => "GET_PROCESS_STATUS",
            Self::InitializeProcessCoreAffinity { .. } => "INITIALIZE_PROCESS_CORE_AFFINITY",
            Self::GetMyProcessorCoreId => "GET_MY_PROCESSOR_CORE_ID",
            Self::GetMyIndex => "GET_MY_INDEX",
            Self::TimedWait { .. } => "TIMED_WAIT",
            Self::PeriodicWait => "PERIODIC_WAIT",
            Self::GetTime => "GET_TIME",
            Self::Replenish { .. } => "REPLENISH",
            Self::CreateSamplingPort { .. } => "CREATE_SAMPLING_PORT",
            Self::WriteSamplingMessage { .. } => "WRITE_SAMPLING_MESSAGE",
            Self::ReadSamplingMessage { .. } => "READ_SAMPLING_MESSAGE",
            Self::GetSamplingPortId { .. } => "GET_SAMPLING_PORT_ID",
            Self::GetSamplingPortStatus { .. } => "GET_SAMPLING_PORT_STATUS",
            Self::CreateQueuingPort { .. } => "CREATE_QUEUING_PORT",
            Self::SendQueuingMessage { .. } => "SEND_QUEUING_MESSAGE",
            Self::ReceiveQueuingMessage { .. } => "RECEIVE_QUEUING_MESSAGE",
            Self::GetQueuingPortId { .. } => "GET_QUEUING_PORT_ID",
            Self::GetQueuingPortStatus { .. } => "GET_QUEUING_PORT_STATUS",
            Self::ClearQueuingPort { .. } => "CLEAR_QUEUING_PORT",
            Self::CreateBuffer { .. } => "CREATE_BUFFER",
            Self::SendBuffer { .. } => "SEND_BUFFER",
            Self::ReceiveBuffer { .. } => "RECEIVE_BUFFER",
            Self::GetBufferId { .. } => "GET_BUFFER_ID",
            Self::GetBufferStatus { .. } => "GET_BUFFER_STATUS",
            Self::CreateBlackboard { .. } => "CREATE_BLACKBOARD",
            Self::DisplayBlackboard { .. } => "DISPLAY_BLACKBOARD",
            Self::ReadBlackboard { .. } => "READ_BLACKBOARD",
            Self::ClearBlackboard { .. } => "CLEAR_BLACKBOARD",
            Self::GetBlackboardId { .. } => "GET_BLACKBOARD_ID",
            Self::GetBlackboardStatus { .. } => "GET_BLACKBOARD_STATUS",
            Self::CreateSemaphore { .. } => "CREATE_SEMAPHORE",
            Self::WaitSemaphore { .. } => "WAIT_SEMAPHORE",
            Self::SignalSemaphore { .. } => "SIGNAL_SEMAPHORE",
            Self::GetSemaphoreId { .. } => "GET_SEMAPHORE_ID",
            Self::GetSemaphoreStatus { .. } => "GET_SEMAPHORE_STATUS",
            Self::CreateEvent { .. } => "CREATE_EVENT",
            Self::SetEvent { .. } => "SET_EVENT",
            Self::ResetEvent { .. } => "RESET_EVENT",
            Self::WaitEvent { .. } => "WAIT_EVENT",
            Self::GetEventId { .. } => "GET_EVENT_ID",
            Self::GetEventStatus { .. } => "GET_EVENT_STATUS",
            Self::CreateMutex { .. } => "CREATE_MUTEX",
            Self::AcquireMutex { .. } => "ACQUIRE_MUTEX",
            Self::ReleaseMutex { .. } => "RELEASE_MUTEX",
            Self::ResetMutex { .. } => "RESET_MUTEX",
            Self::GetMutexId { .. } => "GET_MUTEX_ID",
            Self::GetMutexStatus { .. } => "GET_MUTEX_STATUS",
            Self::GetProcessMutexState { .. } => "GET_PROCESS_MUTEX_STATE",
            Self::ReportApplicationMessage { .. } => "REPORT_APPLICATION_MESSAGE",
            Self::CreateErrorHandler { .. } => "CREATE_ERROR_HANDLER",
            Self::GetErrorStatus => "GET_ERROR_STATUS",
            Self::RaiseApplicationError { .. } => "RAISE_APPLICATION_ERROR",
            Self::ConfigureErrorHandler { .. } => "CONFIGURE_ERROR_HANDLER",
            Self::SetModuleSchedule { .. } => "SET_MODULE_SCHEDULE",
            Self::GetModuleScheduleStatus => "GET_MODULE_SCHEDULE_STATUS",
            Self::GetModuleScheduleId { .. } => "GET_MODULE_SCHEDULE_ID",
            Self::GetMemoryBlockStatus { .. } => "GET_MEMORY_BLOCK_STATUS",
            Self::ReadUpdatedSamplingMessage { .. } => "READ_UPDATED_SAMPLING_MESSAGE",
            Self::GetSamplingPortCurrentStatus { .. } => "GET_SAMPLING_PORT_CURRENT_STATUS",
            Self::ReadSamplingMessageConditional { .. } => "READ_SAMPLING_MESSAGE_CONDITIONAL",
        }
    }
}

/// What a service gave besides its return code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's output parameters")]
pub enum Value {
    None,
    /// An identifier, a level, an index, a time.
    Number(i64),
    Message(Message),
    Partition(PartitionStatus),
    Process(ProcessStatus),
    SamplingPort(SamplingPortStatus),
    SamplingPortCurrent(SamplingPortCurrentStatus),
    QueuingPort(QueuingPortStatus),
    Buffer(BufferStatus),
    Blackboard(BlackboardStatus),
    Semaphore(SemaphoreStatus),
    Event(EventStatus),
    Mutex(MutexStatus),
    Error(ErrorStatus),
    Schedule(ScheduleStatus),
    MemoryBlock(MemoryBlockStatus),
}

/// A message that a service gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: [u8; MESSAGE_BYTES],
    length: usize,
    /// Whether it is valid, or new, or messages were lost before it: what the service says of it in one word.
    pub flag: u32,
    /// When it was written, if the service says so.
    pub time_stamp: i64,
}

impl Message {
    /// A message of this length in `bytes`.
    pub const fn new(bytes: [u8; MESSAGE_BYTES], length: usize, flag: u32) -> Self {
        Self {
            bytes,
            length,
            flag,
            time_stamp: 0,
        }
    }

    /// It.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// How a call ended, or that it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NO_ERROR, or the code of RECEIVE_QUEUING_MESSAGE that comes with a message: see [`Message::flag`].
    Done(Value),
    /// Another return code.
    Refused(ReturnCode),
    /// The caller waits.
    Waits,
}
