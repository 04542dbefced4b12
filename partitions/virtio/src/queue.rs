//! A split virtqueue, the driver's side (2.7).
//!
//! Three structures in memory that the device reaches: descriptors and the available ring, which the driver writes, and the used
//! ring, which the device writes. A request is a chain of descriptors; the device hands it back by the number of its first one.

use core::mem::offset_of;
use core::sync::atomic::{Ordering, fence};

use virtio_spec::virtq::{Desc, DescF, UsedElem, UsedF};

use crate::Memory;

const DESCRIPTOR_BYTES: u32 = size_of::<Desc>() as u32;
const DESCRIPTOR_LENGTH: u32 = offset_of!(Desc, len) as u32;
const DESCRIPTOR_FLAGS: u32 = offset_of!(Desc, flags) as u32;
const _: () = assert!(offset_of!(Desc, next) as u32 == DESCRIPTOR_FLAGS + 2);
const NEXT: u16 = DescF::NEXT.bits().to_ne();
const DEVICE_WRITES: u16 = DescF::WRITE.bits().to_ne();
const NO_NOTIFY: u16 = UsedF::NO_NOTIFY.bits().to_ne();

// Both rings begin with flags and index, of 16 bits each (2.7.6, 2.7.8).
const RING_FLAGS: u32 = 0;
const RING_INDEX: u32 = 2;
const RING_ENTRIES: u32 = 4;
/// Behind its entries each ring has a word for a feature that is not used here; there is room for it nevertheless.
const RING_EVENT_BYTES: u32 = 2;
const AVAILABLE_ENTRY_BYTES: u32 = 2;
const USED_ENTRY_BYTES: u32 = size_of::<UsedElem>() as u32;
const USED_WRITTEN: u32 = offset_of!(UsedElem, len) as u32;

const DESCRIPTORS_ALIGNMENT: u32 = 16;
const USED_ALIGNMENT: u32 = 4;

/// Where a queue's structures stand in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u16,
    descriptors: u32,
    driver: u32,
    device: u32,
    end: u32,
}

impl Layout {
    /// A queue of `size` entries, from `offset` on. `None` if there is no such queue: `size` is a power of two, up to 32768 (2.7).
    pub const fn new(size: u16, offset: u32) -> Option<Self> {
        if !size.is_power_of_two() || offset > u32::MAX / 2 {
            return None;
        }
        // No sum overflows: the structures have less than 1 MiB.
        let entries = size as u32;
        let descriptors = offset.next_multiple_of(DESCRIPTORS_ALIGNMENT);
        let driver = descriptors + entries * DESCRIPTOR_BYTES;
        let driver_end = driver + RING_ENTRIES + entries * AVAILABLE_ENTRY_BYTES + RING_EVENT_BYTES;
        let device = driver_end.next_multiple_of(USED_ALIGNMENT);
        let end = device + RING_ENTRIES + entries * USED_ENTRY_BYTES + RING_EVENT_BYTES;
        Some(Self {
            size,
            descriptors,
            driver,
            device,
            end,
        })
    }

    /// How many entries it has.
    pub const fn size(&self) -> u16 {
        self.size
    }

    /// The offset of the descriptors.
    pub const fn descriptors(&self) -> u32 {
        self.descriptors
    }

    /// The offset of the available ring.
    pub const fn driver(&self) -> u32 {
        self.driver
    }

    /// The offset of the used ring.
    pub const fn device(&self) -> u32 {
        self.device
    }

    /// The offset behind all of it.
    pub const fn end(&self) -> u32 {
        self.end
    }
}

/// A piece of memory for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Where the device finds it.
    pub bus_address: u32,
    /// How many bytes it has.
    pub length: u32,
    /// The device writes it; else it reads it.
    pub device_writes: bool,
}

/// Why a chain was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// There are not enough descriptors free.
    Full,
    /// A chain has at least one buffer, no empty one, first all that the device reads (2.7.4.2), and less than 4 GiB.
    Chain,
}

/// A chain that the device is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// What it was added with.
    pub token: u16,
    /// So many bytes the device claims to have written: no more than there was room for.
    pub written: u32,
}

/// The device wrote into the used ring what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// More chains than are in flight.
    Index,
    /// A chain that is not in flight.
    Chain,
    /// More bytes than the chain has room for.
    Length,
}

/// What is known of a chain, by its first descriptor.
#[derive(Clone, Copy, Debug)]
struct Chain {
    token: u16,
    /// How many descriptors it has; 0: it is not in flight.
    descriptors: u16,
    /// How many bytes the device may write.
    writable: u32,
}

const NO_CHAIN: Chain = Chain {
    token: 0,
    descriptors: 0,
    writable: 0,
};

/// A queue of at most `N` entries.
#[derive(Debug)]
pub struct Queue<M, const N: usize> {
    memory: M,
    layout: Layout,
    /// The descriptor after each: of its chain, or of the free ones.
    next: [u16; N],
    first_free: u16,
    free: u16,
    chains: [Chain; N],
    in_flight: u16,
    /// The index of the available ring, with what was not announced yet.
    available: u16,
    /// How far the used ring was read.
    used: u16,
    unannounced: bool,
}

impl<M: Memory, const N: usize> Queue<M, N> {
    /// An empty queue, laid down in its memory. `None` if `layout` does not fit into the memory, or into `N`.
    pub fn new(memory: M, layout: Layout) -> Option<Self> {
        if usize::from(layout.size) > N || layout.end > memory.length() {
            return None;
        }
        for ring in [layout.driver, layout.device] {
            memory.set_little_u16(ring + RING_FLAGS, 0);
            memory.set_little_u16(ring + RING_INDEX, 0);
        }
        Some(Self {
            memory,
            layout,
            next: core::array::from_fn(|descriptor| (descriptor + 1) as u16),
            first_free: 0,
            free: layout.size,
            chains: [NO_CHAIN; N],
            in_flight: 0,
            available: 0,
            used: 0,
            unannounced: false,
        })
    }

    /// Where its structures stand.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many descriptors are free.
    pub fn free(&self) -> u16 {
        self.free
    }

    /// How many chains the device has.
    pub fn in_flight(&self) -> u16 {
        self.in_flight
    }

    /// Adds a chain; the device does not know of it before [`Queue::announce`].
    ///
    /// # Errors
    /// See [`AddError`]: nothing was added.
    pub fn add(&mut self, buffers: &[Buffer], token: u16) -> Result<(), AddError> {
        let (count, writable) = judge(buffers)?;
        if count > self.free {
            return Err(AddError::Full);
        }
        let head = self.first_free;
        let mut descriptor = head;
        let mut rest = buffers.iter().peekable();
        while let Some(buffer) = rest.next() {
            let next = self.after(descriptor);
            let mut flags = if buffer.device_writes {
                DEVICE_WRITES
            } else {
                0
            };
            if rest.peek().is_some() {
                flags |= NEXT;
            }
            self.describe(descriptor, buffer, flags, next);
            descriptor = next;
        }
        self.first_free = descriptor;
        self.free -= count;
        if let Some(chain) = self.chains.get_mut(usize::from(head)) {
            *chain = Chain {
                token,
                descriptors: count,
                writable,
            };
        }
        self.in_flight += 1;
        let entry = u32::from(self.available % self.layout.size) * AVAILABLE_ENTRY_BYTES;
        self.memory
            .set_little_u16(self.layout.driver + RING_ENTRIES + entry, head);
        self.available = self.available.wrapping_add(1);
        self.unannounced = true;
        Ok(())
    }

    fn describe(&self, descriptor: u16, buffer: &Buffer, flags: u16, next: u16) {
        let at = self.layout.descriptors + u32::from(descriptor) * DESCRIPTOR_BYTES;
        self.memory.set_little_u32(at, buffer.bus_address);
        self.memory.set_little_u32(at + 4, 0);
        self.memory
            .set_little_u32(at + DESCRIPTOR_LENGTH, buffer.length);
        // Two halves of a word, the first of them lower.
        let flags_and_next = u32::from(next) << 16 | u32::from(flags);
        self.memory
            .set_little_u32(at + DESCRIPTOR_FLAGS, flags_and_next);
    }

    fn after(&self, descriptor: u16) -> u16 {
        // Each number comes from `next` or is a head that was checked: it is always there.
        self.next
            .get(usize::from(descriptor))
            .copied()
            .unwrap_or_default()
    }

    /// Lets the device see what was added since the last time. Whether it wants to be notified then.
    pub fn announce(&mut self) -> bool {
        if !core::mem::take(&mut self.unannounced) {
            return false;
        }
        // The chains come before the index (2.7.13.2), the index before the flags are read (2.7.13.4.1).
        fence(Ordering::SeqCst);
        self.memory
            .set_little_u16(self.layout.driver + RING_INDEX, self.available);
        fence(Ordering::SeqCst);
        self.memory.little_u16(self.layout.device + RING_FLAGS) & NO_NOTIFY == 0
    }

    /// The next chain that the device is done with.
    ///
    /// # Errors
    /// If the device wrote what cannot be. It will be so the next time, too: the device should be reset and the queue made anew.
    pub fn take_used(&mut self) -> Result<Option<Used>, Corrupt> {
        let index = self.memory.little_u16(self.layout.device + RING_INDEX);
        let waiting = index.wrapping_sub(self.used);
        if waiting == 0 {
            return Ok(None);
        }
        if waiting > self.in_flight {
            return Err(Corrupt::Index);
        }
        // The entry was written before the index; and the device wrote the buffers before both.
        fence(Ordering::SeqCst);
        let entry = u32::from(self.used % self.layout.size) * USED_ENTRY_BYTES;
        let at = self.layout.device + RING_ENTRIES + entry;
        let head = u16::try_from(self.memory.little_u32(at)).map_err(|_| Corrupt::Chain)?;
        let written = self.memory.little_u32(at + USED_WRITTEN);
        let chain = self
            .chains
            .get_mut(usize::from(head))
            .filter(|chain| chain.descriptors != 0)
            .ok_or(Corrupt::Chain)?;
        if written > chain.writable {
            return Err(Corrupt::Length);
        }
        let Chain {
            token, descriptors, ..
        } = core::mem::replace(chain, NO_CHAIN);
        self.give_back(head, descriptors);
        self.in_flight -= 1;
        self.used = self.used.wrapping_add(1);
        Ok(Some(Used { token, written }))
    }

    /// The chain's descriptors come before the other free ones.
    fn give_back(&mut self, head: u16, descriptors: u16) {
        let mut last = head;
        for _ in 1..descriptors {
            last = self.after(last);
        }
        if let Some(next) = self.next.get_mut(usize::from(last)) {
            *next = self.first_free;
        }
        self.first_free = head;
        self.free += descriptors;
    }
}

/// How many buffers there are, and how many bytes the device may write.
fn judge(buffers: &[Buffer]) -> Result<(u16, u32), AddError> {
    let count = u16::try_from(buffers.len()).map_err(|_| AddError::Full)?;
    if count == 0 {
        return Err(AddError::Chain);
    }
    let mut total = 0u32;
    let mut writable = 0u32;
    for buffer in buffers {
        if buffer.length == 0 || !buffer.device_writes && writable != 0 {
            return Err(AddError::Chain);
        }
        total = total.checked_add(buffer.length).ok_or(AddError::Chain)?;
        if buffer.device_writes {
            writable += buffer.length;
        }
    }
    Ok((count, writable))
}
