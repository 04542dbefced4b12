//! The driver's end of a client's rings, and what it says there.

use network_messages::{Operation, Reply, Request, Status};

/// The memory of both rings as the driver has it.
pub type Peer = hostile_driver::Peer<Request, Reply>;

/// Waits until the client asks for this, whatever it asks before.
pub fn request_of(peer: &mut Peer, operation: Operation) -> Request {
    loop {
        let request = peer.request();
        if request.operation == operation {
            return request;
        }
    }
}

/// Answers a request.
pub fn answer(peer: &mut Peer, id: u32, status: Status, length: u32) {
    peer.push(&Reply {
        id,
        status,
        length,
        address: crate::CLIENT,
    });
}
