//! The rings of a partition.

use cofferdam_native::{RingConsumer, RingError, RingProducer};
use disk_messages::{Reply, Request};
use virtio::Memory;

use crate::Channel;

/// The driver's ends of a client's rings, and the payload.
#[derive(Debug)]
pub struct RingChannel<M> {
    requests: RingConsumer<Request>,
    replies: RingProducer<Reply>,
    payload: M,
}

impl<M: Memory> RingChannel<M> {
    /// The ends, as attaching gives them, and the payload, which the device has to reach.
    pub fn new(ends: (RingConsumer<Request>, RingProducer<Reply>), payload: M) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload,
        }
    }
}

impl<M: Memory> Channel for RingChannel<M> {
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

    fn payload_bytes(&self) -> u32 {
        self.payload.length()
    }

    fn payload_bus_address(&self, offset: u32) -> u32 {
        self.payload.bus_address(offset)
    }
}
