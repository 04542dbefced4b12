//! The registers of a partition's device.

use cofferdam_native::Device;

use crate::Registers;

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
