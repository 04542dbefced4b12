//! Sizes of a ring: from the configuration, never from the shared memory.

/// Longest message and number of slots of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    message_size: u32,
    slot_count: u32,
    region_size: u32,
}

impl Geometry {
    /// A ring of `slot_count` messages of at most `message_size` bytes each.
    ///
    /// `None` unless the count is a power of two and the whole is less than 2 GiB. With another count
    /// the indices, which wrap at 2³², would skip slots when they do.
    pub const fn new(message_size: u32, slot_count: u32) -> Option<Self> {
        if !slot_count.is_power_of_two() || message_size > i32::MAX as u32 - 8 {
            return None;
        }
        let slots_size = slot_count as u64 * stride(message_size) as u64;
        let region_size = (HEADER_SIZE as u64 + slots_size).next_multiple_of(LINE_SIZE as u64);
        if region_size > i32::MAX as u64 {
            return None;
        }
        Some(Self {
            message_size,
            slot_count,
            region_size: region_size as u32,
        })
    }

    /// The longest message in bytes.
    pub const fn message_size(self) -> u32 {
        self.message_size
    }

    /// How many messages the ring holds.
    pub const fn slot_count(self) -> u32 {
        self.slot_count
    }

    /// How many bytes the ring takes, header included: whole cache lines, so another ring can follow.
    pub const fn region_size(self) -> usize {
        self.region_size as usize
    }

    /// Where the slot of the message with this index begins, from the region's start.
    pub(crate) const fn slot_offset(self, index: u32) -> usize {
        let slot = index & (self.slot_count - 1);
        HEADER_SIZE + slot as usize * stride(self.message_size) as usize
    }
}

/// Bytes per cache line of the e500v2.
pub(crate) const LINE_SIZE: usize = 32;

/// Bytes before the first slot.
const HEADER_SIZE: usize = 3 * LINE_SIZE;

/// Bytes per slot: the length's word, then whole words for the message.
const fn stride(message_size: u32) -> u32 {
    4 + message_size.next_multiple_of(4)
}
