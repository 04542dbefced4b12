//! Partition, processes, time, errors, module schedules and memory blocks.

use a653rs::bindings::{
    ApexErrorP1, ApexErrorP4, ApexLimits, ApexMemoryBlockP2, ApexMemoryBlockStatus,
    ApexPartitionP4, ApexPartitionStatus, ApexProcessAttribute, ApexProcessP1, ApexProcessP4,
    ApexProcessStatus, ApexScheduleP2, ApexScheduleStatus, ApexSystemTime, ApexTimeP1, ApexTimeP4,
    ApexUnsigned, ErrorCode, ErrorHandlerConcurrencyControl, ErrorReturnCode, ErrorStatus,
    LockLevel, MAX_ERROR_MESSAGE_SIZE, MemoryBlockName, MessageRange, MessageSize, OperatingMode,
    Priority, ProcessId, ProcessIndex, ProcessName, ProcessorCoreId, ScheduleId, ScheduleName,
    StackSize, SystemAddress,
};
use cofferdam_apex_native::apex::{self, SystemTime};
use cofferdam_apex_native::native::abi::limits;
use cofferdam_apex_native::{Apex, ProcessAttributes};

use crate::convert::*;
use crate::{Cofferdam, Services};

/// Stands where `a653rs` wants a function and there is none: as the address at which a process failed.
pub extern "C" fn no_function() {}

impl<S: Services<PROCESSES>, const PROCESSES: usize> Cofferdam<S, PROCESSES> {
    pub(crate) fn apex() -> &'static Apex<S::Limits, PROCESSES> {
        S::apex()
    }

    /// `GET_ERROR_STATUS`, and the address at which the process failed.
    ///
    /// # Errors
    /// As `get_error_status`.
    pub fn get_error_status_and_address() -> Result<(ErrorStatus, usize), ErrorReturnCode> {
        answer(Self::apex().get_error_status(), |status| {
            let mut message = [0; MAX_ERROR_MESSAGE_SIZE];
            let length = message
                .iter_mut()
                .zip(status.message())
                .map(|(into, byte)| *into = *byte)
                .count();
            let error = ErrorStatus {
                failed_address: no_function,
                failed_process_id: status.process.0.into(),
                error_code: error_code(status.code),
                length: size(length_of(length)),
                message,
            };
            (error, status.address)
        })
    }
}

/// The most objects that processes wait for, of all kinds together: the number of a queue is a byte, and one is of the partition's own.
const QUEUES: ApexUnsigned = 255;

/// The limits of the build are those of `system.toml`; these are the largest that it takes. Messages are those of ports: buffers and blackboards are bounded
/// by memory alone.
impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexLimits for Cofferdam<S, PROCESSES> {
    const SYSTEM_LIMIT_NUMBER_OF_PARTITIONS: ApexUnsigned = limits::PARTITIONS as ApexUnsigned;
    const SYSTEM_LIMIT_NUMBER_OF_MESSAGES: MessageRange = limits::QUEUE_DEPTH;
    const SYSTEM_LIMIT_MESSAGE_SIZE: MessageSize = limits::MESSAGE_BYTES;
    const SYSTEM_LIMIT_NUMBER_OF_PROCESSES: ApexUnsigned = 254;
    const SYSTEM_LIMIT_NUMBER_OF_SAMPLING_PORTS: ApexUnsigned = limits::CHANNELS as ApexUnsigned;
    const SYSTEM_LIMIT_NUMBER_OF_QUEUING_PORTS: ApexUnsigned = limits::CHANNELS as ApexUnsigned;
    const SYSTEM_LIMIT_NUMBER_OF_BUFFERS: ApexUnsigned = QUEUES;
    const SYSTEM_LIMIT_NUMBER_OF_BLACKBOARDS: ApexUnsigned = QUEUES;
    const SYSTEM_LIMIT_NUMBER_OF_SEMAPHORES: ApexUnsigned = QUEUES;
    const SYSTEM_LIMIT_NUMBER_OF_EVENTS: ApexUnsigned = QUEUES;
    const SYSTEM_LIMIT_NUMBER_OF_MUTEXES: ApexUnsigned = QUEUES;
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexPartitionP4 for Cofferdam<S, PROCESSES> {
    fn get_partition_status() -> ApexPartitionStatus {
        let status = Self::apex().get_partition_status();
        ApexPartitionStatus {
            period: status.period.0,
            duration: status.duration.0,
            identifier: status.identifier.into(),
            lock_level: status.lock_level,
            operating_mode: mode(status.operating_mode),
            start_condition: start_condition(status.start_condition),
            num_assigned_cores: status.assigned_cores,
        }
    }

    fn set_partition_mode(operating_mode: OperatingMode) -> Result<(), ErrorReturnCode> {
        done(Self::apex().set_partition_mode(mode_of(operating_mode)))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexProcessP4 for Cofferdam<S, PROCESSES> {
    fn create_process(attributes: &ApexProcessAttribute) -> Result<ProcessId, ErrorReturnCode> {
        let period = match (
            attributes.period,
            Self::apex().get_partition_status().period,
        ) {
            // A partition without a period has none to give: zero is refused then.
            (0, partition) if !partition.is_infinite() => partition,
            (period, _) => SystemTime(period),
        };
        let attributes = ProcessAttributes {
            name: name(attributes.name),
            entry_point: attributes.entry_point,
            base_priority: attributes.base_priority,
            period,
            time_capacity: SystemTime(attributes.time_capacity),
            deadline: deadline_of(attributes.deadline),
            stack_bytes: attributes.stack_size,
        };
        answer(Self::apex().create_process(&attributes), |process| {
            process.0.into()
        })
    }

    fn start(process_id: ProcessId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().start(process(process_id)))
    }
}

fn process(number: ProcessId) -> apex::ProcessId {
    apex::ProcessId(identifier(number))
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexProcessP1 for Cofferdam<S, PROCESSES> {
    fn set_priority(process_id: ProcessId, priority: Priority) -> Result<(), ErrorReturnCode> {
        done(Self::apex().set_priority(process(process_id), priority))
    }

    fn suspend_self(time_out: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().suspend_self(SystemTime(time_out)))
    }

    fn suspend(process_id: ProcessId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().suspend(process(process_id)))
    }

    fn resume(process_id: ProcessId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().resume(process(process_id)))
    }

    fn stop_self() {
        Self::apex().stop_self();
    }

    fn stop(process_id: ProcessId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().stop(process(process_id)))
    }

    fn delayed_start(process_id: ProcessId, delay: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().delayed_start(process(process_id), SystemTime(delay)))
    }

    fn lock_preemption() -> Result<LockLevel, ErrorReturnCode> {
        Self::apex().lock_preemption().map_err(refused)
    }

    fn unlock_preemption() -> Result<LockLevel, ErrorReturnCode> {
        Self::apex().unlock_preemption().map_err(refused)
    }

    fn get_my_id() -> Result<ProcessId, ErrorReturnCode> {
        answer(Self::apex().get_my_id(), |process| process.0.into())
    }

    fn get_process_id(process_name: ProcessName) -> Result<ProcessId, ErrorReturnCode> {
        let found = Self::apex().get_process_id(&name(process_name));
        answer(found, |process| process.0.into())
    }

    fn get_process_status(process_id: ProcessId) -> Result<ApexProcessStatus, ErrorReturnCode> {
        let apex = Self::apex();
        let status = apex.get_process_status(process(process_id));
        answer(status, |status| {
            let attributes = status.attributes;
            ApexProcessStatus {
                deadline_time: status.deadline_time.0,
                current_priority: status.current_priority,
                process_state: process_state(status.state),
                attributes: ApexProcessAttribute {
                    period: attributes.period.0,
                    time_capacity: attributes.time_capacity.0,
                    entry_point: apex.entry_point(process(process_id)).unwrap_or(no_function),
                    stack_size: attributes.stack_bytes,
                    base_priority: attributes.base_priority,
                    deadline: deadline(attributes.deadline),
                    name: *attributes.name.as_bytes(),
                },
            }
        })
    }

    fn initialize_process_core_affinity(
        process_id: ProcessId,
        processor_core_id: ProcessorCoreId,
    ) -> Result<(), ErrorReturnCode> {
        let process = process(process_id);
        done(Self::apex().initialize_process_core_affinity(process, processor_core_id))
    }

    fn get_my_processor_core_id() -> ProcessorCoreId {
        Self::apex().get_my_processor_core_id()
    }

    fn get_my_index() -> Result<ProcessIndex, ErrorReturnCode> {
        Self::apex().get_my_index().map_err(refused)
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexTimeP4 for Cofferdam<S, PROCESSES> {
    fn periodic_wait() -> Result<(), ErrorReturnCode> {
        done(Self::apex().periodic_wait())
    }

    fn get_time() -> ApexSystemTime {
        Self::apex().get_time().0
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexTimeP1 for Cofferdam<S, PROCESSES> {
    fn timed_wait(delay_time: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().timed_wait(SystemTime(delay_time)))
    }

    fn replenish(budget_time: ApexSystemTime) -> Result<(), ErrorReturnCode> {
        done(Self::apex().replenish(SystemTime(budget_time)))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexErrorP4 for Cofferdam<S, PROCESSES> {
    fn report_application_message(message: &[u8]) -> Result<(), ErrorReturnCode> {
        done(Self::apex().report_application_message(message))
    }

    fn raise_application_error(
        error_code: ErrorCode,
        message: &[u8],
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().raise_application_error(error_code_of(error_code), message))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexErrorP1 for Cofferdam<S, PROCESSES> {
    fn create_error_handler(
        entry_point: SystemAddress,
        stack_size: StackSize,
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().create_error_handler(entry_point, stack_size))
    }

    fn get_error_status() -> Result<ErrorStatus, ErrorReturnCode> {
        Self::get_error_status_and_address().map(|(error, _)| error)
    }

    fn configure_error_handler(
        concurrency_control: ErrorHandlerConcurrencyControl,
        processor_core_id: ProcessorCoreId,
    ) -> Result<(), ErrorReturnCode> {
        let concurrency = concurrency_of(concurrency_control);
        done(Self::apex().configure_error_handler(concurrency, processor_core_id))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexScheduleP2 for Cofferdam<S, PROCESSES> {
    fn set_module_schedule(schedule_id: ScheduleId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().set_module_schedule(apex::ScheduleId(identifier(schedule_id))))
    }

    fn get_module_schedule_status() -> Result<ApexScheduleStatus, ErrorReturnCode> {
        let status = Self::apex().get_module_schedule_status();
        Ok(ApexScheduleStatus {
            time_of_last_schedule_switch: status.time_of_last_switch.0,
            current_schedule: status.current.0.into(),
            next_schedule: status.next.0.into(),
        })
    }

    fn get_module_schedule_id(schedule_name: ScheduleName) -> Result<ScheduleId, ErrorReturnCode> {
        let found = Self::apex().get_module_schedule_id(&name(schedule_name));
        answer(found, |schedule| schedule.0.into())
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexMemoryBlockP2 for Cofferdam<S, PROCESSES> {
    fn get_memory_block_status(
        memory_block_name: MemoryBlockName,
    ) -> Result<ApexMemoryBlockStatus, ErrorReturnCode> {
        let found = Self::apex().get_memory_block_status(&name(memory_block_name));
        answer(found, |block| ApexMemoryBlockStatus {
            address: core::ptr::with_exposed_provenance_mut(block.address),
            size: size(block.bytes),
            mode: memory_block_mode(block.mode),
        })
    }
}
