//! What the kernel and its partitions agree on.
//!
//! A leaf: it depends on no other crate of the project, and holds no logic. Each number that both
//! sides must know has its one home here: hypercall tokens ([`hypercall`]), results ([`Status`]),
//! the register page that a vCPU shares with the kernel ([`page`]), the errors that the health
//! monitor knows ([`health`]), the places of things in a partition's address space ([`space`]),
//! the maxima that the kernel's static tables impose ([`limits`]), and the records that the host
//! reads out of RAM after a run ([`record`]).
//!
//! The interface is version 0: it is free to change until upstream Linux and an ARINC 653
//! partition have run on it.
#![no_std]
#![forbid(unsafe_code)]

pub mod guest;
pub mod health;
pub mod hypercall;
pub mod limits;
pub mod page;
pub mod record;
pub mod space;
mod status;

pub use status::Status;

/// The version of everything in this crate. A partition's version note and the compiled tables
/// carry it, and the build refuses one that differs.
pub const ABI_VERSION: u16 = 0;
