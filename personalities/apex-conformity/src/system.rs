//! What a case needs: a partition whose running process makes the calls that the case says, and the world outside of it.
//!
//! [`Host`](crate::Host) is one on plain data. On the target it is a partition whose processes take the steps that were recorded of it
//! ([`crate::recorded`]): since the services say who runs, a case knows whose call is next.

use cofferdam_apex::{ErrorCode, Runs};

use crate::call::{Answer, Call};

/// A partition under test, at the beginning of a cold start, configured as [`crate::host`] says.
pub trait System {
    /// Whoever runs makes this call.
    fn call(&mut self, call: Call) -> Answer;

    /// Whoever runs has waited: how that ended.
    fn collect(&mut self) -> Answer;

    /// Who runs.
    fn running(&self) -> Runs;

    /// Time passes.
    fn pass(&mut self, nanoseconds: u64);

    /// The time in nanoseconds.
    fn time(&self) -> u64;

    /// The machine catches whoever runs at something.
    fn fault(&mut self, code: ErrorCode);

    /// The partition at the other end sends a message to the queuing port at this place. `false`: it was full, and the message is lost.
    fn peer_sends(&mut self, port: usize, message: &'static [u8]) -> bool;

    /// The partition at the other end takes a message from the queuing port at this place: its first byte.
    fn peer_receives(&mut self, port: usize) -> Option<u8>;

    /// The partition at the other end writes the sampling port at this place.
    fn peer_writes(&mut self, port: usize, message: &'static [u8]);

    /// How many errors came up to the partition's level.
    fn partition_errors(&self) -> usize;

    /// From now on the health monitor restarts the partition, cold, at an error at its level.
    fn restart_at_errors(&mut self);

    /// The last mode that the partition asked for, by its number.
    fn mode_asked(&self) -> Option<u32>;

    /// How many messages the application reported.
    fn messages_reported(&self) -> usize;

    /// The module's schedule changes as was asked.
    fn major_frame_ends(&mut self);

    /// The partition begins another life, warm if `warm`, by the health monitor.
    fn restart(&mut self, warm: bool);

    /// The partition begins anew, in a cold start, with no period and without the right to switch schedules.
    fn restrict(&mut self);

    /// A number that stands for all of the partition's state, to notice a change of it; 0 where nobody can look inside.
    fn state(&self) -> u64;

    /// Whether the partition's queues are in order, as far as that can be seen.
    fn is_consistent(&self) -> bool;
}
