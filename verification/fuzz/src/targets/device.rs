//! The device of a driver that does anything: what it finds in the driver's memory, and how it lies in its registers and its rings.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use virtio::model::{ARENA_BUS_ADDRESS, Arena, Backend, Faults, ModelDevice};
use virtio::{Memory as _, Next};

use super::choice::{either, one_of};

/// Features without which no device is driven (6).
const REQUIRED: u64 = 1 << 32 | 1 << 33;
const DESCRIPTOR_BYTES: u64 = 16;
// Flags of descriptors (2.7.5).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;
/// Accesses to registers in a start of a driver, and some more.
const ACCESSES_OF_START: usize = 64;

/// In what a device does not keep to its rules.
#[derive(Clone, Copy, Debug)]
pub struct Lies {
    /// In its rings, and in all of the driver's memory.
    pub rings: bool,
    /// In its registers.
    pub registers: bool,
}

impl Lies {
    pub fn any(u: &mut Unstructured<'_>) -> Self {
        Self {
            rings: either(u),
            registers: either(u),
        }
    }
}

/// A piece of a chain.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub at: u64,
    pub length: u32,
    pub device_writes: bool,
}

/// The device, and the memory that it reaches.
#[derive(Debug)]
pub struct View<B> {
    pub arena: Arena,
    pub device: ModelDevice<B>,
}

impl<B: Backend> View<B> {
    pub fn word(&self, at: u64) -> u16 {
        self.number(at, 2) as u16
    }

    pub fn number(&self, at: u64, bytes: usize) -> u64 {
        let bytes = self.arena.read(at, bytes);
        let bytes = bytes.iter().rev();
        bytes.fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// A chain of at most so many pieces.
    pub fn parts(&self, queue: u16, head: u16, most: usize) -> Vec<Part> {
        let [descriptors, ..] = self.device.queue_addresses(queue);
        let mut all = Vec::new();
        let mut next = head;
        loop {
            let is_one = next < self.device.queue_size(queue) && all.len() < most;
            assert!(is_one, "no chain of a request");
            let at = descriptors + DESCRIPTOR_BYTES * u64::from(next);
            let flags = self.word(at + 12);
            all.push(Part {
                at: self.number(at, 8),
                length: self.number(at + 8, 4) as u32,
                device_writes: flags & DEVICE_WRITES != 0,
            });
            next = self.word(at + 14);
            if flags & NEXT == 0 {
                return all;
            }
        }
    }

    /// Where the used ring has its entry of this number.
    fn used_entry(&self, queue: u16, number: u16) -> u64 {
        let [_, _, used] = self.device.queue_addresses(queue);
        used + 4 + 8 * u64::from(number % self.device.queue_size(queue))
    }

    fn used_index(&self, queue: u16) -> u16 {
        let [_, _, used] = self.device.queue_addresses(queue);
        self.word(used + 2)
    }

    /// Hands back a chain, whatever it did with it.
    pub fn hand_back(&self, queue: u16, head: u16, written: u32) {
        let [_, _, used] = self.device.queue_addresses(queue);
        let index = self.used_index(queue);
        let at = self.used_entry(queue, index);
        self.arena.write(at, &u32::from(head).to_le_bytes());
        self.arena.write(at + 4, &written.to_le_bytes());
        let next = index.wrapping_add(1).to_le_bytes();
        self.arena.write(used + 2, &next);
    }

    /// Writes a word below `words` into the driver's memory, often where a used ring begins; but nowhere where the driver tells the device
    /// how far it is, which nobody else reads.
    pub fn scribble(&self, u: &mut Unstructured<'_>, queues: &[u16], bytes: u32, words: usize) {
        let memory = self.arena.memory(0, bytes);
        let queue = queues[one_of(u, queues.len())];
        let [_, _, used] = self.device.queue_addresses(queue);
        let at = match either(u) {
            true => 2 * one_of(u, bytes as usize / 2) as u32,
            false => (used as u32).saturating_sub(ARENA_BUS_ADDRESS) + 2 * one_of(u, 40) as u32,
        };
        let is_told = |queue: &u16| {
            let [_, available, _] = self.device.queue_addresses(*queue);
            available + 2 == u64::from(memory.bus_address(at))
        };
        let word = one_of(u, words) as u16;
        if !queues.iter().any(is_told) {
            memory.set_little_u16(at, word);
        }
    }

    /// Lies in its registers, or no longer; from here on, or from some moment of the next start on.
    pub fn lie_in_registers(&self, u: &mut Unstructured<'_>) {
        let mut faults = Faults::default();
        for _ in 0..one_of(u, 3) {
            fault(&mut faults, u);
        }
        match one_of(u, 3) {
            0 => {
                let accesses = one_of(u, ACCESSES_OF_START) as u32;
                self.device.set_faults_later(accesses, faults);
            }
            _ => self.device.set_faults(faults),
        }
    }

    /// Whether the driver asks for its partition's restart: it does if the device goes on in spite of a reset, and not else.
    pub fn must_restart(&self, next: Next) -> bool {
        let goes_on = self.device.is_running() && self.device.has_ignored_reset();
        assert_eq!(next == Next::Restart, goes_on, "{next:?}");
        goes_on
    }

    /// A device that runs goes by the features that it offered and the driver wants, and by those that it must have.
    pub fn features_are_right(&self, wanted: u64) {
        if self.device.is_running() {
            let accepted = self.device.accepted();
            let both = self.device.told_features() & (wanted | REQUIRED);
            assert_eq!(accepted, both, "features that were not offered");
            assert_eq!(accepted & REQUIRED, REQUIRED, "it lacks what it must have");
        }
    }
}

fn fault(faults: &mut Faults, u: &mut Unstructured<'_>) {
    match one_of(u, 7) {
        0 | 1 => faults.never_resets = true,
        2 => faults.refuses_features = true,
        // Those of a disk, of a queue (2.7.7, 2.7.10), and those that every device must have.
        3 => faults.features ^= 1 << [5, 9, 28, 29, 32, 33, 34, one_of(u, 64)][one_of(u, 8)],
        4 => faults.restless = true,
        5 => {
            let any = u.arbitrary().unwrap_or_default();
            let size = [0, 1, 3, 4, 31, 32, 127, 128, u16::MAX, any][one_of(u, 10)];
            faults.queue_size = Some(size);
        }
        _ => {
            let any = u.arbitrary().unwrap_or_default();
            faults.notify_offset = Some([0, 1, 2, 0x3ff, 0x400, u16::MAX, any][one_of(u, 7)]);
        }
    }
}

/// What the device has of a queue, by the numbers of the first descriptors.
#[derive(Debug)]
pub struct AtDevice<C> {
    queue: u16,
    seen: u16,
    taken: u16,
    pub chains: BTreeMap<u16, C>,
}

impl<C> AtDevice<C> {
    pub const fn new(queue: u16) -> Self {
        Self {
            queue,
            seen: 0,
            taken: 0,
            chains: BTreeMap::new(),
        }
    }

    /// Before a turn of the driver: the next chain that it will hear of by the used ring.
    pub fn next_back<B: Backend>(&mut self, view: &View<B>) -> Option<C> {
        loop {
            let waiting = view.used_index(self.queue).wrapping_sub(self.taken);
            if waiting == 0 || usize::from(waiting) > self.chains.len() {
                return None;
            }
            let at = view.used_entry(self.queue, self.taken);
            let head = u16::try_from(view.number(at, 4)).ok()?;
            self.taken = self.taken.wrapping_add(1);
            if let Some(chain) = self.chains.remove(&head) {
                return Some(chain);
            }
        }
    }

    /// Behind a turn of the driver: the first descriptor of the next chain that is new in the available ring.
    pub fn next_new<B: Backend>(&mut self, view: &View<B>) -> Option<u16> {
        let [_, available, _] = view.device.queue_addresses(self.queue);
        if self.seen == view.word(available + 2) {
            return None;
        }
        let entry = u64::from(self.seen % view.device.queue_size(self.queue));
        self.seen = self.seen.wrapping_add(1);
        Some(view.word(available + 4 + 2 * entry))
    }
}
