//! Buffers: queues of messages between processes of the partition.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Bytes, Limits, Pool};
use crate::name::{Name, Named, find};
use crate::partition::{Partition, Progress, Received};
use crate::process::Outcome;
use crate::queue::Discipline;
use crate::scheduler::Scheduler;
use crate::store::{Ring, copy};
use crate::{BufferId, SystemTime};

/// A buffer. Those who wait to send and those who wait to receive are never there together, so one queue is enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buffer {
    name: Name,
    ring: Ring,
    queue: u8,
}

impl Named for Buffer {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// The answer of `GET_BUFFER_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferStatus {
    /// How many messages there are.
    pub messages: u32,
    /// How many fit.
    pub messages_max: u32,
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// How many processes wait, to send or to receive.
    pub waiting_processes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `CREATE_BUFFER`.
    ///
    /// # Errors
    /// INVALID_CONFIG: too many, or no memory. NO_ACTION: the name exists. INVALID_PARAM: sizes. INVALID_MODE: NORMAL.
    pub fn create_buffer(
        &mut self,
        name: Name,
        message_bytes: i32,
        messages_max: i32,
        discipline: Discipline,
    ) -> Result<BufferId, ReturnCode> {
        Self::require_room(&self.buffers)?;
        let sizes = positive(message_bytes).zip(positive(messages_max));
        let mut used = self.storage_used;
        let ring = sizes
            .map(|(bytes, depth)| self.new_ring(&mut used, bytes, depth))
            .transpose()?;
        require(find(&self.buffers, &name).is_none(), ReturnCode::NoAction)?;
        let ring = ring.ok_or(ReturnCode::InvalidParam)?;
        self.require_initialisation()?;
        let queue = self
            .scheduler
            .add_queue(discipline)
            .ok_or(ReturnCode::InvalidConfig)?;
        self.storage_used = used;
        self.buffers
            .add(Buffer { name, ring, queue })
            .map(BufferId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// Memory for messages, behind what is `used`.
    pub(crate) fn new_ring(
        &self,
        used: &mut usize,
        message_bytes: usize,
        depth: usize,
    ) -> Result<Ring, ReturnCode> {
        require(
            message_bytes <= Scheduler::<L>::transfer_limit(),
            ReturnCode::InvalidConfig,
        )?;
        Ring::new(self.storage.bytes(), used, message_bytes, depth).ok_or(ReturnCode::InvalidConfig)
    }

    fn buffer_index(&self, buffer: BufferId) -> Result<usize, ReturnCode> {
        buffer
            .index(self.buffers.len())
            .ok_or(ReturnCode::InvalidParam)
    }

    /// `SEND_BUFFER`.
    ///
    /// # Errors
    /// INVALID_PARAM: buffer, time-out, or the length of the message. NOT_AVAILABLE: full. INVALID_MODE: the caller would wait and may not. TIMED_OUT.
    pub fn send_buffer(
        &mut self,
        buffer: BufferId,
        message: &[u8],
        time_out: SystemTime,
    ) -> Result<Progress<()>, ReturnCode> {
        let index = self.buffer_index(buffer)?;
        let until = self.until(time_out)?;
        let buffer = &mut self.buffers[index];
        require(
            !message.is_empty() && message.len() <= buffer.ring.message_bytes(),
            ReturnCode::InvalidParam,
        )?;
        if buffer.ring.is_full() {
            let queue = buffer.queue;
            return self.wait_with_message(queue, until, message);
        }
        match self.scheduler.first_waiting(buffer.queue) {
            Some(receiver) => {
                self.scheduler.deliver(receiver, message);
                self.settle();
            }
            None => buffer.ring.push(self.storage.bytes_mut(), message),
        }
        Ok(Progress::Done(()))
    }

    /// `RECEIVE_BUFFER`, into `room`, which has space for the longest message.
    ///
    /// # Errors
    /// INVALID_PARAM: buffer, time-out, `room`. NOT_AVAILABLE: empty. INVALID_MODE: the caller would wait and may not. TIMED_OUT.
    pub fn receive_buffer(
        &mut self,
        buffer: BufferId,
        time_out: SystemTime,
        room: &mut [u8],
    ) -> Result<Progress<Received>, ReturnCode> {
        let index = self.buffer_index(buffer)?;
        let until = self.until(time_out)?;
        let buffer = &mut self.buffers[index];
        require(
            room.len() >= buffer.ring.message_bytes(),
            ReturnCode::InvalidParam,
        )?;
        let queue = buffer.queue;
        let storage = self.storage.bytes_mut();
        let Some(message) = buffer.ring.first(storage) else {
            return self.wait_in(queue, until);
        };
        let length = copy(message, room);
        buffer.ring.drop_first();
        if let Some(sender) = self.scheduler.first_waiting(queue) {
            buffer
                .ring
                .push(storage, self.scheduler.kept_message(sender));
            self.scheduler.wake(sender, Outcome::DONE);
            self.settle();
        }
        Ok(Progress::Done(Received {
            length,
            overflowed: false,
        }))
    }

    /// `GET_BUFFER_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_buffer_id(&self, name: &Name) -> Result<BufferId, ReturnCode> {
        find(&self.buffers, name)
            .map(BufferId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }

    /// `GET_BUFFER_STATUS`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such buffer.
    pub fn get_buffer_status(&self, buffer: BufferId) -> Result<BufferStatus, ReturnCode> {
        let buffer = &self.buffers[self.buffer_index(buffer)?];
        Ok(BufferStatus {
            messages: buffer.ring.held() as u32,
            messages_max: buffer.ring.depth() as u32,
            message_bytes: buffer.ring.message_bytes() as u32,
            waiting_processes: u32::from(self.scheduler.waiting(buffer.queue)),
        })
    }

    /// Whether whoever waits does so at an empty buffer, or at a full one.
    pub(crate) fn buffers_are_consistent(&self) -> bool {
        self.buffers.iter().all(|buffer| {
            self.scheduler.first_waiting(buffer.queue).is_none()
                || buffer.ring.is_full()
                || buffer.ring.held() == 0
        })
    }
}

/// A size as an application gives it.
pub(crate) fn positive(size: i32) -> Option<usize> {
    usize::try_from(size).ok().filter(|size| *size > 0)
}
