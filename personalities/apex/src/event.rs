//! Events: a condition that is up or down, and wakes all who wait when it goes up.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Limits, Pool};
use crate::name::{Name, Named, find};
use crate::partition::{Partition, Progress};
use crate::process::Outcome;
use crate::queue::Discipline;
use crate::{EventId, SystemTime};

/// The state of an event (`EVENT_STATE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EventState {
    /// Who waits for it waits.
    Down = 0,
    /// Who waits for it goes on.
    Up = 1,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    name: Name,
    state: EventState,
    queue: u8,
}

impl Named for Event {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Event {
    pub(crate) fn is_up(&self) -> bool {
        self.state == EventState::Up
    }

    pub(crate) const fn queue(&self) -> u8 {
        self.queue
    }
}

/// The answer of `GET_EVENT_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventStatus {
    /// Its state.
    pub state: EventState,
    /// How many processes wait.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_EVENT`: down.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many. NO_ACTION: the name exists. INVALID_MODE: NORMAL.
    pub fn create_event(&mut self, name: Name) -> Result<EventId, ReturnCode> {
        Self::require_room(&self.events)?;
        require(find(&self.events, &name).is_none(), ReturnCode::NoAction)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(Discipline::Fifo)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.events
            .add(Event {
                name,
                state: EventState::Down,
                queue,
            })
            .map(EventId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn event_index(&self, event: EventId) -> Result<usize, ReturnCode> {
        event
            .index(self.events.len())
            .ok_or(ReturnCode::InvalidParam)
    }

    /// `SET_EVENT`: up, and everybody who waits goes on.
    ///
    /// # Errors
    /// INVALID_PARAM: event.
    pub fn set_event(&mut self, event: EventId) -> Result<(), ReturnCode> {
        let index = self.event_index(event)?;
        let event = &mut self.events[index];
        event.state = EventState::Up;
        while let Some(first) = self.scheduler.first_waiting(event.queue) {
            self.scheduler.wake(first, Outcome::DONE);
        }
        self.settle();
        Ok(())
    }

    /// `RESET_EVENT`: down.
    ///
    /// # Errors
    /// INVALID_PARAM: event.
    pub fn reset_event(&mut self, event: EventId) -> Result<(), ReturnCode> {
        let index = self.event_index(event)?;
        self.events[index].state = EventState::Down;
        Ok(())
    }

    /// `WAIT_EVENT`.
    ///
    /// # Errors
    /// INVALID_PARAM: event, time-out. NOT_AVAILABLE. INVALID_MODE: the caller would wait and may not. TIMED_OUT.
    pub fn wait_event(
        &mut self,
        event: EventId,
        time_out: SystemTime,
    ) -> Result<Progress<()>, ReturnCode> {
        let index = self.event_index(event)?;
        let until = self.until(time_out)?;
        let event = &self.events[index];
        if event.is_up() {
            return Ok(Progress::Done(()));
        }
        let queue = event.queue;
        self.wait_in(queue, until)
    }

    /// `GET_EVENT_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_event_id(&self, name: &Name) -> Result<EventId, ReturnCode> {
        find(&self.events, name)
            .map(EventId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_EVENT_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such event.
    pub fn get_event_status(&self, event: EventId) -> Result<EventStatus, ReturnCode> {
        let event = &self.events[self.event_index(event)?];
        Ok(EventStatus {
            state: event.state,
            waiting_processes: u32::from(self.scheduler.waiting(event.queue)),
        })
    }

    /// Whether nobody waits for what is there already.
    pub(crate) fn objects_are_consistent(&self) -> bool {
        let waiting = |queue| self.scheduler.first_waiting(queue).is_some();
        self.mutexes_are_consistent()
            && self.buffers_are_consistent()
            && (self.events.iter()).all(|event| !(event.is_up() && waiting(event.queue())))
            && (self.semaphores.iter())
                .all(|semaphore| !(semaphore.is_free() && waiting(semaphore.queue())))
            && (self.blackboards.iter()).all(|board| !(board.is_shown() && waiting(board.queue())))
    }
}
