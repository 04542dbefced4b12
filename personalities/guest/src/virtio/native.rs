//! The guest's memory and the channels of the partition that the monitor is.

use cofferdam_native::ipc::Message;
use cofferdam_native::{
    Guest, Lines, RingConsumer, RingError, RingInitiator, RingProducer, SharedMemory,
};

use super::ends::{self, Ends};
use super::{Link, Memory, Unsent};

impl Memory<SharedMemory> for Guest {
    fn bytes(&self) -> u32 {
        self.memory_bytes()
    }

    fn word(&self, address: u32) -> Option<u32> {
        Self::word(self, address)
    }

    fn words<const N: usize>(&self, address: u32) -> Option<[u32; N]> {
        Self::words(self, address)
    }

    fn set_word(&mut self, address: u32, value: u32) -> Option<()> {
        Self::set_word(self, address, value)
    }

    fn set_byte(&mut self, address: u32, value: u8) -> Option<()> {
        Self::set_byte(self, address, value)
    }

    fn copy_out(
        &self,
        address: u32,
        payload: &SharedMemory,
        offset: u32,
        bytes: u32,
    ) -> Option<()> {
        let before = unaligned(address, offset, bytes);
        self.copy_from(address, payload, offset, before)?;
        self.copy_from(address + before, payload, offset + before, bytes - before)
    }

    fn copy_in(
        &mut self,
        address: u32,
        payload: &SharedMemory,
        offset: u32,
        bytes: u32,
    ) -> Option<()> {
        let before = unaligned(address, offset, bytes);
        self.copy_to(address, payload, offset, before)?;
        self.copy_to(address + before, payload, offset + before, bytes - before)
    }
}

/// How many bytes there are before a word begins, of as many as are to be copied: what is copied from there on is copied by words if both
/// sides are aligned the same way.
fn unaligned(address: u32, offset: u32, bytes: u32) -> u32 {
    if address % 4 == offset % 4 {
        (address.wrapping_neg() % 4).min(bytes)
    } else {
        0
    }
}

/// This end of a channel to a driver.
#[derive(Debug)]
pub struct Ring<Q, R> {
    requests: RingProducer<Q>,
    replies: RingConsumer<R>,
    payload: SharedMemory,
}

impl<Q: Message, R: Message> Ring<Q, R> {
    /// The ends of a port; `None` if they were given away before in this life.
    pub fn attach(port: &RingInitiator<Q, R>) -> Option<Self> {
        let (requests, replies) = port.attach()?;
        Some(Self {
            requests,
            replies,
            payload: port.payload(),
        })
    }

    /// The line that the driver's doorbell raises.
    pub fn line(&self) -> Lines {
        self.requests.line()
    }
}

impl<Q: Message, R: Message> Ends for Ring<Q, R> {
    type Request = Q;
    type Reply = R;

    fn append(&mut self, request: &Q) -> Result<(), RingError> {
        self.requests.push(request)
    }

    fn take(&mut self) -> Result<Option<R>, RingError> {
        self.replies.pop()
    }

    fn vacant(&mut self) -> Result<u32, RingError> {
        self.requests.vacant()
    }
}

impl<Q: Message, R: Message> Link for Ring<Q, R> {
    type Request = Q;
    type Reply = R;
    type Payload = SharedMemory;

    fn payload(&self) -> &SharedMemory {
        &self.payload
    }

    fn payload_bytes(&self) -> u32 {
        self.payload.length()
    }

    fn push(&mut self, request: &Q) -> Result<(), Unsent> {
        ends::push(self, request)
    }

    fn pop(&mut self) -> Option<R> {
        ends::pop(self)
    }

    fn has_restarted(&mut self) -> bool {
        ends::has_restarted(self)
    }

    fn is_stopped(&self) -> bool {
        self.requests.is_peer_stopped()
    }

    fn ring_doorbell(&mut self) {
        // Its refusals concern the configuration, which is fixed; a driver that does not run is rung when it starts.
        let _ = self.requests.ring_doorbell();
    }
}
