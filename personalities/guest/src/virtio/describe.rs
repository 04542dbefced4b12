//! What a device asks its driver partition before a guest sees it: how large the disk is, which address the guest has.
//!
//! A guest looks at its devices once, when it starts. So the monitor waits for the answers first.

use disk_messages as disk;
use network_messages as network;

use super::{Link, REPLIES_MAX};

/// The id of the question. No other request has it.
const DESCRIBE: u32 = u32::MAX;

/// What the driver says that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// How large it is; 0 if the driver refuses to say.
    pub sectors: u64,
    /// It may not be written.
    pub read_only: bool,
}

/// Asks the driver what there is, as often as it restarts; `None` as long as it has not answered. To be called first, and when its doorbell rings.
pub fn disk<L: Link<Request = disk::Request, Reply = disk::Reply>>(
    link: &mut L,
    asked: &mut bool,
) -> Option<Description> {
    if link.has_restarted() {
        *asked = false;
    }
    for _ in 0..REPLIES_MAX {
        let Some(reply) = link.pop() else { break };
        if reply.id == DESCRIBE {
            let done = reply.status == disk::Status::Done;
            return Some(Description {
                sectors: if done { reply.sectors } else { 0 },
                read_only: reply.read_only,
            });
        }
    }
    if !*asked {
        let question = disk::Request {
            id: DESCRIBE,
            operation: disk::Operation::Describe,
            sector: 0,
            sectors: 0,
            offset: 0,
        };
        *asked = send(link, &question);
        link.ring_doorbell();
    }
    None
}

/// Asks the driver for the address, as often as it restarts; `None` as long as it has not answered. To be called first, and when its doorbell rings.
pub fn network<L: Link<Request = network::Request, Reply = network::Reply>>(
    link: &mut L,
    asked: &mut bool,
) -> Option<[u8; 6]> {
    if link.has_restarted() {
        *asked = false;
    }
    for _ in 0..REPLIES_MAX {
        let Some(reply) = link.pop() else { break };
        if reply.id == DESCRIBE && reply.status == network::Status::Done {
            return Some(reply.address);
        }
    }
    if !*asked {
        let question = network::Request {
            id: DESCRIBE,
            operation: network::Operation::Describe,
            offset: 0,
            length: 0,
        };
        *asked = send(link, &question);
        link.ring_doorbell();
    }
    None
}

/// Sends, and tries again if the driver has just restarted.
fn send<Q, L: Link<Request = Q>>(link: &mut L, message: &Q) -> bool {
    link.push(message) == Ok(()) || link.push(message) == Ok(())
}
