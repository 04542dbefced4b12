//! The rings of a partition.

use cofferdam_native::{RingConsumer, RingError, RingProducer};
use disk_messages::{Reply, Request};

use crate::Channel;

/// A partition's ends of a disk's rings.
#[derive(Debug)]
pub struct RingChannel {
    requests: RingProducer<Request>,
    replies: RingConsumer<Reply>,
    payload_bytes: u32,
}

impl RingChannel {
    /// The ends, as attaching gives them, and how long the channel's payload is.
    pub fn new(ends: (RingProducer<Request>, RingConsumer<Reply>), payload_bytes: u32) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload_bytes,
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
        self.payload_bytes
    }
}
