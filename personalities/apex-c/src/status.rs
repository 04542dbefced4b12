//! The standard's structures, as `apex.h` declares them.

use cofferdam_apex_native::apex::NAME_BYTES;

macro_rules! structures {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        pub struct $name {
            $(pub $field: $type,)+
        }
    )+};
}

structures! {
    /// `PARTITION_STATUS_TYPE`.
    PartitionStatus {
        period: i64,
        duration: i64,
        identifier: i32,
        lock_level: i32,
        operating_mode: u32,
        start_condition: u32,
        assigned_cores: u32,
    }
    /// `PROCESS_ATTRIBUTE_TYPE`.
    Attributes {
        period: i64,
        time_capacity: i64,
        entry_point: usize,
        stack_bytes: u32,
        base_priority: i32,
        deadline: u32,
        name: [u8; NAME_BYTES],
    }
    /// `PROCESS_STATUS_TYPE`.
    ProcessStatus {
        deadline_time: i64,
        current_priority: i32,
        state: u32,
        attributes: Attributes,
    }
    /// `SAMPLING_PORT_STATUS_TYPE`.
    SamplingPortStatus {
        refresh: i64,
        message_bytes: u32,
        direction: u32,
        last_message_valid: u32,
    }
    /// `SAMPLING_PORT_CURRENT_STATUS_TYPE`.
    SamplingPortCurrentStatus {
        refresh: i64,
        message_bytes: u32,
        direction: u32,
        message_age: u32,
        updated: u32,
    }
    /// `QUEUING_PORT_STATUS_TYPE`.
    QueuingPortStatus {
        messages: u32,
        messages_max: u32,
        message_bytes: u32,
        direction: u32,
        waiting_processes: u32,
    }
    /// `BUFFER_STATUS_TYPE`.
    BufferStatus {
        messages: u32,
        messages_max: u32,
        message_bytes: u32,
        waiting_processes: u32,
    }
    /// `BLACKBOARD_STATUS_TYPE`.
    BlackboardStatus {
        empty_indicator: u32,
        message_bytes: u32,
        waiting_processes: u32,
    }
    /// `SEMAPHORE_STATUS_TYPE`.
    SemaphoreStatus {
        current_value: i32,
        maximum_value: i32,
        waiting_processes: u32,
    }
    /// `EVENT_STATUS_TYPE`.
    EventStatus {
        state: u32,
        waiting_processes: u32,
    }
    /// `MUTEX_STATUS_TYPE`.
    MutexStatus {
        owner: i32,
        state: u32,
        priority: i32,
        lock_count: i32,
        waiting_processes: u32,
    }
    /// `ERROR_STATUS_TYPE`.
    ErrorStatus {
        code: u32,
        process: i32,
        address: usize,
        length: u32,
        message: [u8; 128],
    }
    /// `SCHEDULE_STATUS_TYPE`.
    ScheduleStatus {
        time_of_last_switch: i64,
        current: i32,
        next: i32,
    }
    /// `MEMORY_BLOCK_STATUS_TYPE`.
    MemoryBlockStatus {
        address: usize,
        mode: u32,
        bytes: u32,
    }
}
