//! The DMA arena: the only memory that devices on the bus reach, and what lies where in it.
//!
//! The board's bus has one window for all its devices, so the arena is one block, a power of two. It holds the memory that drivers have
//! for their devices, and the payloads of rings, and nothing else. Its order follows from the file alone, so that the programs can
//! be built before anything has a place in RAM: a piece's effective address is its address on the bus.

use cofferdam_abi::space;
use cofferdam_model::{ChannelKind, Dma, System};

use crate::residency::entry_bytes;

/// What a piece of the arena is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Of the owner of this device.
    Device(usize),
    /// Of both ends of this channel.
    Payload(usize),
}

/// A piece of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub of: Use,
    /// What was asked for.
    pub asked_bytes: u64,
    /// What it takes: one entry of TLB1.
    pub bytes: u64,
    /// Where it lies in the arena.
    pub offset: u64,
}

impl Piece {
    /// Its effective address, and its address on the bus.
    pub fn address(&self) -> u32 {
        space::ARENA.saturating_add(u32::try_from(self.offset).unwrap_or(u32::MAX))
    }
}

/// The pieces, the largest first, so that each is aligned to its size.
pub fn pieces(system: &System) -> Vec<Piece> {
    let devices = system
        .devices
        .iter()
        .enumerate()
        .filter_map(|(index, one)| {
            let bytes = one.dma_memory_bytes.as_ref()?;
            Some((Use::Device(index), **bytes))
        });
    let channels = system
        .channels
        .iter()
        .enumerate()
        .filter_map(|(index, one)| {
            let bytes = one.payload_bytes.as_ref()?;
            Some((Use::Payload(index), **bytes))
        });
    let mut pieces: Vec<_> = devices
        .chain(channels)
        .map(|(of, asked_bytes)| Piece {
            of,
            asked_bytes,
            bytes: entry_bytes(asked_bytes.min(u64::from(space::ARENA_SIZE) + 1)),
            offset: 0,
        })
        .collect();
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.bytes));
    let mut offset = 0;
    for piece in &mut pieces {
        piece.offset = offset;
        offset += piece.bytes;
    }
    pieces
}

/// The size of the arena: a power of two that holds every piece. 0: there is none.
pub fn bytes(pieces: &[Piece]) -> u64 {
    match pieces.iter().map(|piece| piece.bytes).sum() {
        0 => 0,
        sum => u64::next_power_of_two(sum),
    }
}

/// Whether a partition has a piece.
pub fn has(system: &System, partition: usize, piece: &Piece) -> bool {
    let name = &*system.partitions[partition].name;
    match piece.of {
        Use::Device(device) => owns(system, partition, device),
        Use::Payload(channel) => {
            let mut ends = system.channels[channel].ends();
            ends.any(|end| *end.partition == *name)
        }
    }
}

/// Whether a partition owns a device of the file.
pub fn owns(system: &System, partition: usize, device: usize) -> bool {
    let mut devices = system.partitions[partition].devices.iter();
    devices.any(|name| **name == *system.devices[device].name)
}

/// Whether a device of the file reaches memory by itself.
pub fn is_master(system: &System, device: usize) -> bool {
    *system.devices[device].dma != Dma::None
}

/// Whether a channel can have a payload: a ring with replies, one end of which owns a device that reaches the arena.
pub fn may_have_payload(system: &System, channel: usize) -> bool {
    let channel = &system.channels[channel];
    let kind = channel.kind.as_ref().map(|kind| kind.value);
    let masters = (0..system.devices.len()).filter(|device| is_master(system, *device));
    let mut owners = masters.filter_map(|device| {
        (0..system.partitions.len()).find(|partition| owns(system, *partition, device))
    });
    kind == Some(ChannelKind::Ring)
        && channel.reply.is_some()
        && owners.any(|owner| {
            let mut ends = channel.ends();
            ends.any(|end| *end.partition == *system.partitions[owner].name)
        })
}
