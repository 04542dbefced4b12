//! Access to the shared memory: every unsafe block of the ring.
//!
//! Above this module nobody can name an address. The header is reached by [`Word`], a slot by its
//! index, and both are inside the region for every argument.

use core::ptr::{read_volatile, write_volatile};

use crate::Geometry;
use crate::geometry::LINE_SIZE;

/// A word of the header, numbered by its offset in the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Word {
    Magic = 0,
    Version = 4,
    MessageSize = 8,
    SlotCount = 12,
    ProducerEpoch = 16,
    ProducerIndex = 32,
    ProducerIndexEpoch = 36,
    ConsumerIndex = 64,
    ConsumerIndexEpoch = 68,
    ConsumerEpoch = 72,
}

/// What the two ends do with the region. The tests have an implementation of their own, in which the
/// peer acts between any two accesses.
pub trait Memory {
    fn geometry(&self) -> Geometry;
    fn load(&self, word: Word) -> u32;
    fn store(&self, word: Word, value: u32);
    /// The length stored in the slot of this index, unchecked.
    fn load_length(&self, index: u32) -> u32;
    fn store_length(&self, index: u32, length: u32);
    /// Copies the start of the slot's message out; as much as there is, if `out` is longer.
    fn copy_out(&self, index: u32, out: &mut [u8]);
    /// Copies a message into the slot; as much as fits.
    fn copy_in(&self, index: u32, message: &[u8]);
}

/// Why a region cannot be a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// The region is smaller than [`Geometry::region_size`].
    TooSmall,
    /// The region does not begin at a multiple of 32 bytes.
    Misaligned,
}

impl core::fmt::Display for AttachError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "the region is too small for the ring",
            Self::Misaligned => "the region does not begin at a multiple of 32 bytes",
        })
    }
}

impl core::error::Error for AttachError {}

/// The region as the kernel mapped it.
#[derive(Debug)]
pub struct SharedMemory {
    base: *mut u8,
    geometry: Geometry,
}

impl SharedMemory {
    /// # Safety
    /// See [`Producer::attach`](crate::Producer::attach).
    pub unsafe fn new(base: *mut u8, len: usize, geometry: Geometry) -> Result<Self, AttachError> {
        if len < geometry.region_size() {
            return Err(AttachError::TooSmall);
        }
        if !base.addr().is_multiple_of(LINE_SIZE) {
            return Err(AttachError::Misaligned);
        }
        Ok(Self { base, geometry })
    }

    fn load_at(&self, offset: usize) -> u32 {
        debug_assert!(offset.is_multiple_of(4) && offset + 4 <= self.geometry.region_size());
        // SAFETY: `new` has been promised that the region is mapped readable for as long as `self`
        // lives, and has checked its size and alignment. Every caller's offset is a multiple of 4
        // inside it: a `Word`, or a slot's start plus at most its message's length. The peer may write
        // the word at the same time; the access is volatile and of one aligned word, so it gives the
        // old or the new value, and every value is a `u32`.
        unsafe { read_volatile(self.base.add(offset).cast::<u32>()) }
    }

    fn store_at(&self, offset: usize, value: u32) {
        debug_assert!(offset.is_multiple_of(4) && offset + 4 <= self.geometry.region_size());
        // SAFETY: as in `load_at`, with the region mapped writable. Nothing else in this partition
        // uses the region, which `new` has been promised too, so no reference sees its target change.
        unsafe { write_volatile(self.base.add(offset).cast::<u32>(), value) }
    }

    /// Where the words of a slot begin that hold a message, and how many bytes of one as long as this they hold.
    fn message_place(&self, index: u32, length: usize) -> (usize, usize) {
        let first = self.geometry.slot_offset(index) + 4;
        (first, length.min(self.geometry.message_size() as usize))
    }
}

impl Memory for SharedMemory {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn load(&self, word: Word) -> u32 {
        self.load_at(word as usize)
    }

    fn store(&self, word: Word, value: u32) {
        self.store_at(word as usize, value);
    }

    fn load_length(&self, index: u32) -> u32 {
        self.load_at(self.geometry.slot_offset(index))
    }

    fn store_length(&self, index: u32, length: u32) {
        self.store_at(self.geometry.slot_offset(index), length);
    }

    fn copy_out(&self, index: u32, out: &mut [u8]) {
        let (mut offset, length) = self.message_place(index, out.len());
        let (words, rest) = out.get_mut(..length).unwrap_or_default().as_chunks_mut();
        for word in words {
            *word = self.load_at(offset).to_ne_bytes();
            offset += 4;
        }
        if !rest.is_empty() {
            let last = self.load_at(offset).to_ne_bytes();
            for (byte, shared) in rest.iter_mut().zip(last) {
                *byte = shared;
            }
        }
    }

    fn copy_in(&self, index: u32, message: &[u8]) {
        let (mut offset, length) = self.message_place(index, message.len());
        let (words, rest) = message.get(..length).unwrap_or_default().as_chunks();
        for word in words {
            self.store_at(offset, u32::from_ne_bytes(*word));
            offset += 4;
        }
        if !rest.is_empty() {
            let shifts = [24, 16, 8].into_iter();
            let last = rest.iter().zip(shifts);
            let last = last.fold(0, |word, (byte, shift)| word | u32::from(*byte) << shift);
            self.store_at(offset, u32::from_be(last));
        }
    }
}
