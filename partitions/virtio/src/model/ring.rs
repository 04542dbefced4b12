//! The rings between a driver and its clients.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use cofferdam_ring::RingError;

use super::ModelMemory;
use crate::Channel;

/// What a client and the driver share, and what its ring would say next.
#[derive(Debug)]
pub struct Ring<Q, A> {
    /// What the client asks for.
    pub requests: VecDeque<Q>,
    /// What it was answered.
    pub replies: VecDeque<A>,
    /// So many answers there is room for.
    pub reply_room: usize,
    /// Said when the driver takes a request.
    pub pop_error: Option<RingError>,
    /// Said when it answers.
    pub push_error: Option<RingError>,
    /// How often it rang.
    pub doorbells: usize,
}

/// The driver's end.
#[derive(Debug)]
pub struct ModelChannel<Q, A> {
    /// The ring, which the client has as well.
    pub ring: Rc<RefCell<Ring<Q, A>>>,
    /// The payload.
    pub payload: ModelMemory,
}

impl<Q, A> Clone for ModelChannel<Q, A> {
    fn clone(&self) -> Self {
        Self {
            ring: self.ring.clone(),
            payload: self.payload.clone(),
        }
    }
}

impl<Q, A> ModelChannel<Q, A> {
    /// An empty one, with room for 32 answers.
    pub fn new(payload: ModelMemory) -> Self {
        let ring = Ring {
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            reply_room: 32,
            pop_error: None,
            push_error: None,
            doorbells: 0,
        };
        Self {
            ring: Rc::new(RefCell::new(ring)),
            payload,
        }
    }

    /// The client begins a new life.
    pub fn restart_client(&self) {
        self.begin_anew(Some(RingError::PeerRestarted));
    }

    /// The driver begins one: it attaches anew, and knows of its client's life.
    pub fn restart_driver(&self) {
        self.begin_anew(None);
    }

    /// Nothing that was under way is left.
    fn begin_anew(&self, told: Option<RingError>) {
        let ring = &mut *self.ring.borrow_mut();
        ring.requests.clear();
        ring.replies.clear();
        (ring.pop_error, ring.push_error) = (told, told);
    }
}

impl<Q, A: Clone> Channel for ModelChannel<Q, A> {
    type Request = Q;
    type Reply = A;
    type Memory = ModelMemory;

    fn pop(&mut self) -> Result<Option<Q>, RingError> {
        let ring = &mut *self.ring.borrow_mut();
        match ring.pop_error {
            // Told once.
            Some(error @ (RingError::PeerRestarted | RingError::Decode(_))) => {
                ring.pop_error = None;
                Err(error)
            }
            Some(error) => Err(error),
            None => Ok(ring.requests.pop_front()),
        }
    }

    fn push(&mut self, reply: &A) -> Result<(), RingError> {
        let ring = &mut *self.ring.borrow_mut();
        match ring.push_error {
            // Told once.
            Some(RingError::PeerRestarted) => {
                ring.push_error = None;
                Err(RingError::PeerRestarted)
            }
            Some(error) => Err(error),
            None if ring.replies.len() >= ring.reply_room => Err(RingError::Full),
            None => {
                ring.replies.push_back(reply.clone());
                Ok(())
            }
        }
    }

    fn ring_doorbell(&mut self) {
        self.ring.borrow_mut().doorbells += 1;
    }

    fn payload(&self) -> &ModelMemory {
        &self.payload
    }
}
