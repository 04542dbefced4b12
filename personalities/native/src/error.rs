//! Why a port could not do what was asked.

use core::fmt;

use cofferdam_abi::Status;
use cofferdam_ipc::{DecodeError, EncodeError};

/// Why a port could not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The kernel refused, for this reason.
    Refused(Status),
    /// The kernel answered with a number that this version of the interface does not know.
    Unknown(u32),
    /// What came is not a message of the port's type: the peer is wrong, or hostile.
    Malformed(DecodeError),
    /// The value has no wire form.
    Unencodable(EncodeError),
}

impl Error {
    /// Turns the kernel's answer into a result.
    #[inline(always)]
    pub(crate) fn check(status: u32) -> Result<(), Self> {
        if status == Status::Ok as u32 {
            return Ok(());
        }
        Err(Self::of(status))
    }

    /// A number that is not that of success.
    #[cold]
    fn of(status: u32) -> Self {
        Status::from_number(status).map_or(Self::Unknown(status), Self::Refused)
    }

    /// Turns "nothing there yet" into `None`.
    pub(crate) fn or_none<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Self::Refused(Status::Again)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => f.write_str(match status {
                Status::Ok => "done",
                Status::NotPermitted => "the capability lacks the right",
                Status::NoCapability => "no such capability",
                Status::Again => "not now",
                Status::BadAddress => "not the caller's memory",
                Status::Invalid => "an argument is out of range",
                Status::InvalidState => "the call does not fit the state",
                Status::Unimplemented => "no such hypercall",
                Status::Overflow => "the message does not fit the buffer",
                Status::TimedOut => "the deadline passed",
                Status::PeerRestarted => "the peer was restarted",
                Status::PeerDown => "the peer is down",
                Status::OutOfWindow => "the server cannot run in this window",
                Status::Interrupted => "a virtual interrupt ended the wait",
            }),
            Self::Unknown(number) => write!(f, "unknown status {number}"),
            Self::Malformed(error) => write!(f, "malformed message: {error}"),
            Self::Unencodable(error) => write!(f, "message without wire form: {error}"),
        }
    }
}

impl core::error::Error for Error {}
