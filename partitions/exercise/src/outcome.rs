//! What came of an operation, as one number: a status, or an outcome behind the statuses.

use cofferdam_native::Error;
use cofferdam_native::abi::Status;
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
