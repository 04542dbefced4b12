//! How partitions of test systems leave what they saw, and how the host names it.
//!
//! Such a partition does one thing after the other, and leaves each time a mark in the record: which step it was, and the
//! number that came of it. It judges nothing. What has to come of which step stands in the file `expected.toml`
//! beside the system, and the host compares (`tools/xtask`). Both sides take the number of a step from its
//! name, and the names of outcomes from here.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_abi::Status;
use cofferdam_ipc::fingerprint::Fingerprint;
use cofferdam_ring::RingError;

/// The identifier that the marks of a step have.
pub const fn identifier(step: &str) -> u32 {
    Fingerprint::of(step).finish() as u32
}

/// Leaves a mark: what came of the step with this name.
#[macro_export]
macro_rules! seen {
    ($step:expr, $value:expr) => {
        ::cofferdam_native::mark(const { $crate::identifier($step) }, $value)
    };
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What can come of an operation besides a status of the kernel. The numbers begin behind all statuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Outcome {
            /// There was nothing to be had.
            Nothing = 0x1000,
            $($(#[$doc])* $name,)*
        }

        impl Outcome {
            /// All of them.
            pub const ALL: &'static [Self] = &[Self::Nothing, $(Self::$name,)*];
        }
    };
}

outcomes! {
    /// The kernel answered with a number that is no status.
    UnknownStatus,
    /// What came is no message of the type.
    Malformed,
    /// A value has no wire form.
    Unencodable,
    /// Every place of a ring is taken.
    RingFull,
    /// The other end of a ring has restarted.
    RingPeerRestarted,
    /// The other end of a ring has another layout.
    RingMismatch,
    /// The other end of a ring wrote what cannot be.
    RingCorrupt,
}

/// The number of what came of a ring's operation.
pub fn of_ring<T>(result: &Result<T, RingError>) -> u32 {
    let outcome = match result {
        Ok(_) => return Status::Ok as u32,
        Err(RingError::Full) => Outcome::RingFull,
        Err(RingError::PeerRestarted) => Outcome::RingPeerRestarted,
        Err(RingError::Mismatch) => Outcome::RingMismatch,
        Err(RingError::Corrupt | RingError::TooLong | RingError::BufferTooSmall { .. }) => {
            Outcome::RingCorrupt
        }
        Err(RingError::Encode(_)) => Outcome::Unencodable,
        Err(RingError::Decode(_)) => Outcome::Malformed,
    };
    outcome as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_with_different_names_have_different_identifiers() {
        assert_ne!(identifier("call.late"), identifier("call.early"));
        assert_eq!(identifier("call.late"), identifier("call.late"));
    }
}
