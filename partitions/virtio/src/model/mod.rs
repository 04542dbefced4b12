//! A virtio device for tests on the host, and the memory that it reaches.
//!
//! [`ModelDevice`] has the registers of a device on PCI, and works through its queues when it is told to. It is strict: what a driver may
//! not do is a panic with the section of the specification. It can be made to lie, by [`Faults`] in its registers, and in its
//! rings by whoever writes into the [`Arena`]. [`ModelChannel`] is what a driver has of a client.

mod arena;
mod device;
mod ring;

pub use arena::{ARENA_BUS_ADDRESS, Arena, ModelMemory};
pub use device::{Backend, Faults, ModelDevice, Taken};
pub use ring::{ModelChannel, Ring};
