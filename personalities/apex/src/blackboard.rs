//! Blackboards: one message that everybody may read until it is cleared.

use crate::buffer::positive;
use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Bytes, Limits, Pool};
use crate::name::{Name, Named, find};
use crate::partition::{Partition, Progress, Received};
use crate::queue::Discipline;
use crate::store::{Ring, copy};
use crate::{BlackboardId, SystemTime};

/// A blackboard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Blackboard {
    name: Name,
    ring: Ring,
    queue: u8,
}

impl Named for Blackboard {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Blackboard {
    pub(crate) const fn is_shown(&self) -> bool {
        self.ring.held() > 0
    }

    pub(crate) const fn queue(&self) -> u8 {
        self.queue
    }
}

/// Whether anything stands on a blackboard (`EMPTY_INDICATOR_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EmptyIndicator {
    /// Nothing.
    Empty = 0,
    /// A message.
    Occupied = 1,
}

/// The answer of `GET_BLACKBOARD_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlackboardStatus {
    /// Whether anything stands on it.
    pub empty_indicator: EmptyIndicator,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// How many processes wait for a message.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_BLACKBOARD`: empty.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many, or no memory. NO_ACTION: the name exists. INVALID_PARAM: the size. INVALID_MODE: NORMAL.
    pub fn create_blackboard(
        &mut self,
        name: Name,
        message_bytes: i32,
    ) -> Result<BlackboardId, ReturnCode> {
        Self::require_room(&self.blackboards)?;
        let mut used = self.storage_used;
        let ring = positive(message_bytes)
            .map(|bytes| self.new_ring(&mut used, bytes, 1))
            .transpose()?;
        require(
            find(&self.blackboards, &name).is_none(),
            ReturnCode::NoAction,
        )?;
        let ring = ring.ok_or(ReturnCode::InvalidParam)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(Discipline::Fifo)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.storage_used = used;
        self.blackboards
            .add(Blackboard { name, ring, queue })
            .map(BlackboardId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn blackboard_index(&self, blackboard: BlackboardId) -> Result<usize, ReturnCode> {
        blackboard
            .index(self.blackboards.len())
            .ok_or(ReturnCode::InvalidParam)
    }

    /// `DISPLAY_BLACKBOARD`: in place of what stood there. All who wait for a message get it.
    ///
    /// # Errors
    /// INVALID_PARAM: blackboard, or the length of the message.
    pub fn display_blackboard(
        &mut self,
        blackboard: BlackboardId,
        message: &[u8],
    ) -> Result<(), ReturnCode> {
        let index = self.blackboard_index(blackboard)?;
        let board = &mut self.blackboards[index];
        require(
            !message.is_empty() && message.len() <= board.ring.message_bytes(),
            ReturnCode::InvalidParam,
        )?;
        board.ring.drop_first();
        board.ring.push(self.storage.bytes_mut(), message);
        while let Some(first) = self.scheduler.first_waiting(board.queue) {
            self.scheduler.deliver(first, message);
        }
        self.settle();
        Ok(())
    }

    /// `READ_BLACKBOARD`, into `room`, which has space for the longest message.
    ///
    /// # Errors
    /// INVALID_PARAM: blackboard, time-out, `room`. NOT_AVAILABLE: empty. INVALID_MODE: the caller would wait and may not. TIMED_OUT.
    pub fn read_blackboard(
        &mut self,
        blackboard: BlackboardId,
        time_out: SystemTime,
        room: &mut [u8],
    ) -> Result<Progress<Received>, ReturnCode> {
        let index = self.blackboard_index(blackboard)?;
        let until = self.until(time_out)?;
        let board = &self.blackboards[index];
        require(
            room.len() >= board.ring.message_bytes(),
            ReturnCode::InvalidParam,
        )?;
        let Some(message) = board.ring.first(self.storage.bytes_mut()) else {
            let queue = board.queue;
            return self.wait_in(queue, until);
        };
        Ok(Progress::Done(Received {
            length: copy(message, room),
            overflowed: false,
        }))
    }

    /// `CLEAR_BLACKBOARD`.
    ///
    /// # Errors
    /// INVALID_PARAM: blackboard.
    pub fn clear_blackboard(&mut self, blackboard: BlackboardId) -> Result<(), ReturnCode> {
        let index = self.blackboard_index(blackboard)?;
        self.blackboards[index].ring.drop_first();
        Ok(())
    }

    /// `GET_BLACKBOARD_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_blackboard_id(&self, name: &Name) -> Result<BlackboardId, ReturnCode> {
        find(&self.blackboards, name)
            .map(BlackboardId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_BLACKBOARD_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such blackboard.
    pub fn get_blackboard_status(
        &self,
        blackboard: BlackboardId,
    ) -> Result<BlackboardStatus, ReturnCode> {
        let board = &self.blackboards[self.blackboard_index(blackboard)?];
        Ok(BlackboardStatus {
            empty_indicator: if board.is_shown() {
                EmptyIndicator::Occupied
            } else {
                EmptyIndicator::Empty
            },
            message_bytes: board.ring.message_bytes() as u32,
            waiting_processes: u32::from(self.scheduler.waiting(board.queue)),
        })
    }
}
