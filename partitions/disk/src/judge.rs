//! What a client may do.

use disk_messages::{OFFSET_ALIGNMENT, Operation, Request, SECTOR_BYTES, Status};

use crate::{Command, Shape, Work};

/// A client's range of the disk, as the system's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its first sector.
    pub first_sector: u64,
    /// How many sectors it has.
    pub sectors: u64,
    /// The client may not write.
    pub read_only: bool,
}

/// What there is of a range on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    first_sector: u64,
    /// How many sectors the client has.
    pub sectors: u64,
    /// It may not write.
    pub read_only: bool,
}

impl Share {
    /// The part of `range` that the disk has: it may be shorter than the system's file says.
    pub fn new(range: &Range, disk: &Shape) -> Self {
        Self {
            first_sector: range.first_sector,
            sectors: range
                .sectors
                .min(disk.sectors.saturating_sub(range.first_sector)),
            read_only: range.read_only || disk.read_only,
        }
    }
}

/// What a read or a write of a client means for the disk: which sectors, and which bytes of the payload.
///
/// # Errors
/// What is wrong with it.
pub fn judge(request: &Request, share: &Share, payload_bytes: u32) -> Result<Work, Status> {
    let command = match request.operation {
        Operation::Read => Command::Read,
        Operation::Write => Command::Write,
        Operation::Describe | Operation::Flush => return Err(Status::Malformed),
    };
    let length = request
        .sectors
        .checked_mul(SECTOR_BYTES)
        .filter(|length| *length != 0)
        .ok_or(Status::Malformed)?;
    let inside = request.offset.is_multiple_of(OFFSET_ALIGNMENT)
        && request
            .offset
            .checked_add(length)
            .is_some_and(|end| end <= payload_bytes);
    if !inside {
        return Err(Status::Malformed);
    }
    if command == Command::Write && share.read_only {
        return Err(Status::ReadOnly);
    }
    request
        .sector
        .checked_add(request.sectors.into())
        .filter(|end| *end <= share.sectors)
        .ok_or(Status::OutOfRange)?;
    let sector = share
        .first_sector
        .checked_add(request.sector)
        .ok_or(Status::OutOfRange)?;
    Ok(Work {
        command,
        sector,
        length,
    })
}
