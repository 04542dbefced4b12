//! The driver of a disk, between clients and a device that do anything.
//!
//! What has to hold: each chain that the device finds names sectors of one client's range and bytes of that client's payload, and writes none that may
//! only be read; an answer comes once, and not while the device still has the request; the driver comes to rest. With a device that keeps to its rules,
//! no sector and no payload changes but as its own client asked. In the end everybody is answered.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use disk::Range;
use disk::model::{Bench, DISK_SECTORS, DRIVER_BYTES, PAYLOAD_BYTES, Sectors, other, range};
use disk_messages::{Operation, Request, SECTOR_BYTES};
use virtio::model::{ARENA_BUS_ADDRESS, Arena, ModelDevice};
use virtio::{Driver as _, Memory as _, Next};

use super::choice::{any_error, either, one_of};
use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "disk",
    seeds: || noise(64, 500),
    run,
};

/// The second one is cut off by the end of the disk.
const RANGES: [Range; 3] = [
    range(8, 8),
    range(60, 8),
    Range {
        first_sector: 16,
        sectors: 8,
        read_only: true,
    },
];
/// The most turns of the driver until it waits.
const TURNS: usize = 200;
const DESCRIPTOR_BYTES: u64 = 16;
// Flags of descriptors (2.7.5).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;
// Types of requests (5.2.6).
const READ: u32 = 0;
const WRITE: u32 = 1;
const FLUSH: u32 = 4;

/// What is asked of the device: of which client's payload, from which byte on, how many, from which sector on, and whether it is written.
type Work = (usize, u32, u32, u64, bool);

/// A chain that the device has.
struct Chain {
    /// Nothing for a flush.
    work: Option<Work>,
    status: u64,
}

/// What the device finds in its memory.
struct Watch {
    arena: Arena,
    device: ModelDevice<Sectors>,
    life: usize,
    seen: u16,
    taken: u16,
    at_device: BTreeMap<u16, Chain>,
}

impl Watch {
    fn word(&self, at: u64) -> u16 {
        let bytes = self.arena.read(at, 2);
        u16::from_le_bytes([bytes[0], bytes[1]])
    }

    fn number(&self, at: u64, bytes: usize) -> u64 {
        let bytes = self.arena.read(at, bytes);
        bytes
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// Before a turn of the driver: what the used ring says, it will hear.
    fn before(&mut self) {
        if !self.device.is_running() {
            return;
        }
        let [_, _, used] = self.device.queue_addresses(0);
        let index = self.word(used + 2);
        while self.taken != index
            && usize::from(index.wrapping_sub(self.taken)) <= self.at_device.len()
        {
            let at = used + 4 + 8 * u64::from(self.taken % 256);
            let head = u16::try_from(self.number(at, 4));
            if head.map(|head| self.at_device.remove(&head)).is_err() {
                return;
            }
            self.taken = self.taken.wrapping_add(1);
        }
    }

    /// Behind a turn: what is new in the available ring has to be right.
    fn behind(&mut self) {
        if self.life != self.device.resets() {
            self.life = self.device.resets();
            (self.seen, self.taken) = (0, 0);
            self.at_device.clear();
        }
        if !self.device.is_running() {
            return;
        }
        let [_, available, _] = self.device.queue_addresses(0);
        let index = self.word(available + 2);
        while self.seen != index {
            let head = self.word(available + 4 + 2 * u64::from(self.seen % 256));
            let chain = self.chain(head);
            let before = self.at_device.insert(head, chain);
            assert!(before.is_none(), "chain {head} is at the device already");
            self.seen = self.seen.wrapping_add(1);
        }
    }

    fn chain(&self, head: u16) -> Chain {
        let [descriptors, ..] = self.device.queue_addresses(0);
        let mut all = Vec::new();
        let mut next = head;
        loop {
            assert!(next < 256 && all.len() < 3, "no chain of a request");
            let at = descriptors + DESCRIPTOR_BYTES * u64::from(next);
            let (address, length) = (self.number(at, 8), self.number(at + 8, 4));
            let flags = self.word(at + 12);
            all.push((address, length as u32, flags & DEVICE_WRITES != 0));
            next = self.word(at + 14);
            if flags & NEXT == 0 {
                break;
            }
        }
        let is_drivers = |address: u64, length: u32| {
            let end = u64::from(ARENA_BUS_ADDRESS) + u64::from(DRIVER_BYTES);
            address + u64::from(length) <= end
        };
        let (header, status) = (all[0], all[all.len() - 1]);
        assert!(is_drivers(header.0, 16) && (header.1, header.2) == (16, false));
        assert!(is_drivers(status.0, 1) && (status.1, status.2) == (1, true));
        let kind = self.number(header.0, 4) as u32;
        let sector = self.number(header.0 + 8, 8);
        let work = match *all.as_slice() {
            [_, (address, length, device_writes), _] => {
                assert_eq!(kind, if device_writes { READ } else { WRITE });
                Some(work(address, length, sector, !device_writes))
            }
            _ => {
                assert_eq!((all.len(), kind, sector), (2, FLUSH, 0));
                None
            }
        };
        Chain {
            work,
            status: status.0,
        }
    }
}

/// Whose request it is, and that it stays within what is theirs.
fn work(address: u64, length: u32, sector: u64, writes: bool) -> Work {
    let payloads = u64::from(ARENA_BUS_ADDRESS) + u64::from(DRIVER_BYTES);
    let place = address.checked_sub(payloads).expect("the driver's memory");
    let client = (place / u64::from(PAYLOAD_BYTES)) as usize;
    let offset = (place % u64::from(PAYLOAD_BYTES)) as u32;
    let range = RANGES.get(client).expect("nobody's memory");
    assert!(offset + length <= PAYLOAD_BYTES, "two clients' payload");
    assert!(length != 0 && length.is_multiple_of(SECTOR_BYTES));
    assert!(
        !(writes && range.read_only),
        "client {client} may not write"
    );
    let end = sector + u64::from(length / SECTOR_BYTES);
    let range_end = DISK_SECTORS.min(range.first_sector + range.sectors);
    assert!(
        range.first_sector <= sector && end <= range_end,
        "sectors {sector} to {end} are not client {client}'s"
    );
    (client, offset, length, sector, writes)
}

struct World {
    bench: Bench,
    watch: Watch,
    device_lies: bool,
    /// What was asked and not answered yet, by client and id.
    open: BTreeMap<(usize, u32), Request>,
    next_id: u32,
}

impl World {
    fn new(device_lies: bool) -> Self {
        let bench = Bench::new(&RANGES);
        for client in 0..RANGES.len() {
            bench.fill(client, 0, 16, 0xa0 + client as u8);
        }
        Self {
            watch: Watch {
                arena: bench.arena.clone(),
                device: bench.device.clone(),
                life: bench.device.resets(),
                seen: 0,
                taken: 0,
                at_device: BTreeMap::new(),
            },
            bench,
            device_lies,
            open: BTreeMap::new(),
            next_id: 0,
        }
    }

    fn ask(&mut self, client: usize, request: Request) {
        let request = Request {
            id: self.next_id,
            ..request
        };
        self.next_id += 1;
        self.open.insert((client, request.id), request);
        self.bench.ask(client, request);
    }

    /// The driver's turns until it waits.
    fn serve(&mut self) {
        for _ in 0..TURNS {
            self.watch.before();
            let next = self.bench.server.serve(self.bench.now);
            self.watch.behind();
            self.hear();
            match next {
                Next::Again => {}
                Next::Wait => return,
                Next::Restart => panic!("its reset always ends"),
            }
        }
        panic!("it does not come to rest");
    }

    /// Each answer is to what was asked and not answered yet, and what the device has was not answered.
    fn hear(&mut self) {
        for client in 0..RANGES.len() {
            for reply in self.bench.answers(client) {
                let asked = self.open.remove(&(client, reply.id));
                asked.expect("an answer that nobody waits for");
            }
        }
        let mut waiting = BTreeMap::<Work, usize>::new();
        for ((client, _), request) in &self.open {
            let Some(length) = request.sectors.checked_mul(SECTOR_BYTES) else {
                continue;
            };
            let sector = RANGES[*client].first_sector.wrapping_add(request.sector);
            let writes = request.operation == Operation::Write;
            let work = (*client, request.offset, length, sector, writes);
            *waiting.entry(work).or_default() += 1;
        }
        for work in self.watch.at_device.values().filter_map(|chain| chain.work) {
            let left = waiting.get_mut(&work).and_then(|left| left.checked_sub(1));
            let left = left.expect("it was answered, and the device has it");
            waiting.insert(work, left);
        }
    }

    /// A device that does what it likes.
    fn lie(&mut self, u: &mut Unstructured<'_>) {
        let [_, available, used] = self.bench.device.queue_addresses(0);
        let memory = self.bench.arena.memory(0, DRIVER_BYTES);
        match one_of(u, 8) {
            0 => self.bench.device.fail(),
            // Anywhere but at the index that it is told, which nobody else reads.
            1 | 2 => {
                let at = match either(u) {
                    true => 2 * one_of(u, DRIVER_BYTES as usize / 2) as u32,
                    false => {
                        (used as u32).saturating_sub(ARENA_BUS_ADDRESS) + 2 * one_of(u, 40) as u32
                    }
                };
                if u64::from(ARENA_BUS_ADDRESS + at) != available + 2 {
                    memory.set_little_u16(at, one_of(u, 70) as u16);
                }
            }
            _ if self.bench.device.is_running() => {
                let heads: Vec<_> = self.watch.at_device.iter().collect();
                let Some((head, chain)) = heads.get(one_of(u, 8)) else {
                    return;
                };
                let status = [0, 0, 0, 1, 2, 0xff][one_of(u, 6)];
                self.bench.arena.write(chain.status, &[status]);
                let index = self.watch.word(used + 2);
                let at = used + 4 + 8 * u64::from(index % 256);
                self.bench.arena.write(at, &u32::from(**head).to_le_bytes());
                self.bench.arena.write(at + 4, &[1, 0, 0, 0]);
                let next = index.wrapping_add(1).to_le_bytes();
                self.bench.arena.write(used + 2, &next);
            }
            _ => {}
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) {
        let client = one_of(u, RANGES.len());
        match one_of(u, 24) {
            0..8 => {
                let request = request(u);
                let times = if one_of(u, 32) == 0 { 200 } else { 1 };
                for _ in 0..times {
                    self.ask(client, request);
                }
            }
            8 => {
                let error = any_error(u);
                self.bench.wire(client, |wire| wire.pop_error = error);
            }
            9 => {
                let error = any_error(u);
                self.bench.wire(client, |wire| wire.push_error = error);
            }
            10 => self
                .bench
                .wire(client, |wire| wire.reply_room = one_of(u, 40)),
            11 => self.restart(client),
            12..17 => {
                self.bench.now += one_of(u, 300) as u64;
                self.serve();
            }
            17 => self.bench.server.interrupted(),
            _ if self.device_lies => self.lie(u),
            18 | 19 => drop(self.bench.device.take()),
            _ => drop(self.bench.device.finish(one_of(u, 8))),
        }
    }

    fn restart(&mut self, client: usize) {
        use cofferdam_ring::RingError::PeerRestarted;
        self.bench.wire(client, |wire| {
            wire.requests.clear();
            wire.replies.clear();
            (wire.pop_error, wire.push_error) = (Some(PeerRestarted), Some(PeerRestarted));
        });
    }

    /// Whatever came before: everybody is answered who behaves.
    fn settle(&mut self) {
        if self.device_lies {
            // From here on it keeps to its rules, and knows nothing of what was before.
            self.bench.device.fail();
            self.bench.server.interrupted();
        }
        for client in 0..RANGES.len() {
            self.restart(client);
            self.bench.wire(client, |wire| wire.reply_room = usize::MAX);
        }
        self.run();
        for client in 0..RANGES.len() {
            self.ask(client, other(0, Operation::Describe));
            let id = self.next_id - 1;
            self.run();
            assert!(!self.open.contains_key(&(client, id)), "no answer");
        }
    }

    fn run(&mut self) {
        for _ in 0..TURNS {
            self.serve();
            if self.bench.device.take() == 0 {
                return;
            }
            while self.bench.device.finish(0) {}
            self.bench.server.interrupted();
        }
        panic!("it does not come to rest");
    }

    /// Each payload had its client's pattern at first, and sectors their number.
    fn is_everybodys_own(&self) {
        let all = |numbers: std::ops::Range<u8>, own: u8| numbers.chain([own]).collect::<Vec<_>>();
        self.bench.device.with(|disk| {
            for (number, bytes) in (0..).zip(&disk.sectors) {
                let allowed = match number {
                    8..16 => all(8..16, 0xa0),
                    60..64 => all(60..64, 0xa1),
                    number => vec![number],
                };
                let right = bytes.iter().all(|byte| allowed.contains(byte));
                assert!(right, "sector {number}");
            }
        });
        let payloads = [all(8..16, 0xa0), all(60..64, 0xa1), all(16..24, 0xa2)];
        for (client, allowed) in payloads.iter().enumerate() {
            let payload = self.bench.payload(client, 0, PAYLOAD_BYTES as usize);
            let right = payload.iter().all(|byte| allowed.contains(byte));
            assert!(right, "the payload of client {client}");
        }
    }
}

/// One that fits, mostly.
fn request(u: &mut Unstructured<'_>) -> Request {
    let wild = one_of(u, 8);
    Request {
        id: 0,
        operation: match one_of(u, 8) {
            0 => Operation::Describe,
            1 => Operation::Flush,
            2..5 => Operation::Write,
            _ => Operation::Read,
        },
        sector: match wild {
            0 => u.arbitrary().unwrap_or_default(),
            _ => one_of(u, 10) as u64,
        },
        sectors: match wild {
            1 => u.arbitrary().unwrap_or_default(),
            _ => one_of(u, 10) as u32,
        },
        offset: match wild {
            2 => u.arbitrary().unwrap_or_default(),
            _ => 4 * one_of(u, PAYLOAD_BYTES as usize / 4) as u32,
        },
    }
}

fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut world = World::new(either(&mut u));
    while !u.is_empty() {
        world.step(&mut u);
    }
    world.settle();
    if !world.device_lies {
        world.is_everybodys_own();
    }
}
