//! The driver's end of a client's rings, with which it does what no library would.

use core::marker::PhantomData;

use cofferdam_ipc::{Message, encode};
use cofferdam_native::{RingConsumer, RingError, SharedMemory, probe, wait};
use cofferdam_ring::Geometry;

/// Words of a ring's head, by their offset (`cofferdam_ring`, "Layout").
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Word {
    /// Says that it is a ring.
    Magic = 0,
    /// How many places it has.
    SlotCount = 12,
    /// Which life of the producer it is.
    ProducerEpoch = 16,
    /// How many messages were pushed in it.
    ProducerIndex = 32,
    /// Of which life that is.
    ProducerIndexEpoch = 36,
    /// How many of them were taken.
    ConsumerIndex = 64,
    /// Which life of the consumer it is.
    ConsumerEpoch = 72,
}
/// Where the places begin, behind the head.
const SLOTS: u32 = 96;

/// The memory of both rings as the driver has it: one with requests `Q`, and one with replies `R`.
pub struct Peer<Q, R> {
    requests: RingConsumer<Q>,
    /// How many places each ring has.
    depth: u32,
    /// Where the ring of requests begins.
    request_ring: u32,
    /// Where the one of replies begins.
    reply_ring: u32,
    epoch: u32,
    index: u32,
    payload: SharedMemory,
    replies: PhantomData<R>,
}

impl<Q: Message, R: Message> Peer<Q, R> {
    const SLOT_BYTES: u32 = 4 + (R::MAX_SIZE as u32).next_multiple_of(4);

    /// The client whose rings begin at `base`, with so many places each. `None` if they have another form than this.
    pub fn new(
        requests: RingConsumer<Q>,
        base: u32,
        depth: u32,
        payload: SharedMemory,
    ) -> Option<Self> {
        let geometry = Geometry::new(Q::MAX_SIZE as u32, depth)?;
        let mut peer = Self {
            requests,
            depth,
            request_ring: base,
            reply_ring: base + geometry.region_size() as u32,
            epoch: 0,
            index: 0,
            payload,
            replies: PhantomData,
        };
        peer.epoch = peer.reply_word(Word::ProducerEpoch);
        peer.index = peer.reply_word(Word::ProducerIndex);
        (peer.epoch != 0 && peer.reply_word(Word::SlotCount) == depth).then_some(peer)
    }

    /// What requests and replies speak of.
    pub fn payload(&self) -> &SharedMemory {
        &self.payload
    }

    /// Waits until the client has rung, and takes what it asks.
    pub fn turn(&mut self) {
        wait(self.requests.line());
        while let Ok(Some(_)) = self.requests.pop() {}
    }

    /// Waits until the client asks something.
    pub fn request(&mut self) -> Q {
        loop {
            match self.requests.pop() {
                Ok(Some(request)) => return request,
                // The client's next life may have asked already.
                Err(RingError::PeerRestarted) => {}
                Ok(None) | Err(_) => {
                    wait(self.requests.line());
                }
            }
        }
    }

    /// Tells the client.
    pub fn ring(&self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.requests.ring_doorbell();
    }

    /// Turns each bit of a word of the ring with the replies.
    pub fn invert_reply_word(&mut self, word: Word) {
        self.set_reply_word(word, !self.reply_word(word));
    }

    /// Adds to a word of the ring with the requests, of which this end is the consumer.
    pub fn add_to_request_word(&mut self, word: Word, more: i32) {
        let place = self.request_ring + word as u32;
        probe::store(place, probe::load(place, 0).wrapping_add_signed(more));
    }

    fn reply_word(&self, word: Word) -> u32 {
        probe::load(self.reply_ring + word as u32, 0)
    }

    fn set_reply_word(&self, word: Word, value: u32) {
        probe::store(self.reply_ring + word as u32, value);
    }

    /// Begins the next epoch, as a driver of another life does: until [`Peer::complete_epoch`] nothing in the ring counts.
    pub fn next_epoch(&mut self) {
        self.epoch += 1;
        self.index = 0;
        self.set_reply_word(Word::ProducerEpoch, self.epoch);
        self.set_reply_word(Word::ProducerIndex, 0);
    }

    /// From here on what is put into the ring counts.
    pub fn complete_epoch(&self) {
        self.set_reply_word(Word::ProducerIndexEpoch, self.epoch);
    }

    /// Says that there are so many messages more than there are, or fewer.
    pub fn forge_index(&self, more: i32) {
        let index = self.index.wrapping_add_signed(more);
        self.set_reply_word(Word::ProducerIndex, index);
    }

    /// Puts a message into the ring.
    pub fn push(&mut self, reply: &R) {
        let mut bytes = R::EMPTY_BUFFER;
        let bytes = bytes.as_mut();
        if let Ok(length) = encode(reply, bytes) {
            self.push_bytes(bytes, length as u32);
        }
    }

    /// Puts any bytes there, and says that they are so many.
    pub fn push_bytes(&mut self, bytes: &[u8], length: u32) {
        self.put(self.index, bytes, length);
        self.index = self.index.wrapping_add(1);
        self.forge_index(0);
    }

    /// Says of the message that was put there last that it has so many bytes.
    pub fn set_last_length(&self, length: u32) {
        self.put(self.index.wrapping_sub(1), &[], length);
    }

    fn put(&self, index: u32, bytes: &[u8], length: u32) {
        let slot = self.reply_ring + SLOTS + index % self.depth * Self::SLOT_BYTES;
        for (offset, word) in (4..Self::SLOT_BYTES).step_by(4).zip(bytes.chunks(4)) {
            let mut padded = [0; 4];
            padded
                .iter_mut()
                .zip(word)
                .for_each(|(to, from)| *to = *from);
            probe::store(slot + offset, u32::from_be_bytes(padded));
        }
        probe::store(slot, length);
    }
}
