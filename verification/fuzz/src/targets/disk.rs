//! The driver of a disk, between clients and a device that do anything.
//!
//! What has to hold: each chain that the device finds names sectors of one client's range and bytes of that client's payload, and writes none that may
//! only be read; an answer comes once, says what happened, and not while the device still has the request; nothing is answered as done that the device
//! does not say it has done; the driver comes to rest, or asks for its restart if the device does not let itself be stopped. With rings that keep to their
//! rules, no sector and no payload changes but as its own client asked. In the end everybody is answered, and behind a
//! restart of the driver, with a device that keeps to its rules, all is well.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use disk::Range;
use disk::model::{Bench, DISK_SECTORS, DRIVER_BYTES, PAYLOAD_BYTES, other, range, read, write};
use disk_messages::{OFFSET_ALIGNMENT, Operation, Reply, Request, SECTOR_BYTES, Status};
use virtio::model::Faults;
use virtio::{Driver as _, Next};

use super::choice::{any_error, either, one_of};
use super::device::{Lies, View};
use super::noise;
use crate::Target;

mod watch;

use watch::{Watch, Work};

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

struct World {
    bench: Bench,
    watch: Watch,
    lies: Lies,
    /// What was asked and not answered yet, by client and id.
    open: BTreeMap<(usize, u32), Request>,
    /// What was answered by the last turns of the driver.
    answered: BTreeMap<(usize, u32), Reply>,
    next_id: u32,
}

impl World {
    fn new(lies: Lies) -> Self {
        let bench = Bench::new(&RANGES);
        for client in 0..RANGES.len() {
            bench.fill(client, 0, 16, own(client));
        }
        let view = View {
            arena: bench.arena.clone(),
            device: bench.device.clone(),
        };
        let mut world = Self {
            watch: Watch::new(view),
            bench,
            lies,
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            next_id: 0,
        };
        world.watch.behind();
        world
    }

    fn ask(&mut self, client: usize, request: Request) -> u32 {
        let request = Request {
            id: self.next_id,
            ..request
        };
        self.next_id += 1;
        self.open.insert((client, request.id), request);
        self.bench.ask(client, request);
        request.id
    }

    /// The driver's turns until it waits.
    fn serve(&mut self) {
        // With a queue for one request alone each turn is good for one.
        for _ in 0..TURNS + self.open.len() {
            self.watch.before();
            let next = self.bench.server.serve(self.bench.now);
            self.watch.behind();
            self.hear();
            if self.watch.view.must_restart(next) {
                return self.restart_driver();
            }
            if next == Next::Wait {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Clients are told by the rings that what was in flight is over.
    fn restart_driver(&mut self) {
        self.bench.restart_driver();
        self.open.clear();
        self.watch.done.clear();
        self.watch.told.clear();
        self.watch.behind();
    }

    /// Each answer is to what was asked and not answered yet, and what the device has was not answered.
    fn hear(&mut self) {
        for client in 0..RANGES.len() {
            for reply in self.bench.answers(client) {
                let asked = self.open.remove(&(client, reply.id));
                let request = asked.expect("an answer that nobody waits for");
                self.is_true(client, &request, &reply);
                self.answered.insert((client, reply.id), reply);
            }
        }
        let mut waiting = BTreeMap::<Work, usize>::new();
        for ((client, _), request) in &self.open {
            if let Some(work) = work(*client, request) {
                *waiting.entry(work).or_default() += 1;
            }
        }
        let chains = self.watch.at_device.chains.values();
        for work in chains.filter_map(|chain| chain.work) {
            let left = waiting.get_mut(&work).and_then(|left| left.checked_sub(1));
            let left = left.expect("it was answered, and the device has it");
            waiting.insert(work, left);
        }
    }

    /// An answer says what is so, by what the device said of itself in this life of the driver.
    fn is_true(&mut self, client: usize, request: &Request, reply: &Reply) {
        let mut told = self.watch.told.iter();
        let moves = matches!(request.operation, Operation::Read | Operation::Write);
        match reply.status {
            Status::Done => {}
            Status::Malformed => assert!(moves && is_malformed(request)),
            Status::ReadOnly => {
                assert_eq!(request.operation, Operation::Write);
                assert!(told.any(|told| told.share(client).1), "it can be written");
            }
            Status::OutOfRange => {
                let end = request.sector.checked_add(request.sectors.into());
                let is_behind = |sectors| end.is_none_or(|end| end > sectors);
                let is_out = told.any(|told| is_behind(told.share(client).0));
                assert!(moves && is_out, "the device has it");
            }
            Status::Failed => {}
        }
        if reply.status != Status::Done {
            return assert_eq!(reply.sectors, 0, "{reply:?}");
        }
        match request.operation {
            Operation::Describe => {
                let share = (reply.sectors, reply.read_only);
                assert!(told.any(|told| told.share(client) == share), "{reply:?}");
            }
            // There is nothing to be done if there is no cache, or for who cannot write.
            Operation::Flush if told.any(|told| told.share(client).1 || !told.flushes) => {}
            Operation::Flush => self.was_done(None),
            Operation::Read | Operation::Write => {
                assert_eq!(reply.sectors, u64::from(request.sectors));
                self.was_done(work(client, request));
            }
        }
    }

    fn was_done(&mut self, work: Option<Work>) {
        let left = self.watch.done.get_mut(&work);
        let left = left.filter(|left| **left != 0);
        *left.expect("the device has not said that it was done") -= 1;
    }

    /// A device that does in its rings what it likes.
    fn lie(&mut self, u: &mut Unstructured<'_>) {
        let view = &self.watch.view;
        match one_of(u, 8) {
            0 => view.device.fail(),
            1 | 2 => view.scribble(u, &[0], DRIVER_BYTES, 70),
            _ if view.device.is_running() => {
                let chains: Vec<_> = self.watch.at_device.chains.iter().collect();
                let Some((head, chain)) = chains.get(one_of(u, 8)) else {
                    return;
                };
                let status = [0, 0, 0, 1, 2, 0xff][one_of(u, 6)];
                view.arena.write(chain.status, &[status]);
                view.hand_back(0, **head, 1);
            }
            _ => {}
        }
    }

    /// One that says of itself what it likes, and perhaps has its driver ask for it.
    fn lie_in_registers(&mut self, u: &mut Unstructured<'_>) {
        let view = &self.watch.view;
        if either(u) {
            let any = u.arbitrary().unwrap_or_default();
            let sectors = [0, 10, 17, 62, DISK_SECTORS, 65, 1 << 32, u64::MAX, any];
            let sectors = sectors[one_of(u, sectors.len())];
            view.device.with(|disk| disk.claimed = sectors);
        }
        view.lie_in_registers(u);
        if either(u) {
            view.device.fail();
            self.bench.server.interrupted();
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) {
        let client = one_of(u, RANGES.len());
        match one_of(u, 26) {
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
            11 => self.bench.clients[client].restart_client(),
            12..17 => {
                self.bench.now += one_of(u, 300) as u64;
                self.serve();
            }
            17 => self.bench.server.interrupted(),
            18 if either(u) => self.restart_driver(),
            19 if self.lies.registers => self.lie_in_registers(u),
            _ if self.lies.rings => self.lie(u),
            20 | 21 => drop(self.bench.device.take()),
            _ => drop(self.bench.device.finish(one_of(u, 8))),
        }
    }

    /// Whatever came before, from here on the device keeps to its rules: everybody is answered who behaves.
    fn settle(&mut self) {
        self.bench.device.set_faults(Faults::default());
        self.bench.device.with(|disk| disk.claimed = DISK_SECTORS);
        if self.lies.rings {
            // It knows nothing of what was before.
            self.bench.device.fail();
            self.bench.server.interrupted();
        }
        for client in 0..RANGES.len() {
            self.bench.clients[client].restart_client();
            self.bench.wire(client, |wire| wire.reply_room = usize::MAX);
        }
        self.run();
        for client in 0..RANGES.len() {
            self.answer(client, other(0, Operation::Describe));
        }
    }

    /// In another life of the driver each client has its sectors, and reads what it writes.
    fn all_is_well(&mut self) {
        self.restart_driver();
        for (client, range) in RANGES.iter().enumerate() {
            let shape = self.answer(client, other(0, Operation::Describe));
            let sectors = range.sectors.min(DISK_SECTORS - range.first_sector);
            assert_eq!((shape.status, shape.sectors), (Status::Done, sectors));
            assert_eq!(shape.read_only, range.read_only);
            if !range.read_only {
                self.bench.fill(client, 0, 1, own(client));
                let written = self.answer(client, write(0, 0, 1, 0));
                assert_eq!(written.status, Status::Done);
            }
            let came = self.answer(client, read(0, 0, 1, SECTOR_BYTES));
            assert_eq!(came.status, Status::Done);
            let bytes = self
                .bench
                .payload(client, SECTOR_BYTES, SECTOR_BYTES as usize);
            let byte = match range.read_only {
                true => range.first_sector as u8,
                false => own(client),
            };
            assert!(
                bytes.iter().all(|there| *there == byte),
                "it reads {bytes:?}"
            );
        }
    }

    /// The answer to a request, which comes.
    fn answer(&mut self, client: usize, request: Request) -> Reply {
        let id = self.ask(client, request);
        self.answered.clear();
        self.run();
        *self.answered.get(&(client, id)).expect("no answer")
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
        let [first, mut second, third] =
            [all(8..16, own(0)), all(60..64, own(1)), all(16..24, own(2))];
        // What the device claims to have behind its end, it fails to read, and leaves zeros.
        second.push(0);
        self.bench.device.with(|disk| {
            for (number, bytes) in (0..).zip(&disk.sectors) {
                let itself = [number];
                let allowed = match number {
                    8..16 => &first[..],
                    60..64 => &second,
                    _ => &itself,
                };
                let right = bytes.iter().all(|byte| allowed.contains(byte));
                assert!(right, "sector {number}");
            }
        });
        for (client, allowed) in [&first, &second, &third].into_iter().enumerate() {
            let payload = self.bench.payload(client, 0, PAYLOAD_BYTES as usize);
            let right = payload.iter().all(|byte| allowed.contains(byte));
            assert!(right, "the payload of client {client}");
        }
    }
}

/// What a client's payload is full of at first.
fn own(client: usize) -> u8 {
    0xa0 + client as u8
}

/// What the device is asked for, if it is asked.
fn work(client: usize, request: &Request) -> Option<Work> {
    let length = request.sectors.checked_mul(SECTOR_BYTES)?;
    let sector = RANGES[client].first_sector.wrapping_add(request.sector);
    let writes = request.operation == Operation::Write;
    Some((client, request.offset, length, sector, writes))
}

/// Whether a read or a write names no payload.
fn is_malformed(request: &Request) -> bool {
    let length = request.sectors.checked_mul(SECTOR_BYTES);
    let end = length.and_then(|length| request.offset.checked_add(length));
    request.sectors == 0
        || !request.offset.is_multiple_of(OFFSET_ALIGNMENT)
        || end.is_none_or(|end| end > PAYLOAD_BYTES)
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
    let mut world = World::new(Lies::any(&mut u));
    while !u.is_empty() {
        world.step(&mut u);
    }
    world.settle();
    world.all_is_well();
    if !world.lies.rings {
        world.is_everybodys_own();
    }
}
