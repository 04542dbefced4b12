//! What the two clients share: what came of a request, as a number for the record.
#![no_std]
#![forbid(unsafe_code)]
#![cfg(target_os = "none")]

use clock_messages::Reply as Clock;
use cofferdam_native::Error;
use power_messages::Reply as Power;

/// No reply came.
pub const NO_REPLY: u32 = 0x100;

/// The second, or the number of what came in its place: no second that the clock has is that small.
pub fn clock(reply: Result<Clock, Error>) -> u32 {
    match reply {
        Ok(Clock::Time(time)) => u32::try_from(time.utc_seconds).unwrap_or(u32::MAX),
        Ok(Clock::NotAllowed) => 1,
        Ok(Clock::OutOfRange) => 2,
        Ok(Clock::Unavailable) => 3,
        Ok(Clock::Malformed) => 4,
        Err(_) => NO_REPLY,
    }
}

/// The number of the reply.
pub fn power(reply: Result<Power, Error>) -> u32 {
    match reply {
        Ok(Power::Low) => 0,
        Ok(Power::High) => 1,
        Ok(Power::NoSuchPin) => 2,
        Ok(Power::NotAllowed) => 3,
        Ok(Power::StillOn) => 4,
        Ok(Power::Malformed) => 5,
        Err(_) => NO_REPLY,
    }
}
