//! The sampling port extensions of ARINC 653 Part 2.
//!
//! Public sources have the services' parameters, and say little of their return codes: where those are silent, the codes are as those of
//! `READ_SAMPLING_MESSAGE`.

use crate::code::ReturnCode;
use crate::environment::{Direction, Environment};
use crate::limits::Limits;
use crate::partition::Partition;
use crate::{SamplingPortId, SystemTime};

/// What is known of a message (`UPDATED_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Updated {
    /// There is none.
    EmptyPort = 0,
    /// It was read before.
    ConsumedMessage = 1,
    /// It was not.
    NewMessage = 2,
}

/// Whether a message is older than the refresh period (`MESSAGE_AGE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MessageAge {
    /// It is, or there is none.
    Stale = 0,
    /// It is not.
    Fresh = 1,
}

/// A message, and whether it was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpdatedMessage {
    /// Its length in bytes; 0 if there is none.
    pub length: usize,
    /// Whether it is new.
    pub updated: Updated,
}

/// A message, and when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimedMessage {
    /// Its length in bytes.
    pub length: usize,
    /// When it was written.
    pub time_stamp: SystemTime,
}

/// The answer of `GET_SAMPLING_PORT_CURRENT_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SamplingPortCurrentStatus {
    /// How old a message may be and still be fresh.
    pub refresh: SystemTime,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// Its direction.
    pub direction: Direction,
    /// Whether the message in the port is fresh now.
    pub message_age: MessageAge,
    /// Whether it was read.
    pub updated: Updated,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `READ_UPDATED_SAMPLING_MESSAGE`.
    ///
    /// # Errors
    /// INVALID_PARAM: port, `room`. INVALID_MODE: not a destination.
    pub fn read_updated_sampling_message(
        &mut self,
        port: SamplingPortId,
        room: &mut [u8],
    ) -> Result<UpdatedMessage, ReturnCode> {
        let (index, at, _) = self.destination(port, room)?;
        let updated = self.updated(index, at);
        let length = match self.read_sampling_message(port, room) {
            Ok(message) => message.length,
            Err(ReturnCode::NoAction) => 0,
            Err(code) => return Err(code),
        };
        Ok(UpdatedMessage { length, updated })
    }

    fn updated(&mut self, index: usize, port: usize) -> Updated {
        match self.environment.sampling_peek(port) {
            None => Updated::EmptyPort,
            Some(sample) if self.sampling_ports[index].last_written == Some(sample.written) => {
                Updated::ConsumedMessage
            }
            Some(_) => Updated::NewMessage,
        }
    }

    /// `GET_SAMPLING_PORT_CURRENT_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such port.
    pub fn get_sampling_port_current_status(
        &mut self,
        port: SamplingPortId,
    ) -> Result<SamplingPortCurrentStatus, ReturnCode> {
        let (index, at, facts) = self.sampling_port(port)?;
        let readable = facts.direction == Direction::Destination;
        let sample = readable
            .then(|| self.environment.sampling_peek(at))
            .flatten();
        let fresh = sample.is_some_and(|sample| self.is_fresh(index, sample.written));
        Ok(SamplingPortCurrentStatus {
            refresh: facts.refresh,
            message_bytes: facts.message_bytes,
            direction: facts.direction,
            message_age: if fresh {
                MessageAge::Fresh
            } else {
                MessageAge::Stale
            },
            updated: if readable {
                self.updated(index, at)
            } else {
                Updated::EmptyPort
            },
        })
    }

    /// `READ_SAMPLING_MESSAGE_CONDITIONAL`: a message that was written behind `reference`.
    ///
    /// # Errors
    /// INVALID_PARAM: port, `room`. INVALID_MODE: not a destination. NO_ACTION: there is none, or it is not newer.
    pub fn read_sampling_message_conditional(
        &mut self,
        port: SamplingPortId,
        reference: SystemTime,
        room: &mut [u8],
    ) -> Result<TimedMessage, ReturnCode> {
        let (_, at, _) = self.destination(port, room)?;
        let sample = self
            .environment
            .sampling_peek(at)
            .ok_or(ReturnCode::NoAction)?;
        let time_stamp = self.clock.system_time(sample.written);
        if time_stamp <= reference {
            return Err(ReturnCode::NoAction);
        }
        let length = self.read_sampling_message(port, room)?.length;
        Ok(TimedMessage { length, time_stamp })
    }
}
