//! The rings of a partition, and the payload.

use cofferdam_ipc::Message;
use cofferdam_native::{RingConsumer, RingError, RingProducer, SharedMemory};

use crate::{Channel, Payload};

/// A partition's ends of the rings to a driver, and the payload.
#[derive(Debug)]
pub struct RingChannel<Q, A> {
    requests: RingProducer<Q>,
    replies: RingConsumer<A>,
    payload: SharedMemory,
}

impl<Q, A> RingChannel<Q, A> {
    /// The ends, as attaching gives them, and the channel's payload.
    pub fn new(ends: (RingProducer<Q>, RingConsumer<A>), payload: SharedMemory) -> Self {
        let (requests, replies) = ends;
        Self {
            requests,
            replies,
            payload,
        }
    }
}

impl<Q: Message, A: Message> Channel for RingChannel<Q, A> {
    type Request = Q;
    type Reply = A;

    fn push(&mut self, request: &Q) -> Result<(), RingError> {
        self.requests.push(request)
    }

    fn room(&mut self) -> Result<u32, RingError> {
        self.requests.vacant()
    }

    fn pop(&mut self) -> Result<Option<A>, RingError> {
        self.replies.pop()
    }

    fn is_stopped(&self) -> bool {
        self.requests.is_peer_stopped()
    }

    fn ring_doorbell(&mut self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.requests.ring_doorbell();
    }

    fn payload_bytes(&self) -> u32 {
        self.payload.length()
    }
}

impl<Q, A> Payload for RingChannel<Q, A> {
    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        self.payload.copy_out(offset, to);
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        self.payload.copy_in(offset, from);
    }
}
