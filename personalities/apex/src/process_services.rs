//! The process services.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Limits, Pool};
use crate::mode::OperatingMode;
use crate::mutex::priority_in_range;
use crate::name::{Name, find};
use crate::partition::{Current, Partition, Progress};
use crate::process::{
    Attributes, Condition, Outcome, Owned, Process, ProcessIndex, ProcessState, ProcessStatus, Wait,
};
use crate::scheduler::STARTED;
use crate::time::Until;
use crate::{ProcessId, SystemTime};

/// "Any core" (`CORE_AFFINITY_NO_PREFERENCE`).
const ANY_CORE: i32 = -1;

/// How often preemption can be locked, or a mutex acquired (`MAX_LOCK_LEVEL`).
pub const LOCK_LEVEL_MAX: u8 = 16;

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_PROCESS`.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many, no memory for the stack, or a period that is no multiple of the partition's. NO_ACTION: the name exists.
    /// INVALID_PARAM: stack, priority, period or time capacity. INVALID_MODE: NORMAL.
    pub fn create_process(&mut self, attributes: &Attributes) -> Result<ProcessId, ReturnCode> {
        Self::require_room(&self.scheduler.processes)?;
        let has_stack_size = self.is_stack_size(attributes.stack_bytes);
        let stack = self.free_stack(attributes.stack_bytes);
        require(
            !has_stack_size || stack.is_some(),
            ReturnCode::InvalidConfig,
        )?;
        require(
            find(&self.scheduler.processes, &attributes.name).is_none(),
            ReturnCode::NoAction,
        )?;
        require(has_stack_size, ReturnCode::InvalidParam)?;
        let priority = priority_in_range(attributes.base_priority)?;
        let period = self.period_in_ticks(attributes.period)?;
        let capacity = attributes.time_capacity;
        require(
            capacity.is_infinite() || capacity.0 > 0,
            ReturnCode::InvalidParam,
        )?;
        require(
            period.is_none() || capacity <= attributes.period,
            ReturnCode::InvalidParam,
        )?;
        self.require_initialisation()?;
        let stack = stack.ok_or(ReturnCode::InvalidConfig)?;
        self.scheduler
            .processes
            .add(Process::new(*attributes, priority, period, stack))
            .map(ProcessId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// Whether a process could have a stack of this size.
    fn is_stack_size(&self, bytes: u32) -> bool {
        bytes > 0 && self.facts.stacks.iter().any(|stack| bytes <= *stack)
    }

    /// The smallest stack that is large enough and that no process has; of several the first.
    fn free_stack(&self, bytes: u32) -> Option<u8> {
        let taken = |stack: u8| {
            let mut processes = self.scheduler.processes.iter();
            processes.any(|process| process.stack == stack)
        };
        (0..=u8::MAX)
            .zip(self.facts.stacks)
            .filter(|(stack, size)| **size >= bytes && !taken(*stack))
            .min_by_key(|(_, size)| **size)
            .map(|(stack, _)| stack)
    }

    /// A process' period in ticks: as many of the partition's periods as it has nanoseconds for.
    fn period_in_ticks(&self, period: SystemTime) -> Result<Option<u64>, ReturnCode> {
        if period.is_infinite() {
            return Ok(None);
        }
        require(period.0 > 0, ReturnCode::InvalidParam)?;
        let partition = self.facts.period.ok_or(ReturnCode::InvalidConfig)?;
        let whole = period.0.checked_rem(partition.nanoseconds) == Some(0);
        require(whole, ReturnCode::InvalidConfig)?;
        let periods = (period.0 / partition.nanoseconds) as u64;
        Ok(Some(periods.saturating_mul(partition.ticks)))
    }

    /// `SET_PRIORITY`. A process that waits keeps its place in its queue; one that owns a mutex gets the priority when it is released.
    ///
    /// # Errors
    /// INVALID_PARAM: process, priority. INVALID_MODE: it is dormant.
    pub fn set_priority(&mut self, process: ProcessId, priority: i32) -> Result<(), ReturnCode> {
        let index = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        let priority = priority_in_range(priority)?;
        require(
            self.scheduler.process(index).condition != Condition::Dormant,
            ReturnCode::InvalidMode,
        )?;
        self.scheduler.set_priority(index, priority);
        self.settle();
        Ok(())
    }

    /// `SUSPEND_SELF`.
    ///
    /// # Errors
    /// INVALID_MODE: the caller owns a mutex, is no process, or is periodic. INVALID_PARAM: the time-out. TIMED_OUT.
    pub fn suspend_self(&mut self, time_out: SystemTime) -> Result<Progress<()>, ReturnCode> {
        let caller = self.may_wait()?;
        let until = self.until(time_out)?;
        require(
            self.scheduler.process(caller).period.is_none(),
            ReturnCode::InvalidMode,
        )?;
        if until == Until::Now {
            return Ok(Progress::Done(()));
        }
        self.scheduler.block(caller, Wait::Resume, until);
        let process = self.scheduler.process_mut(caller);
        process.suspended = true;
        process.outcome = Outcome::DONE;
        self.settle();
        Ok(Progress::Waits)
    }

    /// `SUSPEND`. What the process waits for besides goes on, its time-out as well.
    ///
    /// # Errors
    /// INVALID_PARAM: process, or the caller. INVALID_MODE: it is dormant, faulted or periodic, or owns a mutex or waits for one. NO_ACTION: it is
    /// suspended.
    pub fn suspend(&mut self, process: ProcessId) -> Result<(), ReturnCode> {
        let index = self.find_other(process)?;
        let process = self.scheduler.process(index);
        let condition = process.condition;
        require(
            !matches!(condition, Condition::Dormant | Condition::Faulted)
                && process.period.is_none()
                && process.owned.is_none()
                && !self.waits_for_mutex(index),
            ReturnCode::InvalidMode,
        )?;
        require(!process.suspended, ReturnCode::NoAction)?;
        if condition == Condition::Ready {
            self.scheduler.block(index, Wait::Resume, Until::Never);
        }
        self.scheduler.process_mut(index).suspended = true;
        self.settle();
        Ok(())
    }

    /// `RESUME`.
    ///
    /// # Errors
    /// INVALID_PARAM: process, or the caller. INVALID_MODE: it is dormant, or periodic and not faulted. NO_ACTION: it is not suspended.
    pub fn resume(&mut self, process: ProcessId) -> Result<(), ReturnCode> {
        let index = self.find_other(process)?;
        let process = self.scheduler.process(index);
        let condition = process.condition;
        let faulted = condition == Condition::Faulted;
        require(
            condition != Condition::Dormant && (process.period.is_none() || faulted),
            ReturnCode::InvalidMode,
        )?;
        require(process.suspended || faulted, ReturnCode::NoAction)?;
        self.scheduler.process_mut(index).suspended = false;
        match condition {
            // It goes on where it was.
            Condition::Faulted => self.scheduler.make_ready(index),
            // What it waited for besides is over, with this outcome.
            Condition::Waiting(Wait::Resume) => {
                let outcome = self.scheduler.process(index).outcome;
                self.scheduler.wake(index, outcome);
            }
            // It goes on waiting for what it waits for besides.
            _ => {}
        }
        self.settle();
        Ok(())
    }

    /// `STOP_SELF`. The caller has the processor no longer. A call that the initialisation makes changes nothing.
    pub fn stop_self(&mut self) {
        match self.current {
            Current::Process(index) => self.stop_process(index),
            Current::ErrorHandler => self.handler.stop(),
            Current::Main | Current::Nobody => {}
        }
        self.settle();
    }

    /// `STOP`.
    ///
    /// # Errors
    /// INVALID_PARAM: process, or the caller. NO_ACTION: it is dormant.
    pub fn stop(&mut self, process: ProcessId) -> Result<(), ReturnCode> {
        let index = self.find_other(process)?;
        require(
            self.scheduler.process(index).condition != Condition::Dormant,
            ReturnCode::NoAction,
        )?;
        self.stop_process(index);
        self.settle();
        Ok(())
    }

    /// A process that is stopped gives the preemption lock back. A mutex stays its own: what it guards may be half changed.
    fn stop_process(&mut self, index: ProcessIndex) {
        if self.preemption_lock.owner() == Some(index) {
            self.preemption_lock.reset();
            self.scheduler.disown(index);
        }
        self.scheduler.stop(index);
    }

    /// `START`.
    ///
    /// # Errors
    /// INVALID_PARAM: process. NO_ACTION: it is not dormant. INVALID_CONFIG: its deadline is out of range.
    pub fn start(&mut self, process: ProcessId) -> Result<(), ReturnCode> {
        let index = self.find_dormant(process)?;
        self.start_process(index, 0)
    }

    /// `DELAYED_START`.
    ///
    /// # Errors
    /// As `START`; INVALID_PARAM also: the delay is out of range, or not shorter than the period.
    pub fn delayed_start(
        &mut self,
        process: ProcessId,
        delay: SystemTime,
    ) -> Result<(), ReturnCode> {
        let index = self.find_dormant(process)?;
        let nanoseconds = delay.finite().ok_or(ReturnCode::InvalidParam)?;
        // In range as a time-out is.
        self.until(delay)?;
        let process = self.scheduler.process(index);
        require(
            process.period.is_none() || delay < process.attributes.period,
            ReturnCode::InvalidParam,
        )?;
        self.start_process(index, nanoseconds)
    }

    fn find_dormant(&self, process: ProcessId) -> Result<ProcessIndex, ReturnCode> {
        let index = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        require(
            self.scheduler.process(index).condition == Condition::Dormant,
            ReturnCode::NoAction,
        )?;
        Ok(index)
    }

    fn start_process(&mut self, index: ProcessIndex, delay: u64) -> Result<(), ReturnCode> {
        let begin = self
            .clock
            .behind(self.scheduler.now, delay)
            .ok_or(ReturnCode::InvalidConfig)?;
        require(
            self.has_deadline_in_range(index, begin),
            ReturnCode::InvalidConfig,
        )?;
        let owns_mutex = self.scheduler.process(index).owned.is_some();
        let process = self.scheduler.process_mut(index);
        process.delay = delay;
        process.activation = process.activation.wrapping_add(1);
        process.retained_priority = process.base_priority();
        // What it still owns from before keeps its priority up.
        if !owns_mutex {
            process.current_priority = process.base_priority();
        }
        if self.mode == OperatingMode::Normal {
            self.begin(index);
        } else {
            self.scheduler
                .block(index, Wait::Queue(STARTED), Until::Never);
        }
        self.settle();
        Ok(())
    }

    /// `LOCK_PREEMPTION`: the new level.
    ///
    /// # Errors
    /// NO_ACTION: not in NORMAL, or the error handler. INVALID_MODE: the caller owns a mutex, or another process the lock. INVALID_CONFIG: locked
    /// too often.
    pub fn lock_preemption(&mut self) -> Result<i32, ReturnCode> {
        let caller = self.calling_process().ok_or(ReturnCode::NoAction)?;
        let owned = self.scheduler.process(caller).owned;
        require(
            owned.is_none_or(|owned| owned == Owned::PreemptionLock),
            ReturnCode::InvalidMode,
        )?;
        let owner = self.preemption_lock.owner();
        require(
            owner.is_none_or(|owner| owner == caller),
            ReturnCode::InvalidMode,
        )?;
        require(
            self.preemption_lock.level() < LOCK_LEVEL_MAX,
            ReturnCode::InvalidConfig,
        )?;
        self.preemption_lock.lock(caller);
        if owner.is_none() {
            self.scheduler.own(caller, Owned::PreemptionLock, None);
        }
        Ok(i32::from(self.preemption_lock.level()))
    }

    /// `UNLOCK_PREEMPTION`: the new level.
    ///
    /// # Errors
    /// NO_ACTION: not in NORMAL, the error handler, or not locked. INVALID_MODE: another process has locked it.
    pub fn unlock_preemption(&mut self) -> Result<i32, ReturnCode> {
        let caller = self.calling_process().ok_or(ReturnCode::NoAction)?;
        let owner = self.preemption_lock.owner().ok_or(ReturnCode::NoAction)?;
        require(owner == caller, ReturnCode::InvalidMode)?;
        if self.preemption_lock.unlock() {
            self.scheduler.disown(caller);
            self.settle();
        }
        Ok(i32::from(self.preemption_lock.level()))
    }

    /// `GET_MY_ID`.
    ///
    /// # Errors
    /// INVALID_MODE: the caller is no process.
    pub fn get_my_id(&self) -> Result<ProcessId, ReturnCode> {
        self.calling_process()
            .map(ProcessIndex::identifier)
            .ok_or(ReturnCode::InvalidMode)
    }

    /// `GET_MY_INDEX`: a number below the number of processes, for tables.
    ///
    /// # Errors
    /// INVALID_MODE: the caller is no process.
    pub fn get_my_index(&self) -> Result<i32, ReturnCode> {
        self.calling_process()
            .map(|index| index.at() as i32)
            .ok_or(ReturnCode::InvalidMode)
    }

    /// `GET_PROCESS_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_process_id(&self, name: &Name) -> Result<ProcessId, ReturnCode> {
        find(&self.scheduler.processes, name)
            .map(ProcessId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_PROCESS_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such process.
    pub fn get_process_status(&self, process: ProcessId) -> Result<ProcessStatus, ReturnCode> {
        let index = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        let process = self.scheduler.process(index);
        Ok(ProcessStatus {
            deadline_time: process
                .deadline
                .map_or(SystemTime::INFINITE, |tick| self.clock.system_time(tick)),
            current_priority: i32::from(process.current_priority),
            state: match process.condition {
                Condition::Dormant => ProcessState::Dormant,
                Condition::Ready if self.calling_process() == Some(index) => ProcessState::Running,
                Condition::Ready => ProcessState::Ready,
                Condition::Waiting(_) => ProcessState::Waiting,
                Condition::Faulted => ProcessState::Faulted,
            },
            attributes: process.attributes,
        })
    }

    /// `INITIALIZE_PROCESS_CORE_AFFINITY`: core 0 is all there is; -1 is any.
    ///
    /// # Errors
    /// INVALID_PARAM: process. INVALID_CONFIG: core. INVALID_MODE: NORMAL.
    pub fn initialize_process_core_affinity(
        &mut self,
        process: ProcessId,
        core: i32,
    ) -> Result<(), ReturnCode> {
        self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        require([0, ANY_CORE].contains(&core), ReturnCode::InvalidConfig)?;
        self.require_initialisation()
    }

    /// `GET_MY_PROCESSOR_CORE_ID`.
    pub fn get_my_processor_core_id(&self) -> i32 {
        0
    }
}
