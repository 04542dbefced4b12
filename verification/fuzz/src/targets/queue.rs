//! The driver's side of a virtqueue, whose device writes anything anywhere into it.
//!
//! Beside the queue stands a model of it. What has to hold: no descriptor is in two chains that the device has; a chain in memory is what was added, when it is added;
//! what the queue gives back is in flight, comes back once, and is not longer than it has room for; and no descriptor is ever lost.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use virtio::model::{ARENA_BUS_ADDRESS, Arena, ModelMemory};
use virtio::{AddError, Buffer, Corrupt, Layout, Memory as _, Queue, Used};

use super::choice::{either, one_of};
use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "queue",
    seeds: || noise(64, 300),
    run,
};

const ENTRIES_MAX: usize = 16;
const BYTES: u32 = 1024;
const DESCRIPTOR_BYTES: u32 = 16;
// Flags of descriptors, and of the used ring (2.7.5, 2.7.8).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;
const NO_NOTIFY: u16 = 1;

/// A chain in flight, by its first descriptor.
struct Chain {
    token: u16,
    descriptors: Vec<u16>,
    writable: u32,
}

struct Bench {
    memory: ModelMemory,
    layout: Layout,
    queue: Queue<ModelMemory, ENTRIES_MAX>,
    in_flight: BTreeMap<u16, Chain>,
    added: u16,
    taken: u16,
    unannounced: bool,
}

impl Bench {
    fn new(size: u16) -> Self {
        let memory = Arena::new(BYTES).memory(0, BYTES);
        let layout = Layout::new(size, 0).expect("a power of two");
        Self {
            queue: Queue::new(memory.clone(), layout).expect("there is room"),
            memory,
            layout,
            in_flight: BTreeMap::new(),
            added: 0,
            taken: 0,
            unannounced: false,
        }
    }

    fn in_chains(&self) -> usize {
        let chains = self.in_flight.values();
        chains.map(|chain| chain.descriptors.len()).sum()
    }

    fn add(&mut self, buffers: &[Buffer], token: u16) {
        let free = usize::from(self.layout.size()) - self.in_chains();
        let added = self.queue.add(buffers, token);
        let writable = chain_can_be(buffers);
        let expected = match writable {
            None => Err(AddError::Chain),
            Some(_) if buffers.len() > free => Err(AddError::Full),
            Some(_) => Ok(()),
        };
        assert_eq!(added, expected, "{buffers:?}, {free} are free");
        let (Some(writable), Ok(())) = (writable, added) else {
            return;
        };
        let place = u32::from(self.added % self.layout.size());
        let head = self.memory.little_u16(self.layout.driver() + 4 + 2 * place);
        let descriptors = self.walk(head, buffers);
        let chain = Chain {
            token,
            descriptors,
            writable,
        };
        assert!(self.in_flight.insert(head, chain).is_none());
        self.added = self.added.wrapping_add(1);
        self.unannounced = true;
    }

    /// The descriptors of a chain that was just added.
    fn walk(&self, head: u16, buffers: &[Buffer]) -> Vec<u16> {
        let mut descriptors = Vec::new();
        let mut descriptor = head;
        for (number, buffer) in buffers.iter().enumerate() {
            assert!(descriptor < self.layout.size(), "no such descriptor");
            let mut theirs = self.in_flight.values();
            let is_free = theirs.all(|chain| !chain.descriptors.contains(&descriptor));
            assert!(is_free, "descriptor {descriptor} is in two chains");
            assert!(!descriptors.contains(&descriptor), "a chain in a circle");
            descriptors.push(descriptor);
            let at = self.layout.descriptors() + u32::from(descriptor) * DESCRIPTOR_BYTES;
            let is_last = number + 1 == buffers.len();
            let mut flags = if is_last { 0 } else { NEXT };
            flags |= if buffer.device_writes {
                DEVICE_WRITES
            } else {
                0
            };
            assert_eq!(self.memory.little_u32(at), buffer.bus_address);
            assert_eq!(self.memory.little_u32(at + 4), 0);
            assert_eq!(self.memory.little_u32(at + 8), buffer.length);
            assert_eq!(self.memory.little_u16(at + 12), flags);
            descriptor = self.memory.little_u16(at + 14);
        }
        descriptors
    }

    fn announce(&mut self) {
        let flags = self.memory.little_u16(self.layout.device());
        let due = std::mem::take(&mut self.unannounced);
        let notify = self.queue.announce();
        assert_eq!(notify, due && flags & NO_NOTIFY == 0);
        if due {
            let index = self.memory.little_u16(self.layout.driver() + 2);
            assert_eq!(index, self.added);
        }
    }

    fn take_used(&mut self) {
        let expected = self.next_used();
        let given = self.queue.take_used();
        let (expected, head) = match expected {
            Ok(Some((head, used))) => (Ok(Some(used)), Some(head)),
            Ok(None) => (Ok(None), None),
            Err(corrupt) => (Err(corrupt), None),
        };
        assert_eq!(given, expected);
        if let Some(head) = head {
            self.in_flight.remove(&head);
            self.taken = self.taken.wrapping_add(1);
        }
    }

    /// What the used ring says, if it may say so.
    fn next_used(&self) -> Result<Option<(u16, Used)>, Corrupt> {
        let waiting = self.used_index().wrapping_sub(self.taken);
        if waiting == 0 {
            return Ok(None);
        }
        if usize::from(waiting) > self.in_flight.len() {
            return Err(Corrupt::Index);
        }
        let at = self.used_entry(self.taken);
        let (head, written) = (self.memory.little_u32(at), self.memory.little_u32(at + 4));
        let head = u16::try_from(head).map_err(|_| Corrupt::Chain)?;
        let chain = self.in_flight.get(&head).ok_or(Corrupt::Chain)?;
        if written > chain.writable {
            return Err(Corrupt::Length);
        }
        let token = chain.token;
        Ok(Some((head, Used { token, written })))
    }

    fn used_index(&self) -> u16 {
        self.memory.little_u16(self.layout.device() + 2)
    }

    fn used_entry(&self, number: u16) -> u32 {
        self.layout.device() + 4 + 8 * u32::from(number % self.layout.size())
    }

    /// The device hands back a chain, mostly one that it has.
    fn hand_back(&self, u: &mut Unstructured<'_>) {
        let index = self.used_index();
        let heads: Vec<_> = self.in_flight.iter().collect();
        let (head, room) = match heads.get(one_of(u, ENTRIES_MAX)) {
            Some((head, chain)) => (u32::from(**head), chain.writable),
            None => (u.arbitrary().unwrap_or_default(), 0),
        };
        let written = match one_of(u, 8) {
            0..6 => room / 2,
            6 => room.saturating_add(1),
            _ => u.arbitrary().unwrap_or_default(),
        };
        let at = self.used_entry(index);
        self.memory.set_little_u32(at, head);
        self.memory.set_little_u32(at + 4, written);
        self.memory
            .set_little_u16(self.layout.device() + 2, index.wrapping_add(1));
    }

    /// Whatever the device wrote: once it behaves, everything comes back.
    fn settle(&mut self) {
        for (number, (head, chain)) in (0..).zip(&self.in_flight) {
            let at = self.used_entry(self.taken.wrapping_add(number));
            self.memory.set_little_u32(at, (*head).into());
            self.memory.set_little_u32(at + 4, chain.writable);
        }
        let index = self.taken.wrapping_add(self.in_flight.len() as u16);
        self.memory.set_little_u16(self.layout.device() + 2, index);
        for _ in 0..self.in_flight.len() {
            self.take_used();
        }
        assert_eq!(self.queue.free(), self.layout.size());
        let all = vec![buffer(0, 16, false); self.layout.size().into()];
        self.add(&all, 0);
        assert_eq!(self.queue.free(), 0);
    }
}

fn buffer(place: u32, length: u32, device_writes: bool) -> Buffer {
    Buffer {
        bus_address: ARENA_BUS_ADDRESS + BYTES + place,
        length,
        device_writes,
    }
}

/// How many bytes the device may write, if there may be such a chain.
fn chain_can_be(buffers: &[Buffer]) -> Option<u32> {
    let total: u64 = buffers.iter().map(|one| u64::from(one.length)).sum();
    let behind = buffers.iter().skip_while(|one| !one.device_writes);
    let in_order = behind.clone().all(|one| one.device_writes);
    let none_empty = buffers.iter().all(|one| one.length != 0);
    let can_be = !buffers.is_empty() && in_order && none_empty && total <= u32::MAX.into();
    can_be.then(|| behind.map(|one| one.length).sum())
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut bench = Bench::new(1 << one_of(&mut u, 5));
    while !u.is_empty() {
        match one_of(&mut u, 16) {
            0..5 => {
                let (count, readable) = (one_of(&mut u, 5), one_of(&mut u, 5));
                let buffers: Vec<_> = (0..count)
                    .map(|number| {
                        let length = match one_of(&mut u, 32) {
                            0 => u.arbitrary().unwrap_or_default(),
                            length => length as u32,
                        };
                        let mixed = one_of(&mut u, 32) == 0 && either(&mut u);
                        buffer(number as u32, length, mixed || number >= readable)
                    })
                    .collect();
                bench.add(&buffers, u.arbitrary().unwrap_or_default());
            }
            5 | 6 => bench.announce(),
            7..11 => bench.hand_back(&mut u),
            11..15 => bench.take_used(),
            // Anywhere, or where it counts.
            _ => {
                let place = match either(&mut u) {
                    true => one_of(&mut u, BYTES as usize / 2) as u32,
                    false => bench.layout.device() / 2 + one_of(&mut u, 34) as u32,
                };
                let word = match either(&mut u) {
                    true => one_of(&mut u, ENTRIES_MAX + 2) as u16,
                    false => u.arbitrary().unwrap_or_default(),
                };
                bench.memory.set_little_u16(2 * place, word);
            }
        }
        assert_eq!(usize::from(bench.queue.in_flight()), bench.in_flight.len());
        let in_chains = bench.in_chains();
        assert_eq!(
            usize::from(bench.queue.free()) + in_chains,
            usize::from(bench.layout.size())
        );
    }
    bench.settle();
}
