//! ARINC 653 applications that go through what the services offer on the target, and leave what came of it as evidence.
//!
//! * `control` has a periodic process, an aperiodic one that serves commands, one that computes all the time, and some that fail: its
//!   error handler says who, and stops it.
//! * `ground` is at the other end of its ports.
//! * `survivor` restarts itself, first warm, and then by an error that nobody handles.
//! * `clumsy` fails in each life at something else.
//!
//! What has to come of it stands in `systems/apex/expected`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg(target_os = "none")]

use cofferdam_apex_native::apex::{ReturnCode, SystemTime};

/// The period of all three partitions.
pub const PERIOD: SystemTime = SystemTime(10_000_000);
/// How old an attitude may be.
pub const REFRESH: SystemTime = SystemTime(15_000_000);
/// The longest message of each port.
pub const MESSAGE_BYTES: i32 = 16;
/// How many reports fit into their queue.
pub const REPORTS: i32 = 1;
/// How many commands fit into theirs.
pub const COMMANDS: i32 = 4;

/// A time in milliseconds.
pub const fn ms(milliseconds: i64) -> SystemTime {
    SystemTime(milliseconds * 1_000_000)
}

/// A return code as evidence: the standard's number.
pub fn code<T>(result: &Result<T, ReturnCode>) -> u32 {
    result.as_ref().map_or_else(|code| code.number(), |_| 0)
}
