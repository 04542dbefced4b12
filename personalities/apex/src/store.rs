//! Messages in the partition's storage: a ring of slots of one size, each with the length of its message before it.

/// How many bytes a slot takes for messages of this size: the length, and the message rounded up to whole words.
const fn slot_bytes(message_bytes: usize) -> usize {
    4 + message_bytes.next_multiple_of(4)
}

/// A ring of messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ring {
    offset: usize,
    message_bytes: usize,
    depth: usize,
    first: usize,
    held: usize,
}

impl Ring {
    /// A ring behind what is `used`, which grows by it; `None` if it does not fit.
    pub fn new(
        storage: &[u8],
        used: &mut usize,
        message_bytes: usize,
        depth: usize,
    ) -> Option<Self> {
        let offset = *used;
        let end = slot_bytes(message_bytes)
            .checked_mul(depth)?
            .checked_add(offset)?;
        (end <= storage.len()).then(|| {
            *used = end;
            Self {
                offset,
                message_bytes,
                depth,
                first: 0,
                held: 0,
            }
        })
    }

    pub const fn message_bytes(&self) -> usize {
        self.message_bytes
    }

    pub const fn depth(&self) -> usize {
        self.depth
    }

    pub const fn held(&self) -> usize {
        self.held
    }

    pub const fn is_full(&self) -> bool {
        self.held == self.depth
    }

    fn slot<'a>(
        &self,
        storage: &'a mut [u8],
        place: usize,
    ) -> Option<(&'a mut [u8], &'a mut [u8])> {
        let size = slot_bytes(self.message_bytes);
        let start = self.offset + place % self.depth.max(1) * size;
        storage
            .get_mut(start..start + size)?
            .split_at_mut_checked(4)
    }

    /// Puts a message behind the others. There is room, and it is not too long.
    pub fn push(&mut self, storage: &mut [u8], message: &[u8]) {
        if let Some((length, room)) = self.slot(storage, self.first + self.held) {
            length.copy_from_slice(&(message.len() as u32).to_ne_bytes());
            copy(message, room);
            self.held += 1;
        }
    }

    /// The first message.
    pub fn first<'a>(&self, storage: &'a mut [u8]) -> Option<&'a [u8]> {
        if self.held == 0 {
            return None;
        }
        let (length, room) = self.slot(storage, self.first)?;
        let length = u32::from_ne_bytes(length.try_into().ok()?) as usize;
        room.get(..length)
    }

    /// Drops the first message.
    pub fn drop_first(&mut self) {
        if self.held > 0 {
            self.first = (self.first + 1) % self.depth.max(1);
            self.held -= 1;
        }
    }
}

/// Copies a message to where it was checked that there is room for it. Its length.
#[inline]
pub(crate) fn copy(message: &[u8], room: &mut [u8]) -> usize {
    if let Some(room) = room.get_mut(..message.len()) {
        room.copy_from_slice(message);
    }
    message.len()
}
