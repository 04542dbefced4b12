//! A wire of the host, and the ends of rings that clients have.

use std::collections::VecDeque;
use std::vec::Vec;

use network_messages::{FRAME_BYTES_MAX, Operation, Reply, Request};
use virtio::model::{Arena, Backend, ModelDevice, ModelMemory};
use virtio::{Driver as _, Memory as _, Next};

use crate::route::Address;
use crate::{FrameMemory, Net, Server, Settings};

/// Features without which no device is driven.
pub const REQUIRED: u64 = 1 << 32 | 1 << 33;
/// The driver's own memory, at the beginning of the arena.
pub const DRIVER_BYTES: u32 = 64 * 1024;
/// The payload of each client, one behind the other.
pub const PAYLOAD_BYTES: u32 = 16 * 1024;
/// The driver's patience with its device, in ticks.
pub const PATIENCE: u64 = 1000;
/// The address of everybody.
pub const BROADCAST: Address = [0xff; 6];
/// An address on the wire.
pub const OUTSIDE: Address = [0x52, 0x55, 10, 0, 2, 2];

impl FrameMemory for ModelMemory {
    fn copy_out(&self, offset: u32, to: &mut [u8]) {
        for (at, byte) in (offset..).zip(to) {
            *byte = self.read_u8(at);
        }
    }

    fn copy_in(&self, offset: u32, from: &[u8]) {
        for (at, byte) in (offset..).zip(from) {
            self.write_u8(at, *byte);
        }
    }

    fn copy_from(&self, offset: u32, other: &Self, other_offset: u32, length: u32) {
        for at in 0..length {
            self.write_u8(offset + at, other.read_u8(other_offset + at));
        }
    }
}

/// What is on the wire.
#[derive(Debug, Default)]
pub struct Wire {
    /// What was sent there.
    pub sent: Vec<Vec<u8>>,
    /// What comes from there next.
    pub coming: VecDeque<Vec<u8>>,
}

impl Backend for Wire {
    fn serve(&mut self, queue: u16, readable: &[u8], writable: usize) -> Vec<u8> {
        match queue {
            0 => {
                assert_eq!(readable.len(), 0);
                let frame = self.coming.pop_front().expect("the bench asks only then");
                let mut bytes = std::vec![0xaa; 12];
                bytes.extend(frame);
                bytes.truncate(writable);
                bytes
            }
            1 => {
                assert_eq!(writable, 0);
                assert_eq!(readable[..12], [0; 12]);
                self.sent.push(readable[12..].to_vec());
                Vec::new()
            }
            queue => panic!("queue {queue}"),
        }
    }

    fn configuration(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// The driver's end of a client's ring.
pub type ModelChannel = virtio::model::ModelChannel<Request, Reply>;

/// The driver between its device and its clients.
#[derive(Debug)]
pub struct Bench {
    /// All memory that the device reaches.
    pub arena: Arena,
    /// The device.
    pub device: ModelDevice<Wire>,
    /// The driver.
    pub server: ModelServer,
    /// Its clients.
    pub clients: Vec<ModelChannel>,
    settings: Vec<Settings>,
    /// The time, in ticks.
    pub now: u64,
}

/// The hardware address of a client.
pub const fn address(client: usize) -> Address {
    [2, 0, 0, 0, 1, client as u8]
}

/// A client that may talk to everybody, as often as it likes.
pub const fn settings(client: usize) -> Settings {
    Settings {
        address: address(client),
        frames: 1_000_000,
        per_ticks: 1,
        wire: true,
        peers: 0b111,
        protocols: None,
    }
}

/// A frame of so many bytes.
pub fn frame(destination: Address, source: Address, length: usize) -> Vec<u8> {
    let mut frame = [destination, source].concat();
    frame.extend([8, 0]);
    frame.extend((frame.len()..length).map(|at| at as u8));
    frame
}

/// A request to send.
pub fn send(id: u32, offset: u32, length: u32) -> Request {
    Request {
        id,
        operation: Operation::Send,
        offset,
        length,
    }
}

/// A request for a frame that comes.
pub fn receive(id: u32, offset: u32) -> Request {
    Request {
        operation: Operation::Receive,
        ..send(id, offset, FRAME_BYTES_MAX)
    }
}

/// A request for the address.
pub fn describe(id: u32) -> Request {
    Request {
        operation: Operation::Describe,
        ..send(id, 0, 0)
    }
}

type ModelServer = Server<ModelDevice<Wire>, ModelMemory, ModelChannel>;

fn server(
    arena: &Arena,
    device: &ModelDevice<Wire>,
    clients: &[ModelChannel],
    settings: &[Settings],
    now: u64,
) -> ModelServer {
    let net = Net::new(device.clone(), arena.memory(0, DRIVER_BYTES));
    let mut server = Server::new(net, PATIENCE);
    for (channel, settings) in clients.iter().zip(settings) {
        assert!(server.add_client(channel.clone(), *settings, now));
    }
    server
}

impl Bench {
    /// So many clients that may do everything.
    pub fn new(clients: usize) -> Self {
        let all: Vec<_> = (0..clients).map(settings).collect();
        Self::with(&all)
    }

    /// Clients of which the file says this.
    ///
    /// # Panics
    /// If there are more than a driver takes.
    pub fn with(settings: &[Settings]) -> Self {
        let clients = settings.len() as u32;
        let arena = Arena::new(DRIVER_BYTES + clients * PAYLOAD_BYTES);
        let device = ModelDevice::new(Wire::default(), &arena, REQUIRED, 3, 256);
        let payload = |number| arena.memory(DRIVER_BYTES + number * PAYLOAD_BYTES, PAYLOAD_BYTES);
        let clients: Vec<_> = (0..clients).map(payload).map(ModelChannel::new).collect();
        Self {
            server: server(&arena, &device, &clients, settings, 0),
            arena,
            device,
            clients,
            settings: settings.to_vec(),
            now: 0,
        }
    }

    /// Another life of the driver's: the kernel takes the bus from the device before it begins.
    pub fn restart_driver(&mut self) {
        self.device.leave_bus();
        self.clients.iter().for_each(ModelChannel::restart_driver);
        let (arena, device, clients) = (&self.arena, &self.device, &self.clients);
        self.server = server(arena, device, clients, &self.settings, self.now);
    }

    /// A client asks.
    pub fn ask(&self, client: usize, request: Request) {
        let mut ring = self.clients[client].ring.borrow_mut();
        ring.requests.push_back(request);
    }

    /// Puts a frame into a client's payload, and asks for it to be sent.
    pub fn send(&self, client: usize, id: u32, frame: &[u8]) {
        self.clients[client].payload.copy_in(0, frame);
        self.ask(client, send(id, 0, frame.len() as u32));
    }

    /// The driver's turns until it waits.
    ///
    /// # Panics
    /// If it does not come to rest.
    pub fn serve(&mut self) -> Next {
        for _ in 0..1000 {
            match self.server.serve(self.now) {
                Next::Again => {}
                next => return next,
            }
        }
        panic!("it does not come to rest");
    }

    /// The device's turn: it sends what there is, and takes from the wire what it has room for.
    pub fn work(&mut self) {
        self.device.take();
        while self.device.finish_of(1) {}
        while self.device.with(|wire| !wire.coming.is_empty()) && self.device.finish_of(0) {}
        self.server.interrupted();
    }

    /// The driver and the device, until there is nothing more to do.
    ///
    /// # Panics
    /// If they do not come to rest.
    pub fn run(&mut self) {
        for _ in 0..10 {
            assert_eq!(self.serve(), Next::Wait);
            self.work();
        }
    }

    /// A frame comes from the wire.
    pub fn comes(&self, frame: Vec<u8>) {
        self.device.with(|wire| wire.coming.push_back(frame));
    }

    /// Takes what was sent to the wire.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.device.with(|wire| std::mem::take(&mut wire.sent))
    }

    /// Takes what a client was answered.
    pub fn answers(&self, client: usize) -> Vec<Reply> {
        let mut ring = self.clients[client].ring.borrow_mut();
        ring.replies.drain(..).collect()
    }

    /// The frame that an answer says is there.
    pub fn payload(&self, client: usize, offset: u32, length: u32) -> Vec<u8> {
        let mut bytes = std::vec![0; length as usize];
        self.clients[client].payload.copy_out(offset, &mut bytes);
        bytes
    }

    /// A client begins a new life.
    pub fn restart(&self, client: usize) {
        self.clients[client].restart_client();
    }
}
