//! The memory of a partition.

use cofferdam_native::SharedMemory;

use crate::FrameMemory;

impl FrameMemory for SharedMemory {
    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        SharedMemory::copy_out(self, offset, to);
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        SharedMemory::copy_in(self, offset, from);
    }

    fn copy_from(&self, offset: u32, other: &Self, other_offset: u32, length: u32) {
        SharedMemory::copy_from(self, offset, other, other_offset, length);
    }
}
