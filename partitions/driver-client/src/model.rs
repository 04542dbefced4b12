//! The rings on the host: what a client did with its end, and what the driver's end says next.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use cofferdam_ring::RingError;

use crate::{Channel, Payload};

/// What came of one use of the client's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened<Q, A> {
    /// The client appended a request.
    Pushed(Q),
    /// It took an answer.
    Popped(A),
    /// It was told that the driver has restarted.
    Restarted,
    /// It wrote so many bytes into the payload, from this offset on.
    CopiedIn(u32, u32),
    /// It read so many.
    CopiedOut(u32, u32),
}

/// What a client and its driver share.
#[derive(Debug)]
pub struct Wire<Q, A> {
    /// What the client asks for.
    pub requests: VecDeque<Q>,
    /// What it is answered.
    pub replies: VecDeque<A>,
    /// So many requests there is room for.
    pub room: usize,
    /// Said when the client asks.
    pub push_error: Option<RingError>,
    /// Said when it takes an answer.
    pub pop_error: Option<RingError>,
    /// The driver is stopped for good.
    pub stopped: bool,
    /// How often it rang.
    pub doorbells: usize,
    /// The payload.
    pub payload: Vec<u8>,
    /// All that happened at the client's end, until somebody takes it out.
    pub history: Vec<Happened<Q, A>>,
}

/// The client's end; its clones are the same one.
#[derive(Debug)]
pub struct ModelChannel<Q, A>(pub Rc<RefCell<Wire<Q, A>>>);

impl<Q, A> Clone for ModelChannel<Q, A> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<Q, A> ModelChannel<Q, A> {
    /// One with so many bytes of payload, and room for so many requests.
    pub fn new(payload_bytes: u32, room: usize) -> Self {
        Self(Rc::new(RefCell::new(Wire {
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            room,
            push_error: None,
            pop_error: None,
            stopped: false,
            doorbells: 0,
            payload: vec![0; payload_bytes as usize],
            history: Vec::new(),
        })))
    }

    /// The driver begins anew: both rings are empty, and say so.
    pub fn restart_driver(&self) {
        let wire = &mut *self.0.borrow_mut();
        wire.requests.clear();
        wire.replies.clear();
        wire.stopped = false;
        wire.push_error = Some(RingError::PeerRestarted);
        wire.pop_error = Some(RingError::PeerRestarted);
    }
}

impl<Q, A> Wire<Q, A> {
    fn told(&mut self, told: Option<RingError>) -> Result<(), RingError> {
        if told == Some(RingError::PeerRestarted) {
            self.history.push(Happened::Restarted);
        }
        told.map_or(Ok(()), Err)
    }

    fn may_push(&mut self) -> Result<(), RingError> {
        let told = once(&mut self.push_error);
        self.told(told)
    }
}

/// What a ring says: that its peer has restarted, or what the peer wrote, it says once.
fn once(error: &mut Option<RingError>) -> Option<RingError> {
    match error {
        Some(RingError::PeerRestarted | RingError::Decode(_)) => error.take(),
        other => *other,
    }
}

impl<Q: Clone, A: Clone> Channel for ModelChannel<Q, A> {
    type Request = Q;
    type Reply = A;

    fn push(&mut self, request: &Q) -> Result<(), RingError> {
        let wire = &mut *self.0.borrow_mut();
        wire.may_push()?;
        if wire.requests.len() >= wire.room {
            return Err(RingError::Full);
        }
        wire.requests.push_back(request.clone());
        wire.history.push(Happened::Pushed(request.clone()));
        Ok(())
    }

    fn room(&mut self) -> Result<u32, RingError> {
        let wire = &mut *self.0.borrow_mut();
        wire.may_push()?;
        Ok(wire.room.saturating_sub(wire.requests.len()) as u32)
    }

    fn pop(&mut self) -> Result<Option<A>, RingError> {
        let wire = &mut *self.0.borrow_mut();
        let told = once(&mut wire.pop_error);
        wire.told(told)?;
        let reply = wire.replies.pop_front();
        wire.history.extend(reply.clone().map(Happened::Popped));
        Ok(reply)
    }

    fn is_stopped(&self) -> bool {
        self.0.borrow().stopped
    }

    fn ring_doorbell(&mut self) {
        self.0.borrow_mut().doorbells += 1;
    }

    fn payload_bytes(&self) -> u32 {
        self.0.borrow().payload.len() as u32
    }
}

impl<Q, A> Payload for ModelChannel<Q, A> {
    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        let wire = &mut *self.0.borrow_mut();
        let from = offset as usize;
        to.copy_from_slice(&wire.payload[from..from + to.len()]);
        wire.history
            .push(Happened::CopiedOut(offset, to.len() as u32));
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        let wire = &mut *self.0.borrow_mut();
        let at = offset as usize;
        wire.payload[at..at + from.len()].copy_from_slice(from);
        wire.history
            .push(Happened::CopiedIn(offset, from.len() as u32));
    }
}
