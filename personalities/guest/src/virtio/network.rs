//! A network (virtio 1.2, section 5.1), behind which there is a driver partition that sends and receives frames (`network_messages`).
//!
//! The payload of the channel is divided into slots of a frame each. Half of them are with the driver to receive into; the others take the frames that
//! the guest sends. A frame that the guest sends is copied into a slot, and its buffer is given back at once: the guest waits for nobody.
//! When there is no slot left, frames wait in the guest's queue.
//!
//! A frame that came is copied into the guest's next buffer, and its slot goes back to the driver. While the guest has no buffer, frames wait
//! in their slots, and then the driver has none: it loses what comes, as on any network.
//!
//! Slots begin where the last buffer of the guest's began within its word, so that words are copied whatever that was.
//!
//! A driver that is stopped for good has no slots: the link is down then (VIRTIO_NET_F_STATUS), and what the guest sends is lost, its buffers
//! given back. Should somebody start the driver again, the link is up again.
//!
//! When the driver restarts, frames that were being sent are lost, and the slots to receive into are given again. When the guest resets the
//! device, what is with the driver stays there until it comes back, and goes nowhere from there.

use network_messages::{
    FRAME_BYTES_MAX, FRAME_BYTES_MIN, Operation, Reply, Request as Message, Status,
};

use super::mmio::{Kind, Registers};
use super::queue::{Broken, Cursor, Queue};
use super::sets::{first, first_of, members};
use super::{Link, Memory, REPLIES_MAX, Rounds, Unsent};

/// The device's number.
const DEVICE: u32 = 1;
/// The feature that it has an address (section 5.1.3).
const MAC: u64 = 1 << 5;
/// The feature that it says whether its link is up.
const STATUS: u64 = 1 << 16;
/// Where in the configuration that is said (section 5.1.4): little-endian, behind the address; this bit.
const LINK_AT: usize = 6;
const LINK_UP: u8 = 1;
/// The most descriptors of a queue.
const QUEUE_SIZE: u16 = 64;

/// The queues.
const RECEIVE: usize = 0;
const SEND: usize = 1;

/// What stands before each frame (section 5.1.6): nothing is offloaded. A frame that came is in one buffer, says the last number.
const HEADER_BYTES: u32 = 12;
const HEADER: [u8; HEADER_BYTES as usize] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];

/// Room for a frame wherever in a word it begins; a multiple of cache lines.
const SLOT_BYTES: u32 = 1536;
/// The most slots each way.
pub const SLOTS_MAX: usize = 32;

/// An id is the number of a slot, behind one that goes round.
const ID_PLACES: u32 = 2 * SLOTS_MAX as u32;

/// Frames that go the one way, or the other.
#[derive(Debug)]
struct Slots {
    operation: Operation,
    /// The number of the first one.
    begin: u32,
    ids: [u32; SLOTS_MAX],
    /// Where each one's frame begins, within a word, and how long it is.
    aligned: [u8; SLOTS_MAX],
    lengths: [u16; SLOTS_MAX],
    /// Slots that nobody has, that the driver has, and that it has to get.
    free: u32,
    out: u32,
    unsent: u32,
}

impl Slots {
    fn new(operation: Operation, begin: u32, count: u32) -> Self {
        Self {
            operation,
            begin,
            ids: [0; SLOTS_MAX],
            aligned: [0; SLOTS_MAX],
            lengths: [0; SLOTS_MAX],
            free: first(count),
            out: 0,
            unsent: 0,
        }
    }

    /// Where in the payload a slot's frame begins.
    fn offset(&self, slot: usize) -> u32 {
        (self.begin + slot as u32) * SLOT_BYTES + u32::from(self.aligned[slot])
    }

    /// What the driver had is free.
    fn restart(&mut self) {
        self.free |= self.out;
        self.out = 0;
    }

    /// A free slot gets a frame, or waits for one.
    fn fill(&mut self, slot: usize, aligned: u32, length: u32) {
        (self.aligned[slot], self.lengths[slot]) = ((aligned & 3) as u8, length as u16);
        self.free &= !(1 << slot);
        self.unsent |= 1 << slot;
    }

    /// The slot that a reply is about, which the driver has no longer.
    fn answered(&mut self, place: u32, id: u32) -> Option<usize> {
        let slot = place.checked_sub(self.begin)? as usize;
        if self.ids.get(slot) != Some(&id) || self.out & 1 << slot == 0 {
            return None;
        }
        self.out &= !(1 << slot);
        Some(slot)
    }

    /// Sends what the driver has to get, as far as the ring takes it. Whether anything was sent.
    fn send<L: Link<Request = Message>>(
        &mut self,
        link: &mut L,
        rounds: &mut Rounds,
    ) -> Result<bool, Unsent> {
        let mut sent = false;
        for slot in members(self.unsent) {
            let message = Message {
                id: rounds.next() * ID_PLACES + self.begin + slot as u32,
                operation: self.operation,
                offset: self.offset(slot),
                length: self.lengths[slot].into(),
            };
            match link.push(&message) {
                Ok(()) => {
                    self.ids[slot] = message.id;
                    self.unsent &= !(1 << slot);
                    self.out |= 1 << slot;
                    sent = true;
                }
                Err(Unsent::Full) => break,
                Err(Unsent::Restarted) => return Err(Unsent::Restarted),
            }
        }
        Ok(sent)
    }
}

/// A network.
#[derive(Debug)]
pub struct Network {
    /// What the guest sees.
    pub registers: Registers<2, 8>,
    receiving: Slots,
    sending: Slots,
    /// Slots with frames that came and that the guest has no buffer for, the first one first.
    arrived: heapless::Deque<u8, SLOTS_MAX>,
    /// The driver was found to be stopped.
    is_down: bool,
    rounds: Rounds,
    /// Where in its word the frame in the guest's next buffer will begin: the lowest bits.
    alignment: u32,
    refused: u32,
}

impl Network {
    /// A network on which the guest has this address, over a payload of so many bytes.
    pub fn new(address: [u8; 6], memory_bytes: u32, payload_bytes: u32) -> Self {
        let mut configuration = [0; 8];
        configuration[..6].copy_from_slice(&address);
        configuration[LINK_AT] = LINK_UP;
        let kind = Kind {
            device: DEVICE,
            features: MAC | STATUS,
            queue_size: QUEUE_SIZE,
            configuration,
        };
        let slots = (payload_bytes / SLOT_BYTES).min(ID_PLACES);
        let receiving = slots / 2;
        Self {
            registers: Registers::new(kind, memory_bytes),
            receiving: Slots::new(Operation::Receive, 0, receiving),
            sending: Slots::new(Operation::Send, receiving, slots - receiving),
            arrived: heapless::Deque::new(),
            is_down: false,
            rounds: Rounds::new(0),
            alignment: 0,
            refused: 0,
        }
    }

    /// The same in this life of the monitor's: another number in each.
    pub fn in_life(mut self, life: u32) -> Self {
        self.rounds = Rounds::new(life);
        self
    }

    /// How many frames of the guest's were not sent because they are too long or too short.
    pub fn refused(&self) -> u32 {
        self.refused
    }

    /// Whether the channel had no room for something, and may have some later without saying so.
    pub fn is_blocked(&self) -> bool {
        (self.receiving.unsent | self.sending.unsent) != 0
    }

    /// Whether to look again with the next release: it is blocked, or has frames in flight, whose driver may be stopped.
    pub fn looks_again(&self) -> bool {
        self.is_blocked() || self.sending.out != 0
    }

    /// Does what there is to do: to be called when the [registers](Registers::is_due) say so, or the driver's doorbell has rung.
    pub fn serve<L, M>(&mut self, memory: &mut M, link: &mut L)
    where
        L: Link<Request = Message, Reply = Reply>,
        M: Memory<L::Payload>,
    {
        if self.registers.take_reset() {
            self.forget();
        }
        let is_notified = self.registers.take_notification();
        if link.has_restarted() {
            self.restart();
        }
        let is_answered = self.take_replies(link);
        // Asking costs a hypercall: who was answered, or comes for the guest, asks no more than who is done. Whoever has frames in flight comes with the
        // next release at the latest, and asks then.
        let might = self.is_down || !is_answered && !is_notified;
        self.is_down = might && link.is_stopped();
        let status = if self.is_down { 0 } else { LINK_UP };
        self.registers.configure(LINK_AT, status);
        if self.is_down {
            self.lose();
        }
        if self.registers.is_live() {
            match self.work(memory, link.payload()) {
                Ok(true) => self.registers.interrupt(),
                Ok(false) => {}
                Err(broken) => {
                    self.registers.stop(broken);
                    self.forget();
                }
            }
        } else {
            self.forget();
        }
        if self.is_down {
            self.lose();
        } else if self.send(link) {
            link.ring_doorbell();
        }
    }

    /// The driver has no further life: it has no slot, and gets none. Frames that came before are the guest's still.
    fn lose(&mut self) {
        for slots in [&mut self.receiving, &mut self.sending] {
            slots.restart();
            slots.free |= slots.unsent;
            slots.unsent = 0;
        }
    }

    /// The guest is no longer interested in what has not left yet.
    fn forget(&mut self) {
        for slots in [&mut self.receiving, &mut self.sending] {
            slots.free |= slots.unsent;
            slots.unsent = 0;
        }
        while let Some(slot) = self.arrived.pop_front() {
            self.receiving.free |= 1 << slot;
        }
    }

    /// The driver has restarted, and has nothing any more.
    fn restart(&mut self) {
        self.receiving.restart();
        self.sending.restart();
    }

    /// Whether there was one.
    fn take_replies<L: Link<Request = Message, Reply = Reply>>(&mut self, link: &mut L) -> bool {
        for number in 0..REPLIES_MAX {
            let Some(reply) = link.pop() else {
                return number > 0;
            };
            let place = reply.id % ID_PLACES;
            if let Some(slot) = self.sending.answered(place, reply.id) {
                self.sending.free |= 1 << slot;
            } else if let Some(slot) = self.receiving.answered(place, reply.id) {
                let whole = (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&reply.length);
                let came = whole && reply.status == Status::Done;
                self.receiving.lengths[slot] = reply.length as u16;
                if !came || self.arrived.push_back(slot as u8).is_err() {
                    self.receiving.free |= 1 << slot;
                }
            }
        }
        true
    }

    /// Whether the guest is to be interrupted.
    fn work<P, M: Memory<P>>(&mut self, memory: &mut M, payload: &P) -> Result<bool, Broken> {
        let mut wanted = false;
        if let Some(mut queue) = self.registers.queue(RECEIVE).copied() {
            self.deliver(&mut queue, memory, payload)?;
            self.offer();
            queue.set_quiet(self.arrived.is_empty());
            wanted |= queue.show(memory)?;
            self.registers.keep(RECEIVE, queue);
        }
        if let Some(mut queue) = self.registers.queue(SEND).copied() {
            self.collect(&mut queue, memory, payload)?;
            while self.is_down && self.sending.unsent != 0 {
                self.lose();
                self.collect(&mut queue, memory, payload)?;
            }
            queue.set_quiet((self.sending.out | self.sending.unsent) != 0);
            wanted |= queue.show(memory)?;
            self.registers.keep(SEND, queue);
        }
        Ok(wanted)
    }

    /// Frames that came go into buffers of the guest's.
    fn deliver<P, M: Memory<P>>(
        &mut self,
        queue: &mut Queue,
        memory: &mut M,
        payload: &P,
    ) -> Result<(), Broken> {
        let mut delivered = None;
        while let Some(slot) = self.arrived.front().copied().map(usize::from) {
            let Some(chain) = queue.take(memory)? else {
                break;
            };
            // Each buffer has room for any frame (section 5.1.6.3.1).
            if chain.readable > 0 || chain.writable < HEADER_BYTES + FRAME_BYTES_MAX {
                return Err(Broken);
            }
            let begin = self.receiving.offset(slot);
            let length = u32::from(self.receiving.lengths[slot]);
            let start = Cursor::start(chain.head);
            let all = HEADER_BYTES + length;
            queue.walk(memory, start, all, true, |memory, at, done, bytes| {
                let of_header = HEADER_BYTES.saturating_sub(done).min(bytes);
                if of_header > 0 {
                    let begin = done as usize;
                    memory.write(at, HEADER.get(begin..begin + of_header as usize)?)?;
                }
                let of_frame = bytes - of_header;
                if of_frame > 0 {
                    let place = done + of_header - HEADER_BYTES;
                    memory.copy_in(at + of_header, payload, begin + place, of_frame)?;
                }
                Some(())
            })?;
            delivered = Some(chain.head);
            queue.put(memory, chain.head, HEADER_BYTES + length)?;
            self.arrived.pop_front();
            self.receiving.free |= 1 << slot;
        }
        // The next buffer is like the last one, if there is none yet.
        let like = queue.first(memory)?.or(delivered).map(Cursor::start);
        if let Some(start) = like.and_then(|start| queue.address(memory, start)) {
            self.alignment = start.wrapping_add(HEADER_BYTES);
        }
        Ok(())
    }

    /// The driver gets all that there is to receive into.
    fn offer(&mut self) {
        for slot in members(self.receiving.free) {
            self.receiving.fill(slot, self.alignment, FRAME_BYTES_MAX);
        }
    }

    /// Frames of the guest's go into slots.
    fn collect<P, M: Memory<P>>(
        &mut self,
        queue: &mut Queue,
        memory: &mut M,
        payload: &P,
    ) -> Result<(), Broken> {
        while let Some(slot) = first_of(self.sending.free) {
            let Some(chain) = queue.take(memory)? else {
                break;
            };
            let length = chain.readable.checked_sub(HEADER_BYTES).ok_or(Broken)?;
            if chain.writable > 0 {
                return Err(Broken);
            }
            if (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&length) {
                let start = Cursor::start(chain.head);
                let behind =
                    queue.walk(memory, start, HEADER_BYTES, false, |_, _, _, _| Some(()))?;
                let address = queue.address(memory, behind).ok_or(Broken)?;
                self.sending.fill(slot, address, length);
                let begin = self.sending.offset(slot);
                queue.walk(memory, behind, length, false, |memory, at, done, bytes| {
                    memory.copy_out(at, payload, begin + done, bytes)
                })?;
            } else {
                self.refused = self.refused.saturating_add(1);
            }
            queue.put(memory, chain.head, 0)?;
        }
        Ok(())
    }

    /// Sends to the driver what it has to get. Whether it was anything.
    fn send<L: Link<Request = Message>>(&mut self, link: &mut L) -> bool {
        // What the guest sends first: the driver may be long about the others.
        for _ in 0..2 {
            let first = self.sending.send(link, &mut self.rounds);
            let both = first.and_then(|first| {
                let more = self.receiving.send(link, &mut self.rounds)?;
                Ok(first | more)
            });
            if let Ok(sent) = both {
                return sent;
            }
            // The driver has restarted meanwhile, and gets everything to receive into again.
            self.restart();
            if self.registers.is_live() {
                self.offer();
            }
        }
        true
    }
}
