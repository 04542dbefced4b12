//! What the partitions ask of each other.

use cofferdam_ipc::Message;
use serde::{Deserialize, Serialize};

/// What `server` is to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Request {
    /// Answer with the number after this one.
    Next(u32),
    /// Answer after so many microseconds of sleep.
    Sleep(u32),
    /// Answer, and from now on wait for the next request in the call that replies.
    Fuse,
    /// Answer, and wait for lines again.
    Part,
    /// Restart, without an answer.
    Restart,
    /// Fail, without an answer.
    Fail,
}

/// What it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Answer(pub u32);

/// What `near` and `far` are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Order {
    /// Read the sampling channel.
    Read,
    /// Receive from the queue, so often.
    Take(u8),
    /// Receive from the queue into room that is too small.
    TakeIntoLittle,
    /// Look whether the bell was rung.
    Listen,
    /// Look in which life the peer is.
    Epoch,
}

/// What `peer` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum PeerOrder {
    /// Leave what comes over the ring where it is.
    Hold,
    /// Take what is there, and answer it; from now on, whatever comes.
    Go,
    /// Carry out the sabotage of this number.
    Sabotage(u8),
    /// Write numbers without sense over all of the ring, so often.
    Scribble(u16),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_travel_in_registers() {
        assert!(Request::MAX_SIZE < 16 && Answer::MAX_SIZE < 16);
    }
}
