//! The end that sends.

use core::sync::atomic::{Ordering, fence};

use cofferdam_ipc::Message;

use crate::memory::{AttachError, Memory, SharedMemory, Word};
use crate::{Geometry, RingError};

/// First word of the header: `CFRG`.
pub(crate) const MAGIC: u32 = u32::from_be_bytes(*b"CFRG");
/// Version of the layout.
pub(crate) const VERSION: u32 = 1;

/// The one end of a ring that pushes messages. It cannot be cloned.
#[derive(Debug)]
pub struct Producer<M = SharedMemory> {
    memory: M,
    epoch: u32,
    /// Messages pushed in this epoch, wrapping.
    index: u32,
    /// Messages that the consumer was last seen to have taken.
    taken: u32,
    consumer_epoch: u32,
}

impl Producer {
    /// Begins a new epoch on the ring at `base`, which is then empty.
    ///
    /// # Safety
    /// The `len` bytes at `base` are mapped readable and writable for as long as the producer is used,
    /// and no Rust reference points into them. In this partition nothing but this producer uses the
    /// ring; in the one other partition that maps it, whatever happens there is allowed.
    pub unsafe fn attach(
        base: *mut u8,
        len: usize,
        geometry: Geometry,
    ) -> Result<Self, AttachError> {
        // SAFETY: the caller promises what `SharedMemory::new` asks for, in the same words.
        let memory = unsafe { SharedMemory::new(base, len, geometry) }?;
        Ok(Self::on(memory))
    }
}

impl<M: Memory> Producer<M> {
    pub(crate) fn on(memory: M) -> Self {
        let geometry = memory.geometry();
        let epoch = next_epoch(memory.load(Word::ProducerEpoch));
        // From here on the index's epoch is not the producer's: the index does not count.
        memory.store(Word::ProducerEpoch, epoch);
        fence(Ordering::Release);
        memory.store(Word::Magic, MAGIC);
        memory.store(Word::Version, VERSION);
        memory.store(Word::MessageSize, geometry.message_size());
        memory.store(Word::SlotCount, geometry.slot_count());
        memory.store(Word::ProducerIndex, 0);
        fence(Ordering::Release);
        memory.store(Word::ProducerIndexEpoch, epoch);
        let consumer_epoch = memory.load(Word::ConsumerEpoch);
        Self {
            memory,
            epoch,
            index: 0,
            taken: 0,
            consumer_epoch,
        }
    }

    /// Appends a message, or says why not, and then has appended nothing.
    ///
    /// The doorbell is the caller's business.
    pub fn push(&mut self, message: &[u8]) -> Result<(), RingError> {
        let geometry = self.memory.geometry();
        if message.len() > geometry.message_size() as usize {
            return Err(RingError::TooLong);
        }
        if self.vacant()? == 0 {
            return Err(RingError::Full);
        }
        self.memory.store_length(self.index, message.len() as u32);
        self.memory.copy_in(self.index, message);
        fence(Ordering::Release);
        self.index = self.index.wrapping_add(1);
        self.memory.store(Word::ProducerIndex, self.index);
        Ok(())
    }

    /// Encodes `message` and appends it.
    pub fn push_message<T: Message>(&mut self, message: &T) -> Result<(), RingError> {
        let mut buffer = T::EMPTY_BUFFER;
        let buffer = buffer.as_mut();
        let length = message.to_wire(buffer).map_err(RingError::Encode)?;
        self.push(buffer.get(..length).unwrap_or_default())
    }

    /// How many messages can be pushed now.
    pub fn vacant(&mut self) -> Result<u32, RingError> {
        self.follow_consumer()?;
        let slot_count = self.memory.geometry().slot_count();
        let index_epoch = self.memory.load(Word::ConsumerIndexEpoch);
        fence(Ordering::Acquire);
        // A consumer that has not seen this epoch yet has taken nothing of it.
        if index_epoch == self.epoch {
            let taken = self.memory.load(Word::ConsumerIndex);
            fence(Ordering::Acquire);
            let in_ring = self.index.wrapping_sub(taken);
            // More than before: the index went back. This covers more than there are slots.
            if in_ring > self.index.wrapping_sub(self.taken) {
                return Err(RingError::Corrupt);
            }
            self.taken = taken;
        }
        // Never negative: `taken` is only ever set to at most a ring's length behind `index`.
        Ok(slot_count.saturating_sub(self.index.wrapping_sub(self.taken)))
    }

    /// This producer's epoch: another number than its predecessor's.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    fn follow_consumer(&mut self) -> Result<(), RingError> {
        let now = self.memory.load(Word::ConsumerEpoch);
        let before = core::mem::replace(&mut self.consumer_epoch, now);
        // The first consumer there is discards nothing, so its coming is no restart.
        let first = before == 0 && now == next_epoch(0);
        if before != now && !first {
            return Err(RingError::PeerRestarted);
        }
        Ok(())
    }
}

/// The epoch after `epoch`. Zero is left out: it stands for nobody.
pub(crate) fn next_epoch(epoch: u32) -> u32 {
    epoch.wrapping_add(1).max(1)
}
