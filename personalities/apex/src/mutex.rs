//! Mutexes with a priority ceiling, and the preemption lock, which is one without.
//!
//! A process owns one mutex at most, and does not wait while it owns any. While it owns one it has the mutex's priority at least; so no
//! process that could want the mutex runs before it is released, and the wait that the ceiling protocol leaves is for an owner
//! that was stopped or faulted. Such an owner keeps the mutex until `RESET_MUTEX`.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Limits, Pool};
use crate::name::{Name, Named, find};
use crate::partition::{Partition, Progress};
use crate::process::{Owned, PRIORITY_MAX, PRIORITY_MIN, ProcessIndex};
use crate::process_services::LOCK_LEVEL_MAX;
use crate::queue::Discipline;
use crate::{MutexId, ProcessId, SystemTime};

/// The preemption lock of the partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PreemptionLock {
    owner: Option<ProcessIndex>,
    level: u8,
}

impl PreemptionLock {
    pub const fn owner(&self) -> Option<ProcessIndex> {
        self.owner
    }

    pub const fn level(&self) -> u8 {
        self.level
    }

    /// One level more.
    pub fn lock(&mut self, owner: ProcessIndex) {
        self.owner = Some(owner);
        self.level += 1;
    }

    /// One level less. `true` if it is free then.
    pub fn unlock(&mut self) -> bool {
        self.level -= 1;
        if self.level == 0 {
            self.owner = None;
        }
        self.level == 0
    }

    /// Free at once.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A mutex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mutex {
    name: Name,
    priority: u8,
    queue: u8,
    owner: Option<ProcessIndex>,
    count: u8,
}

impl Named for Mutex {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// Whether a mutex is owned (`MUTEX_STATE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MutexState {
    /// By nobody.
    Available = 0,
    /// By somebody.
    Owned = 1,
}

/// The answer of `GET_MUTEX_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MutexStatus {
    /// Who owns it.
    pub owner: Option<ProcessId>,
    /// Whether anybody does.
    pub state: MutexState,
    /// Its priority. That of the preemption lock is the highest.
    pub priority: i32,
    /// How often its owner has acquired it.
    pub lock_count: i32,
    /// How many wait for it.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_MUTEX`.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many. NO_ACTION: the name exists. INVALID_PARAM: no such priority. INVALID_MODE: NORMAL.
    pub fn create_mutex(
        &mut self,
        name: Name,
        priority: i32,
        discipline: Discipline,
    ) -> Result<MutexId, ReturnCode> {
        Self::require_room(&self.mutexes)?;
        require(find(&self.mutexes, &name).is_none(), ReturnCode::NoAction)?;
        let priority = priority_in_range(priority)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(discipline)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.mutexes
            .add(Mutex {
                name,
                priority,
                queue,
                owner: None,
                count: 0,
            })
            .map(MutexId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn mutex_index(&self, mutex: MutexId) -> Result<usize, ReturnCode> {
        // The identifier of the preemption lock is no place in the pool, so it is refused here as well.
        mutex
            .index(self.mutexes.len())
            .ok_or(ReturnCode::InvalidParam)
    }

    /// `ACQUIRE_MUTEX`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such mutex, or the preemption lock; the time-out. INVALID_MODE: the caller owns another one, is no process, or
    /// is more urgent than the mutex. INVALID_CONFIG: acquired too often. NOT_AVAILABLE, TIMED_OUT.
    pub fn acquire_mutex(
        &mut self,
        mutex: MutexId,
        time_out: SystemTime,
    ) -> Result<Progress<()>, ReturnCode> {
        let index = self.mutex_index(mutex)?;
        let until = self.until(time_out)?;
        let caller = self.calling_process().ok_or(ReturnCode::InvalidMode)?;
        let owned = Owned::Mutex(index as u8);
        let process = self.scheduler.process(caller);
        require(
            process.owned.is_none_or(|other| other == owned),
            ReturnCode::InvalidMode,
        )?;
        let mutex = &mut self.mutexes[index];
        if mutex.owner == Some(caller) {
            require(mutex.count < LOCK_LEVEL_MAX, ReturnCode::InvalidConfig)?;
            mutex.count += 1;
            return Ok(Progress::Done(()));
        }
        require(
            process.current_priority <= mutex.priority,
            ReturnCode::InvalidMode,
        )?;
        if mutex.owner.is_some() {
            let queue = mutex.queue;
            return self.wait_in(queue, until);
        }
        mutex.owner = Some(caller);
        mutex.count = 1;
        let ceiling = mutex.priority;
        self.scheduler.own(caller, owned, Some(ceiling));
        self.settle();
        Ok(Progress::Done(()))
    }

    /// `RELEASE_MUTEX`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such mutex, or the preemption lock. INVALID_MODE: the caller does not own it.
    pub fn release_mutex(&mut self, mutex: MutexId) -> Result<(), ReturnCode> {
        let index = self.mutex_index(mutex)?;
        let caller = self.calling_process().ok_or(ReturnCode::InvalidMode)?;
        let mutex = &mut self.mutexes[index];
        require(mutex.owner == Some(caller), ReturnCode::InvalidMode)?;
        mutex.count -= 1;
        if mutex.count == 0 {
            self.free_mutex(index);
        }
        Ok(())
    }

    /// `RESET_MUTEX`: takes a mutex away from a process, whatever its count.
    ///
    /// # Errors
    /// INVALID_PARAM: no such mutex, the preemption lock, or no such process. INVALID_MODE: the process does not own it.
    pub fn reset_mutex(&mut self, mutex: MutexId, process: ProcessId) -> Result<(), ReturnCode> {
        let index = self.mutex_index(mutex)?;
        let process = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        require(
            self.mutexes[index].owner == Some(process),
            ReturnCode::InvalidMode,
        )?;
        self.free_mutex(index);
        Ok(())
    }

    /// The owner of a mutex owns it no longer; who is first in its queue gets it.
    fn free_mutex(&mut self, index: usize) {
        let mutex = &mut self.mutexes[index];
        let next = self.scheduler.first_waiting(mutex.queue);
        let before = core::mem::replace(&mut mutex.owner, next);
        mutex.count = u8::from(next.is_some());
        let ceiling = mutex.priority;
        if let Some(before) = before {
            self.scheduler.disown(before);
        }
        if let Some(next) = next {
            self.scheduler
                .wake_as_owner(next, Owned::Mutex(index as u8), ceiling);
        }
        self.settle();
    }

    /// `GET_MUTEX_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_mutex_id(&self, name: &Name) -> Result<MutexId, ReturnCode> {
        find(&self.mutexes, name)
            .map(MutexId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_MUTEX_STATUS`, of the preemption lock as well.
    ///
    /// # Errors
    /// INVALID_PARAM: no such mutex.
    pub fn get_mutex_status(&self, mutex: MutexId) -> Result<MutexStatus, ReturnCode> {
        let (owner, priority, count, waiting) = if mutex == MutexId::PREEMPTION_LOCK {
            let lock = &self.preemption_lock;
            (lock.owner(), PRIORITY_MAX, lock.level(), 0)
        } else {
            let mutex = &self.mutexes[self.mutex_index(mutex)?];
            let waiting = self.scheduler.waiting(mutex.queue);
            (mutex.owner, mutex.priority, mutex.count, waiting)
        };
        Ok(MutexStatus {
            owner: owner.map(ProcessIndex::identifier),
            state: match owner {
                Some(_) => MutexState::Owned,
                None => MutexState::Available,
            },
            priority: i32::from(priority),
            lock_count: i32::from(count),
            waiting_processes: u32::from(waiting),
        })
    }

    /// `GET_PROCESS_MUTEX_STATE`: the mutex that a process owns, the preemption lock among them, or [`MutexId::NONE_OWNED`].
    ///
    /// # Errors
    /// INVALID_PARAM: no such process.
    pub fn get_process_mutex_state(&self, process: ProcessId) -> Result<MutexId, ReturnCode> {
        let process = self.find_process(process).ok_or(ReturnCode::InvalidParam)?;
        Ok(match self.scheduler.process(process).owned {
            None => MutexId::NONE_OWNED,
            Some(Owned::PreemptionLock) => MutexId::PREEMPTION_LOCK,
            Some(Owned::Mutex(index)) => MutexId::of(usize::from(index)),
        })
    }

    /// Whether a process waits for a mutex.
    pub(crate) fn waits_for_mutex(&self, index: ProcessIndex) -> bool {
        self.scheduler
            .process(index)
            .queue()
            .is_some_and(|queue| self.mutexes.iter().any(|mutex| mutex.queue == queue))
    }

    /// Whether ownership agrees on both sides, and nobody waits for what is free.
    pub(crate) fn mutexes_are_consistent(&self) -> bool {
        let owns = |owner: Option<ProcessIndex>, owned: Owned| {
            owner.is_none_or(|owner| self.scheduler.process(owner).owned == Some(owned))
        };
        let free = |mutex: &Mutex| {
            (mutex.owner.is_some() || self.scheduler.first_waiting(mutex.queue).is_none())
                && mutex.owner.is_some() == (mutex.count > 0)
        };
        let ceilings = |mutex: &Mutex| {
            mutex.owner.is_none_or(|owner| {
                self.scheduler.process(owner).current_priority >= mutex.priority
            })
        };
        let owners = self
            .mutexes
            .iter()
            .filter(|mutex| mutex.owner.is_some())
            .count()
            + usize::from(self.preemption_lock.owner().is_some());
        let owning = self
            .scheduler
            .processes
            .iter()
            .filter(|process| process.owned.is_some())
            .count();
        owners == owning
            && owns(self.preemption_lock.owner(), Owned::PreemptionLock)
            && self.mutexes.iter().enumerate().all(|(index, mutex)| {
                owns(mutex.owner, Owned::Mutex(index as u8)) && free(mutex) && ceilings(mutex)
            })
    }
}

/// A priority that processes can have.
pub(crate) fn priority_in_range(priority: i32) -> Result<u8, ReturnCode> {
    u8::try_from(priority)
        .ok()
        .filter(|priority| (PRIORITY_MIN..=PRIORITY_MAX).contains(priority))
        .ok_or(ReturnCode::InvalidParam)
}
