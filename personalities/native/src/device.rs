//! A device: its registers and its interrupt.

use core::marker::PhantomData;

use cofferdam_abi::hypercall::Hypercall;

use crate::hypercall::call_plain;
use crate::{Error, Lines, lines};

/// The registers of a device: a window of the address space that a driver reads and writes by offset.
///
/// Each access is one load or store, guarded and in order as the mapping says; numbers are big-endian as
/// the bus of this processor family is.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    address: u32,
    length: u32,
    // Not made but by `at`.
    private: PhantomData<()>,
}

macro_rules! access {
    ($($read:ident $write:ident $type:ty, $bits:literal;)*) => { $(
        #[doc = concat!("Reads the register of ", $bits, " bits at `offset`.")]
        ///
        /// # Panics
        /// If it is not wholly in the window, or not aligned.
        #[inline(always)]
        pub fn $read(&self, offset: u32) -> $type {
            let address = self.place(offset, size_of::<$type>() as u32);
            // SAFETY: `place` checked that it lies in the window, which is a device's by the promise made to `at`.
            unsafe { core::ptr::read_volatile(address as *const $type) }
        }

        #[doc = concat!("Writes the register of ", $bits, " bits at `offset`.")]
        ///
        /// # Panics
        /// If it is not wholly in the window, or not aligned.
        #[inline(always)]
        pub fn $write(&self, offset: u32, value: $type) {
            let address = self.place(offset, size_of::<$type>() as u32);
            // SAFETY: as for reading.
            unsafe { core::ptr::write_volatile(address as *mut $type, value) }
        }
    )* };
}

impl Device {
    /// The device whose registers lie there.
    ///
    /// # Safety
    /// The build maps `length` bytes at `address` to a device's registers, and nothing else of the partition lies there.
    #[doc(hidden)]
    pub const unsafe fn at(address: u32, length: u32) -> Self {
        Self {
            address,
            length,
            private: PhantomData,
        }
    }

    access! {
        read_u8 write_u8 u8, "8";
        read_u16 write_u16 u16, "16";
        read_u32 write_u32 u32, "32";
    }

    #[inline(always)]
    fn place(&self, offset: u32, size: u32) -> u32 {
        assert!(offset < self.length && size <= self.length - offset);
        let address = self.address + offset;
        assert!(address.is_multiple_of(size));
        address
    }
}

/// The interrupt of a device.
#[derive(Debug)]
pub struct InterruptPort {
    slot: u32,
    line: u8,
}

impl InterruptPort {
    /// The interrupt in this capability slot.
    #[doc(hidden)]
    pub const fn at(slot: u32, line: u8) -> Self {
        Self { slot, line }
    }

    /// Its capability slot.
    pub const fn slot(&self) -> u32 {
        self.slot
    }

    /// The line that it raises.
    pub const fn line(&self) -> Lines {
        Lines::of(self.line)
    }

    /// It was served: let it come again.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn acknowledge(&self) -> Result<(), Error> {
        call_plain(Hypercall::InterruptAcknowledge, [self.slot, 0, 0, 0, 0, 0]).map(drop)
    }

    /// [`InterruptPort::acknowledge`] and [`crate::wait`] in one call.
    pub fn acknowledge_and_wait(&self, lines: Lines) -> Lines {
        lines::acknowledge_and_wait(self, lines)
    }
}
