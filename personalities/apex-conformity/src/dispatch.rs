//! From a [`Call`] to the service, as a C interface does it: numbers become types, or are refused.
//!
//! The services have the same names and arguments on plain data ([`Partition`]) and in a partition of the target; there a wait is over when the
//! service comes back. [`crate::service`] is the table for both.

use cofferdam_apex::{Attributes, DeadlineKind, Environment, Limits, Partition, Received};

use crate::call::{Answer, Call};

use parts::*;

/// What [`crate::service`] needs where it is used.
pub mod parts {
    use cofferdam_apex::Received;
    pub use cofferdam_apex::{
        BlackboardId, BufferId, Concurrency, Direction, Discipline, ErrorCode, EventId, MutexId,
        Name, OperatingMode, ProcessId, Progress, QueuingPortId, ReturnCode, SamplingPortId,
        ScheduleId, SemaphoreId, SystemTime,
    };

    pub use crate::call::{Call, MESSAGE_BYTES, Message, ProcessAttributes, Value};

    /// Room for any message of the cases.
    pub type Room = [u8; MESSAGE_BYTES];

    /// A number that a service gave.
    pub fn number(value: i32) -> Value {
        Value::Number(i64::from(value))
    }

    /// A queuing discipline by its number.
    ///
    /// # Errors
    /// INVALID_PARAM: there is none.
    pub fn discipline(number: u32) -> Result<Discipline, ReturnCode> {
        Discipline::from_number(number).ok_or(ReturnCode::InvalidParam)
    }

    pub(super) fn message(received: Received, room: Room) -> Value {
        Value::Message(Message::new(
            room,
            received.length,
            u32::from(received.overflowed),
        ))
    }

    /// How a service ended that may wait.
    pub trait Waited {
        /// It, as an answer.
        ///
        /// # Errors
        /// The return code.
        fn waited(self) -> Result<Progress<Value>, ReturnCode>;
    }

    impl Waited for Result<Progress<()>, ReturnCode> {
        fn waited(self) -> Result<Progress<Value>, ReturnCode> {
            Ok(match self? {
                Progress::Done(()) => Progress::Done(Value::None),
                Progress::Waits => Progress::Waits,
            })
        }
    }

    impl Waited for Result<(), ReturnCode> {
        fn waited(self) -> Result<Progress<Value>, ReturnCode> {
            self.map(|()| Progress::Done(Value::None))
        }
    }

    /// How a service ended that may wait for a message.
    pub trait Taken {
        /// It, as an answer; the message is in `room`.
        ///
        /// # Errors
        /// The return code.
        fn taken(self, room: Room) -> Result<Progress<Value>, ReturnCode>;
    }

    impl Taken for Result<Progress<Received>, ReturnCode> {
        fn taken(self, room: Room) -> Result<Progress<Value>, ReturnCode> {
            Ok(match self? {
                Progress::Done(received) => Progress::Done(message(received, room)),
                Progress::Waits => Progress::Waits,
            })
        }
    }

    impl Taken for Result<Received, ReturnCode> {
        fn taken(self, room: Room) -> Result<Progress<Value>, ReturnCode> {
            self.map(|received| Progress::Done(message(received, room)))
        }
    }
}

/// What the process that runs waited for, as it ended.
pub fn collect<E: Environment, L: Limits>(partition: &mut Partition<E, L>) -> Answer {
    let mut room = [0; MESSAGE_BYTES];
    match partition.collect(&mut room) {
        Ok(Received { length: 0, .. }) => Answer::Done(Value::None),
        Ok(received) => Answer::Done(message(received, room)),
        Err(code) => Answer::Refused(code),
    }
}

/// Makes a call for whoever runs.
pub fn dispatch<E: Environment, L: Limits>(partition: &mut Partition<E, L>, call: Call) -> Answer {
    service(partition, call).into()
}

impl From<Result<Progress<Value>, ReturnCode>> for Answer {
    fn from(result: Result<Progress<Value>, ReturnCode>) -> Self {
        match result {
            Ok(Progress::Done(value)) => Self::Done(value),
            Ok(Progress::Waits) => Self::Waits,
            Err(code) => Self::Refused(code),
        }
    }
}

/// Makes a call of `$apex`, in a function that gives how it went. The two closures are for what takes an entry point.
#[macro_export]
macro_rules! service {
    ($apex:expr, $call:expr, $create_process:expr, $create_error_handler:expr) => {{
        use $crate::dispatch::parts::*;
        let mut room: Room = [0; MESSAGE_BYTES];
        let value = match $call {
            Call::GetPartitionStatus => Value::Partition($apex.get_partition_status()),
            Call::SetPartitionMode { mode } => {
                let mode = OperatingMode::from_number(mode).ok_or(ReturnCode::InvalidParam)?;
                $apex.set_partition_mode(mode)?;
                Value::None
            }
            Call::GetMyPartitionId => number($apex.get_my_partition_id()),
            Call::CreateProcess { attributes: given } => number(($create_process)(&given)?.0),
            Call::SetPriority { process, priority } => {
                $apex.set_priority(ProcessId(process), priority)?;
                Value::None
            }
            Call::SuspendSelf { time_out } => {
                return Waited::waited($apex.suspend_self(SystemTime(time_out)));
            }
            Call::Suspend { process } => {
                $apex.suspend(ProcessId(process))?;
                Value::None
            }
            Call::Resume { process } => {
                $apex.resume(ProcessId(process))?;
                Value::None
            }
            Call::StopSelf => {
                $apex.stop_self();
                Value::None
            }
            Call::Stop { process } => {
                $apex.stop(ProcessId(process))?;
                Value::None
            }
            Call::Start { process } => {
                $apex.start(ProcessId(process))?;
                Value::None
            }
            Call::DelayedStart { process, delay } => {
                $apex.delayed_start(ProcessId(process), SystemTime(delay))?;
                Value::None
            }
            Call::LockPreemption => number($apex.lock_preemption()?),
            Call::UnlockPreemption => number($apex.unlock_preemption()?),
            Call::GetMyId => number($apex.get_my_id()?.0),
            Call::GetProcessId { name } => number($apex.get_process_id(&Name::new(name))?.0),
            Call::GetProcessStatus { process } => {
                Value::Process($apex.get_process_status(ProcessId(process))?)
            }
            Call::InitializeProcessCoreAffinity { process, core } => {
                $apex.initialize_process_core_affinity(ProcessId(process), core)?;
                Value::None
            }
            Call::GetMyProcessorCoreId => number($apex.get_my_processor_core_id()),
            Call::GetMyIndex => number($apex.get_my_index()?),
            Call::TimedWait { delay } => {
                return Waited::waited($apex.timed_wait(SystemTime(delay)));
            }
            Call::PeriodicWait => return Waited::waited($apex.periodic_wait()),
            Call::GetTime => Value::Number($apex.get_time().0),
            Call::Replenish { budget } => {
                $apex.replenish(SystemTime(budget))?;
                Value::None
            }
            Call::CreateSamplingPort {
                name,
                message_bytes,
                direction,
                refresh,
            } => {
                let direction =
                    Direction::from_number(direction).ok_or(ReturnCode::InvalidConfig)?;
                number(
                    $apex
                        .create_sampling_port(
                            &Name::new(name),
                            message_bytes,
                            direction,
                            SystemTime(refresh),
                        )?
                        .0,
                )
            }
            Call::WriteSamplingMessage { port, message } => {
                $apex.write_sampling_message(SamplingPortId(port), message)?;
                Value::None
            }
            Call::ReadSamplingMessage { port } => {
                let read = $apex.read_sampling_message(SamplingPortId(port), &mut room)?;
                Value::Message(Message::new(room, read.length, u32::from(read.valid)))
            }
            Call::GetSamplingPortId { name } => {
                number($apex.get_sampling_port_id(&Name::new(name))?.0)
            }
            Call::GetSamplingPortStatus { port } => {
                Value::SamplingPort($apex.get_sampling_port_status(SamplingPortId(port))?)
            }
            Call::CreateQueuingPort {
                name,
                message_bytes,
                messages_max,
                direction,
                discipline,
            } => {
                let direction =
                    Direction::from_number(direction).ok_or(ReturnCode::InvalidConfig)?;
                let discipline =
                    Discipline::from_number(discipline).ok_or(ReturnCode::InvalidConfig)?;
                number(
                    $apex
                        .create_queuing_port(
                            &Name::new(name),
                            message_bytes,
                            messages_max,
                            direction,
                            discipline,
                        )?
                        .0,
                )
            }
            Call::SendQueuingMessage {
                port,
                message,
                time_out,
            } => {
                return Waited::waited($apex.send_queuing_message(
                    QueuingPortId(port),
                    message,
                    SystemTime(time_out),
                ));
            }
            Call::ReceiveQueuingMessage { port, time_out } => {
                let progress = $apex.receive_queuing_message(
                    QueuingPortId(port),
                    SystemTime(time_out),
                    &mut room,
                );
                return Taken::taken(progress, room);
            }
            Call::GetQueuingPortId { name } => {
                number($apex.get_queuing_port_id(&Name::new(name))?.0)
            }
            Call::GetQueuingPortStatus { port } => {
                Value::QueuingPort($apex.get_queuing_port_status(QueuingPortId(port))?)
            }
            Call::ClearQueuingPort { port } => {
                $apex.clear_queuing_port(QueuingPortId(port))?;
                Value::None
            }
            Call::CreateBuffer {
                name,
                message_bytes,
                messages_max,
                discipline: order,
            } => number(
                $apex
                    .create_buffer(
                        Name::new(name),
                        message_bytes,
                        messages_max,
                        discipline(order)?,
                    )?
                    .0,
            ),
            Call::SendBuffer {
                buffer,
                message,
                time_out,
            } => {
                return Waited::waited($apex.send_buffer(
                    BufferId(buffer),
                    message,
                    SystemTime(time_out),
                ));
            }
            Call::ReceiveBuffer { buffer, time_out } => {
                let progress =
                    $apex.receive_buffer(BufferId(buffer), SystemTime(time_out), &mut room);
                return Taken::taken(progress, room);
            }
            Call::GetBufferId { name } => number($apex.get_buffer_id(&Name::new(name))?.0),
            Call::GetBufferStatus { buffer } => {
                Value::Buffer($apex.get_buffer_status(BufferId(buffer))?)
            }
            Call::CreateBlackboard {
                name,
                message_bytes,
            } => number($apex.create_blackboard(Name::new(name), message_bytes)?.0),
            Call::DisplayBlackboard {
                blackboard,
                message,
            } => {
                $apex.display_blackboard(BlackboardId(blackboard), message)?;
                Value::None
            }
            Call::ReadBlackboard {
                blackboard,
                time_out,
            } => {
                let progress = $apex.read_blackboard(
                    BlackboardId(blackboard),
                    SystemTime(time_out),
                    &mut room,
                );
                return Taken::taken(progress, room);
            }
            Call::ClearBlackboard { blackboard } => {
                $apex.clear_blackboard(BlackboardId(blackboard))?;
                Value::None
            }
            Call::GetBlackboardId { name } => number($apex.get_blackboard_id(&Name::new(name))?.0),
            Call::GetBlackboardStatus { blackboard } => {
                Value::Blackboard($apex.get_blackboard_status(BlackboardId(blackboard))?)
            }
            Call::CreateSemaphore {
                name,
                value,
                maximum,
                discipline: order,
            } => number(
                $apex
                    .create_semaphore(Name::new(name), value, maximum, discipline(order)?)?
                    .0,
            ),
            Call::WaitSemaphore {
                semaphore,
                time_out,
            } => {
                return Waited::waited(
                    $apex.wait_semaphore(SemaphoreId(semaphore), SystemTime(time_out)),
                );
            }
            Call::SignalSemaphore { semaphore } => {
                $apex.signal_semaphore(SemaphoreId(semaphore))?;
                Value::None
            }
            Call::GetSemaphoreId { name } => number($apex.get_semaphore_id(&Name::new(name))?.0),
            Call::GetSemaphoreStatus { semaphore } => {
                Value::Semaphore($apex.get_semaphore_status(SemaphoreId(semaphore))?)
            }
            Call::CreateEvent { name } => number($apex.create_event(Name::new(name))?.0),
            Call::SetEvent { event } => {
                $apex.set_event(EventId(event))?;
                Value::None
            }
            Call::ResetEvent { event } => {
                $apex.reset_event(EventId(event))?;
                Value::None
            }
            Call::WaitEvent { event, time_out } => {
                return Waited::waited($apex.wait_event(EventId(event), SystemTime(time_out)));
            }
            Call::GetEventId { name } => number($apex.get_event_id(&Name::new(name))?.0),
            Call::GetEventStatus { event } => Value::Event($apex.get_event_status(EventId(event))?),
            Call::CreateMutex {
                name,
                priority,
                discipline: order,
            } => number(
                $apex
                    .create_mutex(Name::new(name), priority, discipline(order)?)?
                    .0,
            ),
            Call::AcquireMutex { mutex, time_out } => {
                return Waited::waited($apex.acquire_mutex(MutexId(mutex), SystemTime(time_out)));
            }
            Call::ReleaseMutex { mutex } => {
                $apex.release_mutex(MutexId(mutex))?;
                Value::None
            }
            Call::ResetMutex { mutex, process } => {
                $apex.reset_mutex(MutexId(mutex), ProcessId(process))?;
                Value::None
            }
            Call::GetMutexId { name } => number($apex.get_mutex_id(&Name::new(name))?.0),
            Call::GetMutexStatus { mutex } => Value::Mutex($apex.get_mutex_status(MutexId(mutex))?),
            Call::GetProcessMutexState { process } => {
                number($apex.get_process_mutex_state(ProcessId(process))?.0)
            }
            Call::ReportApplicationMessage { message } => {
                $apex.report_application_message(message)?;
                Value::None
            }
            Call::CreateErrorHandler {
                entry_point,
                stack_bytes,
            } => {
                ($create_error_handler)(entry_point, stack_bytes)?;
                Value::None
            }
            Call::GetErrorStatus => Value::Error($apex.get_error_status()?),
            Call::RaiseApplicationError { code, message } => {
                let code = ErrorCode::from_number(code).ok_or(ReturnCode::InvalidParam)?;
                $apex.raise_application_error(code, message)?;
                Value::None
            }
            Call::ConfigureErrorHandler { concurrency, core } => {
                let concurrency =
                    Concurrency::from_number(concurrency).ok_or(ReturnCode::InvalidConfig)?;
                $apex.configure_error_handler(concurrency, core)?;
                Value::None
            }
            Call::SetModuleSchedule { schedule } => {
                $apex.set_module_schedule(ScheduleId(schedule))?;
                Value::None
            }
            Call::GetModuleScheduleStatus => Value::Schedule($apex.get_module_schedule_status()),
            Call::GetModuleScheduleId { name } => {
                number($apex.get_module_schedule_id(&Name::new(name))?.0)
            }
            Call::GetMemoryBlockStatus { name } => {
                Value::MemoryBlock($apex.get_memory_block_status(&Name::new(name))?)
            }
            Call::ReadUpdatedSamplingMessage { port } => {
                let read = $apex.read_updated_sampling_message(SamplingPortId(port), &mut room)?;
                Value::Message(Message::new(room, read.length, read.updated as u32))
            }
            Call::GetSamplingPortCurrentStatus { port } => Value::SamplingPortCurrent(
                $apex.get_sampling_port_current_status(SamplingPortId(port))?,
            ),
            Call::ReadSamplingMessageConditional { port, reference } => {
                let read = $apex.read_sampling_message_conditional(
                    SamplingPortId(port),
                    SystemTime(reference),
                    &mut room,
                )?;
                let mut message = Message::new(room, read.length, 0);
                message.time_stamp = read.time_stamp.0;
                Value::Message(message)
            }
        };
        Ok(Progress::Done(value))
    }};
}

fn attributes(given: &ProcessAttributes) -> Attributes {
    Attributes {
        period: SystemTime(given.period),
        time_capacity: SystemTime(given.time_capacity),
        entry_point: 0,
        stack_bytes: given.stack_bytes,
        base_priority: given.base_priority,
        deadline: DeadlineKind::Hard,
        name: Name::new(given.name),
    }
}

fn service<E: Environment, L: Limits>(
    apex: &mut Partition<E, L>,
    call: Call,
) -> Result<Progress<Value>, ReturnCode> {
    service!(
        apex,
        call,
        |given: &ProcessAttributes| apex.create_process(&attributes(given)),
        |entry_point, stack_bytes| apex.create_error_handler(entry_point, stack_bytes)
    )
}
