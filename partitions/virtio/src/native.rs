//! The registers and the memory of a partition's device.

use cofferdam_native::{Device, SharedMemory};

use crate::{Memory, Registers};

impl Registers for Device {
    #[inline(always)]
    fn read_u8(&self, offset: u32) -> u8 {
        Device::read_u8(self, offset)
    }
    #[inline(always)]
    fn read_u16(&self, offset: u32) -> u16 {
        Device::read_u16(self, offset)
    }
    #[inline(always)]
    fn read_u32(&self, offset: u32) -> u32 {
        Device::read_u32(self, offset)
    }
    #[inline(always)]
    fn write_u8(&self, offset: u32, value: u8) {
        Device::write_u8(self, offset, value);
    }
    #[inline(always)]
    fn write_u16(&self, offset: u32, value: u16) {
        Device::write_u16(self, offset, value);
    }
    #[inline(always)]
    fn write_u32(&self, offset: u32, value: u32) {
        Device::write_u32(self, offset, value);
    }
}

impl Memory for SharedMemory {
    #[inline(always)]
    fn length(&self) -> u32 {
        SharedMemory::length(self)
    }
    #[inline(always)]
    fn bus_address(&self, offset: u32) -> u32 {
        SharedMemory::bus_address(self, offset)
    }
    #[inline(always)]
    fn read_u8(&self, offset: u32) -> u8 {
        SharedMemory::read_u8(self, offset)
    }
    #[inline(always)]
    fn read_u16(&self, offset: u32) -> u16 {
        SharedMemory::read_u16(self, offset)
    }
    #[inline(always)]
    fn read_u32(&self, offset: u32) -> u32 {
        SharedMemory::read_u32(self, offset)
    }
    #[inline(always)]
    fn write_u8(&self, offset: u32, value: u8) {
        SharedMemory::write_u8(self, offset, value);
    }
    #[inline(always)]
    fn write_u16(&self, offset: u32, value: u16) {
        SharedMemory::write_u16(self, offset, value);
    }
    #[inline(always)]
    fn write_u32(&self, offset: u32, value: u32) {
        SharedMemory::write_u32(self, offset, value);
    }
}
