//! What drivers of a device that several clients share have in common: their ends of the clients' rings, and their turns.

use cofferdam_ring::RingError;

use crate::Memory;

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
