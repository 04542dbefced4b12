//! Counting semaphores.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Limits, Pool};
use crate::name::{Name, Named, find};
use crate::partition::{Partition, Progress};
use crate::process::Outcome;
use crate::queue::Discipline;
use crate::{SemaphoreId, SystemTime};

/// The largest value of a semaphore (`MAX_SEMAPHORE_VALUE`).
pub const SEMAPHORE_MAX: i32 = 32767;

/// A semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Semaphore {
    name: Name,
    value: i32,
    maximum: i32,
    queue: u8,
}

impl Named for Semaphore {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Semaphore {
    pub(crate) const fn is_free(&self) -> bool {
        self.value > 0
    }

    pub(crate) const fn queue(&self) -> u8 {
        self.queue
    }
}

/// The answer of `GET_SEMAPHORE_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreStatus {
    /// How many could be taken.
    pub current_value: i32,
    /// How many there can be.
    pub maximum_value: i32,
    /// How many processes wait.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_SEMAPHORE`.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many. NO_ACTION: the name exists. INVALID_PARAM: the values. INVALID_MODE: NORMAL.
    pub fn create_semaphore(
        &mut self,
        name: Name,
        value: i32,
        maximum: i32,
        discipline: Discipline,
    ) -> Result<SemaphoreId, ReturnCode> {
        Self::require_room(&self.semaphores)?;
        require(
            find(&self.semaphores, &name).is_none(),
            ReturnCode::NoAction,
        )?;
        require(
            (0..=SEMAPHORE_MAX).contains(&value),
            ReturnCode::InvalidParam,
        )?;
        require(
            (1..=SEMAPHORE_MAX).contains(&maximum),
            ReturnCode::InvalidParam,
        )?;
        require(value <= maximum, ReturnCode::InvalidParam)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(discipline)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.semaphores
            .add(Semaphore {
                name,
                value,
                maximum,
                queue,
            })
            .map(SemaphoreId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn semaphore_index(&self, semaphore: SemaphoreId) -> Result<usize, ReturnCode> {
        semaphore
            .index(self.semaphores.len())
            .ok_or(ReturnCode::InvalidParam)
    }

    /// `WAIT_SEMAPHORE`.
    ///
    /// # Errors
    /// INVALID_PARAM: semaphore, time-out. NOT_AVAILABLE. INVALID_MODE: the caller would wait and may not. TIMED_OUT.
    pub fn wait_semaphore(
        &mut self,
        semaphore: SemaphoreId,
        time_out: SystemTime,
    ) -> Result<Progress<()>, ReturnCode> {
        let index = self.semaphore_index(semaphore)?;
        let until = self.until(time_out)?;
        let semaphore = &mut self.semaphores[index];
        if semaphore.value > 0 {
            semaphore.value -= 1;
            return Ok(Progress::Done(()));
        }
        let queue = semaphore.queue;
        self.wait_in(queue, until)
    }

    /// `SIGNAL_SEMAPHORE`: for who waits first, else to be taken later.
    ///
    /// # Errors
    /// INVALID_PARAM: semaphore. NO_ACTION: its value is the maximum.
    pub fn signal_semaphore(&mut self, semaphore: SemaphoreId) -> Result<(), ReturnCode> {
        let index = self.semaphore_index(semaphore)?;
        let semaphore = &mut self.semaphores[index];
        require(semaphore.value < semaphore.maximum, ReturnCode::NoAction)?;
        match self.scheduler.first_waiting(semaphore.queue) {
            Some(first) => {
                self.scheduler.wake(first, Outcome::DONE);
                self.settle();
            }
            None => semaphore.value += 1,
        }
        Ok(())
    }

    /// `GET_SEMAPHORE_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_semaphore_id(&self, name: &Name) -> Result<SemaphoreId, ReturnCode> {
        find(&self.semaphores, name)
            .map(SemaphoreId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_SEMAPHORE_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such semaphore.
    pub fn get_semaphore_status(
        &self,
        semaphore: SemaphoreId,
    ) -> Result<SemaphoreStatus, ReturnCode> {
        let semaphore = &self.semaphores[self.semaphore_index(semaphore)?];
        Ok(SemaphoreStatus {
            current_value: semaphore.value,
            maximum_value: semaphore.maximum,
            waiting_processes: u32::from(self.scheduler.waiting(semaphore.queue)),
        })
    }
}
