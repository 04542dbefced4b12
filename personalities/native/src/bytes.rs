//! Ends of sampling and queuing channels by their slots: for a personality whose ports stand in a table and whose messages are bytes.

use cofferdam_abi::hypercall::Hypercall;

use crate::channel::summary;
use crate::hypercall::{Results, call};
use crate::{ChannelSummary, Error, Lines};

/// An end of a channel. Messages have to begin at a multiple of 4: the kernel refuses others with `Invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytePort {
    slot: u32,
    line: u8,
}

/// A message of a sampling channel that was copied out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledBytes {
    /// Its length.
    pub length: usize,
    /// The tick at which it was written.
    pub written: u64,
}

/// A message of a queuing channel that was copied out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedBytes {
    /// Its length.
    pub length: usize,
    /// How many are behind it.
    pub left: u32,
    /// Whether messages were lost before it.
    pub lost: bool,
}

impl BytePort {
    /// The end in this slot, with this line; a number that is no line's for none. A wrong slot is refused by the kernel.
    pub const fn at(slot: u32, line: u8) -> Self {
        Self { slot, line }
    }

    /// The line that is raised when the other end does something.
    pub const fn line(&self) -> Lines {
        Lines::of(self.line)
    }

    /// The state of the channel.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn summary(&self) -> Result<ChannelSummary, Error> {
        summary(self.slot)
    }

    #[inline(always)]
    fn send(&self, hypercall: Hypercall, message: &[u8], again: bool) -> Result<(), Error> {
        let (address, length) = (message.as_ptr() as u32, message.len() as u32);
        let arguments = [self.slot, address, length, u32::from(again), 0, 0];
        // SAFETY: the kernel reads `length` bytes of `message`, which is borrowed until the call is over.
        unsafe { call(hypercall, arguments) }.map(drop)
    }

    #[inline(always)]
    fn receive(&self, hypercall: Hypercall, room: &mut [u8]) -> Result<Option<Results>, Error> {
        let (address, capacity) = (room.as_mut_ptr() as u32, room.len() as u32);
        // SAFETY: the kernel writes at most `capacity` bytes to `room`, which is borrowed until the call is over.
        Error::or_none(unsafe { call(hypercall, [self.slot, address, capacity, 0, 0, 0]) })
    }

    /// Replaces the value of a sampling channel.
    ///
    /// # Errors
    /// As the kernel answers.
    #[inline]
    pub fn sampling_write(&self, message: &[u8]) -> Result<(), Error> {
        self.send(Hypercall::SamplingWrite, message, false)
    }

    /// Copies the value of a sampling channel; `None` if nobody has written any.
    ///
    /// # Errors
    /// As the kernel answers.
    #[inline]
    pub fn sampling_read(&self, room: &mut [u8]) -> Result<Option<SampledBytes>, Error> {
        let results = self.receive(Hypercall::SamplingRead, room)?;
        Ok(results.map(|results| SampledBytes {
            length: results[0] as usize,
            written: u64::from(results[4]) << 32 | u64::from(results[5]),
        }))
    }

    /// Appends a message to a queue. `again`: the sender keeps a message that is refused, and sends it again, so that nothing is lost.
    ///
    /// # Errors
    /// As the kernel answers; `Again` if the queue is full.
    #[inline]
    pub fn queuing_send(&self, message: &[u8], again: bool) -> Result<(), Error> {
        self.send(Hypercall::QueuingSend, message, again)
    }

    /// Takes the first message out of a queue; `None` if there is none.
    ///
    /// # Errors
    /// As the kernel answers.
    #[inline]
    pub fn queuing_receive(&self, room: &mut [u8]) -> Result<Option<ReceivedBytes>, Error> {
        let results = self.receive(Hypercall::QueuingReceive, room)?;
        Ok(results.map(|results| ReceivedBytes {
            length: results[0] as usize,
            left: results[1],
            lost: results[2] != 0,
        }))
    }
}
