//! A split virtqueue, on the side of the device (virtio 1.2, section 2.7).
//!
//! The guest describes its buffers in a table of descriptors, chained by index; it puts the index of the first one of a chain in the
//! *available* ring, and gets it back in the *used* ring with the number of bytes that were written. All numbers are
//! little-endian.
//!
//! All of it lies in the guest's memory, which the guest can change while a chain is with the device. So nothing that was read before is relied on: a
//! [`Cursor`] is a place in a chain and no address, and whoever goes on from one reads the descriptor again and checks it again. No
//! chain is followed for more steps than the queue has descriptors.
//!
//! Notifications are held back by flags in both directions (section 2.7.7 and 2.7.10); event indices and tables of indirect
//! descriptors are not offered.

use super::Memory;

/// The guest broke a rule of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Flags of a descriptor (section 2.7.5): the chain goes on; the device writes; it is a table of descriptors.
const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;
/// The available ring's flag: no interrupt, please.
const NO_INTERRUPT: u16 = 1;
/// The used ring's flag: no notification, please.
const NO_NOTIFY: u16 = 1;

const DESCRIPTOR_BYTES: u32 = 16;
/// Flags and index, before the entries of a ring.
const RING_HEAD_BYTES: u32 = 4;
const AVAILABLE_ENTRY_BYTES: u32 = 2;
const USED_ENTRY_BYTES: u32 = 8;

/// Where a queue lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u16,
    descriptors: u32,
    available: u32,
    used: u32,
}

impl Layout {
    /// A queue of `size` descriptors, whose parts lie there; `None` if it cannot be: its size is no power of two or more than `most`, or
    /// a part is not aligned (section 2.7) or not in the guest's memory.
    pub fn new(
        size: u32,
        most: u16,
        [descriptors, available, used]: [u64; 3],
        memory_bytes: u32,
    ) -> Option<Self> {
        let small = u16::try_from(size).ok()?;
        if !small.is_power_of_two() || small > most {
            return None;
        }
        let place = |address: u64, alignment: u32, bytes: u32| {
            let address = u32::try_from(address).ok()?;
            let end = address.checked_add(bytes)?;
            (address.is_multiple_of(alignment) && end <= memory_bytes).then_some(address)
        };
        let entries = u32::from(small);
        let (head, available_bytes, used_bytes) = (
            RING_HEAD_BYTES,
            entries * AVAILABLE_ENTRY_BYTES,
            entries * USED_ENTRY_BYTES,
        );
        Some(Self {
            size: small,
            descriptors: place(descriptors, 16, entries * DESCRIPTOR_BYTES)?,
            available: place(available, 2, head + available_bytes)?,
            used: place(used, 4, head + used_bytes)?,
        })
    }
}

/// One buffer of a chain: in the guest's memory, and not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptor {
    address: u32,
    length: u32,
    writable: bool,
    next: Option<u16>,
}

/// A place in a chain: a descriptor, and how many of its bytes lie before. Behind the last one there is no descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    descriptor: Option<u16>,
    offset: u32,
}

impl Cursor {
    /// The beginning of a chain.
    pub const fn start(head: u16) -> Self {
        Self {
            descriptor: Some(head),
            offset: 0,
        }
    }
}

/// What a chain has: first what the device reads, then what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The index of its first descriptor.
    pub head: u16,
    /// How many bytes the device reads.
    pub readable: u32,
    /// How many it writes.
    pub writable: u32,
    /// Where those begin.
    pub first_writable: Cursor,
    /// The address of its last byte.
    pub last: u32,
}

/// A queue that the guest has made ready.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    layout: Layout,
    /// Entries that were taken from the available ring, wrapping.
    taken: u16,
    /// Entries that were put into the used ring, and those of them that the guest was shown.
    put: u16,
    shown: u16,
    quiet: bool,
    shown_quiet: bool,
}

impl Queue {
    /// A queue of which nothing was taken yet.
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            taken: 0,
            put: 0,
            shown: 0,
            quiet: false,
            shown_quiet: false,
        }
    }

    /// How many chains wait to be taken.
    ///
    /// # Errors
    /// If it is more than the queue can hold.
    pub fn waiting<P>(&self, memory: &impl Memory<P>) -> Result<u16, Broken> {
        let index = memory.half(self.layout.available + 2).ok_or(Broken)?;
        let waiting = index.wrapping_sub(self.taken);
        (waiting <= self.layout.size)
            .then_some(waiting)
            .ok_or(Broken)
    }

    /// The first of the chains that wait, which stays where it is.
    ///
    /// # Errors
    /// If the ring or the index in it is impossible.
    pub fn first<P>(&self, memory: &impl Memory<P>) -> Result<Option<u16>, Broken> {
        if self.waiting(memory)? == 0 {
            return Ok(None);
        }
        let entry = u32::from(self.taken & (self.layout.size - 1));
        let at = self.layout.available + RING_HEAD_BYTES + entry * AVAILABLE_ENTRY_BYTES;
        let head = memory.half(at).ok_or(Broken)?;
        (head < self.layout.size)
            .then_some(Some(head))
            .ok_or(Broken)
    }

    /// Takes the first of the chains that wait, and looks through all of it.
    ///
    /// # Errors
    /// If the ring or the chain is impossible.
    pub fn take<P>(&mut self, memory: &impl Memory<P>) -> Result<Option<Chain>, Broken> {
        let Some(head) = self.first(memory)? else {
            return Ok(None);
        };
        let chain = self.chain(memory, head)?;
        self.taken = self.taken.wrapping_add(1);
        Ok(Some(chain))
    }

    fn chain<P>(&self, memory: &impl Memory<P>, head: u16) -> Result<Chain, Broken> {
        let mut chain = Chain {
            head,
            readable: 0,
            writable: 0,
            first_writable: Cursor::default(),
            last: 0,
        };
        let mut next = Some(head);
        for _ in 0..self.layout.size {
            let Some(index) = next else { break };
            let one = self.descriptor(memory, index)?;
            if one.writable {
                if chain.writable == 0 {
                    chain.first_writable = Cursor::start(index);
                }
                chain.writable = chain.writable.checked_add(one.length).ok_or(Broken)?;
            } else if chain.writable > 0 {
                return Err(Broken);
            } else {
                chain.readable = chain.readable.checked_add(one.length).ok_or(Broken)?;
            }
            chain.last = one.address + (one.length - 1);
            next = one.next;
        }
        next.is_none().then_some(chain).ok_or(Broken)
    }

    fn descriptor<P>(&self, memory: &impl Memory<P>, index: u16) -> Result<Descriptor, Broken> {
        if index >= self.layout.size {
            return Err(Broken);
        }
        let at = self.layout.descriptors + u32::from(index) * DESCRIPTOR_BYTES;
        let words = memory.words(at).ok_or(Broken)?;
        let [address, upper, length, rest] = words.map(u32::swap_bytes);
        let (flags, next) = (rest as u16, (rest >> 16) as u16);
        let end = address.checked_add(length).ok_or(Broken)?;
        if upper != 0 || length == 0 || end > memory.bytes() || flags & INDIRECT != 0 {
            return Err(Broken);
        }
        Ok(Descriptor {
            address,
            length,
            writable: flags & WRITE != 0,
            next: (flags & NEXT != 0).then_some(next),
        })
    }

    /// Where the bytes of a chain lie that begin at `cursor`, one piece after the other: `piece` gets the address of each, how many bytes
    /// came before, and how many it has. Gives the place behind them.
    ///
    /// # Errors
    /// If the chain has fewer of the kind that is wanted, a descriptor is impossible, or `piece` does not find its bytes.
    pub fn walk<P, M: Memory<P>>(
        &self,
        memory: &mut M,
        cursor: Cursor,
        bytes: u32,
        writable: bool,
        mut piece: impl FnMut(&mut M, u32, u32, u32) -> Option<()>,
    ) -> Result<Cursor, Broken> {
        let mut cursor = cursor;
        let mut done = 0;
        for _ in 0..self.layout.size {
            if done == bytes {
                return Ok(cursor);
            }
            let index = cursor.descriptor.ok_or(Broken)?;
            let one = self.descriptor(memory, index)?;
            let left = one.length.checked_sub(cursor.offset).ok_or(Broken)?;
            if one.writable != writable || left == 0 {
                return Err(Broken);
            }
            let length = left.min(bytes - done);
            piece(memory, one.address + cursor.offset, done, length).ok_or(Broken)?;
            done += length;
            cursor = if length < left {
                Cursor {
                    descriptor: Some(index),
                    offset: cursor.offset + length,
                }
            } else {
                Cursor {
                    descriptor: one.next,
                    offset: 0,
                }
            };
        }
        (done == bytes).then_some(cursor).ok_or(Broken)
    }

    /// The address at a place in a chain; `None` if there is none, or it is impossible.
    pub fn address<P>(&self, memory: &impl Memory<P>, cursor: Cursor) -> Option<u32> {
        let one = self.descriptor(memory, cursor.descriptor?).ok()?;
        one.address.checked_add(cursor.offset)
    }

    /// Gives a chain back, of which `written` bytes were written. The guest sees it when all of a batch is [shown](Self::show).
    ///
    /// # Errors
    /// If the ring is not in the guest's memory, which [`Layout`] rules out.
    pub fn put<P>(
        &mut self,
        memory: &mut impl Memory<P>,
        head: u16,
        written: u32,
    ) -> Result<(), Broken> {
        let entry = u32::from(self.put & (self.layout.size - 1));
        let at = self.layout.used + RING_HEAD_BYTES + entry * USED_ENTRY_BYTES;
        let head = u32::from(head).swap_bytes();
        memory.set_word(at, head).ok_or(Broken)?;
        let written = written.swap_bytes();
        memory.set_word(at + 4, written).ok_or(Broken)?;
        self.put = self.put.wrapping_add(1);
        Ok(())
    }

    /// Asks the guest not to notify, or to notify again: from the next [`show`](Self::show) on.
    pub fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Shows the guest what was put since the last time. Whether that asks for an interrupt.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    pub fn show<P>(&mut self, memory: &mut impl Memory<P>) -> Result<bool, Broken> {
        let more = self.put != self.shown;
        if !more && self.quiet == self.shown_quiet {
            return Ok(false);
        }
        let flags = if self.quiet { NO_NOTIFY } else { 0 };
        let head = u32::from(self.put) << 16 | u32::from(flags);
        memory
            .set_word(self.layout.used, head.swap_bytes())
            .ok_or(Broken)?;
        (self.shown, self.shown_quiet) = (self.put, self.quiet);
        let wanted = memory.half(self.layout.available).ok_or(Broken)?;
        Ok(more && wanted & NO_INTERRUPT == 0)
    }
}
