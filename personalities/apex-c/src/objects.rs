//! Buffers, blackboards, semaphores, events and mutexes.

use cofferdam_apex_native::apex::{
    BlackboardId, BufferId, Discipline, EventId, MutexId, NO_ERROR, ProcessId, ReturnCode,
    SemaphoreId, SystemTime,
};

use crate::APEX;
use crate::address::{Message, Out, Room, Text};
use crate::processes::answer_received;
use crate::status::*;

fn discipline(number: u32) -> Result<Discipline, ReturnCode> {
    Discipline::from_number(number).ok_or(ReturnCode::InvalidParam)
}

services! {
    CREATE_BUFFER(name: Text, bytes: i32, messages: i32, order: u32) -> i32 = discipline(order)
        .and_then(|order| APEX.create_buffer(name.name(), bytes, messages, order))
        .map(|buffer| buffer.0);
    SEND_BUFFER(buffer: i32, message: Message, length: i32, time_out: i64) = {
        let buffer = BufferId(buffer);
        let message = message.bytes(length, longest_in_buffer(buffer));
        APEX.send_buffer(buffer, message, SystemTime(time_out))
    };
    GET_BUFFER_ID(name: Text) -> i32 = APEX.get_buffer_id(&name.name()).map(|buffer| buffer.0);
    GET_BUFFER_STATUS(buffer: i32) -> BufferStatus =
        APEX.get_buffer_status(BufferId(buffer)).map(|status| BufferStatus {
            messages: status.messages,
            messages_max: status.messages_max,
            message_bytes: status.message_bytes,
            waiting_processes: status.waiting_processes,
        });

    CREATE_BLACKBOARD(name: Text, bytes: i32) -> i32 =
        APEX.create_blackboard(name.name(), bytes).map(|blackboard| blackboard.0);
    DISPLAY_BLACKBOARD(blackboard: i32, message: Message, length: i32) = {
        let blackboard = BlackboardId(blackboard);
        APEX.display_blackboard(blackboard, message.bytes(length, longest_on(blackboard)))
    };
    CLEAR_BLACKBOARD(blackboard: i32) = APEX.clear_blackboard(BlackboardId(blackboard));
    GET_BLACKBOARD_ID(name: Text) -> i32 =
        APEX.get_blackboard_id(&name.name()).map(|blackboard| blackboard.0);
    GET_BLACKBOARD_STATUS(blackboard: i32) -> BlackboardStatus =
        APEX.get_blackboard_status(BlackboardId(blackboard)).map(|status| BlackboardStatus {
            empty_indicator: status.empty_indicator as u32,
            message_bytes: status.message_bytes,
            waiting_processes: status.waiting_processes,
        });

    CREATE_SEMAPHORE(name: Text, value: i32, maximum: i32, order: u32) -> i32 = discipline(order)
        .and_then(|order| APEX.create_semaphore(name.name(), value, maximum, order))
        .map(|semaphore| semaphore.0);
    WAIT_SEMAPHORE(semaphore: i32, time_out: i64) =
        APEX.wait_semaphore(SemaphoreId(semaphore), SystemTime(time_out));
    SIGNAL_SEMAPHORE(semaphore: i32) = APEX.signal_semaphore(SemaphoreId(semaphore));
    GET_SEMAPHORE_ID(name: Text) -> i32 =
        APEX.get_semaphore_id(&name.name()).map(|semaphore| semaphore.0);
    GET_SEMAPHORE_STATUS(semaphore: i32) -> SemaphoreStatus =
        APEX.get_semaphore_status(SemaphoreId(semaphore)).map(|status| SemaphoreStatus {
            current_value: status.current_value,
            maximum_value: status.maximum_value,
            waiting_processes: status.waiting_processes,
        });

    CREATE_EVENT(name: Text) -> i32 = APEX.create_event(name.name()).map(|event| event.0);
    SET_EVENT(event: i32) = APEX.set_event(EventId(event));
    RESET_EVENT(event: i32) = APEX.reset_event(EventId(event));
    WAIT_EVENT(event: i32, time_out: i64) = APEX.wait_event(EventId(event), SystemTime(time_out));
    GET_EVENT_ID(name: Text) -> i32 = APEX.get_event_id(&name.name()).map(|event| event.0);
    GET_EVENT_STATUS(event: i32) -> EventStatus =
        APEX.get_event_status(EventId(event)).map(|status| EventStatus {
            state: status.state as u32,
            waiting_processes: status.waiting_processes,
        });

    CREATE_MUTEX(name: Text, priority: i32, order: u32) -> i32 = discipline(order)
        .and_then(|order| APEX.create_mutex(name.name(), priority, order))
        .map(|mutex| mutex.0);
    ACQUIRE_MUTEX(mutex: i32, time_out: i64) =
        APEX.acquire_mutex(MutexId(mutex), SystemTime(time_out));
    RELEASE_MUTEX(mutex: i32) = APEX.release_mutex(MutexId(mutex));
    RESET_MUTEX(mutex: i32, process: i32) = APEX.reset_mutex(MutexId(mutex), ProcessId(process));
    GET_MUTEX_ID(name: Text) -> i32 = APEX.get_mutex_id(&name.name()).map(|mutex| mutex.0);
    GET_MUTEX_STATUS(mutex: i32) -> MutexStatus =
        APEX.get_mutex_status(MutexId(mutex)).map(|status| MutexStatus {
            // 0 names nobody.
            owner: status.owner.map_or(0, |owner| owner.0),
            state: status.state as u32,
            priority: status.priority,
            lock_count: status.lock_count,
            waiting_processes: status.waiting_processes,
        });
    GET_PROCESS_MUTEX_STATE(process: i32) -> i32 =
        APEX.get_process_mutex_state(ProcessId(process)).map(|mutex| mutex.0);
}

/// The longest message of a buffer; 0 if there is no such buffer, which the service finds.
fn longest_in_buffer(buffer: BufferId) -> u32 {
    let status = APEX.get_buffer_status(buffer);
    status.map_or(0, |status| status.message_bytes)
}

/// The same of a blackboard.
fn longest_on(blackboard: BlackboardId) -> u32 {
    let status = APEX.get_blackboard_status(blackboard);
    status.map_or(0, |status| status.message_bytes)
}

/// `RECEIVE_BUFFER`.
#[unsafe(no_mangle)]
pub extern "C" fn RECEIVE_BUFFER(
    buffer: i32,
    time_out: i64,
    room: Room,
    length: Out<i32>,
    code: Out<u32>,
) {
    length.probe();
    code.probe();
    let buffer = BufferId(buffer);
    let room = room.bytes(longest_in_buffer(buffer));
    let done = APEX.receive_buffer(buffer, SystemTime(time_out), room);
    answer_received(done, length, code);
}

/// `READ_BLACKBOARD`.
#[unsafe(no_mangle)]
pub extern "C" fn READ_BLACKBOARD(
    blackboard: i32,
    time_out: i64,
    room: Room,
    length: Out<i32>,
    code: Out<u32>,
) {
    length.probe();
    code.probe();
    let blackboard = BlackboardId(blackboard);
    let room = room.bytes(longest_on(blackboard));
    let done = APEX.read_blackboard(blackboard, SystemTime(time_out), room);
    answer_received(done, length, code);
}
