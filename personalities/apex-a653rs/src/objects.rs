//! Buffers, blackboards, semaphores, events and mutexes.

use a653rs::bindings::{
    ApexBlackboardP1, ApexBufferP1, ApexEventP1, ApexMutexP1, ApexSemaphoreP1, ApexSystemTime,
    BlackboardId, BlackboardName, BlackboardStatus, BufferId, BufferName, BufferStatus,
    ErrorReturnCode, EventId, EventName, EventStatus, MessageRange, MessageSize, MutexId,
    MutexName, MutexStatus, NULL_PROCESS_ID, Priority, ProcessId, QueuingDiscipline, SemaphoreId,
    SemaphoreName, SemaphoreStatus, SemaphoreValue,
};
use cofferdam_apex_native::apex::{self, SystemTime};

use crate::convert::*;
use crate::{Cofferdam, Services};

fn buffer(number: BufferId) -> apex::BufferId {
    apex::BufferId(identifier(number))
}

fn blackboard(number: BlackboardId) -> apex::BlackboardId {
    apex::BlackboardId(identifier(number))
}

fn semaphore(number: SemaphoreId) -> apex::SemaphoreId {
    apex::SemaphoreId(identifier(number))
}

fn event(number: EventId) -> apex::EventId {
    apex::EventId(identifier(number))
}

fn mutex(number: MutexId) -> apex::MutexId {
    apex::MutexId(identifier(number))
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexBufferP1 for Cofferdam<S, PROCESSES> {
    fn create_buffer(
        buffer_name: BufferName,
        max_message_size: MessageSize,
        max_nb_message: MessageRange,
        queuing_discipline: QueuingDiscipline,
    ) -> Result<BufferId, ErrorReturnCode> {
        let created = Self::apex().create_buffer(
            name(buffer_name),
            size(max_message_size),
            size(max_nb_message),
            discipline_of(queuing_discipline),
        );
        answer(created, |buffer| buffer.0.into())
    }

    fn send_buffer(
        buffer_id: BufferId,
        message: &[u8],
        time_out: ApexSystemTime,
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().send_buffer(buffer(buffer_id), message, SystemTime(time_out)))
    }

    unsafe fn receive_buffer(
        buffer_id: BufferId,
        time_out: ApexSystemTime,
        message: &mut [u8],
    ) -> Result<MessageSize, ErrorReturnCode> {
        let buffer = buffer(buffer_id);
        let received = Self::apex().receive_buffer(buffer, SystemTime(time_out), message);
        answer(received, |received| length_of(received.length))
    }

    fn get_buffer_id(buffer_name: BufferName) -> Result<BufferId, ErrorReturnCode> {
        let found = Self::apex().get_buffer_id(&name(buffer_name));
        answer(found, |buffer| buffer.0.into())
    }

    fn get_buffer_status(buffer_id: BufferId) -> Result<BufferStatus, ErrorReturnCode> {
        let status = Self::apex().get_buffer_status(buffer(buffer_id));
        answer(status, |status| BufferStatus {
            nb_message: status.messages,
            max_nb_message: status.messages_max,
            max_message_size: status.message_bytes,
            waiting_processes: size(status.waiting_processes),
        })
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexBlackboardP1 for Cofferdam<S, PROCESSES> {
    fn create_blackboard(
        blackboard_name: BlackboardName,
        max_message_size: MessageSize,
    ) -> Result<BlackboardId, ErrorReturnCode> {
        let created = Self::apex().create_blackboard(name(blackboard_name), size(max_message_size));
        answer(created, |blackboard| blackboard.0.into())
    }

    fn display_blackboard(
        blackboard_id: BlackboardId,
        message: &[u8],
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().display_blackboard(blackboard(blackboard_id), message))
    }

    unsafe fn read_blackboard(
        blackboard_id: BlackboardId,
        time_out: ApexSystemTime,
        message: &mut [u8],
    ) -> Result<MessageSize, ErrorReturnCode> {
        let blackboard = blackboard(blackboard_id);
        let read = Self::apex().read_blackboard(blackboard, SystemTime(time_out), message);
        answer(read, |read| length_of(read.length))
    }

    fn clear_blackboard(blackboard_id: BlackboardId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().clear_blackboard(blackboard(blackboard_id)))
    }

    fn get_blackboard_id(blackboard_name: BlackboardName) -> Result<BlackboardId, ErrorReturnCode> {
        let found = Self::apex().get_blackboard_id(&name(blackboard_name));
        answer(found, |blackboard| blackboard.0.into())
    }

    fn get_blackboard_status(
        blackboard_id: BlackboardId,
    ) -> Result<BlackboardStatus, ErrorReturnCode> {
        let status = Self::apex().get_blackboard_status(blackboard(blackboard_id));
        answer(status, |status| BlackboardStatus {
            empty_indicator: empty_indicator(status.empty_indicator),
            max_message_size: status.message_bytes,
            waiting_processes: size(status.waiting_processes),
        })
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexSemaphoreP1 for Cofferdam<S, PROCESSES> {
    fn create_semaphore(
        semaphore_name: SemaphoreName,
        current_value: SemaphoreValue,
        maximum_value: SemaphoreValue,
        queuing_discipline: QueuingDiscipline,
    ) -> Result<SemaphoreId, ErrorReturnCode> {
        let created = Self::apex().create_semaphore(
            name(semaphore_name),
            current_value,
            maximum_value,
            discipline_of(queuing_discipline),
        );
        answer(created, |semaphore| semaphore.0.into())
    }

    fn wait_semaphore(
        semaphore_id: SemaphoreId,
        time_out: ApexSystemTime,
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().wait_semaphore(semaphore(semaphore_id), SystemTime(time_out)))
    }

    fn signal_semaphore(semaphore_id: SemaphoreId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().signal_semaphore(semaphore(semaphore_id)))
    }

    fn get_semaphore_id(semaphore_name: SemaphoreName) -> Result<SemaphoreId, ErrorReturnCode> {
        let found = Self::apex().get_semaphore_id(&name(semaphore_name));
        answer(found, |semaphore| semaphore.0.into())
    }

    fn get_semaphore_status(semaphore_id: SemaphoreId) -> Result<SemaphoreStatus, ErrorReturnCode> {
        let status = Self::apex().get_semaphore_status(semaphore(semaphore_id));
        answer(status, |status| SemaphoreStatus {
            current_value: status.current_value,
            maximum_value: status.maximum_value,
            waiting_processes: size(status.waiting_processes),
        })
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexEventP1 for Cofferdam<S, PROCESSES> {
    fn create_event(event_name: EventName) -> Result<EventId, ErrorReturnCode> {
        answer(Self::apex().create_event(name(event_name)), |event| {
            event.0.into()
        })
    }

    fn set_event(event_id: EventId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().set_event(event(event_id)))
    }

    fn reset_event(event_id: EventId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().reset_event(event(event_id)))
    }

    fn wait_event(event_id: EventId, time_out: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().wait_event(event(event_id), SystemTime(time_out)))
    }

    fn get_event_id(event_name: EventName) -> Result<EventId, ErrorReturnCode> {
        answer(Self::apex().get_event_id(&name(event_name)), |event| {
            event.0.into()
        })
    }

    fn get_event_status(event_id: EventId) -> Result<EventStatus, ErrorReturnCode> {
        let status = Self::apex().get_event_status(event(event_id));
        answer(status, |status| EventStatus {
            event_state: event_state(status.state),
            waiting_processes: size(status.waiting_processes),
        })
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexMutexP1 for Cofferdam<S, PROCESSES> {
    fn create_mutex(
        mutex_name: MutexName,
        mutex_priority: Priority,
        queuing_discipline: QueuingDiscipline,
    ) -> Result<MutexId, ErrorReturnCode> {
        let discipline = discipline_of(queuing_discipline);
        let created = Self::apex().create_mutex(name(mutex_name), mutex_priority, discipline);
        answer(created, |mutex| mutex.0.into())
    }

    fn acquire_mutex(mutex_id: MutexId, time_out: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().acquire_mutex(mutex(mutex_id), SystemTime(time_out)))
    }

    fn release_mutex(mutex_id: MutexId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().release_mutex(mutex(mutex_id)))
    }

    fn reset_mutex(mutex_id: MutexId, process_id: ProcessId) -> Result<(), ErrorReturnCode> {
        let process = apex::ProcessId(identifier(process_id));
        done(Self::apex().reset_mutex(mutex(mutex_id), process))
    }

    fn get_mutex_id(mutex_name: MutexName) -> Result<MutexId, ErrorReturnCode> {
        answer(Self::apex().get_mutex_id(&name(mutex_name)), |mutex| {
            mutex.0.into()
        })
    }

    fn get_mutex_status(mutex_id: MutexId) -> Result<MutexStatus, ErrorReturnCode> {
        answer(Self::apex().get_mutex_status(mutex(mutex_id)), |status| {
            MutexStatus {
                mutex_owner: status.owner.map_or(NULL_PROCESS_ID, |owner| owner.0.into()),
                mutex_state: mutex_state(status.state),
                mutex_priority: status.priority,
                lock_count: status.lock_count,
                waiting_processes: size(status.waiting_processes),
            }
        })
    }

    fn get_process_mutex_state(process_id: ProcessId) -> Result<MutexId, ErrorReturnCode> {
        let process = apex::ProcessId(identifier(process_id));
        answer(Self::apex().get_process_mutex_state(process), |mutex| {
            mutex.0.into()
        })
    }
}
