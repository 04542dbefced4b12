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

/// Copies bytes, a word at a time but for those before a word begins at `to`, and the last ones. The areas of one call do not overlap: one of
/// them is memory of its own.
///
/// # Safety
/// Both areas are mapped, and if a Rust object lies in one of them, it is borrowed for this.
pub(crate) unsafe fn copy(from: u32, to: u32, length: u32) {
    const WORD: u32 = 4;
    let before = (to.wrapping_neg() % WORD).min(length);
    let words = (length - before) / WORD;
    let behind = before + words * WORD;
    // SAFETY: all of it is in the areas.
    unsafe {
        copy_bytes(from, to, before);
        if from.wrapping_add(before).is_multiple_of(WORD) {
            copy_words::<true>(from.wrapping_add(before), to.wrapping_add(before), words);
        } else {
            copy_words::<false>(from.wrapping_add(before), to.wrapping_add(before), words);
        }
        copy_bytes(
            from.wrapping_add(behind),
            to.wrapping_add(behind),
            length - behind,
        );
    }
}

/// # Safety
/// As for [`copy`].
unsafe fn copy_bytes(from: u32, to: u32, length: u32) {
    for offset in 0..length {
        let (from, to) = (from.wrapping_add(offset), to.wrapping_add(offset));
        // SAFETY: by the contract.
        unsafe { (to as *mut u8).write_volatile((from as *const u8).read_volatile()) }
    }
}

/// # Safety
/// As for [`copy`]; `to` is aligned, and `from` is too if `ALIGNED` says so.
unsafe fn copy_words<const ALIGNED: bool>(from: u32, to: u32, words: u32) {
    let blocks = words / BLOCK_WORDS;
    let done = 4 * blocks * BLOCK_WORDS;
    // SAFETY: by the contract: the blocks are among the words, and there is at least one.
    unsafe {
        if blocks != 0 && ALIGNED {
            __cofferdam_copy_blocks(from, to, blocks);
        } else if blocks != 0 {
            __cofferdam_gather_blocks(from, to, blocks);
        }
    }
    let (from, to) = (from.wrapping_add(done), to.wrapping_add(done));
    let left = words % BLOCK_WORDS;
    let (from, to) = (from as *const u32, to as *mut u32);
    for place in 0..left as usize {
        // SAFETY: by the contract, and there are as many words left.
        unsafe {
            to.add(place)
                .write_volatile(load::<ALIGNED>(from.wrapping_add(place)));
        }
    }
}

/// A word, which may begin anywhere if it need not be aligned: the core's load does so by itself, a volatile access of Rust's does not.
///
/// # Safety
/// It is mapped; it is aligned if `ALIGNED` says so.
#[inline(always)]
unsafe fn load<const ALIGNED: bool>(from: *const u32) -> u32 {
    if ALIGNED {
        // SAFETY: by the contract.
        return unsafe { from.read_volatile() };
    }
    let word;
    // SAFETY: by the contract; nothing but the register named changes.
    unsafe {
        core::arch::asm!(
            "lwz {word}, 0({from})",
            word = lateout(reg) word,
            from = in(reg_nonzero) from,
            options(nostack, readonly, preserves_flags),
        );
    }
    word
}

/// What one store of multiple words copies.
const BLOCK_WORDS: u32 = 16;

unsafe extern "C" {
    /// Copies so many blocks, at least one.
    ///
    /// # Safety
    /// As for [`copy`]; both are aligned to a word.
    fn __cofferdam_copy_blocks(from: u32, to: u32, blocks: u32);
    /// The same from where no word begins.
    ///
    /// # Safety
    /// As for [`copy`]; `to` is aligned to a word.
    fn __cofferdam_gather_blocks(from: u32, to: u32, blocks: u32);
}

// r14 to r31 are the caller's (PowerPC EABI). Multiple words are loaded and stored at aligned addresses alone; single ones from anywhere
// (e500 core reference manual, sections 4.7.6 and 4.4.3.4).
core::arch::global_asm!(
    ".pushsection .copy.text, \"ax\", @progbits",
    ".global __cofferdam_copy_blocks",
    ".type __cofferdam_copy_blocks, @function",
    "__cofferdam_copy_blocks:",
    "    stwu    1, -80(1)",
    "    stmw    16, 16(1)",
    "    mtctr   5",
    "1:  lmw     16, 0(3)",
    "    stmw    16, 0(4)",
    "    addi    3, 3, {block}",
    "    addi    4, 4, {block}",
    "    bdnz    1b",
    "    lmw     16, 16(1)",
    "    addi    1, 1, 80",
    "    blr",
    ".size __cofferdam_copy_blocks, . - __cofferdam_copy_blocks",
    ".global __cofferdam_gather_blocks",
    ".type __cofferdam_gather_blocks, @function",
    "__cofferdam_gather_blocks:",
    "    stwu    1, -80(1)",
    "    stmw    16, 16(1)",
    "    mtctr   5",
    "1:",
    ".set word, 0",
    ".rept {words}",
    "    lwz     16 + word, 4 * word(3)",
    ".set word, word + 1",
    ".endr",
    "    stmw    16, 0(4)",
    "    addi    3, 3, {block}",
    "    addi    4, 4, {block}",
    "    bdnz    1b",
    "    lmw     16, 16(1)",
    "    addi    1, 1, 80",
    "    blr",
    ".size __cofferdam_gather_blocks, . - __cofferdam_gather_blocks",
    ".popsection",
    block = const 4 * BLOCK_WORDS,
    words = const BLOCK_WORDS,
);
