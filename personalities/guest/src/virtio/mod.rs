//! Devices that upstream Linux has drivers for: a disk and a network, by virtio (OASIS, Virtual I/O Device version 1.2).
//!
//! The guest finds registers ([`mmio`]), and hands buffers over in queues that lie in its own memory ([`queue`]). Behind the registers of a
//! [`block`] and a [`network`] device there is a ring channel to the partition that drives the real one. This level alone looks into
//! the guest's queues: it is in the guest's partition and may see all of its memory anyway. The driver partition sees what was copied into
//! the payload of its channel, and nothing else of the guest.
//!
//! Nobody is trusted. What the guest wrote is copied out and then checked; a queue that breaks a rule stops its device until the guest
//! resets it (DEVICE_NEEDS_RESET), and nothing else happens. What the driver partition answers counts if it was asked for, and can
//! spoil data that it was to bring, and nothing else. The work of one call is bounded whatever both do.
//!
//! Everything is generic over where the guest's memory and the channel are, so that it runs on the host.

pub mod block;
#[cfg(target_os = "none")]
pub mod channels;
pub mod describe;
pub mod ends;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
pub mod mmio;
#[cfg(any(test, feature = "hostile"))]
mod model;
#[cfg(target_os = "none")]
pub mod native;
pub mod network;
pub mod queue;
mod sets;
#[cfg(test)]
mod tests;

/// The memory of a guest, by guest-physical address, and how it is copied from and to a payload `P`.
///
/// Nothing outside of it can be reached: what is not all there is `None`, and nothing was changed.
pub trait Memory<P> {
    /// How much there is, from address 0: whole words.
    fn bytes(&self) -> u32;
    /// An aligned word.
    fn word(&self, address: u32) -> Option<u32>;
    /// Aligned words in a row.
    fn words<const N: usize>(&self, address: u32) -> Option<[u32; N]> {
        let mut words = [0; N];
        for (place, word) in (0..).zip(&mut words) {
            *word = self.word(address.checked_add(4 * place)?)?;
        }
        Some(words)
    }
    /// Sets one.
    fn set_word(&mut self, address: u32, value: u32) -> Option<()>;
    /// Sets a byte.
    fn set_byte(&mut self, address: u32, value: u8) -> Option<()>;
    /// Copies from here into the payload.
    fn copy_out(&self, address: u32, payload: &P, offset: u32, bytes: u32) -> Option<()>;
    /// Copies from the payload to here.
    fn copy_in(&mut self, address: u32, payload: &P, offset: u32, bytes: u32) -> Option<()>;

    /// Bytes into private memory: few of them.
    fn read(&self, address: u32, out: &mut [u8]) -> Option<()> {
        let mut at = address;
        let mut rest = out;
        if at.is_multiple_of(4) {
            let (words, bytes) = rest.as_chunks_mut::<4>();
            for word in words {
                *word = self.word(at)?.to_be_bytes();
                at = at.checked_add(4)?;
            }
            rest = bytes;
        }
        while !rest.is_empty() {
            let word = self.word(at & !3)?.to_be_bytes();
            let bytes = word.get(at as usize & 3..)?;
            let count = bytes.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(bytes.get(..count)?);
            rest = later;
            at = at.checked_add(count as u32)?;
        }
        Some(())
    }

    /// Bytes from private memory: few of them.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Option<()> {
        let end = address.checked_add(u32::try_from(bytes.len()).ok()?)?;
        if end > self.bytes() {
            return None;
        }
        let before = (address.wrapping_neg() % 4) as usize;
        let (first, behind) = bytes.split_at_checked(before).unwrap_or((bytes, &[]));
        let (words, last) = behind.as_chunks::<4>();
        let mut at = address;
        for byte in first {
            self.set_byte(at, *byte)?;
            at += 1;
        }
        for word in words {
            self.set_word(at, u32::from_be_bytes(*word))?;
            at += 4;
        }
        for byte in last {
            self.set_byte(at, *byte)?;
            at += 1;
        }
        Some(())
    }

    /// 16 bits that lie at an even address, little-endian as everything in a queue.
    fn half(&self, address: u32) -> Option<u16> {
        let word = self.word(address & !3)?.swap_bytes();
        Some((word >> (8 * (address & 2))) as u16)
    }
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The ring takes none now.
    Full,
    /// The driver has restarted: nothing that was sent before will be answered.
    Restarted,
}

/// The end of a channel to a driver partition: requests go, replies come, the data is in the payload.
pub trait Link {
    /// What is asked for.
    type Request;
    /// The answer.
    type Reply;
    /// Memory that both partitions have.
    type Payload;

    /// The payload.
    fn payload(&self) -> &Self::Payload;
    /// How long it is.
    fn payload_bytes(&self) -> u32;
    /// Sends a request. The doorbell is rung apart, once for several.
    ///
    /// # Errors
    /// If it was not sent.
    fn push(&mut self, request: &Self::Request) -> Result<(), Unsent>;
    /// The next reply, if there is one that can be read.
    fn pop(&mut self) -> Option<Self::Reply>;
    /// Whether the driver has restarted since this, or [`push`](Self::push), said so last.
    fn has_restarted(&mut self) -> bool;
    /// Whether the driver is stopped, and will not begin again by itself. Its doorbell rings when that comes to be.
    fn is_stopped(&self) -> bool;
    /// Rings the doorbell of the driver.
    fn ring_doorbell(&mut self);
}

/// Numbers for requests, which with the number of a place make an id: no two the same for a while, nor one of this life and one of the last few.
/// An answer to a request of the monitor's last life may still come, if the driver was about to give it.
#[derive(Debug)]
struct Rounds {
    life: u32,
    round: u32,
}

impl Rounds {
    /// So many bits count within a life, and as many bits more are the life's. With the number of a place that is two bytes of a message.
    const BITS: u32 = 4;

    const fn new(life: u32) -> Self {
        Self {
            life: (life % (1 << Self::BITS)) << Self::BITS,
            round: 0,
        }
    }

    fn next(&mut self) -> u32 {
        self.round = (self.round + 1) % (1 << Self::BITS);
        self.life | self.round
    }
}

/// The most replies that are looked at in one go. Twice what can be in flight: only a driver that invents some sends more.
const REPLIES_MAX: usize = 128;
