//! Memory blocks (ARINC 653 Part 2): memory that the configuration gives to partitions by name.

use crate::code::ReturnCode;
use crate::environment::{Environment, MemoryBlockMode};
use crate::limits::Limits;
use crate::name::Name;
use crate::partition::Partition;

/// The answer of `GET_MEMORY_BLOCK_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryBlockStatus {
    /// Where it is, in the partition's addresses.
    pub address: usize,
    /// What may be done with it.
    pub mode: MemoryBlockMode,
    /// Its size in bytes.
    pub bytes: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `GET_MEMORY_BLOCK_STATUS`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_memory_block_status(&self, name: &Name) -> Result<MemoryBlockStatus, ReturnCode> {
        self.facts
            .memory_blocks
            .iter()
            .find(|block| block.name == *name)
            .map(|block| MemoryBlockStatus {
                address: block.address,
                mode: block.mode,
                bytes: block.bytes,
            })
            .ok_or(ReturnCode::InvalidConfig)
    }
}
