//! What a device makes of what its channel's ring says.
//!
//! The driver partition writes half of a ring, so that any error may come from it, at any time: none is fatal, and none takes long.

use cofferdam_ring::RingError;

use super::Unsent;

/// So many replies in a row may be no replies.
pub const UNREADABLE_MAX: usize = 128;

/// The two rings of a channel, at this end.
pub trait Ends {
    /// What goes.
    type Request;
    /// What comes.
    type Reply;

    /// Appends a request.
    ///
    /// # Errors
    /// As the ring says: nothing was appended.
    fn append(&mut self, request: &Self::Request) -> Result<(), RingError>;
    /// Takes a reply.
    ///
    /// # Errors
    /// As the ring says.
    fn take(&mut self) -> Result<Option<Self::Reply>, RingError>;
    /// How many requests there is room for.
    ///
    /// # Errors
    /// As the ring says.
    fn vacant(&mut self) -> Result<u32, RingError>;
}

/// See [`Link::push`](super::Link::push).
///
/// # Errors
/// If it was not sent.
pub fn push<E: Ends>(ends: &mut E, request: &E::Request) -> Result<(), Unsent> {
    ends.append(request).map_err(|error| match error {
        RingError::PeerRestarted => Unsent::Restarted,
        // What the driver wrote makes no sense: until it restarts, nothing can be sent.
        _ => Unsent::Full,
    })
}

/// See [`Link::pop`](super::Link::pop).
pub fn pop<E: Ends>(ends: &mut E) -> Option<E::Reply> {
    for _ in 0..UNREADABLE_MAX {
        match ends.take() {
            Ok(reply) => return reply,
            // A driver that restarts takes up the requests first (`RingResponder::attach`), so that `has_restarted` knows of it.
            Err(RingError::Decode(_) | RingError::PeerRestarted) => {}
            Err(_) => return None,
        }
    }
    None
}

/// See [`Link::has_restarted`](super::Link::has_restarted).
pub fn has_restarted<E: Ends>(ends: &mut E) -> bool {
    ends.vacant() == Err(RingError::PeerRestarted)
}
