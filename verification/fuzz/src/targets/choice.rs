//! What somebody who can do anything does next: bytes decide, and zeros when they are used up.

use arbitrary::Unstructured;
use cofferdam_ipc::DecodeError;
use cofferdam_ring::RingError;

/// A number below `count`.
pub fn one_of(u: &mut Unstructured<'_>, count: usize) -> usize {
    u.int_in_range(0..=count - 1).unwrap_or_default()
}

/// Yes or no.
pub fn either(u: &mut Unstructured<'_>) -> bool {
    u.arbitrary().unwrap_or_default()
}

/// What a ring says of its peer, or nothing.
pub fn any_error(u: &mut Unstructured<'_>) -> Option<RingError> {
    match one_of(u, 8) {
        0..3 => Some(RingError::PeerRestarted),
        3 => Some(RingError::Corrupt),
        4 => Some(RingError::Full),
        5 => Some(RingError::Mismatch),
        6 => Some(RingError::Decode(DecodeError::Truncated)),
        _ => None,
    }
}
