//! A disk of the host, and the ends of rings that clients have.

use std::vec::Vec;

use disk_messages::{Operation, Reply, Request, SECTOR_BYTES};
use virtio::model::{Arena, Backend, ModelDevice, ModelMemory, Ring};
use virtio::{Driver as _, Memory as _, Next};

use crate::{Disk, Range, Server};

/// Features without which no device is driven.
pub const REQUIRED: u64 = 1 << 32 | 1 << 33;
/// The feature of a disk that cannot be written.
pub const READ_ONLY: u64 = 1 << 5;
/// The feature of a disk that has a cache.
pub const FLUSH: u64 = 1 << 9;
/// The driver's own memory, at the beginning of the arena.
pub const DRIVER_BYTES: u32 = 16 * 1024;
/// The payload of each client, one behind the other.
pub const PAYLOAD_BYTES: u32 = 8 * 1024;
/// What the device answers if it did not do it (5.2.6).
const IO_ERROR: u8 = 1;
/// How large the disk is.
pub const DISK_SECTORS: u64 = 64;
/// The driver's patience with its device, in ticks.
pub const PATIENCE: u64 = 1000;

/// A disk whose sectors hold their number at first.
#[derive(Debug)]
pub struct Sectors {
    /// What they hold.
    pub sectors: Vec<[u8; 512]>,
    /// How many there are, it says.
    pub claimed: u64,
    /// How often it was flushed.
    pub flushes: usize,
    /// Answers each request so, in place of doing it.
    pub answer: Option<u8>,
}

impl Sectors {
    /// A sound one.
    #[allow(clippy::new_without_default, reason = "nobody wants one by default")]
    pub fn new() -> Self {
        Self {
            sectors: (0..DISK_SECTORS)
                .map(|number| [number as u8; 512])
                .collect(),
            claimed: DISK_SECTORS,
            flushes: 0,
            answer: None,
        }
    }
}

impl Backend for Sectors {
    fn serve(&mut self, queue: u16, readable: &[u8], writable: usize) -> Vec<u8> {
        assert_eq!(queue, 0);
        let (header, data) = readable.split_at(16);
        let kind = u32::from_le_bytes(header[..4].try_into().expect("4 bytes"));
        let sector = u64::from_le_bytes(header[8..].try_into().expect("8 bytes")) as usize;
        let mut answer = std::vec![0; writable];
        let moved = data.len().max(writable - 1) / SECTOR_BYTES as usize;
        let is_behind = sector
            .checked_add(moved)
            .is_none_or(|end| end > self.sectors.len());
        if let Some(status) = self.answer.or(is_behind.then_some(IO_ERROR)) {
            answer[writable - 1] = status;
            return answer;
        }
        match kind {
            0 => {
                assert_eq!(data.len(), 0);
                let bytes = writable - 1;
                assert_eq!(bytes % 512, 0);
                let from = self.sectors[sector..sector + bytes / 512].concat();
                answer[..bytes].copy_from_slice(&from);
            }
            1 => {
                assert_eq!(data.len() % 512, 0);
                assert_eq!(writable, 1);
                for (place, bytes) in self.sectors[sector..].iter_mut().zip(data.chunks(512)) {
                    place.copy_from_slice(bytes);
                }
            }
            4 => {
                assert_eq!((sector, data.len(), writable), (0, 0, 1));
                self.flushes += 1;
            }
            kind => panic!("a request of type {kind}"),
        }
        answer
    }

    fn configuration(&self) -> Vec<u8> {
        self.claimed.to_le_bytes().to_vec()
    }
}

/// What a client and the driver share.
pub type Wire = Ring<Request, Reply>;
/// The driver's end of it.
pub type ModelChannel = virtio::model::ModelChannel<Request, Reply>;

/// The driver between its device and its clients.
#[derive(Debug)]
pub struct Bench {
    /// All memory that the device reaches.
    pub arena: Arena,
    /// The device.
    pub device: ModelDevice<Sectors>,
    /// The driver.
    pub server: ModelServer,
    /// Its clients.
    pub clients: Vec<ModelChannel>,
    ranges: Vec<Range>,
    /// The time, in ticks.
    pub now: u64,
}

/// Sectors that may be written.
pub const fn range(first_sector: u64, sectors: u64) -> Range {
    Range {
        first_sector,
        sectors,
        read_only: false,
    }
}

/// A request to read.
pub fn read(id: u32, sector: u64, sectors: u32, offset: u32) -> Request {
    Request {
        id,
        operation: Operation::Read,
        sector,
        sectors,
        offset,
    }
}

/// A request to write.
pub fn write(id: u32, sector: u64, sectors: u32, offset: u32) -> Request {
    Request {
        operation: Operation::Write,
        ..read(id, sector, sectors, offset)
    }
}

/// A request that moves nothing.
pub fn other(id: u32, operation: Operation) -> Request {
    Request {
        operation,
        ..read(id, 0, 0, 0)
    }
}

type ModelServer = Server<ModelDevice<Sectors>, ModelMemory, ModelChannel>;

fn server(
    arena: &Arena,
    device: &ModelDevice<Sectors>,
    clients: &[ModelChannel],
    ranges: &[Range],
) -> ModelServer {
    let disk = Disk::new(device.clone(), arena.memory(0, DRIVER_BYTES));
    let mut server = Server::new(disk, PATIENCE);
    for (channel, range) in clients.iter().zip(ranges) {
        assert!(server.add_client(channel.clone(), *range));
    }
    server
}

impl Bench {
    /// Clients with these ranges of a disk.
    pub fn new(ranges: &[Range]) -> Self {
        Self::with(REQUIRED | FLUSH, 256, ranges)
    }

    /// The same of a disk with these features, and a queue of so many entries.
    ///
    /// # Panics
    /// If there are more clients than a driver takes.
    pub fn with(features: u64, queue_size_max: u16, ranges: &[Range]) -> Self {
        let clients = ranges.len() as u32;
        let arena = Arena::new(DRIVER_BYTES + clients * PAYLOAD_BYTES);
        let device = ModelDevice::new(Sectors::new(), &arena, features, 1, queue_size_max);
        let payload = |number| arena.memory(DRIVER_BYTES + number * PAYLOAD_BYTES, PAYLOAD_BYTES);
        let clients: Vec<_> = (0..clients).map(payload).map(ModelChannel::new).collect();
        Self {
            server: server(&arena, &device, &clients, ranges),
            arena,
            device,
            clients,
            ranges: ranges.to_vec(),
            now: 0,
        }
    }

    /// Another life of the driver's: the kernel takes the bus from the device before it begins.
    pub fn restart_driver(&mut self) {
        self.device.leave_bus();
        self.clients.iter().for_each(ModelChannel::restart_driver);
        self.server = server(&self.arena, &self.device, &self.clients, &self.ranges);
    }

    /// A client asks.
    pub fn ask(&self, client: usize, request: Request) {
        self.clients[client]
            .ring
            .borrow_mut()
            .requests
            .push_back(request);
    }

    /// The driver's turns until it waits.
    ///
    /// # Panics
    /// If it does not come to rest.
    pub fn serve(&mut self) -> Next {
        for _ in 0..100 {
            match self.server.serve(self.now) {
                Next::Again => {}
                next => return next,
            }
        }
        panic!("it does not come to rest");
    }

    /// The driver and the device, until there is nothing more to do.
    ///
    /// # Panics
    /// If they do not come to rest.
    pub fn run(&mut self) {
        for _ in 0..100 {
            assert_eq!(self.serve(), Next::Wait);
            if self.device.take() == 0 {
                return;
            }
            while self.device.finish(0) {}
            self.server.interrupted();
        }
        panic!("it does not come to rest");
    }

    /// Takes what a client was answered.
    pub fn answers(&self, client: usize) -> Vec<Reply> {
        self.clients[client]
            .ring
            .borrow_mut()
            .replies
            .drain(..)
            .collect()
    }

    /// The one answer that is there.
    ///
    /// # Panics
    /// If there is another number of them.
    pub fn answer(&self, client: usize) -> Reply {
        let answers = self.answers(client);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers[0]
    }

    /// Bytes of a client's payload.
    pub fn payload(&self, client: usize, offset: u32, bytes: usize) -> Vec<u8> {
        let memory = &self.clients[client].payload;
        self.arena.read(memory.bus_address(offset).into(), bytes)
    }

    /// Fills sectors of a client's payload.
    pub fn fill(&self, client: usize, offset: u32, sectors: usize, byte: u8) {
        let memory = &self.clients[client].payload;
        let bytes = std::vec![byte; sectors * SECTOR_BYTES as usize];
        self.arena.write(memory.bus_address(offset).into(), &bytes);
    }

    /// Looks at what a client and the driver share.
    pub fn wire<T>(&self, client: usize, change: impl FnOnce(&mut Wire) -> T) -> T {
        change(&mut self.clients[client].ring.borrow_mut())
    }
}
