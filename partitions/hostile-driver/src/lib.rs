//! What hostile drivers have in common: [`foreign`] is whose memory they aim at with their devices, and [`Peer`] is their end of a client's rings, of which
//! they write each word themselves.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

mod foreign;
mod peer;

pub use foreign::{BYTES, Foreign, PEER, foreign};
pub use peer::{Peer, Word};
