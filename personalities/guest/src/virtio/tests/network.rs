//! Networks: frames go and come, whole and in order.

extern crate std;

use std::vec;
use std::vec::Vec;

use network_messages::{FRAME_BYTES_MAX, Operation, Reply, Request, Status};

use super::super::describe;
use super::super::model::{DriverQueue, Ram, Wire, start};
use super::super::network::Network;

const MEMORY: u32 = 1 << 20;
const DATA: u32 = 0x1_0000;
const ADDRESS: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const PAYLOAD: u32 = 64 << 10;

struct World {
    ram: Ram,
    receive: DriverQueue,
    send: DriverQueue,
    network: Network,
    wire: Wire<Request, Reply>,
    /// The buffers that the driver may fill.
    buffers: Vec<Request>,
    /// The frames that it was given to send, and were not answered.
    sent: Vec<(u32, Vec<u8>)>,
}

fn frame(number: u32, length: u32) -> Vec<u8> {
    (0..length).map(|at| (at * 5 + number) as u8).collect()
}

impl World {
    fn with(payload: u32, depth: usize) -> Self {
        let mut world = Self {
            ram: Ram::new(MEMORY as usize),
            receive: DriverQueue::new(0, 64, 0),
            send: DriverQueue::new(1, 64, DriverQueue::BYTES),
            network: Network::new(ADDRESS, MEMORY, payload),
            wire: Wire::new(payload as usize, depth),
            buffers: Vec::new(),
            sent: Vec::new(),
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let queues = [&self.receive, &self.send];
        start(&mut self.network.registers, u64::MAX, &queues);
    }

    fn serve(&mut self) {
        self.network.serve(&mut self.ram, &mut self.wire);
        assert_eq!(self.ram.outside.get(), 0);
    }

    fn notify(&mut self, queue: u32) {
        let stored = self.network.registers.store(0x50, 4, queue);
        stored.expect("a register");
        self.serve();
    }

    /// A buffer to receive into.
    fn give(&mut self, address: u32) -> u16 {
        let parts = [(address, 12 + FRAME_BYTES_MAX, true)];
        self.receive.add(&mut self.ram, &parts).expect("room")
    }

    /// A frame to send, behind its header.
    fn queue(&mut self, address: u32, frame: &[u8]) -> u16 {
        self.ram.set_bytes(address, &[0; 12]);
        self.ram.set_bytes(address + 12, frame);
        let parts = [(address, 12 + frame.len() as u32, false)];
        self.send.add(&mut self.ram, &parts).expect("room")
    }

    /// The driver looks at its ring.
    fn drive(&mut self) {
        while let Some(request) = self.wire.take_request() {
            let (begin, length) = (request.offset as usize, request.length as usize);
            if request.operation == Operation::Send {
                let frame = self.wire.payload.borrow()[begin..begin + length].to_vec();
                self.sent.push((request.id, frame));
            } else {
                assert_eq!(request.length, FRAME_BYTES_MAX);
                self.buffers.push(request);
            }
        }
    }

    fn reply(&mut self, id: u32, status: Status, length: u32) {
        let address = [0; 6];
        let reply = Reply {
            id,
            status,
            length,
            address,
        };
        self.wire.reply(id, reply);
    }

    /// All frames were sent.
    fn answer(&mut self) -> Vec<Vec<u8>> {
        let sent = core::mem::take(&mut self.sent);
        let answered = sent.into_iter().map(|(id, frame)| {
            self.reply(id, Status::Done, frame.len() as u32);
            frame
        });
        answered.collect()
    }

    /// A frame comes; it is lost if there is no buffer.
    fn come(&mut self, frame: &[u8]) -> bool {
        if self.buffers.is_empty() {
            return false;
        }
        let buffer = self.buffers.remove(0);
        let begin = buffer.offset as usize;
        self.wire.payload.borrow_mut()[begin..begin + frame.len()].copy_from_slice(frame);
        self.reply(buffer.id, Status::Done, frame.len() as u32);
        true
    }

    fn is_stopped(&self) -> bool {
        self.network.registers.load(0x70, 4) == Some(0x4f)
    }
}

#[test]
fn the_guest_has_the_address_that_the_driver_says() {
    let mut wire = Wire::<Request, Reply>::new(0, 4);
    let mut asked = false;
    assert_eq!(describe::network(&mut wire, &mut asked), None);
    let question = wire.take_request().expect("a question");
    assert_eq!(question.operation, Operation::Describe);
    let reply = Reply {
        id: question.id,
        status: Status::Done,
        length: 0,
        address: ADDRESS,
    };
    wire.reply(question.id, reply);
    assert_eq!(describe::network(&mut wire, &mut asked), Some(ADDRESS));
    let world = World::with(PAYLOAD, 64);
    let registers = &world.network.registers;
    assert_eq!(registers.load(8, 4), Some(1));
    let bytes: Vec<_> = (0x100..0x106).map(|at| registers.load(at, 1)).collect();
    assert_eq!(bytes, ADDRESS.map(|byte| Some(byte.into())));
}

#[test]
fn frames_are_sent_as_they_are_and_their_buffers_come_back_at_once() {
    let mut world = World::with(PAYLOAD, 64);
    world.serve();
    world.drive();
    let doorbells = world.wire.doorbells;
    let frames = [frame(1, 14), frame(2, 1514), frame(3, 61)];
    let heads: Vec<_> = (DATA + 2..)
        .step_by(0x801)
        .zip(&frames)
        .map(|(at, frame)| world.queue(at, frame))
        .collect();
    assert!(world.send.notifies(&world.ram));
    world.notify(1);
    assert_eq!(world.wire.doorbells, doorbells + 1);
    for head in heads {
        assert_eq!(world.send.take(&world.ram), Some((head, 0)));
    }
    // What comes next is found when the driver answers.
    assert!(!world.send.notifies(&world.ram));
    world.drive();
    assert_eq!(world.answer(), frames);
    let last = frame(4, 100);
    world.queue(DATA, &last);
    world.serve();
    world.drive();
    assert_eq!(world.answer(), [last]);
    world.serve();
    assert!(world.send.notifies(&world.ram));
}

#[test]
fn frames_wait_in_the_guests_queue_while_there_is_no_slot() {
    let mut world = World::with(10 * 1536, 64);
    for number in 0..12 {
        world.queue(DATA + number * 0x800, &frame(number, 200 + number));
    }
    world.notify(1);
    world.drive();
    let mut all = world.answer();
    assert_eq!(all.len(), 5);
    while all.len() < 12 {
        world.serve();
        world.drive();
        all.extend(world.answer());
    }
    for (number, one) in (0..).zip(all) {
        assert_eq!(one, frame(number, 200 + number));
    }
}

#[test]
fn a_frame_that_no_network_carries_is_not_sent() {
    let mut world = World::with(PAYLOAD, 64);
    for length in [0, 13, 1515, 9000] {
        world.queue(DATA, &vec![0; length as usize]);
    }
    world.notify(1);
    assert!((0..4).all(|_| world.send.take(&world.ram).is_some()));
    world.drive();
    assert!(world.sent.is_empty());
    assert_eq!(world.network.refused(), 4);
    assert!(!world.is_stopped());
}

#[test]
fn frames_come_whole_in_order_with_one_interrupt() {
    for alignment in 0..4 {
        let mut world = World::with(PAYLOAD, 64);
        let buffers: Vec<_> = (0..8)
            .map(|number| DATA + alignment + number * 0x1000)
            .collect();
        let heads: Vec<_> = buffers.iter().map(|at| world.give(*at)).collect();
        world.notify(0);
        assert!(!world.receive.notifies(&world.ram), "none is needed");
        world.drive();
        // Words are copied: both ends are aligned the same way.
        for buffer in &world.buffers {
            assert_eq!(buffer.offset % 4, alignment);
        }
        for number in 0..8 {
            assert!(world.come(&frame(number, 60 + number * 200)));
        }
        world.serve();
        assert_eq!(world.network.registers.load(0x60, 4), Some(1));
        for (number, (at, head)) in (0..).zip(buffers.iter().zip(heads)) {
            let length = 60 + number * 200;
            assert_eq!(world.receive.take(&world.ram), Some((head, 12 + length)));
            let header = world.ram.bytes_at(*at, 12);
            assert_eq!(header, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
            assert_eq!(world.ram.bytes_at(at + 12, length), frame(number, length));
        }
        // The slots are with the driver again.
        let before = world.buffers.len();
        world.drive();
        assert_eq!(world.buffers.len(), before + 8);
    }
}

#[test]
fn frames_wait_for_a_buffer_and_then_are_lost() {
    let mut world = World::with(8 * 1536, 64);
    world.serve();
    world.drive();
    let mut came = 0;
    while world.come(&frame(came, 100)) {
        came += 1;
    }
    assert_eq!(came, 4);
    world.serve();
    assert!(world.receive.notifies(&world.ram), "it has to say when");
    world.drive();
    assert!(world.buffers.is_empty());
    for number in 0..4 {
        world.give(DATA + number * 0x800);
    }
    world.notify(0);
    for number in 0..4 {
        assert!(world.receive.take(&world.ram).is_some());
        let at = DATA + number * 0x800 + 12;
        assert_eq!(world.ram.bytes_at(at, 100), frame(number, 100));
    }
    assert!(!world.receive.notifies(&world.ram));
}

#[test]
fn what_is_no_frame_does_not_reach_the_guest() {
    let mut world = World::with(PAYLOAD, 64);
    world.give(DATA);
    world.notify(0);
    world.drive();
    let ids: Vec<_> = world.buffers.iter().map(|one| one.id).collect();
    for (id, (status, length)) in ids.iter().zip([
        (Status::Done, 0),
        (Status::Done, 13),
        (Status::Done, 1515),
        (Status::Done, 100 | 1 << 16),
        (Status::Done, u32::MAX),
        (Status::Dropped, 100),
        (Status::Malformed, 100),
        (Status::Refused, 100),
    ]) {
        world.reply(*id, status, length);
    }
    // Twice the same, and others' ids.
    for id in [ids[0], ids[9] + 64, u32::MAX, 0] {
        world.reply(id, Status::Done, 100);
    }
    world.serve();
    assert_eq!(world.receive.take(&world.ram), None);
    world.drive();
    assert_eq!(world.buffers.len(), ids.len() + 8, "they were given again");
}

#[test]
fn a_chain_of_the_wrong_kind_stops_the_network() {
    // A buffer that is too small for a frame, one that the device cannot write, a frame that it would.
    for (number, parts) in [
        (0, &[(DATA, 12 + FRAME_BYTES_MAX - 1, true)][..]),
        (0, &[(DATA, 12, false), (DATA + 12, 1600, true)]),
        (1, &[(DATA, 100, true)]),
        (1, &[(DATA, 100, false), (DATA + 100, 1, true)]),
        (1, &[(DATA, 11, false)]),
    ] {
        let mut world = World::with(PAYLOAD, 64);
        world.serve();
        world.drive();
        let queue = [&mut world.receive, &mut world.send][number].add(&mut world.ram, parts);
        queue.expect("room");
        world.come(&frame(0, 60));
        world.notify(number as u32);
        assert!(world.is_stopped(), "{number} {parts:?}");
        world.drive();
        assert!(world.sent.is_empty());
        // A reset mends it.
        world.receive = DriverQueue::new(0, 64, 0);
        world.send = DriverQueue::new(1, 64, DriverQueue::BYTES);
        world
            .ram
            .set_bytes(0, &[0; 2 * DriverQueue::BYTES as usize]);
        world.start();
        world.queue(DATA, &frame(1, 60));
        world.notify(1);
        world.drive();
        assert_eq!(world.answer(), [frame(1, 60)]);
    }
}

#[test]
fn a_driver_that_restarts_gets_buffers_and_the_guest_goes_on() {
    let mut world = World::with(PAYLOAD, 64);
    world.give(DATA);
    world.queue(DATA + 0x1000, &frame(1, 60));
    world.notify(1);
    world.drive();
    let (buffers, old) = (world.buffers.len(), world.buffers[0].id);
    world.buffers.clear();
    world.sent.clear();
    world.wire.restart();
    world.serve();
    world.drive();
    assert_eq!(world.buffers.len(), buffers);
    world.reply(old, Status::Done, 60);
    world.serve();
    assert_eq!(world.receive.take(&world.ram), None, "of its last life");
    world.come(&frame(2, 60));
    world.queue(DATA + 0x1000, &frame(3, 60));
    world.serve();
    world.drive();
    assert_eq!(world.answer(), [frame(3, 60)]);
    assert!(world.receive.take(&world.ram).is_some());
    assert_eq!(world.ram.bytes_at(DATA + 12, 60), frame(2, 60));
}

#[test]
fn a_ring_that_is_full_is_tried_again() {
    let mut world = World::with(PAYLOAD, 3);
    world.queue(DATA, &frame(1, 60));
    world.notify(1);
    assert!(world.network.is_blocked());
    let mut rounds = 0;
    while world.network.is_blocked() {
        world.drive();
        world.serve();
        rounds += 1;
        assert!(rounds < 40);
    }
    world.drive();
    assert_eq!(world.answer(), [frame(1, 60)]);
    assert_eq!(world.buffers.len(), 21);
}

/// A driver that is stopped for good: the link is down, nothing waits, and what came before is there.
#[test]
fn a_driver_that_is_stopped_takes_the_link_down() {
    const GENERATION: u32 = 0xfc;
    const LINK: u32 = 0x106;
    let mut world = World::with(PAYLOAD, 32);
    let link = |world: &World| world.network.registers.load(LINK, 2);
    assert_eq!(link(&world), Some(1));
    world.serve();
    world.drive();
    let came = world.buffers[0];
    world.reply(came.id, Status::Done, 60);
    for number in 0..40 {
        let at = DATA + 0x800 * number;
        world.queue(at, &frame(number, 60));
    }
    world.notify(1);
    world.drive();
    let mut used = 0;
    while world.send.take(&world.ram).is_some() {
        used += 1;
    }
    assert!(used < 40, "the slots are fewer");
    world.wire.stop();
    world.serve();
    while world.send.take(&world.ram).is_some() {
        used += 1;
    }
    assert_eq!(used, 40, "each buffer is given back");
    assert_eq!(link(&world), Some(0));
    assert_eq!(world.network.registers.load(GENERATION, 4), Some(1));
    assert_eq!(world.network.registers.reasons() & 2, 2, "it is told");
    assert!(!world.network.is_blocked());
    world.give(DATA);
    world.notify(0);
    assert_eq!(world.receive.take(&world.ram), Some((0, 72)));
    for number in 0..100 {
        world.queue(DATA, &frame(number, 60));
        world.notify(1);
        assert!(world.send.take(&world.ram).is_some(), "{number}");
    }
    // A guest that starts meanwhile finds the link down.
    world.start();
    assert_eq!(link(&world), Some(0));
    // Somebody starts the driver again.
    world.wire.restart();
    world.serve();
    assert_eq!(link(&world), Some(1));
    world.buffers.clear();
    world.drive();
    assert!(world.wire.in_flight.len() >= world.buffers.len());
}
