//! The whole vocabulary of results.

/// The result of a hypercall, in r3.
///
/// 0 to 13 are ePAPR 1.1, section 7.4.2 ("hcall return codes"), so that a guest's own
/// paravirtual layer understands them; from 64 on they are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// The capability does not carry the right that the call needs.
    NotPermitted = 1,
    /// The slot is empty, or holds a capability of another type.
    NoCapability = 2,
    /// Not now: full, empty, nothing to do, or the server still owes the reply of a request given up. Nothing has changed;
    /// the line of the slot tells when to try again.
    Again = 4,
    /// The memory named is not wholly in the caller's regions, with the rights needed.
    BadAddress = 6,
    /// An argument is out of its range.
    Invalid = 8,
    /// The call does not fit the state: a reply without a request, a second submission.
    InvalidState = 11,
    /// No such hypercall.
    Unimplemented = 12,
    /// The message does not fit the buffer given; it stays where it is.
    Overflow = 13,
    /// The deadline passed first.
    TimedOut = 64,
    /// The peer was stopped or restarted while it held the request. The request may or may not have had its effect.
    PeerRestarted = 65,
    /// The peer is stopped, or is being restarted.
    PeerDown = 66,
    /// The server cannot run in this window; the request was not queued.
    OutOfWindow = 67,
    /// A virtual interrupt ended the wait; the reply can be collected later.
    Interrupted = 68,
}

impl Status {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 14] = [
        Self::Ok,
        Self::NotPermitted,
        Self::NoCapability,
        Self::Again,
        Self::BadAddress,
        Self::Invalid,
        Self::InvalidState,
        Self::Unimplemented,
        Self::Overflow,
        Self::TimedOut,
        Self::PeerRestarted,
        Self::PeerDown,
        Self::OutOfWindow,
        Self::Interrupted,
    ];

    /// The status with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| *status as u32 == number)
    }
}
