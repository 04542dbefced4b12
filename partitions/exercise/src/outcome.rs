//! What came of an operation, as one number: a status, or an outcome behind the statuses.

use cofferdam_native::abi::Status;
use cofferdam_native::{Error, RingError};
use evidence::Outcome;

/// The number of what came of a port's operation.
pub fn of<T>(result: &Result<T, Error>) -> u32 {
    match result {
        Ok(_) => Status::Ok as u32,
        Err(Error::Refused(status)) => *status as u32,
        Err(Error::Unknown(_)) => Outcome::UnknownStatus as u32,
        Err(Error::Malformed(_)) => Outcome::Malformed as u32,
        Err(Error::Unencodable(_)) => Outcome::Unencodable as u32,
    }
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
