//! Clients and driver together, each restarting when it likes: nothing that was acknowledged is lost, nobody touches payload that is
//! another's.
//!
//! The rings are as `cofferdam_ring` has them, with its epochs and what each end is told, message by message.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

use cofferdam_ring::RingError;
use disk_client::{Client, Command, Event, Failure, Transfer};
use disk_messages::{Reply, Request};
use proptest::prelude::*;
use virtio::Memory as _;
use virtio::model::{Arena, ModelDevice, ModelMemory};

use crate::model::{DRIVER_BYTES, FLUSH, PATIENCE, PAYLOAD_BYTES, REQUIRED, Sectors, range};
use virtio::{Driver as _, Next};

use crate::{Disk, Server};

/// One direction of a ring.
#[derive(Debug)]
struct Pipe<T> {
    messages: VecDeque<T>,
    producer_epoch: u32,
    consumer_epoch: u32,
}

type Shared<T> = Rc<RefCell<Pipe<T>>>;

fn pipe<T>() -> Shared<T> {
    Rc::new(RefCell::new(Pipe {
        messages: VecDeque::new(),
        producer_epoch: 0,
        consumer_epoch: 0,
    }))
}

const DEPTH: usize = 8;

#[derive(Debug)]
struct PipeProducer<T> {
    pipe: Shared<T>,
    consumer_epoch: u32,
}

impl<T: Copy> PipeProducer<T> {
    fn attach(pipe: &Shared<T>) -> Self {
        let mut ring = pipe.borrow_mut();
        ring.producer_epoch += 1;
        ring.messages.clear();
        Self {
            pipe: Rc::clone(pipe),
            consumer_epoch: ring.consumer_epoch,
        }
    }

    fn vacant(&mut self) -> Result<u32, RingError> {
        let ring = self.pipe.borrow_mut();
        let before = std::mem::replace(&mut self.consumer_epoch, ring.consumer_epoch);
        let first = before == 0 && ring.consumer_epoch == 1;
        if before != ring.consumer_epoch && !first {
            return Err(RingError::PeerRestarted);
        }
        Ok((DEPTH - ring.messages.len()) as u32)
    }

    fn push(&mut self, message: &T) -> Result<(), RingError> {
        if self.vacant()? == 0 {
            return Err(RingError::Full);
        }
        self.pipe.borrow_mut().messages.push_back(*message);
        Ok(())
    }
}

#[derive(Debug)]
struct PipeConsumer<T> {
    pipe: Shared<T>,
    producer_epoch: u32,
}

impl<T: Copy> PipeConsumer<T> {
    fn attach(pipe: &Shared<T>) -> Self {
        let mut ring = pipe.borrow_mut();
        let again = ring.consumer_epoch != 0;
        ring.consumer_epoch += 1;
        if again {
            ring.messages.clear();
        }
        Self {
            pipe: Rc::clone(pipe),
            producer_epoch: if again { ring.producer_epoch } else { 0 },
        }
    }

    fn pop(&mut self) -> Result<Option<T>, RingError> {
        let mut ring = self.pipe.borrow_mut();
        let before = std::mem::replace(&mut self.producer_epoch, ring.producer_epoch);
        if before != 0 && before != ring.producer_epoch {
            return Err(RingError::PeerRestarted);
        }
        Ok(ring.messages.pop_front())
    }
}

/// The two directions of a channel.
#[derive(Debug)]
struct Ring {
    requests: Shared<Request>,
    replies: Shared<Reply>,
    payload: ModelMemory,
}

#[derive(Debug)]
struct DriverEnd(PipeConsumer<Request>, PipeProducer<Reply>, ModelMemory);

impl virtio::Channel for DriverEnd {
    type Request = Request;
    type Reply = Reply;
    type Memory = ModelMemory;

    fn pop(&mut self) -> Result<Option<Request>, RingError> {
        self.0.pop()
    }
    fn push(&mut self, reply: &Reply) -> Result<(), RingError> {
        self.1.push(reply)
    }
    fn ring_doorbell(&mut self) {}
    fn payload(&self) -> &ModelMemory {
        &self.2
    }
}

#[derive(Debug)]
struct ClientEnd(PipeProducer<Request>, PipeConsumer<Reply>);

impl driver_client::Channel for ClientEnd {
    type Request = Request;
    type Reply = Reply;

    fn push(&mut self, request: &Request) -> Result<(), RingError> {
        self.0.push(request)
    }
    fn room(&mut self) -> Result<u32, RingError> {
        self.0.vacant()
    }
    fn pop(&mut self) -> Result<Option<Reply>, RingError> {
        self.1.pop()
    }
    fn is_stopped(&self) -> bool {
        false
    }
    fn ring_doorbell(&mut self) {}
    fn payload_bytes(&self) -> u32 {
        PAYLOAD_BYTES
    }
}

/// How many sectors each client has; each has a piece of payload of its own.
const SECTORS: u32 = 8;
const CLIENTS: u32 = 2;

type Driver = Server<ModelDevice<Sectors>, ModelMemory, DriverEnd>;

/// A client that writes to each sector one number after the other.
struct Writer {
    client: Client<ClientEnd, u8, 4>,
    life: u32,
    /// What its payload holds for each sector, by its own doing.
    value: u8,
    /// For each sector: the last value of which it is known that it was written, and those that may have been written since.
    known: Vec<(Option<u8>, Vec<u8>)>,
}

struct World {
    arena: Arena,
    device: ModelDevice<Sectors>,
    rings: Vec<Ring>,
    driver: Driver,
    writers: Vec<Writer>,
}

impl Ring {
    /// As `RingResponder` attaches: first the end that is asked.
    fn driver_end(&self) -> DriverEnd {
        let requests = PipeConsumer::attach(&self.requests);
        let replies = PipeProducer::attach(&self.replies);
        DriverEnd(requests, replies, self.payload.clone())
    }

    /// As `RingInitiator` attaches: first the end that asks.
    fn client(&self, life: u32) -> Client<ClientEnd, u8, 4> {
        let requests = PipeProducer::attach(&self.requests);
        let replies = PipeConsumer::attach(&self.replies);
        Client::new(ClientEnd(requests, replies), life)
    }
}

fn driver(arena: &Arena, device: &ModelDevice<Sectors>, rings: &[Ring]) -> Driver {
    let disk = Disk::new(device.clone(), arena.memory(0, DRIVER_BYTES));
    let mut driver = Server::new(disk, PATIENCE);
    for (number, ring) in (0..).zip(rings) {
        let first = number * u64::from(SECTORS);
        assert!(driver.add_client(ring.driver_end(), range(first, SECTORS.into())));
    }
    driver
}

impl World {
    fn new() -> Self {
        let arena = Arena::new(DRIVER_BYTES + CLIENTS * PAYLOAD_BYTES);
        let device = ModelDevice::new(Sectors::new(), &arena, REQUIRED | FLUSH, 1, 256);
        let ring = |number| Ring {
            requests: pipe(),
            replies: pipe(),
            payload: arena.memory(DRIVER_BYTES + number * PAYLOAD_BYTES, PAYLOAD_BYTES),
        };
        let rings: Vec<Ring> = (0..CLIENTS).map(ring).collect();
        let writers = rings.iter().map(|ring| Writer {
            client: ring.client(0),
            life: 0,
            value: 100,
            known: std::vec![(None, Vec::new()); SECTORS as usize],
        });
        Self {
            writers: writers.collect(),
            driver: driver(&arena, &device, &rings),
            arena,
            device,
            rings,
        }
    }

    fn restart_driver(&mut self) {
        self.device.leave_bus();
        self.driver = driver(&self.arena, &self.device, &self.rings);
    }

    fn restart_client(&mut self, number: usize) {
        let writer = &mut self.writers[number];
        writer.life += 1;
        writer.client = self.rings[number].client(writer.life);
    }

    fn write(&mut self, number: usize, sector: u32) {
        let writer = &mut self.writers[number];
        if writer.client.shape().is_none() {
            return;
        }
        let place = Transfer {
            sector: sector.into(),
            sectors: 1,
            offset: sector * 512,
        };
        // What is not refused: the payload is the client's own until the request is pushed.
        let value = writer.value.wrapping_add(1).max(100);
        let address = self.rings[number].payload.bus_address(sector * 512);
        let before = self.arena.read(address.into(), 512);
        self.arena.write(address.into(), &[value; 512]);
        if writer.client.submit(Command::Write(place), value).is_err() {
            self.arena.write(address.into(), &before);
            return;
        }
        writer.value = value;
        writer.known[sector as usize].1.push(value);
    }

    fn poll(&mut self, number: usize) {
        let writer = &mut self.writers[number];
        while let Some(event) = writer.client.poll() {
            let Event::Ended {
                command,
                tag,
                result,
            } = event
            else {
                continue;
            };
            let transfer = command.transfer().expect("only writes are asked for");
            let (known, open) = &mut writer.known[transfer.sector as usize];
            match result {
                Ok(()) => {
                    *known = Some(tag);
                    open.clear();
                }
                Err(failure) => assert_eq!(failure, Failure::Interrupted),
            }
        }
    }

    /// What is on the disk is what was acknowledged, or what was asked for since.
    fn check(&self) {
        self.device.with(|disk| {
            for (number, writer) in self.writers.iter().enumerate() {
                for (sector, (known, open)) in writer.known.iter().enumerate() {
                    let at = number * SECTORS as usize + sector;
                    let bytes = &disk.sectors[at];
                    let first = bytes[0];
                    assert!(*bytes == [first; 512], "sector {at} is torn");
                    let was = known.unwrap_or(at as u8);
                    assert!(
                        first == was || open.contains(&first),
                        "sector {at} has {first}, acknowledged was {was}, open are {open:?}"
                    );
                }
            }
        });
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, u32),
    Poll(usize),
    Serve,
    Take,
    Finish(usize),
    RestartDriver,
    RestartClient(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS as usize;
    prop_oneof![
        8 => (client.clone(), 0..SECTORS).prop_map(|(client, sector)| Step::Write(client, sector)),
        5 => client.clone().prop_map(Step::Poll),
        6 => Just(Step::Serve),
        4 => Just(Step::Take),
        6 => (0usize..6).prop_map(Step::Finish),
        1 => Just(Step::RestartDriver),
        1 => client.prop_map(Step::RestartClient),
    ]
}

proptest! {
    #[test]
    fn nothing_acknowledged_is_lost(steps in prop::collection::vec(step(), 0..300)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Write(client, sector) => world.write(client, sector),
                Step::Poll(client) => world.poll(client),
                Step::Serve => prop_assert_ne!(world.driver.serve(0), Next::Restart),
                Step::Take => drop(world.device.take()),
                Step::Finish(number) => drop(world.device.finish(number)),
                Step::RestartDriver => world.restart_driver(),
                Step::RestartClient(client) => world.restart_client(client),
            }
            world.check();
        }
        // In the end everybody is served, and nothing stays in flight.
        for _ in 0..20 {
            world.driver.serve(0);
            world.device.work();
            for client in 0..CLIENTS as usize {
                world.poll(client);
            }
        }
        for writer in &world.writers {
            prop_assert!(writer.client.shape().is_some());
            prop_assert_eq!(writer.client.in_flight(), 0);
        }
    }
}
