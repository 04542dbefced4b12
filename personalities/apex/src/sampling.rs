//! Sampling ports: the last message, with its validity.
//!
//! The port is the kernel's. `CREATE_SAMPLING_PORT` compares what the application expects with the configuration, and gives it an identifier.

use crate::buffer::positive;
use crate::code::{ReturnCode, require};
use crate::environment::{Direction, Environment, SamplingFacts};
use crate::limits::{Limits, Pool};
use crate::name::Name;
use crate::partition::Partition;
use crate::{SamplingPortId, SystemTime};

/// A sampling port that was created.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SamplingPort {
    /// Its place in the configuration.
    pub(crate) port: u16,
    /// The refresh period in ticks; `u64::MAX`: without end.
    refresh_ticks: u64,
    /// Whether the message that was read last was valid.
    last_valid: bool,
    /// When the message was written that was read last, if any was read.
    pub(crate) last_written: Option<u64>,
}

/// A message that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SamplingMessage {
    /// Its length in bytes.
    pub length: usize,
    /// Whether it is no older than the port's refresh period.
    pub valid: bool,
}

/// The answer of `GET_SAMPLING_PORT_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SamplingPortStatus {
    /// How old a message may be and still be valid.
    pub refresh: SystemTime,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// Its direction.
    pub direction: Direction,
    /// Whether the message that was read last was valid when it was read.
    pub last_message_valid: bool,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_SAMPLING_PORT`.
    ///
    /// # Errors
    /// INVALID_CONFIG: not as configured, or too many. NO_ACTION: it exists. INVALID_MODE: NORMAL.
    pub fn create_sampling_port(
        &mut self,
        name: &Name,
        message_bytes: i32,
        direction: Direction,
        refresh: SystemTime,
    ) -> Result<SamplingPortId, ReturnCode> {
        let facts = self.facts.sampling_ports;
        let port = facts
            .iter()
            .position(|port| port.name == *name)
            .ok_or(ReturnCode::InvalidConfig)?;
        require(
            self.find_sampling_port(name).is_none(),
            ReturnCode::NoAction,
        )?;
        Self::require_room(&self.sampling_ports)?;
        let as_configured = positive(message_bytes) == Some(facts[port].message_bytes as usize)
            && direction == facts[port].direction
            // A source has none, whatever is given.
            && (direction == Direction::Source || refresh == facts[port].refresh);
        require(as_configured, ReturnCode::InvalidConfig)?;
        self.require_initialisation()?;
        let refresh = refresh.finite();
        let refresh_ticks = refresh.map_or(u64::MAX, |refresh| self.clock.ticks(refresh));
        self.sampling_ports
            .add(SamplingPort {
                port: port as u16,
                refresh_ticks,
                last_valid: false,
                last_written: None,
            })
            .map(SamplingPortId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn find_sampling_port(&self, name: &Name) -> Option<usize> {
        self.sampling_ports.iter().position(|port| {
            (self.facts.sampling_ports)
                .get(usize::from(port.port))
                .is_some_and(|facts| facts.name == *name)
        })
    }

    /// The place of a created port, its place in the configuration, and what stands there.
    pub(crate) fn sampling_port(
        &self,
        port: SamplingPortId,
    ) -> Result<(usize, usize, &'static SamplingFacts), ReturnCode> {
        let index = port
            .index(self.sampling_ports.len())
            .ok_or(ReturnCode::InvalidParam)?;
        let port = usize::from(self.sampling_ports[index].port);
        Ok((index, port, &self.facts.sampling_ports[port]))
    }

    /// `WRITE_SAMPLING_MESSAGE`.
    ///
    /// # Errors
    /// INVALID_PARAM: port, or an empty message. INVALID_CONFIG: too long. INVALID_MODE: not a source.
    pub fn write_sampling_message(
        &mut self,
        port: SamplingPortId,
        message: &[u8],
    ) -> Result<(), ReturnCode> {
        let (_, port, facts) = self.sampling_port(port)?;
        require(
            message.len() <= facts.message_bytes as usize,
            ReturnCode::InvalidConfig,
        )?;
        require(!message.is_empty(), ReturnCode::InvalidParam)?;
        require(
            facts.direction == Direction::Source,
            ReturnCode::InvalidMode,
        )?;
        self.environment.sampling_write(port, message);
        Ok(())
    }

    /// `READ_SAMPLING_MESSAGE`, into `room`, which has space for the longest message.
    ///
    /// # Errors
    /// INVALID_PARAM: port, `room`. INVALID_MODE: not a destination. NO_ACTION: empty, hence length 0 and invalid.
    pub fn read_sampling_message(
        &mut self,
        port: SamplingPortId,
        room: &mut [u8],
    ) -> Result<SamplingMessage, ReturnCode> {
        let (index, port, _) = self.destination(port, room)?;
        let sample = self.environment.sampling_read(port, room);
        let valid = sample.is_some_and(|sample| self.is_fresh(index, sample.written));
        let created = &mut self.sampling_ports[index];
        created.last_valid = valid;
        let sample = sample.ok_or(ReturnCode::NoAction)?;
        created.last_written = Some(sample.written);
        Ok(SamplingMessage {
            length: sample.length,
            valid,
        })
    }

    /// A port that can be read into `room`.
    pub(crate) fn destination(
        &self,
        port: SamplingPortId,
        room: &[u8],
    ) -> Result<(usize, usize, &'static SamplingFacts), ReturnCode> {
        let (index, port, facts) = self.sampling_port(port)?;
        require(
            facts.direction == Direction::Destination,
            ReturnCode::InvalidMode,
        )?;
        require(
            room.len() >= facts.message_bytes as usize,
            ReturnCode::InvalidParam,
        )?;
        Ok((index, port, facts))
    }

    /// Whether a message that was written at this tick is no older now than the refresh period of the created port.
    pub(crate) fn is_fresh(&self, index: usize, written: u64) -> bool {
        self.scheduler.now.saturating_sub(written) <= self.sampling_ports[index].refresh_ticks
    }

    /// `GET_SAMPLING_PORT_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_sampling_port_id(&self, name: &Name) -> Result<SamplingPortId, ReturnCode> {
        self.find_sampling_port(name)
            .map(SamplingPortId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_SAMPLING_PORT_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such port.
    pub fn get_sampling_port_status(
        &self,
        port: SamplingPortId,
    ) -> Result<SamplingPortStatus, ReturnCode> {
        let (index, _, facts) = self.sampling_port(port)?;
        Ok(SamplingPortStatus {
            refresh: facts.refresh,
            message_bytes: facts.message_bytes,
            direction: facts.direction,
            last_message_valid: self.sampling_ports[index].last_valid,
        })
    }
}
