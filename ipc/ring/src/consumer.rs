//! The end that receives.

use core::sync::atomic::{Ordering, fence};

use cofferdam_ipc::Message;

use crate::memory::{AttachError, Memory, SharedMemory, Word};
use crate::producer::{MAGIC, VERSION, next_epoch};
use crate::{Geometry, RingError};

/// The one end of a ring that takes messages. It cannot be cloned.
#[derive(Debug)]
pub struct Consumer<M = SharedMemory> {
    memory: M,
    epoch: u32,
    /// Messages taken in the producer's epoch, wrapping.
    index: u32,
    /// Messages that the producer was last seen to have pushed.
    pushed: u32,
    /// The epoch that the indices belong to; 0 before there was a producer.
    producer_epoch: u32,
}

impl Consumer {
    /// Attaches to the ring at `base`. If a consumer had been attached before, what is in the ring is
    /// discarded.
    ///
    /// # Safety
    /// The `len` bytes at `base` are mapped readable and writable for as long as the consumer is used,
    /// and no Rust reference points into them. In this partition nothing but this consumer uses the
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

impl<M: Memory> Consumer<M> {
    pub(crate) fn on(memory: M) -> Self {
        let predecessor = memory.load(Word::ConsumerEpoch);
        let epoch = next_epoch(predecessor);
        memory.store(Word::ConsumerEpoch, epoch);
        let mut consumer = Self {
            memory,
            epoch,
            index: 0,
            pushed: 0,
            producer_epoch: 0,
        };
        if predecessor != 0
            && let Ok(Some(producer_epoch)) = consumer.ready_epoch()
        {
            let pushed = consumer.memory.load(Word::ProducerIndex);
            consumer.adopt(producer_epoch, pushed);
        }
        consumer
    }

    /// Takes the oldest message into the start of `out` and returns its length; `None` if there is none.
    #[inline]
    pub fn pop(&mut self, out: &mut [u8]) -> Result<Option<usize>, RingError> {
        if self.is_empty() {
            return Ok(None);
        }
        self.pop_at_length(out)
    }

    /// Whether the producer is the one that there was, and has sent nothing since. Who looks after each message whether there are more
    /// finds that every other time.
    #[inline]
    fn is_empty(&self) -> bool {
        if self.producer_epoch == 0 || self.pushed != self.index {
            return false;
        }
        let pushed = self.memory.load(Word::ProducerIndex);
        fence(Ordering::Acquire);
        pushed == self.index && self.memory.load(Word::ProducerEpoch) == self.producer_epoch
    }

    fn pop_at_length(&mut self, out: &mut [u8]) -> Result<Option<usize>, RingError> {
        if !self.follow_producer()? {
            return Ok(None);
        }
        let taken = self.take(out);
        // Whatever was read may be of a new producer's making: then it does not count.
        fence(Ordering::Acquire);
        if self.memory.load(Word::ProducerEpoch) != self.producer_epoch {
            self.follow_producer()?;
            return Ok(None);
        }
        if let Ok(Some(_)) = taken {
            fence(Ordering::Release);
            self.index = self.index.wrapping_add(1);
            self.memory.store(Word::ConsumerIndex, self.index);
        }
        taken
    }

    /// Takes the oldest message and decodes it. One that cannot be decoded is taken all the same.
    #[inline]
    pub fn pop_message<T: Message>(&mut self) -> Result<Option<T>, RingError> {
        if self.is_empty() {
            return Ok(None);
        }
        self.pop_message_at_length()
    }

    fn pop_message_at_length<T: Message>(&mut self) -> Result<Option<T>, RingError> {
        let mut buffer = T::EMPTY_BUFFER;
        let buffer = buffer.as_mut();
        let Some(length) = self.pop_at_length(buffer)? else {
            return Ok(None);
        };
        T::from_wire(buffer.get(..length).unwrap_or_default())
            .map(Some)
            .map_err(RingError::Decode)
    }

    /// This consumer's epoch: another number than its predecessor's.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Copies the next message out. The slot stays the consumer's.
    fn take(&mut self, out: &mut [u8]) -> Result<Option<usize>, RingError> {
        let geometry = self.memory.geometry();
        let pushed = self.memory.load(Word::ProducerIndex);
        fence(Ordering::Acquire);
        let in_ring = pushed.wrapping_sub(self.index);
        let seen_before = self.pushed.wrapping_sub(self.index);
        // Less than before: the index went back.
        if in_ring > geometry.slot_count() || in_ring < seen_before {
            return Err(RingError::Corrupt);
        }
        self.pushed = pushed;
        if in_ring == 0 {
            return Ok(None);
        }
        let length = self.memory.load_length(self.index);
        if length > geometry.message_size() {
            return Err(RingError::Corrupt);
        }
        let needed = length as usize;
        let Some(out) = out.get_mut(..needed) else {
            return Err(RingError::BufferTooSmall { needed });
        };
        self.memory.copy_out(self.index, out);
        Ok(Some(needed))
    }

    /// Whether there is a producer whose index counts. Goes over to a new one, and reports it if there
    /// had been another.
    fn follow_producer(&mut self) -> Result<bool, RingError> {
        if self.producer_epoch != 0 && self.memory.load(Word::ProducerEpoch) == self.producer_epoch
        {
            return Ok(true);
        }
        let Some(now) = self.ready_epoch()? else {
            return Ok(false);
        };
        let before = self.producer_epoch;
        self.adopt(now, 0);
        if before == 0 {
            Ok(true)
        } else {
            Err(RingError::PeerRestarted)
        }
    }

    /// The epoch of a producer that has finished attaching, with a ring like ours.
    fn ready_epoch(&self) -> Result<Option<u32>, RingError> {
        let epoch = self.memory.load(Word::ProducerEpoch);
        fence(Ordering::Acquire);
        if epoch == 0 || self.memory.load(Word::ProducerIndexEpoch) != epoch {
            return Ok(None);
        }
        fence(Ordering::Acquire);
        let geometry = self.memory.geometry();
        let same = self.memory.load(Word::Magic) == MAGIC
            && self.memory.load(Word::Version) == VERSION
            && self.memory.load(Word::MessageSize) == geometry.message_size()
            && self.memory.load(Word::SlotCount) == geometry.slot_count();
        if same {
            Ok(Some(epoch))
        } else {
            Err(RingError::Mismatch)
        }
    }

    /// Goes on with the producer of this epoch, at `index`.
    fn adopt(&mut self, producer_epoch: u32, index: u32) {
        self.producer_epoch = producer_epoch;
        self.index = index;
        self.pushed = index;
        // Until the last line, a producer of another epoch than before takes the index for an old one.
        self.memory.store(Word::ConsumerIndex, index);
        fence(Ordering::Release);
        self.memory.store(Word::ConsumerIndexEpoch, producer_epoch);
    }
}
