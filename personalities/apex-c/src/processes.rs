//! Partition, processes, time, errors, schedules and memory blocks.

use cofferdam_apex_native::apex::{
    self, Concurrency, DeadlineKind, ERROR_MESSAGE_BYTES, ErrorCode, NO_ERROR, Name, OperatingMode,
    ProcessId, Received, ReturnCode, ScheduleId, SystemTime,
};

use crate::APEX;
use crate::address::{In, Message, Out, Text};
use crate::status::*;

fn create_process(given: &Attributes) -> Result<i32, ReturnCode> {
    let deadline = DeadlineKind::from_number(given.deadline).ok_or(ReturnCode::InvalidParam)?;
    let attributes = apex::Attributes {
        period: SystemTime(given.period),
        time_capacity: SystemTime(given.time_capacity),
        entry_point: given.entry_point,
        stack_bytes: given.stack_bytes,
        base_priority: given.base_priority,
        deadline,
        name: Name::from_bytes(&given.name),
    };
    crate::address::create_process(&attributes).map(|process| process.0)
}

fn process_status(process: i32) -> Result<ProcessStatus, ReturnCode> {
    let status = APEX.get_process_status(ProcessId(process))?;
    let attributes = status.attributes;
    Ok(ProcessStatus {
        deadline_time: status.deadline_time.0,
        current_priority: status.current_priority,
        state: status.state as u32,
        attributes: Attributes {
            period: attributes.period.0,
            time_capacity: attributes.time_capacity.0,
            entry_point: attributes.entry_point,
            stack_bytes: attributes.stack_bytes,
            base_priority: attributes.base_priority,
            deadline: attributes.deadline as u32,
            name: *attributes.name.as_bytes(),
        },
    })
}

fn partition_status() -> PartitionStatus {
    let status = APEX.get_partition_status();
    PartitionStatus {
        period: status.period.0,
        duration: status.duration.0,
        identifier: status.identifier,
        lock_level: status.lock_level,
        operating_mode: status.operating_mode as u32,
        start_condition: status.start_condition as u32,
        assigned_cores: status.assigned_cores,
    }
}

fn error_status() -> Result<ErrorStatus, ReturnCode> {
    let status = APEX.get_error_status()?;
    let mut message = [0; 128];
    let given = status.message();
    for (into, byte) in message.iter_mut().zip(given) {
        *into = *byte;
    }
    Ok(ErrorStatus {
        code: status.code as u32,
        process: status.process.0,
        address: status.address,
        length: given.len() as u32,
        message,
    })
}

fn mode(number: u32) -> Result<OperatingMode, ReturnCode> {
    OperatingMode::from_number(number).ok_or(ReturnCode::InvalidParam)
}

fn concurrency(number: u32) -> Result<Concurrency, ReturnCode> {
    Concurrency::from_number(number).ok_or(ReturnCode::InvalidConfig)
}

/// `STOP_SELF`.
#[unsafe(no_mangle)]
pub extern "C" fn STOP_SELF() {
    APEX.stop_self();
}

services! {
    GET_PARTITION_STATUS() -> PartitionStatus = Ok(partition_status());
    GET_MY_PARTITION_ID() -> i32 = Ok(APEX.get_my_partition_id());
    SET_PARTITION_MODE(number: u32) = mode(number).and_then(|mode| APEX.set_partition_mode(mode));

    CREATE_PROCESS(attributes: In<Attributes>) -> i32 = create_process(&attributes.get());
    SET_PRIORITY(process: i32, priority: i32) = APEX.set_priority(ProcessId(process), priority);
    SUSPEND_SELF(time_out: i64) = APEX.suspend_self(SystemTime(time_out));
    SUSPEND(process: i32) = APEX.suspend(ProcessId(process));
    RESUME(process: i32) = APEX.resume(ProcessId(process));
    STOP(process: i32) = APEX.stop(ProcessId(process));
    START(process: i32) = APEX.start(ProcessId(process));
    DELAYED_START(process: i32, delay: i64) = APEX.delayed_start(ProcessId(process), SystemTime(delay));
    LOCK_PREEMPTION() -> i32 = APEX.lock_preemption();
    UNLOCK_PREEMPTION() -> i32 = APEX.unlock_preemption();
    GET_MY_ID() -> i32 = APEX.get_my_id().map(|process| process.0);
    GET_MY_INDEX() -> i32 = APEX.get_my_index();
    GET_PROCESS_ID(name: Text) -> i32 = APEX.get_process_id(&name.name()).map(|process| process.0);
    GET_PROCESS_STATUS(process: i32) -> ProcessStatus = process_status(process);
    INITIALIZE_PROCESS_CORE_AFFINITY(process: i32, core: i32) =
        APEX.initialize_process_core_affinity(ProcessId(process), core);
    GET_MY_PROCESSOR_CORE_ID() -> i32 = Ok(APEX.get_my_processor_core_id());

    TIMED_WAIT(delay: i64) = APEX.timed_wait(SystemTime(delay));
    PERIODIC_WAIT() = APEX.periodic_wait();
    GET_TIME() -> i64 = Ok(APEX.get_time().0);
    REPLENISH(budget: i64) = APEX.replenish(SystemTime(budget));

    REPORT_APPLICATION_MESSAGE(message: Message, length: i32) = if length < 0 {
        Err(ReturnCode::InvalidParam)
    } else {
        APEX.report_application_message(message.bytes(length, ERROR_MESSAGE_BYTES as u32))
    };
    CREATE_ERROR_HANDLER(entry_point: usize, stack_bytes: u32) =
        crate::address::create_error_handler(entry_point, stack_bytes);
    GET_ERROR_STATUS() -> ErrorStatus = error_status();
    RAISE_APPLICATION_ERROR(code: u32, message: Message, length: i32) =
        match ErrorCode::from_number(code) {
            Some(code) if length >= 0 => {
                let message = message.bytes(length, ERROR_MESSAGE_BYTES as u32);
                APEX.raise_application_error(code, message)
            }
            _ => Err(ReturnCode::InvalidParam),
        };
    COFFERDAM_REPORT_FAULT(code: u32, address: usize) = match ErrorCode::from_number(code) {
        Some(code) => APEX.report_fault(code, address),
        None => Err(ReturnCode::InvalidParam),
    };
    CONFIGURE_ERROR_HANDLER(number: u32, core: i32) =
        concurrency(number).and_then(|kind| APEX.configure_error_handler(kind, core));

    SET_MODULE_SCHEDULE(schedule: i32) = APEX.set_module_schedule(ScheduleId(schedule));
    GET_MODULE_SCHEDULE_STATUS() -> ScheduleStatus = {
        let status = APEX.get_module_schedule_status();
        Ok(ScheduleStatus {
            time_of_last_switch: status.time_of_last_switch.0,
            current: status.current.0,
            next: status.next.0,
        })
    };
    GET_MODULE_SCHEDULE_ID(name: Text) -> i32 =
        APEX.get_module_schedule_id(&name.name()).map(|schedule| schedule.0);
    GET_MEMORY_BLOCK_STATUS(name: Text) -> MemoryBlockStatus =
        APEX.get_memory_block_status(&name.name()).map(|status| MemoryBlockStatus {
            address: status.address,
            mode: status.mode as u32,
            bytes: status.bytes,
        });
}

/// An answer beside the one of `services!`.
pub(crate) fn answer<T>(done: Result<T, ReturnCode>, code: Out<u32>, set: impl FnOnce(Option<T>)) {
    let number = done
        .as_ref()
        .map_or_else(|code| code.number(), |_| NO_ERROR);
    set(done.ok());
    code.set(number);
}

/// The same of a service that gives a message: its length.
pub(crate) fn answer_received(
    done: Result<Received, ReturnCode>,
    length: Out<i32>,
    code: Out<u32>,
) {
    answer(done, code, |received| {
        length.set(received.map_or(0, |received| received.length as i32));
    });
}
