//! Disks: what a guest writes is on the driver's vector, and what is there it reads.

extern crate std;

use std::vec;
use std::vec::Vec;

use disk_messages::{Operation, Reply, Request, SECTOR_BYTES, Status};
use proptest::prelude::*;

use super::super::block::Disk;
use super::super::describe::{self, Description};
use super::super::model::{DriverQueue, Part, Ram, Wire, start};

pub(super) const MEMORY: u32 = 2 << 20;
const HEADERS: u32 = 0x4000;
const RESULTS: u32 = 0x8000;
/// Where a test puts its data.
pub(super) const DATA: u32 = 0x1_0000;
pub(super) const SECTORS: u64 = 4096;
const PAYLOAD: u32 = 128 << 10;

pub(super) const IN: u32 = 0;
pub(super) const OUT: u32 = 1;
pub(super) const FLUSH: u32 = 4;
const GET_ID: u32 = 8;

/// A guest with a disk, and the driver's partition.
pub(super) struct World {
    pub(super) ram: Ram,
    pub(super) queue: DriverQueue,
    pub(super) disk: Disk,
    pub(super) wire: Wire<Request, Reply>,
    pub(super) medium: Vec<u8>,
    /// What the driver was asked for, in order.
    pub(super) asked: Vec<Operation>,
}

impl World {
    pub(super) fn with(sectors: u64, read_only: bool, payload: u32, depth: usize) -> Self {
        let description = Description { sectors, read_only };
        let mut world = Self {
            ram: Ram::new(MEMORY as usize),
            queue: DriverQueue::new(0, 128, 0),
            disk: Disk::new(description, MEMORY, payload),
            wire: Wire::new(payload as usize, depth),
            medium: (0..sectors * u64::from(SECTOR_BYTES))
                .map(|at| (at / 7) as u8)
                .collect(),
            asked: Vec::new(),
        };
        start(&mut world.disk.registers, u64::MAX, &[&world.queue]);
        world.serve();
        world
    }

    pub(super) fn new() -> Self {
        Self::with(SECTORS, false, PAYLOAD, 32)
    }

    pub(super) fn serve(&mut self) {
        self.disk.serve(&mut self.ram, &mut self.wire);
        assert_eq!(self.ram.outside.get(), 0);
    }

    /// A request; its header and its result are in places of their own, by the head of its chain.
    pub(super) fn ask(&mut self, kind: u32, sector: u64, data: &[Part]) -> Option<u16> {
        // The head is the next free descriptor: so the header can be put where it says.
        let slot = u32::from(self.queue.available % 128);
        let (header, result) = (HEADERS + 16 * slot, RESULTS + slot);
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(sector.to_le_bytes());
        self.ram.set_bytes(header, &bytes);
        self.ram.set_bytes(result, &[0xee]);
        let mut parts = vec![(header, 16, false)];
        parts.extend(data);
        parts.push((result, 1, true));
        self.queue.add(&mut self.ram, &parts)
    }

    /// The result of the request that was asked as the one with this number.
    pub(super) fn result(&self, number: u16) -> u8 {
        let at = RESULTS + u32::from(number % 128);
        self.ram.bytes_at(at, 1)[0]
    }

    pub(super) fn notify(&mut self) {
        self.disk.registers.store(0x50, 4, 0).expect("a register");
        self.serve();
    }

    /// The driver does what it is asked for. Whether there was anything.
    pub(super) fn drive(&mut self, most: usize) -> bool {
        for number in 0..most {
            let Some(request) = self.wire.take_request() else {
                return number > 0;
            };
            self.asked.push(request.operation);
            let bytes = (request.sectors * SECTOR_BYTES) as usize;
            let at = (request.sector * u64::from(SECTOR_BYTES)) as usize;
            let offset = request.offset as usize;
            let mut payload = self.wire.payload.borrow_mut();
            match request.operation {
                Operation::Read => {
                    payload[offset..offset + bytes].copy_from_slice(&self.medium[at..at + bytes])
                }
                Operation::Write => {
                    self.medium[at..at + bytes].copy_from_slice(&payload[offset..offset + bytes])
                }
                Operation::Describe | Operation::Flush => {}
            }
            drop(payload);
            let reply = Reply {
                id: request.id,
                status: Status::Done,
                sectors: request.sectors.into(),
                read_only: false,
            };
            self.wire.reply(request.id, reply);
        }
        true
    }

    /// Until nothing is left to do.
    pub(super) fn settle(&mut self) {
        while self.drive(usize::MAX) {
            self.serve();
        }
    }

    /// The heads that came back, and how much was written for each.
    pub(super) fn used(&mut self) -> Vec<(u16, u32)> {
        core::iter::from_fn(|| self.queue.take(&self.ram)).collect()
    }

    /// What Linux does at an interrupt; whether there was one.
    pub(super) fn interrupted(&mut self) -> bool {
        let status = self.disk.registers.load(0x60, 4).expect("a register");
        self.disk.registers.store(0x64, 4, status);
        status == 1
    }
}

#[test]
fn linux_learns_what_disk_it_is() {
    let world = World::with(10_000, true, PAYLOAD, 32);
    let registers = &world.disk.registers;
    assert_eq!(registers.load(8, 4), Some(2));
    assert_eq!(registers.load(0x100, 4), Some(10_000));
    assert_eq!(registers.load(0x104, 4), Some(0));
    assert_eq!(registers.load(0x108, 4), Some(32 << 10), "size_max");
    assert_eq!(registers.load(0x10c, 4), Some(62), "seg_max");
    assert_eq!(registers.load(0x114, 4), Some(512), "blk_size");
    assert!(registers.has(1 << 5), "read-only");
    assert!(!World::new().disk.registers.has(1 << 5));
}

#[test]
fn the_driver_says_what_there_is() {
    let mut wire = Wire::<Request, Reply>::new(0, 4);
    let mut asked = false;
    assert_eq!(describe::disk(&mut wire, &mut asked), None);
    assert_eq!(describe::disk(&mut wire, &mut asked), None);
    assert_eq!((wire.requests.len(), wire.doorbells), (1, 1), "asked once");
    wire.restart();
    assert_eq!(describe::disk(&mut wire, &mut asked), None);
    let question = wire.take_request().expect("asked again");
    assert_eq!(question.operation, Operation::Describe);
    let reply = Reply {
        id: question.id,
        status: Status::Done,
        sectors: 77,
        read_only: true,
    };
    wire.reply(1, Reply { id: 1, ..reply });
    wire.reply(question.id, reply);
    let description = Description {
        sectors: 77,
        read_only: true,
    };
    assert_eq!(describe::disk(&mut wire, &mut asked), Some(description));
    let status = Status::Malformed;
    wire.reply(question.id, Reply { status, ..reply });
    let refused = describe::disk(&mut wire, &mut asked).expect("an answer");
    assert_eq!(refused.sectors, 0);
}

#[test]
fn a_read_is_one_request_one_doorbell_and_one_interrupt() {
    let mut world = World::new();
    let parts = [(DATA + 2, 4000, true), (0x9_0000, 96, true)];
    let head = world.ask(IN, 8, &parts).expect("room");
    assert!(world.queue.notifies(&world.ram));
    world.notify();
    assert!(!world.queue.notifies(&world.ram), "a reply will come");
    assert_eq!((world.wire.requests.len(), world.wire.doorbells), (1, 1));
    assert!(!world.interrupted());
    world.settle();
    assert!(world.interrupted() && !world.interrupted());
    assert!(world.queue.notifies(&world.ram));
    assert_eq!(world.used(), [(head, 4097)]);
    assert_eq!(world.result(0), 0);
    let mut data = world.ram.bytes_at(DATA + 2, 4000);
    data.extend(world.ram.bytes_at(0x9_0000, 96));
    assert_eq!(data, world.medium[4096..8192]);
    assert_eq!(world.wire.doorbells, 1);
}

#[test]
fn what_is_written_is_on_the_medium() {
    let mut world = World::new();
    let data: Vec<u8> = (0..1024_u32).map(|at| (at * 3) as u8).collect();
    world.ram.set_bytes(DATA + 1, &data);
    let head = world.ask(OUT, SECTORS - 2, &[(DATA + 1, 1024, false)]);
    world.notify();
    world.settle();
    assert_eq!(world.used(), [(head.expect("room"), 1)]);
    assert_eq!(world.result(0), 0);
    assert_eq!(world.medium[world.medium.len() - 1024..], data);
    // The guest knows flushes, and asks for them itself.
    assert_eq!(world.asked, [Operation::Write]);
    world.ask(FLUSH, 0, &[]);
    world.notify();
    world.settle();
    assert_eq!((world.used().len(), world.result(1)), (1, 0));
    assert_eq!(world.asked, [Operation::Write, Operation::Flush]);
}

#[test]
fn a_guest_that_knows_no_flushes_gets_one_behind_each_write() {
    let mut world = World::new();
    start(&mut world.disk.registers, 1 << 32, &[&world.queue]);
    world.ask(OUT, 0, &[(DATA, 256 << 10, false)]);
    world.notify();
    while world.asked.len() < 2 {
        world.drive(1);
        world.serve();
    }
    assert_eq!(world.used(), []);
    world.settle();
    assert_eq!((world.used().len(), world.result(0)), (1, 0));
    let (last, writes) = world.asked.split_last().expect("requests");
    assert_eq!(*last, Operation::Flush);
    assert!(writes.iter().all(|one| *one == Operation::Write));
}

#[test]
fn the_disk_has_an_id_and_what_it_does_not_know_it_says() {
    let mut world = World::new();
    let first = world.ask(GET_ID, 0, &[(DATA, 20, true)]).expect("room");
    let second = world.ask(11, 0, &[(DATA + 32, 64, false)]).expect("room");
    world.notify();
    assert_eq!(world.used(), [(first, 21), (second, 1)]);
    assert_eq!([world.result(0), world.result(1)], [0, 2]);
    assert_eq!(world.ram.bytes_at(DATA, 10), *b"cofferdam\0");
    assert!(world.asked.is_empty() && world.interrupted());
}

#[test]
fn what_the_disk_does_not_have_is_refused_here() {
    let mut world = World::new();
    let wrong = [
        (IN, SECTORS, 512, true),
        (IN, SECTORS - 1, 1024, true),
        (IN, u64::MAX, 512, true),
        (IN, u64::MAX - 1, 1024, true),
        (IN, 0, 511, true),
        (OUT, 0, 513, false),
        (OUT, SECTORS, 512, false),
    ];
    for (kind, sector, length, writable) in wrong {
        world.ask(kind, sector, &[(DATA, length, writable)]);
    }
    // No data at all.
    world.ask(IN, 0, &[]);
    world.notify();
    assert_eq!(world.used().len(), wrong.len() + 1);
    for number in 0..=wrong.len() as u16 {
        assert_eq!(world.result(number), 1, "{number}");
    }
    let mut world = World::with(SECTORS, true, PAYLOAD, 32);
    world.ask(OUT, 0, &[(DATA, 512, false)]);
    world.notify();
    assert_eq!((world.used().len(), world.result(0)), (1, 1));
    assert!(world.wire.requests.is_empty());
}

#[test]
fn thirty_two_requests_are_in_flight_and_the_others_wait() {
    let mut world = World::new();
    for number in 0..40_u32 {
        let data = (DATA + number * 4096, 4096, true);
        // None goes on where the one before it ends.
        world.ask(IN, u64::from(number) * 9, &[data]).expect("room");
    }
    world.notify();
    assert_eq!((world.wire.requests.len(), world.wire.doorbells), (32, 1));
    world.drive(usize::MAX);
    world.serve();
    assert_eq!(world.used().len(), 32);
    assert!(world.interrupted());
    assert_eq!((world.wire.requests.len(), world.wire.doorbells), (8, 2));
    world.settle();
    assert_eq!(world.used().len(), 8);
    for number in 0..40 {
        let data = world.ram.bytes_at(DATA + number * 4096, 4096);
        let begin = number as usize * 9 * 512;
        assert_eq!(data, world.medium[begin..begin + 4096], "{number}");
    }
}

#[test]
fn requests_that_go_on_where_another_ends_are_asked_for_as_one() {
    let mut world = World::new();
    let read = |number: u32| (DATA + number * 4096, 4096, true);
    for number in 0..40_u32 {
        world.ask(IN, u64::from(number) * 8, &[read(number)]);
    }
    world.notify();
    let asked = |world: &World| -> Vec<_> {
        let requests = world.wire.requests.iter();
        requests.map(|one| (one.sector, one.sectors)).collect()
    };
    assert_eq!(asked(&world), [(0, 32 * 8)]);
    world.settle();
    assert_eq!(world.used().len(), 40);
    let data = world.ram.bytes_at(DATA, 40 * 4096);
    assert_eq!(data, world.medium[..40 * 4096]);
    // A write between two reads parts them, and so does a gap.
    world.ask(IN, 0, &[read(0)]);
    world.ask(OUT, 8, &[(DATA, 4096, false)]);
    world.ask(IN, 16, &[read(1)]);
    world.ask(IN, 24, &[read(2)]);
    world.ask(IN, 33, &[read(3)]);
    world.notify();
    assert_eq!(asked(&world), [(0, 8), (8, 8), (16, 16), (33, 8)]);
    world.settle();
    assert_eq!(world.used().len(), 5);
}

#[test]
fn a_request_that_is_longer_than_the_payload_is_cut() {
    for payload in [512, 700, 16 << 10, PAYLOAD, 1 << 20] {
        let mut world = World::with(SECTORS, false, payload, 32);
        let parts = [(DATA, 300 << 10, true), (0x8_0000, 212 << 10, true)];
        world.ask(IN, 0, &parts);
        world.notify();
        world.settle();
        assert_eq!(world.used(), [(0, (512 << 10) + 1)]);
        let mut data = world.ram.bytes_at(DATA, 300 << 10);
        data.extend(world.ram.bytes_at(0x8_0000, 212 << 10));
        assert!(data == world.medium[..512 << 10], "{payload}");
    }
}

/// Requests that have nothing to do with each other: which sectors, in which parts, and whether they are written.
fn requests() -> impl Strategy<Value = Vec<(bool, Vec<u32>)>> {
    let parts = prop::collection::vec(1..9_u32, 1..5);
    prop::collection::vec((any::<bool>(), parts), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    /// Whatever the ring holds, whenever the driver restarts: each request is answered once, and right.
    #[test]
    fn every_request_is_carried_out_whoever_restarts(
        requests in requests(),
        payload in prop::sample::select(vec![600, 5 << 10, 40 << 10, 128 << 10]),
        depth in prop::sample::select(vec![1_usize, 3, 32]),
        steps in prop::collection::vec((0..4_usize, any::<u8>()), 1..60),
    ) {
        let mut world = World::with(SECTORS, false, payload, depth);
        let before = world.medium.clone();
        let mut expected = before.clone();
        // At the latest then the driver does something.
        let mut steps = steps.into_iter().chain([(2, 0)]).cycle();
        let (mut next, mut back) = (0, 0);
        let mut place = 0_u32;
        let mut reads = Vec::new();
        for _ in 0..20_000 {
            let (drives, what) = steps.next().expect("it goes on for ever");
            // The guest asks for what it has room for.
            while let Some((write, parts)) = requests.get(next) {
                let start = place;
                let data: Vec<Part> = parts
                    .iter()
                    .map(|sectors| {
                        let part = (DATA + place, sectors * 512, !write);
                        place += sectors * 512;
                        part
                    })
                    .collect();
                let range = start as usize..place as usize;
                if *write {
                    let fresh: Vec<u8> = range.clone().map(|at| (at / 3) as u8 ^ 0xa5).collect();
                    world.ram.set_bytes(DATA + start, &fresh);
                    expected[range.clone()].copy_from_slice(&fresh);
                }
                let kind = if *write { OUT } else { IN };
                if world.ask(kind, u64::from(start / 512), &data).is_none() {
                    place = start;
                    break;
                }
                if !write {
                    reads.push(range);
                }
                next += 1;
            }
            if world.queue.notifies(&world.ram) {
                world.notify();
            }
            if what > 200 {
                // Its replies may still be there, and the payload is in any state.
                world.wire.restart();
                world.wire.payload.borrow_mut().fill(what);
            }
            world.drive(drives);
            // A doorbell, of a reply or of a driver that is new.
            world.serve();
            back += world.used().len();
            if back == requests.len() {
                break;
            }
        }
        prop_assert_eq!(back, requests.len());
        for number in 0..requests.len() {
            prop_assert_eq!(world.result(number as u16), 0);
        }
        prop_assert!(world.medium == expected);
        for range in reads {
            let at = DATA + range.start as u32;
            prop_assert!(world.ram.bytes_at(at, range.len() as u32) == before[range]);
        }
    }
}
