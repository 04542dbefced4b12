//! The services, by their standard's names. What each returns, and why it is refused, stands at the method of the same name of
//! [`Partition`](cofferdam_apex::Partition).

use cofferdam_apex::{
    Attributes, BlackboardId, BlackboardStatus, BufferId, BufferStatus, Concurrency, DeadlineKind,
    Direction, Discipline, ErrorCode, ErrorStatus, EventId, EventStatus, Limits, MemoryBlockStatus,
    MutexId, MutexStatus, Name, PartitionStatus, ProcessId, ProcessStatus, QueuingPortId,
    QueuingPortStatus, Received, ReturnCode, SamplingMessage, SamplingPortCurrentStatus,
    SamplingPortId, SamplingPortStatus, ScheduleId, ScheduleStatus, SemaphoreId, SemaphoreStatus,
    SystemTime, TimedMessage, UpdatedMessage,
};

use crate::{Apex, machine};

/// What a process is created with (`PROCESS_ATTRIBUTE_TYPE`).
#[derive(Clone, Copy, Debug)]
pub struct ProcessAttributes {
    /// Its name.
    pub name: Name,
    /// What it begins with. If that returns, the process is stopped.
    pub entry_point: extern "C" fn(),
    /// Its priority when it starts, 1 to 239, the highest being the most urgent.
    pub base_priority: i32,
    /// Its period, a whole number of the partition's; infinite: it is aperiodic.
    pub period: SystemTime,
    /// How long after its release, or start, it has to be done; infinite: there is no deadline.
    pub time_capacity: SystemTime,
    /// What its deadline means.
    pub deadline: DeadlineKind,
    /// How large its stack has to be. It gets the smallest that is free and large enough.
    pub stack_bytes: u32,
}

impl ProcessAttributes {
    /// Of a process without a period and a deadline, on any stack.
    pub const fn aperiodic(name: &str, base_priority: i32, entry_point: extern "C" fn()) -> Self {
        Self {
            name: Name::new(name),
            entry_point,
            base_priority,
            period: SystemTime::INFINITE,
            time_capacity: SystemTime::INFINITE,
            deadline: DeadlineKind::Soft,
            stack_bytes: 1,
        }
    }

    /// Of a process with a period that has to be done within it, on any stack.
    pub const fn periodic(
        name: &str,
        base_priority: i32,
        period: SystemTime,
        entry_point: extern "C" fn(),
    ) -> Self {
        Self {
            period,
            time_capacity: period,
            ..Self::aperiodic(name, base_priority, entry_point)
        }
    }

    fn attributes(&self) -> Attributes {
        Attributes {
            period: self.period,
            time_capacity: self.time_capacity,
            entry_point: self.entry_point as usize,
            stack_bytes: self.stack_bytes,
            base_priority: self.base_priority,
            deadline: self.deadline,
            name: self.name,
        }
    }
}

type Done = Result<(), ReturnCode>;

macro_rules! services {
    ($(
        $service:literal $how:ident $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $answer:ty)?;
    )+) => {$(
        services! { @ $service $how $name($($argument: $type),*) $(-> $answer)? }
    )+};
    (@ $service:literal plain $name:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        #[doc = concat!("`", $service, "`.")]
        pub fn $name(&'static self, $($argument: $type),*) -> $answer {
            self.service(|apex| apex.$name($($argument),*))
        }
    };
    (@ $service:literal looks $name:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        #[doc = concat!("`", $service, "`.")]
        pub fn $name(&'static self, $($argument: $type),*) -> $answer {
            self.looking(|apex| apex.$name($($argument),*))
        }
    };
    (@ $service:literal waits $name:ident($($argument:ident: $type:ty),*)) => {
        #[doc = concat!("`", $service, "`. Comes back when the wait is over.")]
        pub fn $name(&'static self, $($argument: $type),*) -> Done {
            self.waiting(|apex| apex.$name($($argument),*))
        }
    };
    (@ $service:literal receives $name:ident($($argument:ident: $type:ty),*)) => {
        #[doc = concat!("`", $service, "`, into `room`, which has space for the longest message. Comes back when the wait is over.")]
        pub fn $name(&'static self, $($argument: $type,)* room: &mut [u8]) -> Result<Received, ReturnCode> {
            self.receiving(room, |apex, room| apex.$name($($argument,)* room))
        }
    };
}

impl<L: Limits, const PROCESSES: usize> Apex<L, PROCESSES> {
    /// `CREATE_PROCESS`.
    pub fn create_process(
        &'static self,
        attributes: &ProcessAttributes,
    ) -> Result<ProcessId, ReturnCode> {
        self.service(|apex| apex.create_process(&attributes.attributes()))
    }

    /// `CREATE_PROCESS`, with an entry point that is a number.
    ///
    /// # Safety
    /// The entry point is that of an `extern "C" fn()`.
    pub unsafe fn create_process_at(
        &'static self,
        attributes: &Attributes,
    ) -> Result<ProcessId, ReturnCode> {
        self.service(|apex| apex.create_process(attributes))
    }

    /// What a process begins with, as it was created.
    pub fn entry_point(&'static self, process: ProcessId) -> Option<extern "C" fn()> {
        self.looking(|apex| apex.attributes(process).map(|it| it.entry_point))
            .map(machine::entry_point)
    }

    /// `CREATE_ERROR_HANDLER`.
    pub fn create_error_handler(
        &'static self,
        entry_point: extern "C" fn(),
        stack_bytes: u32,
    ) -> Done {
        self.service(|apex| apex.create_error_handler(entry_point as usize, stack_bytes))
    }

    /// `CREATE_ERROR_HANDLER`, with an entry point that is a number.
    ///
    /// # Safety
    /// The entry point is that of an `extern "C" fn()`.
    pub unsafe fn create_error_handler_at(
        &'static self,
        entry_point: usize,
        stack_bytes: u32,
    ) -> Done {
        self.service(|apex| apex.create_error_handler(entry_point, stack_bytes))
    }

    services! {
        "GET_PARTITION_STATUS" looks get_partition_status() -> PartitionStatus;
        "GET_MY_PARTITION_ID" looks get_my_partition_id() -> i32;

        "SET_PRIORITY" plain set_priority(process: ProcessId, priority: i32) -> Done;
        "SUSPEND_SELF" waits suspend_self(time_out: SystemTime);
        "SUSPEND" plain suspend(process: ProcessId) -> Done;
        "RESUME" plain resume(process: ProcessId) -> Done;
        "STOP" plain stop(process: ProcessId) -> Done;
        "START" plain start(process: ProcessId) -> Done;
        "DELAYED_START" plain delayed_start(process: ProcessId, delay: SystemTime) -> Done;
        "LOCK_PREEMPTION" plain lock_preemption() -> Result<i32, ReturnCode>;
        "UNLOCK_PREEMPTION" plain unlock_preemption() -> Result<i32, ReturnCode>;
        "GET_MY_ID" looks get_my_id() -> Result<ProcessId, ReturnCode>;
        "GET_MY_INDEX" looks get_my_index() -> Result<i32, ReturnCode>;
        "GET_PROCESS_ID" looks get_process_id(name: &Name) -> Result<ProcessId, ReturnCode>;
        "GET_PROCESS_STATUS" looks get_process_status(process: ProcessId) -> Result<ProcessStatus, ReturnCode>;
        "INITIALIZE_PROCESS_CORE_AFFINITY" looks initialize_process_core_affinity(process: ProcessId, core: i32) -> Done;
        "GET_MY_PROCESSOR_CORE_ID" looks get_my_processor_core_id() -> i32;

        "TIMED_WAIT" waits timed_wait(delay: SystemTime);
        "PERIODIC_WAIT" waits periodic_wait();
        "GET_TIME" looks get_time() -> SystemTime;
        "REPLENISH" plain replenish(budget: SystemTime) -> Done;

        "CREATE_SAMPLING_PORT" plain create_sampling_port(
            name: &Name, message_bytes: i32, direction: Direction, refresh: SystemTime
        ) -> Result<SamplingPortId, ReturnCode>;
        "WRITE_SAMPLING_MESSAGE" looks write_sampling_message(port: SamplingPortId, message: &[u8]) -> Done;
        "READ_SAMPLING_MESSAGE" looks read_sampling_message(
            port: SamplingPortId, room: &mut [u8]
        ) -> Result<SamplingMessage, ReturnCode>;
        "GET_SAMPLING_PORT_ID" looks get_sampling_port_id(name: &Name) -> Result<SamplingPortId, ReturnCode>;
        "GET_SAMPLING_PORT_STATUS" looks get_sampling_port_status(
            port: SamplingPortId
        ) -> Result<SamplingPortStatus, ReturnCode>;
        "READ_UPDATED_SAMPLING_MESSAGE" looks read_updated_sampling_message(
            port: SamplingPortId, room: &mut [u8]
        ) -> Result<UpdatedMessage, ReturnCode>;
        "GET_SAMPLING_PORT_CURRENT_STATUS" looks get_sampling_port_current_status(
            port: SamplingPortId
        ) -> Result<SamplingPortCurrentStatus, ReturnCode>;
        "READ_SAMPLING_MESSAGE_CONDITIONAL" looks read_sampling_message_conditional(
            port: SamplingPortId, reference: SystemTime, room: &mut [u8]
        ) -> Result<TimedMessage, ReturnCode>;

        "CREATE_QUEUING_PORT" plain create_queuing_port(
            name: &Name, message_bytes: i32, messages_max: i32, direction: Direction, discipline: Discipline
        ) -> Result<QueuingPortId, ReturnCode>;
        "SEND_QUEUING_MESSAGE" waits send_queuing_message(port: QueuingPortId, message: &[u8], time_out: SystemTime);
        "RECEIVE_QUEUING_MESSAGE" receives receive_queuing_message(port: QueuingPortId, time_out: SystemTime);
        "GET_QUEUING_PORT_ID" looks get_queuing_port_id(name: &Name) -> Result<QueuingPortId, ReturnCode>;
        "GET_QUEUING_PORT_STATUS" looks get_queuing_port_status(
            port: QueuingPortId
        ) -> Result<QueuingPortStatus, ReturnCode>;
        "CLEAR_QUEUING_PORT" looks clear_queuing_port(port: QueuingPortId) -> Done;

        "CREATE_BUFFER" plain create_buffer(
            name: Name, message_bytes: i32, messages_max: i32, discipline: Discipline
        ) -> Result<BufferId, ReturnCode>;
        "SEND_BUFFER" waits send_buffer(buffer: BufferId, message: &[u8], time_out: SystemTime);
        "RECEIVE_BUFFER" receives receive_buffer(buffer: BufferId, time_out: SystemTime);
        "GET_BUFFER_ID" looks get_buffer_id(name: &Name) -> Result<BufferId, ReturnCode>;
        "GET_BUFFER_STATUS" looks get_buffer_status(buffer: BufferId) -> Result<BufferStatus, ReturnCode>;

        "CREATE_BLACKBOARD" plain create_blackboard(name: Name, message_bytes: i32) -> Result<BlackboardId, ReturnCode>;
        "DISPLAY_BLACKBOARD" plain display_blackboard(blackboard: BlackboardId, message: &[u8]) -> Done;
        "READ_BLACKBOARD" receives read_blackboard(blackboard: BlackboardId, time_out: SystemTime);
        "CLEAR_BLACKBOARD" looks clear_blackboard(blackboard: BlackboardId) -> Done;
        "GET_BLACKBOARD_ID" looks get_blackboard_id(name: &Name) -> Result<BlackboardId, ReturnCode>;
        "GET_BLACKBOARD_STATUS" looks get_blackboard_status(
            blackboard: BlackboardId
        ) -> Result<BlackboardStatus, ReturnCode>;

        "CREATE_SEMAPHORE" plain create_semaphore(
            name: Name, value: i32, maximum: i32, discipline: Discipline
        ) -> Result<SemaphoreId, ReturnCode>;
        "WAIT_SEMAPHORE" waits wait_semaphore(semaphore: SemaphoreId, time_out: SystemTime);
        "SIGNAL_SEMAPHORE" plain signal_semaphore(semaphore: SemaphoreId) -> Done;
        "GET_SEMAPHORE_ID" looks get_semaphore_id(name: &Name) -> Result<SemaphoreId, ReturnCode>;
        "GET_SEMAPHORE_STATUS" looks get_semaphore_status(semaphore: SemaphoreId) -> Result<SemaphoreStatus, ReturnCode>;

        "CREATE_EVENT" plain create_event(name: Name) -> Result<EventId, ReturnCode>;
        "SET_EVENT" plain set_event(event: EventId) -> Done;
        "RESET_EVENT" looks reset_event(event: EventId) -> Done;
        "WAIT_EVENT" waits wait_event(event: EventId, time_out: SystemTime);
        "GET_EVENT_ID" looks get_event_id(name: &Name) -> Result<EventId, ReturnCode>;
        "GET_EVENT_STATUS" looks get_event_status(event: EventId) -> Result<EventStatus, ReturnCode>;

        "CREATE_MUTEX" plain create_mutex(
            name: Name, priority: i32, discipline: Discipline
        ) -> Result<MutexId, ReturnCode>;
        "ACQUIRE_MUTEX" waits acquire_mutex(mutex: MutexId, time_out: SystemTime);
        "RELEASE_MUTEX" plain release_mutex(mutex: MutexId) -> Done;
        "RESET_MUTEX" plain reset_mutex(mutex: MutexId, process: ProcessId) -> Done;
        "GET_MUTEX_ID" looks get_mutex_id(name: &Name) -> Result<MutexId, ReturnCode>;
        "GET_MUTEX_STATUS" looks get_mutex_status(mutex: MutexId) -> Result<MutexStatus, ReturnCode>;
        "GET_PROCESS_MUTEX_STATE" looks get_process_mutex_state(process: ProcessId) -> Result<MutexId, ReturnCode>;

        "REPORT_APPLICATION_MESSAGE" looks report_application_message(message: &[u8]) -> Done;
        "GET_ERROR_STATUS" looks get_error_status() -> Result<ErrorStatus, ReturnCode>;
        "RAISE_APPLICATION_ERROR" plain raise_application_error(code: ErrorCode, message: &[u8]) -> Done;
        "HARDWARE_FAULT and POWER_FAIL, said by whoever knows of it: no service of the standard" plain report_fault(
            code: ErrorCode, address: usize
        ) -> Done;
        "CONFIGURE_ERROR_HANDLER" looks configure_error_handler(concurrency: Concurrency, core: i32) -> Done;

        "SET_MODULE_SCHEDULE" looks set_module_schedule(schedule: ScheduleId) -> Done;
        "GET_MODULE_SCHEDULE_STATUS" looks get_module_schedule_status() -> ScheduleStatus;
        "GET_MODULE_SCHEDULE_ID" looks get_module_schedule_id(name: &Name) -> Result<ScheduleId, ReturnCode>;
        "GET_MEMORY_BLOCK_STATUS" looks get_memory_block_status(name: &Name) -> Result<MemoryBlockStatus, ReturnCode>;
    }
}
