//! What a clock partition and its clients tell each other.
//!
//! Two ways lead to the time: a `call` channel of [`Request`] and [`Reply`] reads the clock's chip now, a `sampling` channel of
//! [`Time`] has what was read at the last release of the clock's period. Either way the time comes with the tick of the machine's timebase at
//! which it was read, so that a client can count on from there by itself.
//!
//! Times are seconds of UTC since the beginning of 1970, as POSIX counts them: leap seconds do not appear.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Message;
use serde::{Deserialize, Serialize};

/// The first second that can be set: the chip's two digits of the year begin with 2000.
pub const FIRST_SECOND: u64 = 946_684_800;
/// The last one: they end with 2099.
pub const LAST_SECOND: u64 = 4_102_444_799;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Request {
    /// The time.
    Now,
    /// That the clock be set to this second. Only the client at the clock's port `setter` may.
    Set(u64),
}

/// A time that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Time {
    /// The second; 0 if the chip's registers hold no time at all.
    pub utc_seconds: u64,
    /// Whether the chip vouches for it: it has run without a break since it was set.
    pub valid: bool,
    /// The timebase just before it was read.
    pub tick: u64,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Reply {
    /// The time; behind a [`Request::Set`], as the chip has it now.
    Time(Time),
    /// This client may not set the clock.
    NotAllowed,
    /// The chip cannot hold that second: see [`FIRST_SECOND`] and [`LAST_SECOND`].
    OutOfRange,
    /// The chip does not answer, or does not take what it is told.
    Unavailable,
    /// The request was none.
    Malformed,
}
