//! What the guest asks for, and what is asked of the driver for it.

use disk_messages::Operation;

use super::super::queue::Cursor;
use super::OK;

/// A request of the guest's.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub operation: Operation,
    pub head: u16,
    /// The address of the byte for the result.
    pub result_at: u32,
    /// What was not asked of the driver yet: from which sector on, how many bytes, and where in the chain.
    pub sector: u64,
    pub left: u32,
    pub cursor: Cursor,
    /// Pieces that are not answered.
    pub pieces: u8,
    /// A flush has to follow, as the guest's driver knows of none.
    pub flush_follows: bool,
    pub result: u8,
    /// What was written into the chain if all goes well, the result included.
    pub written: u32,
}

/// What is asked of the driver at once.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub id: u32,
    pub operation: Operation,
    /// `None`: an orphan.
    pub request: Option<u8>,
    pub sector: u64,
    pub bytes: u32,
    pub cursor: Cursor,
    /// Its units of the payload.
    pub units: u32,
    /// The pieces that are asked for with it, in one message.
    pub followers: u32,
}

pub const NO_REQUEST: Request = Request {
    operation: Operation::Flush,
    head: 0,
    result_at: 0,
    sector: 0,
    left: 0,
    cursor: Cursor::start(0),
    pieces: 0,
    flush_follows: false,
    result: OK,
    written: 0,
};
pub const NO_PIECE: Piece = Piece {
    id: 0,
    operation: Operation::Flush,
    request: None,
    sector: 0,
    bytes: 0,
    cursor: Cursor::start(0),
    units: 0,
    followers: 0,
};

/// Types of requests (section 5.2.6).
pub(super) mod kind {
    pub const IN: u32 = 0;
    pub const OUT: u32 = 1;
    pub const FLUSH: u32 = 4;
    pub const GET_ID: u32 = 8;
}
