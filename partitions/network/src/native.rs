//! The rings of a partition, and its memory.

use cofferdam_native::{RingConsumer, RingError, RingProducer, SharedMemory};
use network_messages::{Reply, Request};

use crate::{Channel, FrameMemory};

impl FrameMemory for SharedMemory {
    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        SharedMemory::copy_out(self, offset, to);
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        SharedMemory::copy_in(self, offset, from);
    }

    fn copy_from(&self, offset: u32, other: &Self, other_offset: u32, length: u32) {
        SharedMemory::copy_from(self, offset, other, other_offset, length);
    }
}

/// The driver's ends of a client's rings, and the payload.
#[derive(Debug)]
pub struct RingChannel {
    requests: RingConsumer<Request>,
    replies: RingProducer<Reply>,
    payload: SharedMemory,
}

impl RingChannel {
    /// The ends, as attaching gives them, and the payload, which the device reaches.
    pub fn new(ends: (RingConsumer<Request>, RingProducer<Reply>), payload: SharedMemory) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload,
        }
    }
}

impl Channel for RingChannel {
    type Memory = SharedMemory;

    fn pop(&mut self) -> Result<Option<Request>, RingError> {
        self.requests.pop()
    }

    fn push(&mut self, reply: &Reply) -> Result<(), RingError> {
        self.replies.push(reply)
    }

    fn ring_doorbell(&mut self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.replies.ring_doorbell();
    }

    fn payload(&self) -> &SharedMemory {
        &self.payload
    }
}
