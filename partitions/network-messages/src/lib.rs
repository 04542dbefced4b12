//! What a client of a network and the network's driver tell each other.
//!
//! They share a two-way ring with a payload: [`Request`]s go one way, [`Reply`]s the other, and the frames stay in the payload, memory
//! of exactly these two. A driver may let its device read and write the payload directly, so that it copies nothing.
//!
//! # Who owns the payload when
//!
//! * A piece of payload is the client's until it pushes a request that names it. From then on it is the driver's and its device's, until the driver
//!   pushes the reply with the same `id`.
//! * The client chooses the ids. It never has two requests in flight with the same id, nor two that name overlapping payload.
//! * What a client does to payload that is not its own spoils its own frames, and nothing else.
//!
//! # What a request asks for
//!
//! | operation | `offset`, `length` | answered | a reply that is [`Status::Done`] says in `length` |
//! |---|---|---|---|
//! | [`Operation::Describe`] | ignored | at once | 0; and in `address` the client's own hardware address |
//! | [`Operation::Send`] | where the frame is, and how long | when its payload is no longer needed | how much was sent: all of it |
//! | [`Operation::Receive`] | where a frame may go, and how much room it has | when a frame came for the client | how long the frame is |
//!
//! A frame begins with its destination address and ends before its check sequence: [`FRAME_BYTES_MIN`] to [`FRAME_BYTES_MAX`] bytes. It may
//! begin anywhere in the payload, so that who copies it can copy words wherever the frame came from. Buffers for receiving have room for the longest
//! frame; they are filled in the order in which they were given. Frames that come while the client has given none are lost, as on any network.
//!
//! `Done` for a frame that was sent means that the driver took it, not that anybody received it. [`Status::Dropped`] means that no other client got it, a frame for several included.
//!
//! # Neither side trusts the other
//!
//! The driver copies a request out, checks its range against the payload, and the frame against what the client may send. The client takes a reply
//! only if its id is in flight, and a length only if the frame fits the buffer; others it drops.
//!
//! # Restarts
//!
//! When the driver starts it rings the doorbells of its clients, which wait for answers that will not come. The client's ring then says so once. Nothing is in flight any more: frames that were being sent may be lost, and the
//! buffers for receiving are the client's to give again. When the client restarts, the driver drops its requests, waits until the device is done with
//! its payload, and goes on. Until it has answered the new life's first request, it need not know of that life, and may fill buffers that the last one gave.
//!
//! A driver that is stopped for good rings nobody; the kernel raises the clients' lines, and `channel_status` has no epoch for it. That is so once its device is off the
//! bus, so that all of the payload is the client's then.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Message;
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// The longest frame: two addresses, the type, and 1,500 bytes of data; no check sequence.
pub const FRAME_BYTES_MAX: u32 = 1514;

/// So many clients can share a network.
pub const CLIENTS_MAX: usize = 8;

/// The shortest frame: two addresses and the type. Whoever puts it on a wire fills it up.
pub const FRAME_BYTES_MIN: u32 = 14;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Operation {
    /// Which hardware address the client has.
    Describe,
    /// A frame from the payload.
    Send,
    /// A frame into the payload, when one comes.
    Receive,
}

/// From a client to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Request {
    /// Names the request until it is answered.
    pub id: u32,
    /// What it asks for.
    pub operation: Operation,
    /// Where in the payload the frame begins, or may begin.
    pub offset: u32,
    /// How long the frame is, or how much room it has.
    pub length: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Status {
    /// As it was asked for.
    Done,
    /// The request breaks a rule of the protocol: payload that is not there, a length that no frame has, or a buffer without room for one.
    Malformed,
    /// The client may not send this frame: its source address is not the client's, or a filter is against it.
    Refused,
    /// There was no room or no time for the frame: the client is over its rate, or the device fell behind. No other client got it, so it can be sent again; of a device
    /// that failed it is unknown whether the frame went out to the wire.
    Dropped,
}

/// The driver's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Reply {
    /// That of the request.
    pub id: u32,
    /// How it ended.
    pub status: Status,
    /// How long the frame is that was sent or received.
    pub length: u32,
    /// For [`Operation::Describe`] the client's hardware address.
    pub address: [u8; 6],
}

/// What became of the frames of a client, since the driver began. Numbers go round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct ClientCounts {
    /// Its hardware address.
    pub address: [u8; 6],
    /// Frames that were taken from it.
    pub sent: u32,
    /// Frames that it was given.
    pub received: u32,
    /// Frames that it may not send: another's source address, a filter against it, or no frame at all.
    pub refused: u32,
    /// Frames over its rate.
    pub over_rate: u32,
    /// Frames for which there was no room: of its own at the device, or for it in its buffers.
    pub lost: u32,
}

/// What became of all frames of a network, since the driver began. A driver says it now and then at its port `counts`, if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct Counts {
    /// Those of the clients, in the order in which the driver has them.
    pub clients: Vec<ClientCounts, CLIENTS_MAX>,
    /// Frames from the wire that nobody was to get: for others, or with what cannot be.
    pub unwanted: u32,
}

#[cfg(test)]
mod tests {
    use cofferdam_ipc::{decode, encode};

    use super::*;

    #[test]
    fn messages_come_as_they_were_sent() {
        use Operation::{Describe, Receive, Send};
        for (number, operation) in (0..).zip([Describe, Send, Receive]) {
            let request = Request {
                id: u32::MAX - number,
                operation,
                offset: u32::MAX,
                length: number,
            };
            let mut wire = Request::EMPTY_BUFFER;
            let length = encode(&request, &mut wire).expect("it has room");
            assert_eq!(decode(&wire[..length]), Ok(request));
        }
        use Status::{Done, Dropped, Malformed, Refused};
        for (id, status) in (0..).zip([Done, Malformed, Refused, Dropped]) {
            let reply = Reply {
                id,
                status,
                length: u32::MAX,
                address: [0x52, 0x54, 0, 0x12, 0x34, 0xff],
            };
            let mut wire = Reply::EMPTY_BUFFER;
            let length = encode(&reply, &mut wire).expect("it has room");
            assert_eq!(decode(&wire[..length]), Ok(reply));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        // The operation is the byte behind an id of one byte.
        assert!(decode::<Request>(&[1, 2, 0, 0]).is_ok());
        assert!(decode::<Request>(&[1, 3, 0, 0]).is_err());
        assert!(decode::<Reply>(&[1, 3, 0, 1, 2, 3, 4, 5, 6]).is_ok());
        assert!(decode::<Reply>(&[1, 4, 0, 1, 2, 3, 4, 5, 6]).is_err());
        assert!(decode::<Reply>(&[1, 0, 0, 1, 2, 3, 4, 5]).is_err());
    }
}
