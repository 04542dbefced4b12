//! The rings of a partition, and the payload.

use cofferdam_native::{RingConsumer, RingError, RingProducer, SharedMemory};
use network_messages::{Reply, Request};

use crate::Channel;

/// A partition's ends of a network's rings, and the payload.
#[derive(Debug)]
pub struct RingChannel {
    requests: RingProducer<Request>,
    replies: RingConsumer<Reply>,
    payload: SharedMemory,
}

impl RingChannel {
    /// The ends, as attaching gives them, and the channel's payload.
    pub fn new(ends: (RingProducer<Request>, RingConsumer<Reply>), payload: SharedMemory) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload,
        }
    }
}

impl Channel for RingChannel {
    fn push(&mut self, request: &Request) -> Result<(), RingError> {
        self.requests.push(request)
    }

    fn room(&mut self) -> Result<u32, RingError> {
        self.requests.vacant()
    }

    fn pop(&mut self) -> Result<Option<Reply>, RingError> {
        self.replies.pop()
    }

    fn ring_doorbell(&mut self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.requests.ring_doorbell();
    }

    fn payload_bytes(&self) -> u32 {
        self.payload.length()
    }

    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        self.payload.copy_out(offset, to);
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        self.payload.copy_in(offset, from);
    }
}
