//! What drivers of a device that several clients share have in common: their ends of the clients' rings, and their turns.

use cofferdam_ring::RingError;

use crate::Memory;

/// So often within its patience a driver looks whether something is late at the device.
pub const PATIENCE_CHECKS: u64 = 4;

/// The driver's end of a client's ring, and the payload.
pub trait Channel {
    /// What the client asks for.
    type Request;
    /// What it is answered.
    type Reply;
    /// What the payload is in.
    type Memory: Memory;

    /// Takes the next request.
    ///
    /// # Errors
    /// As the ring says.
    fn pop(&mut self) -> Result<Option<Self::Request>, RingError>;
    /// Appends an answer.
    ///
    /// # Errors
    /// As the ring says: nothing was appended.
    fn push(&mut self, reply: &Self::Reply) -> Result<(), RingError>;
    /// Tells the client that there are answers.
    fn ring_doorbell(&mut self);
    /// The payload, which the device reaches.
    fn payload(&self) -> &Self::Memory;
}

/// The driver's end of a client's ring, by which it notices each new life of the client.
///
/// The client attaches its end that asks before the one that is answered, so that where the way back tells of a new life, the way here
/// does so too, before it gives a request of that life. It is asked then.
#[derive(Debug)]
pub struct End<C, Q> {
    /// The ring.
    pub channel: C,
    /// Taken from the ring, but not looked at yet.
    waiting: Option<Q>,
}

impl<Q, C: Channel<Request = Q>> End<C, Q> {
    /// Of this ring.
    pub fn new(channel: C) -> Self {
        Self {
            channel,
            waiting: None,
        }
    }

    /// Takes the next request.
    ///
    /// # Errors
    /// As the ring says.
    pub fn pop(&mut self) -> Result<Option<Q>, RingError> {
        match self.waiting.take() {
            Some(request) => Ok(Some(request)),
            None => self.channel.pop(),
        }
    }

    /// When the way back has told of a new life: whether the way here tells of it too, hence the answers are for the old one. If it gives a request
    /// instead, that one is of the life that the way back told of: it waits.
    pub fn has_restarted(&mut self) -> bool {
        match self.channel.pop() {
            Err(RingError::PeerRestarted) => true,
            Ok(Some(request)) => {
                // There is none already, unless the client plays with its ring.
                self.waiting.get_or_insert(request);
                false
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// The client has restarted: nobody waits for an answer to what was taken.
    pub fn forget(&mut self) {
        self.waiting = None;
    }
}

/// What to do after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more to do.
    Again,
    /// Nothing is to be done before something comes.
    Wait,
    /// The device cannot be stopped: the partition has to restart.
    Restart,
}

/// A device and its clients.
pub trait Driver {
    /// One turn: what the device is done with, what clients ask for, what they are answered. `now` is in ticks.
    fn serve(&mut self, now: u64) -> Next;
    /// Whether the device can be used.
    fn is_up(&self) -> bool;
    /// When to look again even if nothing comes: while the device has something, in ticks.
    fn next_check(&self) -> Option<u64>;
    /// The device's interrupt came.
    fn interrupted(&mut self);
}
