//! What stands around the devices in tests: memory of a guest, a driver of the guest's, and a channel with a driver partition at its other end.
//!
//! The memory counts what is asked of it, and notices who asks for what is not there; the channel holds the devices to the rules of the
//! protocols: no id twice in flight, no payload that two requests have or that is not there.

extern crate std;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

use cofferdam_ring::RingError;

use super::ends::{self, Ends};
use super::mmio::Registers;
use super::{Link, Memory, Unsent};

/// The memory of a guest.
#[derive(Debug)]
pub struct Ram {
    bytes: Vec<u8>,
    /// How often it was asked, and how many bytes were copied.
    pub accesses: Cell<u64>,
    /// How often something was asked for that is not there.
    pub outside: Cell<u64>,
}

/// The payload of a channel.
pub type Payload = RefCell<Vec<u8>>;

impl Ram {
    /// So many bytes of zeros.
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            accesses: Cell::new(0),
            outside: Cell::new(0),
        }
    }

    fn found<T>(&self, what: Option<T>, cost: u32) -> Option<T> {
        self.accesses.set(self.accesses.get() + 1 + u64::from(cost));
        if what.is_none() {
            self.outside.set(self.outside.get() + 1);
        }
        what
    }

    /// Some of its bytes.
    pub fn bytes_at(&self, address: u32, count: u32) -> Vec<u8> {
        let begin = address as usize;
        self.bytes[begin..begin + count as usize].to_vec()
    }

    /// Sets some.
    pub fn set_bytes(&mut self, address: u32, bytes: &[u8]) {
        let begin = address as usize;
        self.bytes[begin..begin + bytes.len()].copy_from_slice(bytes);
    }

    fn has(&self, address: u32, bytes: u32) -> Option<()> {
        let end = address.checked_add(bytes)?;
        (end as usize <= self.bytes.len()).then_some(())
    }
}

impl Memory<Payload> for Ram {
    fn bytes(&self) -> u32 {
        self.bytes.len() as u32
    }

    fn word(&self, address: u32) -> Option<u32> {
        assert!(address.is_multiple_of(4), "{address:#x}");
        let bytes = self
            .bytes
            .get(address as usize..)
            .and_then(<[u8]>::first_chunk);
        self.found(bytes.map(|bytes| u32::from_be_bytes(*bytes)), 0)
    }

    fn set_word(&mut self, address: u32, value: u32) -> Option<()> {
        assert!(address.is_multiple_of(4), "{address:#x}");
        let done = self.has(address, 4);
        if done.is_some() {
            self.set_bytes(address, &value.to_be_bytes());
        }
        self.found(done, 0)
    }

    fn set_byte(&mut self, address: u32, value: u8) -> Option<()> {
        let done = self.has(address, 1);
        if done.is_some() {
            self.set_bytes(address, &[value]);
        }
        self.found(done, 0)
    }

    fn copy_out(&self, address: u32, payload: &Payload, offset: u32, bytes: u32) -> Option<()> {
        let done = self.has(address, bytes);
        if done.is_some() {
            let begin = offset as usize;
            payload.borrow_mut()[begin..begin + bytes as usize]
                .copy_from_slice(&self.bytes_at(address, bytes));
        }
        self.found(done, bytes)
    }

    fn copy_in(&mut self, address: u32, payload: &Payload, offset: u32, bytes: u32) -> Option<()> {
        let done = self.has(address, bytes);
        if done.is_some() {
            let begin = offset as usize;
            self.set_bytes(address, &payload.borrow()[begin..begin + bytes as usize]);
        }
        self.found(done, bytes)
    }
}

/// A request of any protocol.
pub trait Asks: Copy {
    /// Its id.
    fn id(&self) -> u32;
    /// The payload that it names: where, and how long.
    fn payload(&self) -> (u32, u32);
}

impl Asks for disk_messages::Request {
    fn id(&self) -> u32 {
        self.id
    }

    fn payload(&self) -> (u32, u32) {
        let bytes = u64::from(self.sectors) * u64::from(disk_messages::SECTOR_BYTES);
        (self.offset, u32::try_from(bytes).expect("a payload"))
    }
}

impl Asks for network_messages::Request {
    fn id(&self) -> u32 {
        self.id
    }

    fn payload(&self) -> (u32, u32) {
        (self.offset, self.length)
    }
}

/// A channel. Its other end is whatever a test makes of `requests` and `replies`.
#[derive(Debug)]
pub struct Wire<Q, R> {
    /// The payload.
    pub payload: Payload,
    /// How many requests the ring has room for.
    pub depth: usize,
    /// Requests that the driver has not taken.
    pub requests: VecDeque<Q>,
    /// What it has, and what it has taken and not answered.
    pub in_flight: Vec<Q>,
    /// Replies that the device has not taken.
    pub replies: VecDeque<R>,
    /// How often the doorbell was rung.
    pub doorbells: u32,
    /// The driver is stopped for good.
    pub stopped: bool,
    /// What the ring of requests says, each time.
    pub push_error: Option<RingError>,
    /// What the ring of replies says, so often.
    pub pop_error: Option<(RingError, u32)>,
    /// How often it was asked for a reply.
    pub pops: u64,
    restarted: bool,
    /// The ring of replies has not said so yet.
    replies_restarted: bool,
}

impl<Q: Asks, R> Wire<Q, R> {
    /// A channel with so much payload, and room for so many requests.
    pub fn new(payload: usize, depth: usize) -> Self {
        Self {
            payload: RefCell::new(vec![0; payload]),
            depth,
            requests: VecDeque::new(),
            in_flight: Vec::new(),
            replies: VecDeque::new(),
            doorbells: 0,
            stopped: false,
            push_error: None,
            pop_error: None,
            pops: 0,
            restarted: false,
            replies_restarted: false,
        }
    }

    /// The driver takes the next request.
    pub fn take_request(&mut self) -> Option<Q> {
        self.requests.pop_front()
    }

    /// The driver answers a request, or invents an answer.
    pub fn reply(&mut self, id: u32, reply: R) {
        self.in_flight.retain(|one| one.id() != id);
        self.replies.push_back(reply);
    }

    /// The driver is stopped: it answers nothing any more, and what it had is nobody's.
    pub fn stop(&mut self) {
        self.requests.clear();
        self.in_flight.clear();
        self.stopped = true;
    }

    /// The driver begins anew. Answers of its last life may still be read.
    pub fn restart(&mut self) {
        self.requests.clear();
        self.in_flight.clear();
        (self.restarted, self.replies_restarted) = (true, true);
        (self.push_error, self.pop_error) = (None, None);
        self.stopped = false;
    }

    /// What the ring of requests says before all else.
    fn says(&mut self) -> Result<(), RingError> {
        if core::mem::take(&mut self.restarted) {
            return Err(RingError::PeerRestarted);
        }
        if self.push_error == Some(RingError::PeerRestarted) {
            // Each time another one.
            self.requests.clear();
            self.in_flight.clear();
        }
        self.push_error.map_or(Ok(()), Err)
    }
}

impl<Q: Asks, R> Ends for Wire<Q, R> {
    type Request = Q;
    type Reply = R;

    fn append(&mut self, request: &Q) -> Result<(), RingError> {
        self.says()?;
        if self.requests.len() >= self.depth {
            return Err(RingError::Full);
        }
        let (begin, length) = request.payload();
        assert!(begin as usize + length as usize <= self.payload.borrow().len());
        for other in &self.in_flight {
            let (other_begin, other_length) = other.payload();
            assert!(other.id() != request.id(), "an id twice in flight");
            let apart = begin + length <= other_begin || other_begin + other_length <= begin;
            assert!(apart, "payload of another");
        }
        if self.stopped {
            // Nobody takes it out of the ring, and what is in there is nobody's.
            return Ok(());
        }
        self.requests.push_back(*request);
        self.in_flight.push(*request);
        Ok(())
    }

    fn take(&mut self) -> Result<Option<R>, RingError> {
        self.pops += 1;
        if core::mem::take(&mut self.replies_restarted) {
            return Err(RingError::PeerRestarted);
        }
        if let Some((error, times)) = self.pop_error {
            self.pop_error = times.checked_sub(1).map(|left| (error, left));
            return Err(error);
        }
        Ok(self.replies.pop_front())
    }

    fn vacant(&mut self) -> Result<u32, RingError> {
        self.says()?;
        Ok(self.depth.saturating_sub(self.requests.len()) as u32)
    }
}

impl<Q: Asks, R> Link for Wire<Q, R> {
    type Request = Q;
    type Reply = R;
    type Payload = Payload;

    fn payload(&self) -> &Payload {
        &self.payload
    }

    fn payload_bytes(&self) -> u32 {
        self.payload.borrow().len() as u32
    }

    fn push(&mut self, request: &Q) -> Result<(), Unsent> {
        ends::push(self, request)
    }

    fn pop(&mut self) -> Option<R> {
        ends::pop(self)
    }

    fn has_restarted(&mut self) -> bool {
        ends::has_restarted(self)
    }

    fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn ring_doorbell(&mut self) {
        self.doorbells += 1;
    }
}

/// A piece of memory that a chain names: where, how long, and whether the device writes.
pub type Part = (u32, u32, bool);

/// A queue, as the guest's driver has it.
#[derive(Debug)]
pub struct DriverQueue {
    number: u32,
    size: u16,
    base: u32,
    free: Vec<u16>,
    chains: Vec<Vec<u16>>,
    /// Chains made available, wrapping.
    pub available: u16,
    /// Those that came back.
    #[cfg(test)]
    used: u16,
}

impl DriverQueue {
    const AVAILABLE: u32 = 0x1000;
    const USED: u32 = 0x1800;
    /// How much memory one takes.
    pub const BYTES: u32 = 0x2000;

    /// One of so many descriptors, at an address.
    pub fn new(number: u32, size: u16, base: u32) -> Self {
        Self {
            number,
            size,
            base,
            free: (0..size).rev().collect(),
            chains: vec![Vec::new(); size.into()],
            available: 0,
            #[cfg(test)]
            used: 0,
        }
    }

    /// Where its descriptors, its available and its used ring are.
    pub fn parts(&self) -> [u32; 3] {
        [0, Self::AVAILABLE, Self::USED].map(|part| self.base + part)
    }

    /// Writes a descriptor as it is.
    pub fn describe(&self, ram: &mut Ram, index: u16, address: u64, length: u32, rest: [u16; 2]) {
        let mut bytes = address.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        rest.iter()
            .for_each(|half| bytes.extend(half.to_le_bytes()));
        ram.set_bytes(self.base + 16 * u32::from(index), &bytes);
    }

    /// Makes a chain available; `None` if there are not enough descriptors.
    pub fn add(&mut self, ram: &mut Ram, parts: &[Part]) -> Option<u16> {
        if self.free.len() < parts.len() {
            return None;
        }
        let indices: Vec<u16> = parts.iter().filter_map(|_| self.free.pop()).collect();
        for (place, (address, length, writable)) in parts.iter().enumerate() {
            let next = indices.get(place + 1).copied();
            let flags = u16::from(next.is_some()) | u16::from(*writable) << 1;
            let rest = [flags, next.unwrap_or(0)];
            self.describe(ram, indices[place], (*address).into(), *length, rest);
        }
        let head = indices[0];
        self.chains[usize::from(head)] = indices;
        self.offer(ram, head);
        Some(head)
    }

    /// Puts an index into the available ring.
    pub fn offer(&mut self, ram: &mut Ram, head: u16) {
        let entry = u32::from(self.available % self.size);
        let ring = self.base + Self::AVAILABLE;
        ram.set_bytes(ring + 4 + 2 * entry, &head.to_le_bytes());
        self.available = self.available.wrapping_add(1);
        ram.set_bytes(ring + 2, &self.available.to_le_bytes());
    }

    /// Takes what came back: the head of its chain, and how much was written.
    #[cfg(test)]
    pub fn take(&mut self, ram: &Ram) -> Option<(u16, u32)> {
        let ring = self.base + Self::USED;
        if ram.bytes_at(ring + 2, 2) == self.used.to_le_bytes() {
            return None;
        }
        let at = ring + 4 + 8 * u32::from(self.used % self.size);
        self.used = self.used.wrapping_add(1);
        let number = |at| {
            let bytes = ram.bytes_at(at, 4).try_into().expect("four");
            u32::from_le_bytes(bytes)
        };
        let head = number(at) as u16;
        let indices = core::mem::take(&mut self.chains[usize::from(head)]);
        assert!(!indices.is_empty(), "a chain that is not out");
        self.free.extend(indices);
        Some((head, number(at + 4)))
    }

    /// Whether the device asks to be notified.
    #[cfg(test)]
    pub fn notifies(&self, ram: &Ram) -> bool {
        ram.bytes_at(self.base + Self::USED, 1) == [0]
    }

    /// Asks for interrupts, or for none.
    #[cfg(test)]
    pub fn set_interrupts(&self, ram: &mut Ram, wanted: bool) {
        ram.set_bytes(self.base + Self::AVAILABLE, &[u8::from(!wanted), 0]);
    }

    /// Tells the device where it is.
    pub fn set_up<const Q: usize, const C: usize>(&self, registers: &mut Registers<Q, C>) {
        let mut store = |offset, value| {
            registers.store(offset, 4, value).expect("a register");
        };
        store(0x30, self.number);
        store(0x38, self.size.into());
        for (offset, part) in [0x80, 0x90, 0xa0].into_iter().zip(self.parts()) {
            store(offset, part);
            store(offset + 4, 0);
        }
        store(0x44, 1);
    }
}

/// Brings a device to life, as Linux does: reset, features, queues, ready. It accepts of the features what `wanted` has.
pub fn start<const Q: usize, const C: usize>(
    registers: &mut Registers<Q, C>,
    wanted: u64,
    queues: &[&DriverQueue],
) {
    registers.store(0x70, 4, 0).expect("the status");
    for status in [1, 3] {
        registers.store(0x70, 4, status).expect("the status");
    }
    for select in [0, 1] {
        registers.store(0x14, 4, select).expect("a register");
        let offered = registers.load(0x10, 4).expect("a register");
        registers.store(0x24, 4, select).expect("a register");
        let accepted = offered & (wanted >> (32 * select)) as u32;
        registers.store(0x20, 4, accepted).expect("a register");
    }
    registers.store(0x70, 4, 0xb).expect("the status");
    for queue in queues {
        queue.set_up(registers);
    }
    registers.store(0x70, 4, 0xf).expect("the status");
}
