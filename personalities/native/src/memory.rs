//! Memory that others write too: a device, or another partition.
//!
//! No Rust reference to it is ever formed, for its content may change between any two looks: it is read and written by
//! volatile accesses, a word at a time where that can be. Whoever reads it takes what is there once, and judges the copy.

use core::marker::PhantomData;
use core::sync::atomic::{Ordering, fence};

/// Memory in the DMA arena: of a driver and its device, or the payload of a ring. There its address is the same for the
/// partition and for devices on the bus.
#[derive(Clone, Copy, Debug)]
pub struct SharedMemory {
    address: u32,
    length: u32,
    // Not made but by `at`.
    private: PhantomData<()>,
}

macro_rules! access {
    ($($read:ident $write:ident $type:ty, $bits:literal;)*) => { $(
        #[doc = concat!("Reads ", $bits, " bits at `offset`, in the processor's order of bytes.")]
        ///
        /// # Panics
        /// If they are not wholly in the memory, or not aligned.
        #[inline(always)]
        pub fn $read(&self, offset: u32) -> $type {
            let address = self.place(offset, size_of::<$type>() as u32, size_of::<$type>() as u32);
            // SAFETY: `place` checked that it lies in the memory, which is mapped by the promise made to `at`.
            unsafe { core::ptr::read_volatile(address as *const $type) }
        }

        #[doc = concat!("Writes ", $bits, " bits at `offset`, in the processor's order of bytes.")]
        ///
        /// # Panics
        /// If they are not wholly in the memory, or not aligned.
        #[inline(always)]
        pub fn $write(&self, offset: u32, value: $type) {
            let address = self.place(offset, size_of::<$type>() as u32, size_of::<$type>() as u32);
            // SAFETY: as for reading.
            unsafe { core::ptr::write_volatile(address as *mut $type, value) }
        }
    )* };
}

impl SharedMemory {
    /// The memory that lies there.
    ///
    /// # Safety
    /// The build maps `length` bytes at `address`, and no Rust object of the partition lies there.
    #[doc(hidden)]
    pub const unsafe fn at(address: u32, length: u32) -> Self {
        Self {
            address,
            length,
            private: PhantomData,
        }
    }

    /// Its length in bytes.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Where a device on the bus finds what is at `offset`.
    pub const fn bus_address(&self, offset: u32) -> u32 {
        self.address.wrapping_add(offset)
    }

    access! {
        read_u8 write_u8 u8, "8";
        read_u16 write_u16 u16, "16";
        read_u32 write_u32 u32, "32";
    }

    /// Everything written before is there before anything that is written from here on.
    pub fn publish(&self) {
        fence(Ordering::SeqCst);
    }

    /// Copies from `offset` on into `to`.
    ///
    /// # Panics
    /// If that is not wholly in the memory.
    pub fn copy_out(&self, offset: u32, to: &mut [u8]) {
        let from = self.place(offset, to.len() as u32, 1);
        // SAFETY: `place` checked that it lies in the memory; `to` is this partition's own.
        unsafe { copy(from, to.as_mut_ptr() as u32, to.len() as u32) }
    }

    /// Copies `from` to `offset`.
    ///
    /// # Panics
    /// If that is not wholly in the memory.
    pub fn copy_in(&self, offset: u32, from: &[u8]) {
        let to = self.place(offset, from.len() as u32, 1);
        // SAFETY: as above, the other way.
        unsafe { copy(from.as_ptr() as u32, to, from.len() as u32) }
    }

    /// Copies from one memory to another.
    ///
    /// # Panics
    /// If that is not wholly in both.
    pub fn copy_from(&self, offset: u32, other: &Self, other_offset: u32, length: u32) {
        let from = other.place(other_offset, length, 1);
        let to = self.place(offset, length, 1);
        // SAFETY: as above; no reference leads to either.
        unsafe { copy(from, to, length) }
    }

    /// Where so many bytes are.
    #[inline(always)]
    pub(crate) fn place(&self, offset: u32, bytes: u32, alignment: u32) -> u32 {
        assert!(offset <= self.length && bytes <= self.length - offset);
        let address = self.address + offset;
        assert!(address.is_multiple_of(alignment));
        address
    }
}

/// Copies bytes by volatile accesses, whole words where both sides are aligned. The areas of one call do not overlap: one of them is memory of
/// its own.
///
/// # Safety
/// Both areas are mapped, and if a Rust object lies in one of them, it is borrowed for this.
pub(crate) unsafe fn copy(from: u32, to: u32, length: u32) {
    const WORD: u32 = 4;
    const WORDS_AT_A_TIME: u32 = 8;
    let (mut from, mut to, end) = (from, to, from.wrapping_add(length));
    if (from | to).is_multiple_of(WORD) {
        while end.wrapping_sub(from) >= WORDS_AT_A_TIME * WORD {
            let (source, target) = (from as *const u32, to as *mut u32);
            for word in 0..WORDS_AT_A_TIME as usize {
                // SAFETY: by the contract, and there is as much left.
                unsafe {
                    target
                        .add(word)
                        .write_volatile(source.add(word).read_volatile())
                }
            }
            from += WORDS_AT_A_TIME * WORD;
            to += WORDS_AT_A_TIME * WORD;
        }
        while end.wrapping_sub(from) >= WORD {
            // SAFETY: as above.
            unsafe { (to as *mut u32).write_volatile((from as *const u32).read_volatile()) }
            from += WORD;
            to += WORD;
        }
    }
    while from != end {
        // SAFETY: as above.
        unsafe { (to as *mut u8).write_volatile((from as *const u8).read_volatile()) }
        from += 1;
        to += 1;
    }
}
