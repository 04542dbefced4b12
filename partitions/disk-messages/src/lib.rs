//! What a client of a disk and the disk's driver tell each other.
//!
//! They share a two-way ring with a payload: [`Request`]s go one way, [`Reply`]s the other, and the data stays in the payload, memory
//! of exactly these two. A driver may let its device read and write the payload directly, so that it copies nothing.
//!
//! # Who owns the payload when
//!
//! * A piece of payload is the client's until it pushes a request that names it. From then on it is the driver's and its device's, until the driver
//!   pushes the reply with the same `id`.
//! * The client chooses the ids. It never has two requests in flight with the same id, nor two that name overlapping payload.
//! * What a client does to payload that is not its own spoils its own data, and nothing else.
//!
//! # What a request asks for
//!
//! | operation | `sector`, `sectors` | `offset` | a reply that is [`Status::Done`] says in `sectors` |
//! |---|---|---|---|
//! | [`Operation::Describe`] | ignored | ignored | how large the client's range is; and in `read_only` whether it may be written |
//! | [`Operation::Read`] | which sectors | where in the payload they go | as many as were asked for |
//! | [`Operation::Write`] | which sectors | where in the payload they are | as many as were asked for |
//! | [`Operation::Flush`] | ignored | ignored | 0 |
//!
//! Sectors have [`SECTOR_BYTES`], and are counted from the beginning of the client's own range of the disk: no request can name others.
//! `offset` is a multiple of [`OFFSET_ALIGNMENT`]; at least one sector is read or written.
//!
//! A write that is answered with `Done` may still be in the cache of the device. What was answered before a flush was asked for is on the medium
//! when the flush is answered with `Done`. Requests in flight are carried out in any order: whoever wants an order waits for the reply.
//!
//! # Neither side trusts the other
//!
//! The driver copies a request out, checks its range against the payload and against the client's range, and answers what is wrong with
//! a status. The client takes a reply only if its id is in flight; others it drops.
//!
//! # Restarts
//!
//! When the driver starts it rings the doorbells of its clients, which wait for answers that will not come. The client's ring then says so once. Nothing is in flight any more; what was has an unknown outcome: it was carried
//! out, or in part, or not. Nothing that was answered is lost beyond what a flush promises. Reads, writes and flushes may be asked for again as they
//! were. When the client restarts, the driver drops its requests, waits until the device is done with its payload, and goes on.
//!
//! A driver that is stopped for good rings nobody; the kernel raises the clients' lines, and `channel_status` has no epoch for it. That is so once its device is off the
//! bus, so that all of the payload is the client's then.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Message;
use serde::{Deserialize, Serialize};

/// The bytes of a sector.
pub const SECTOR_BYTES: u32 = 512;

/// What a request's `offset` is a multiple of.
pub const OFFSET_ALIGNMENT: u32 = 4;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Operation {
    /// How large the client's range is, and whether it may be written.
    Describe,
    /// Sectors into the payload.
    Read,
    /// Sectors from the payload.
    Write,
    /// What was written and answered becomes durable.
    Flush,
}

/// From a client to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Request {
    /// Names the request until it is answered.
    pub id: u32,
    /// What it asks for.
    pub operation: Operation,
    /// The first sector, from the beginning of the client's range.
    pub sector: u64,
    /// How many sectors.
    pub sectors: u32,
    /// Where in the payload their data begins.
    pub offset: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Status {
    /// As it was asked for.
    Done,
    /// The client may not write. Nothing was written.
    ReadOnly,
    /// Not all of the sectors are in the client's range. Nothing was moved.
    OutOfRange,
    /// The request breaks a rule of the protocol: no sectors, payload that is not there, or an offset that is not aligned. Nothing was moved.
    Malformed,
    /// The device failed. How much was moved is unknown.
    Failed,
}

/// The driver's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Reply {
    /// That of the request.
    pub id: u32,
    /// How it ended.
    pub status: Status,
    /// For [`Operation::Describe`] the sectors of the client's range, else how many were moved.
    pub sectors: u64,
    /// For [`Operation::Describe`]: the client may not write.
    pub read_only: bool,
}

#[cfg(test)]
mod tests {
    use cofferdam_ipc::{decode, encode};

    use super::*;

    #[test]
    fn messages_come_as_they_were_sent() {
        use Operation::{Describe, Flush, Read, Write};
        for (number, operation) in (0..).zip([Describe, Read, Write, Flush]) {
            let request = Request {
                id: u32::MAX - number,
                operation,
                sector: u64::MAX - u64::from(number),
                sectors: number,
                offset: u32::MAX,
            };
            let mut wire = Request::EMPTY_BUFFER;
            let length = encode(&request, &mut wire).expect("it has room");
            assert_eq!(decode(&wire[..length]), Ok(request));
        }
        use Status::{Done, Failed, Malformed, OutOfRange, ReadOnly};
        for (id, status) in (0..).zip([Done, ReadOnly, OutOfRange, Malformed, Failed]) {
            let reply = Reply {
                id,
                status,
                sectors: u64::MAX,
                read_only: id % 2 == 0,
            };
            let mut wire = Reply::EMPTY_BUFFER;
            let length = encode(&reply, &mut wire).expect("it has room");
            assert_eq!(decode(&wire[..length]), Ok(reply));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        // The operation is the byte behind an id of one byte.
        assert!(decode::<Request>(&[1, 3, 0, 0, 0]).is_ok());
        assert!(decode::<Request>(&[1, 4, 0, 0, 0]).is_err());
        assert!(decode::<Reply>(&[1, 4, 0, 1]).is_ok());
        assert!(decode::<Reply>(&[1, 5, 0, 1]).is_err());
        assert!(decode::<Reply>(&[1, 0, 0, 2]).is_err());
    }
}
