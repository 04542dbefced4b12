//! Partitions that misuse hypercalls on purpose, and leave each answer as evidence.
//!
//! `odd` names odd buffers in every hypercall that takes one, and slots that it does not have in every one that takes a slot; `mate` is the other
//! end of its channels. `asker` calls `giver` in odd orders, and `between` is there to be in between the two. `stray`
//! fails with stacks that are none. What each has to be answered
//! stands in the files of `systems/misuse/expected`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
mod calls;

#[cfg(target_os = "none")]
pub use calls::{message, sleep_us, status, ticks_of};

/// What `asker` asks of `giver`: the first word of its request. The second one is a time in microseconds.
pub mod order {
    /// A request in memory has no words.
    pub const NONE: u32 = 0;
    /// A reply at once.
    pub const NEXT: u32 = 1;
    /// A reply after so long.
    pub const LATE: u32 = 2;
    /// The same in the call that waits for the next request.
    pub const LATE_FUSED: u32 = 3;
    /// No reply: a restart after so long.
    pub const RESTART: u32 = 4;
    /// Behind so long a reply in the call that waits for the next request, and the same for those that follow.
    pub const FUSE: u32 = 5;
    /// A reply, and the waits are for lines again.
    pub const PART: u32 = 6;
    /// A reply with bytes, in the call that waits for the next request.
    pub const BYTES: u32 = 7;
    /// First a reply with more bytes than were ever written, in the same call; then one without.
    pub const TOO_LONG: u32 = 8;
    /// A reply in the same call, while a line is pending.
    pub const PENDING: u32 = 9;
    /// A reply behind a signal to who is in between.
    pub const POKE: u32 = 10;
    /// A reply behind work, and not behind sleep.
    pub const BUSY: u32 = 12;
    /// A reply, and then calls the other way; in the call that waits for the next request, one such call before the reply.
    pub const BACK: u32 = 11;
}
