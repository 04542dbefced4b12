//! The one way to a partition's memory: an argument is checked against the region table, and becomes physical.

use cofferdam_abi::Status;
use cofferdam_tables::{Region, RegionKind};

use crate::kernel::Kernel;
use crate::machine::Machine;

/// What a call will do with memory that it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl<M: Machine> Kernel<M> {
    /// The physical address of `length` bytes at a partition's effective address, if they lie in one of its
    /// regions with the right, word-aligned. A device is no memory.
    ///
    /// # Errors
    /// [`Status::Invalid`]: not aligned. [`Status::BadAddress`]: not the partition's.
    #[inline]
    pub(crate) fn buffer(
        &self,
        partition: u8,
        effective: u32,
        length: u32,
        access: Access,
    ) -> Result<u32, Status> {
        if !effective.is_multiple_of(4) {
            return Err(Status::Invalid);
        }
        let region = self
            .region_of_buffer(partition, effective)
            .ok_or(Status::BadAddress)?;
        let offset = effective - region.effective;
        let right = match access {
            Access::Read => region.rights.read(),
            Access::Write => region.rights.write(),
        };
        if right && region.kind != RegionKind::Device && length <= region.length - offset {
            Ok(region.physical as u32 + offset)
        } else {
            Err(Status::BadAddress)
        }
    }

    /// The same, for a partition that most often names the region that it named last.
    #[inline]
    fn region_of_buffer(&self, partition: u8, effective: u32) -> Option<&'static Region> {
        let last = &self.partitions[partition].last_region;
        if let Some(region) = last.get()
            && holds(region, effective)
        {
            return Some(region);
        }
        self.look_for_region(partition, effective)
    }

    #[inline(never)]
    fn look_for_region(&self, partition: u8, effective: u32) -> Option<&'static Region> {
        let region = self.region(partition, effective);
        self.partitions[partition].last_region.set(region);
        region
    }

    /// The region that holds an effective address.
    pub(crate) fn region(&self, partition: u8, effective: u32) -> Option<&'static Region> {
        self.partitions[partition]
            .regions
            .iter()
            .find(|region| holds(region, effective))
    }

    /// A word of a partition's memory, if it has it and may read it.
    pub(crate) fn peek(&self, partition: u8, effective: u32) -> Option<u32> {
        let physical = self.buffer(partition, effective, 4, Access::Read).ok()?;
        Some(self.machine.read_word(physical))
    }

    /// Puts the page that was missed into the translation array. False: the partition has nothing there, or not
    /// the right.
    pub(crate) fn refill(&mut self, partition: u8, effective: u32, fetch: bool) -> bool {
        let Some(region) = self.region(partition, effective) else {
            return false;
        };
        if fetch && !region.rights.execute() {
            return false;
        }
        let pid = self.partitions[partition].pid;
        self.machine.refill(pid, effective, region);
        true
    }
}

#[inline(always)]
const fn holds(region: &Region, effective: u32) -> bool {
    effective.wrapping_sub(region.effective) < region.length
}
