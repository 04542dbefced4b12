//! The sampling port extensions of ARINC 653 Part 2.
//!
//! Public sources have the services' parameters, and say little of their return codes: where those are silent, the codes are as those of
//! `READ_SAMPLING_MESSAGE`.
//!
//! A window may end between two calls of the kernel, and another partition write into the port there. So each answer is of one sample: where there are two
//! calls, of that of the second.

use crate::code::{ReturnCode, require};
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
        let (index, ..) = self.destination(port, room)?;
        let before = self.sampling_ports[index].last_written;
        match self.read_sampling_message(port, room) {
            Ok(message) => Ok(UpdatedMessage {
                length: message.length,
                updated: updated_since(before, self.sampling_ports[index].last_written),
            }),
            Err(ReturnCode::NoAction) => Ok(UpdatedMessage {
                length: 0,
                updated: Updated::EmptyPort,
            }),
            Err(code) => Err(code),
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
            updated: updated_since(
                self.sampling_ports[index].last_written,
                sample.map(|sample| sample.written),
            ),
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
        let (index, at, _) = self.destination(port, room)?;
        let sample = self
            .environment
            .sampling_peek(at)
            .ok_or(ReturnCode::NoAction)?;
        let time_stamp = self.clock.system_time(sample.written);
        require(time_stamp > reference, ReturnCode::NoAction)?;
        let length = self.read_sampling_message(port, room)?.length;
        let time_stamp = match self.sampling_ports[index].last_written {
            // What was read is another message, newer still.
            Some(written) if written != sample.written => self.clock.system_time(written),
            _ => time_stamp,
        };
        Ok(TimedMessage { length, time_stamp })
    }
}

/// What is known of the message that was written `now`, if the one that was read last was written `before`.
fn updated_since(before: Option<u64>, now: Option<u64>) -> Updated {
    match now {
        None => Updated::EmptyPort,
        Some(_) if now == before => Updated::ConsumedMessage,
        Some(_) => Updated::NewMessage,
    }
}
