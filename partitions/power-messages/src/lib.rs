//! What a power partition and its clients tell each other, and how the host learns that it did what it was asked for.
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_ipc::Message;
use cofferdam_ipc::fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};

/// The mark that the partition leaves in the record just before it takes the machine's power: without it a machine that ends is
/// one that failed. It is the step `power.off` of a test. Only a mark of a partition to which the system's file gave a device with such authority counts.
pub const POWER_OFF_MARK: u32 = Fingerprint::of("power.off").finish() as u32;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Request {
    /// That the machine be switched off. Only the client at the port `operator` may.
    PowerOff,
    /// The level of an input pin, 1 to 31.
    Level(u8),
}

/// The answer. To a power off that succeeds there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub enum Reply {
    /// The pin is high.
    High,
    /// The pin is low.
    Low,
    /// There is no such input.
    NoSuchPin,
    /// This client may not switch the machine off.
    NotAllowed,
    /// The machine is still on.
    StillOn,
    /// The request was none.
    Malformed,
}
