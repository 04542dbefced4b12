//! Queuing ports: messages in order, over a channel of the kernel.
//!
//! The queue of messages is the kernel's, that of waiting processes is here. When the other end has made room or sent something, the kernel
//! raises the port's line; the layer below then calls [`Partition::queuing_port_changed`], which serves those who wait, in their order.

use crate::buffer::positive;
use crate::code::{ReturnCode, require};
use crate::environment::{Direction, Environment, QueuingFacts, Sent};
use crate::limits::{Limits, Pool};
use crate::name::Name;
use crate::partition::{Partition, Progress, Received};
use crate::process::Outcome;
use crate::queue::Discipline;
use crate::scheduler::Scheduler;
use crate::{QueuingPortId, SystemTime};

/// A queuing port that was created.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueuingPort {
    /// Its place in the configuration.
    port: u16,
    queue: u8,
}

/// The answer of `GET_QUEUING_PORT_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueuingPortStatus {
    /// How many messages there are.
    pub messages: u32,
    /// How many fit.
    pub messages_max: u32,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// Its direction.
    pub direction: Direction,
    /// How many processes wait.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_QUEUING_PORT`.
    ///
    /// # Errors
    /// INVALID_CONFIG: not as configured, too many, or messages longer than processes can wait with. NO_ACTION: it exists. INVALID_MODE:
    /// NORMAL.
    pub fn create_queuing_port(
        &mut self,
        name: &Name,
        message_bytes: i32,
        messages_max: i32,
        direction: Direction,
        discipline: Discipline,
    ) -> Result<QueuingPortId, ReturnCode> {
        let facts = self.facts.queuing_ports;
        let port = facts
            .iter()
            .position(|port| port.name == *name)
            .ok_or(ReturnCode::InvalidConfig)?;
        require(self.find_queuing_port(name).is_none(), ReturnCode::NoAction)?;
        Self::require_room(&self.queuing_ports)?;
        let bytes = facts[port].message_bytes as usize;
        let as_configured = positive(message_bytes) == Some(bytes)
            && positive(messages_max) == Some(facts[port].depth as usize)
            && direction == facts[port].direction
            && bytes <= Scheduler::<L>::transfer_limit();
        require(as_configured, ReturnCode::InvalidConfig)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(discipline)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.queuing_ports
            .add(QueuingPort {
                port: port as u16,
                queue,
            })
            .map(QueuingPortId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    fn find_queuing_port(&self, name: &Name) -> Option<usize> {
        self.queuing_ports.iter().position(|port| {
            (self.facts.queuing_ports)
                .get(usize::from(port.port))
                .is_some_and(|facts| facts.name == *name)
        })
    }

    /// The queue of a created port, its place in the configuration, and what stands there.
    fn queuing_port(
        &self,
        port: QueuingPortId,
    ) -> Result<(u8, usize, &'static QueuingFacts), ReturnCode> {
        let index = port
            .index(self.queuing_ports.len())
            .ok_or(ReturnCode::InvalidParam)?;
        let created = &self.queuing_ports[index];
        let port = usize::from(created.port);
        Ok((created.queue, port, &self.facts.queuing_ports[port]))
    }

    /// `SEND_QUEUING_MESSAGE`.
    ///
    /// # Errors
    /// INVALID_PARAM: port, time-out, or an empty message. INVALID_CONFIG: too long. INVALID_MODE: not a source, or the caller would wait and may
    /// not. NOT_AVAILABLE: full. TIMED_OUT.
    pub fn send_queuing_message(
        &mut self,
        port: QueuingPortId,
        message: &[u8],
        time_out: SystemTime,
    ) -> Result<Progress<()>, ReturnCode> {
        let (queue, port, facts) = self.queuing_port(port)?;
        let until = self.until(time_out)?;
        require(
            message.len() <= facts.message_bytes as usize,
            ReturnCode::InvalidConfig,
        )?;
        require(!message.is_empty(), ReturnCode::InvalidParam)?;
        require(
            facts.direction == Direction::Source,
            ReturnCode::InvalidMode,
        )?;
        self.serve(queue, port, facts);
        let sent = self.scheduler.first_waiting(queue).is_none()
            && self.environment.queuing_send(port, message) == Sent::Queued;
        let progress = if sent {
            Ok(Progress::Done(()))
        } else {
            self.wait_with_message(queue, until, message)
        };
        self.settle();
        progress
    }

    /// `RECEIVE_QUEUING_MESSAGE`, into `room`, which has space for the longest message. A message behind which others were lost is
    /// [`Received::overflowed`]: the standard reports it as INVALID_CONFIG, with the message.
    ///
    /// # Errors
    /// INVALID_PARAM: port, time-out, `room`. INVALID_MODE: not a destination, or the caller would wait and may not. NOT_AVAILABLE: empty. TIMED_OUT.
    pub fn receive_queuing_message(
        &mut self,
        port: QueuingPortId,
        time_out: SystemTime,
        room: &mut [u8],
    ) -> Result<Progress<Received>, ReturnCode> {
        let (queue, port, facts) = self.queuing_port(port)?;
        let until = self.until(time_out)?;
        require(
            facts.direction == Direction::Destination,
            ReturnCode::InvalidMode,
        )?;
        require(
            room.len() >= facts.message_bytes as usize,
            ReturnCode::InvalidParam,
        )?;
        self.serve(queue, port, facts);
        let received = match self.scheduler.first_waiting(queue) {
            Some(_) => None,
            None => self.environment.queuing_receive(port, room),
        };
        let progress = match received {
            Some((length, overflowed)) => Ok(Progress::Done(Received { length, overflowed })),
            None => self.wait_in(queue, until),
        };
        self.settle();
        progress
    }

    /// The other end of a port of the configuration has sent something, or made room.
    pub fn queuing_port_changed(&mut self, port: usize) {
        let created = (self.queuing_ports.iter()).find(|created| usize::from(created.port) == port);
        if let Some(created) = created
            && let Some(facts) = self.facts.queuing_ports.get(port)
        {
            let queue = created.queue;
            self.serve(queue, port, facts);
            self.settle();
        }
    }

    /// Serves those who wait at a port, as far as it goes. Who waited first is served before who comes now.
    ///
    /// It does not find out who runs: the caller of the service is still the one that called.
    fn serve(&mut self, queue: u8, port: usize, facts: &QueuingFacts) {
        while let Some(first) = self.scheduler.first_waiting(queue) {
            let outcome = match facts.direction {
                Direction::Source => {
                    let message = self.scheduler.kept_message(first);
                    match self.environment.queuing_send(port, message) {
                        Sent::Queued => Outcome::DONE,
                        Sent::Full => break,
                    }
                }
                Direction::Destination => {
                    let slot = self.scheduler.transfer(first);
                    match self.environment.queuing_receive(port, slot) {
                        Some((length, overflowed)) => Outcome::message(length, overflowed),
                        None => break,
                    }
                }
            };
            self.scheduler.wake(first, outcome);
        }
    }

    /// `GET_QUEUING_PORT_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_queuing_port_id(&self, name: &Name) -> Result<QueuingPortId, ReturnCode> {
        self.find_queuing_port(name)
            .map(QueuingPortId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_QUEUING_PORT_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such port.
    pub fn get_queuing_port_status(
        &mut self,
        port: QueuingPortId,
    ) -> Result<QueuingPortStatus, ReturnCode> {
        let (queue, port, facts) = self.queuing_port(port)?;
        Ok(QueuingPortStatus {
            messages: self.environment.queuing_held(port),
            messages_max: facts.depth,
            message_bytes: facts.message_bytes,
            direction: facts.direction,
            waiting_processes: u32::from(self.scheduler.waiting(queue)),
        })
    }

    /// `CLEAR_QUEUING_PORT`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such port. INVALID_MODE: not a destination.
    pub fn clear_queuing_port(&mut self, port: QueuingPortId) -> Result<(), ReturnCode> {
        let (_, port, facts) = self.queuing_port(port)?;
        require(
            facts.direction == Direction::Destination,
            ReturnCode::InvalidMode,
        )?;
        self.environment.queuing_clear(port);
        Ok(())
    }
}
