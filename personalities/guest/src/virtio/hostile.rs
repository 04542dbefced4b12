//! A guest and a driver partition that do whatever bytes say: to both devices, in any order.
//!
//! What has to hold whatever they do: nothing panics, no access leaves the guest's memory, one call does a bounded amount of work, and the
//! devices keep to the protocols of their channels ([`super::model`]). Each life of a driver is asked once what there is. Its rings say of it what they like.

extern crate std;

use cofferdam_ipc::DecodeError;
use cofferdam_ring::RingError;
use disk_messages::{Operation, Status as DiskStatus};
use network_messages::Status as NetworkStatus;

use super::REPLIES_MAX;
use super::block::Disk;
use super::describe;
use super::ends::UNREADABLE_MAX;
use super::mmio::Registers;
use super::model::{Asks, DriverQueue, Ram, Wire, start};
use super::network::Network;

const MEMORY: usize = 64 << 10;
const DATA: u32 = 3 * DriverQueue::BYTES;
/// What one call may do at most: look at each of 128 chains of 128 descriptors once, and move the payload there and back. It is far less as a rule.
const WORK_MAX: u64 = 500_000;

/// So often one call may ask a ring for a reply.
const POPS_MAX: u64 = (REPLIES_MAX * UNREADABLE_MAX) as u64;

type DiskWire = Wire<disk_messages::Request, disk_messages::Reply>;
type NetworkWire = Wire<network_messages::Request, network_messages::Reply>;

/// Bytes that decide what happens; zeros when they are used up.
struct Choices<'b>(&'b [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Small, or near the end of memory, or anything.
    fn word(&mut self) -> u32 {
        match self.byte() % 4 {
            0 => self.byte().into(),
            1 => self.half().into(),
            2 => (MEMORY as u32 + 128).wrapping_sub(self.byte().into()),
            _ => u32::from(self.half()) << 16 | u32::from(self.half()),
        }
    }
}

struct World {
    ram: Ram,
    disk: Disk,
    disk_wire: DiskWire,
    network: Network,
    network_wire: NetworkWire,
    queues: [DriverQueue; 3],
}

/// Does what the bytes say.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let depth = [1, 4, 32, 64][usize::from(choices.byte() % 4)];
    let payload = [0, 700, 8 << 10, 128 << 10][usize::from(choices.byte() % 4)];
    let mut disk_wire = DiskWire::new(payload as usize, depth);
    let mut network_wire = NetworkWire::new(payload as usize, depth);
    // Without an answer there is no device, and nothing to try.
    let Some(description) = found(&mut choices, &mut disk_wire, answer_disk, describe::disk) else {
        return;
    };
    let Some(address) = found(
        &mut choices,
        &mut network_wire,
        answer_network,
        describe::network,
    ) else {
        return;
    };
    let memory_bytes = MEMORY as u32;
    let mut world = World {
        ram: Ram::new(MEMORY),
        disk: Disk::new(description, memory_bytes, payload),
        disk_wire,
        network: Network::new(address, memory_bytes, payload),
        network_wire,
        queues: [0, 1, 2].map(|number: u32| {
            // The first is the disk's, the others are the network's.
            let base = number * DriverQueue::BYTES;
            DriverQueue::new(number.saturating_sub(1), 64, base)
        }),
    };
    while !choices.0.is_empty() {
        world.step(&mut choices);
        world.serve();
    }
}

impl World {
    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 12 {
            0 => {
                start(&mut self.disk.registers, u64::MAX, &[&self.queues[0]]);
                self.renew(0);
            }
            1 => {
                let queues = [&self.queues[1], &self.queues[2]];
                start(&mut self.network.registers, u64::MAX, &queues);
                self.renew(1);
                self.renew(2);
            }
            2 => registers(&mut self.disk.registers, choices),
            3 => registers(&mut self.network.registers, choices),
            4 => {
                let address = choices.word() % (MEMORY as u32 - 4);
                let value = choices.word().to_le_bytes();
                self.ram.set_bytes(address, &value);
            }
            5 => self.chain(choices, 0),
            6 => self.chain(choices, 1),
            7 => self.chain(choices, 2),
            8 => self.descriptor(choices),
            9 => answer_disk(&mut self.disk_wire, choices),
            10 => answer_network(&mut self.network_wire, choices),
            _ => match choices.byte() % 8 {
                0 => self.disk_wire.restart(),
                1 => self.network_wire.restart(),
                4 => self.disk_wire.stop(),
                5 => self.network_wire.stop(),
                2 => self.disk_wire.requests.clear(),
                6 => rings(&mut self.disk_wire, choices),
                7 => rings(&mut self.network_wire, choices),
                _ => self.network_wire.requests.clear(),
            },
        }
    }

    fn renew(&mut self, number: usize) {
        let queue = &mut self.queues[number];
        let base = queue.parts()[0];
        self.ram.set_bytes(base, &[0; DriverQueue::BYTES as usize]);
        *queue = DriverQueue::new(number.saturating_sub(1) as u32, 64, base);
    }

    /// A chain that makes sense, but for its lengths.
    fn chain(&mut self, choices: &mut Choices<'_>, number: usize) {
        let kind = choices.byte();
        let header = [u32::from(kind) % 10, 0, choices.byte().into(), 0];
        for (at, word) in (DATA..).step_by(4).zip(header) {
            self.ram.set_bytes(at, &word.to_le_bytes());
        }
        let length = 512 * (1 + u32::from(choices.byte()) % 32) + u32::from(choices.byte() / 250);
        let data = DATA + 0x100 + u32::from(choices.byte());
        let parts = match (number, kind % 2) {
            (0, 0) => [
                (DATA, 16, false),
                (data, length, true),
                (DATA + 32, 1, true),
            ]
            .to_vec(),
            (0, _) => [
                (DATA, 16, false),
                (data, length, false),
                (DATA + 32, 1, true),
            ]
            .to_vec(),
            (1, _) => [(data, 1526 + length % 5, true)].to_vec(),
            _ => [(data, 26 + length % 1600, false)].to_vec(),
        };
        self.queues[number].add(&mut self.ram, &parts);
        self.notify(number);
    }

    /// A descriptor that need not make sense, and perhaps its index, which need not either.
    fn descriptor(&mut self, choices: &mut Choices<'_>) {
        let number = usize::from(choices.byte() % 3);
        let index = choices.half() % 64;
        let upper = u64::from(choices.byte() == 1) << 32;
        let (address, length) = (upper | u64::from(choices.word()), choices.word());
        let rest = [choices.half() % 9, choices.half() % 70];
        let queue = &mut self.queues[number];
        queue.describe(&mut self.ram, index, address, length, rest);
        if choices.byte().is_multiple_of(2) {
            queue.offer(&mut self.ram, choices.half() % 66);
            self.notify(number);
        }
    }

    fn notify(&mut self, number: usize) {
        match number {
            0 => self.disk.registers.store(0x50, 4, 0),
            _ => self.network.registers.store(0x50, 4, number as u32 - 1),
        };
    }

    fn serve(&mut self) {
        let before = self.ram.accesses.get();
        let pops = [self.disk_wire.pops, self.network_wire.pops];
        self.disk.serve(&mut self.ram, &mut self.disk_wire);
        self.network.serve(&mut self.ram, &mut self.network_wire);
        let work = self.ram.accesses.get() - before;
        assert!(work < WORK_MAX, "{work} accesses and bytes in one call");
        for (after, before) in [self.disk_wire.pops, self.network_wire.pops]
            .iter()
            .zip(pops)
        {
            assert!(after - before <= POPS_MAX, "it looks for ever");
        }
        assert_eq!(self.ram.outside.get(), 0, "outside of the guest's memory");
    }
}

/// A driver's channel, before there is a device: what the driver says that there is, if it ever does.
fn found<Q: Asks, R: Copy, T>(
    choices: &mut Choices<'_>,
    wire: &mut Wire<Q, R>,
    answer: fn(&mut Wire<Q, R>, &mut Choices<'_>),
    ask: fn(&mut Wire<Q, R>, &mut bool) -> Option<T>,
) -> Option<T> {
    let mut asked = false;
    for _ in 0..16 {
        let pops = wire.pops;
        let found = ask(wire, &mut asked);
        assert!(wire.pops - pops <= POPS_MAX, "it looks for ever");
        assert!(wire.in_flight.len() <= 1, "a life of it is asked twice");
        if found.is_some() {
            return found;
        }
        match choices.byte() % 8 {
            0..5 => answer(wire, choices),
            5 => wire.restart(),
            6 => rings(wire, choices),
            _ => wire.stop(),
        }
    }
    None
}

/// What the rings say from here on, of what the driver wrote there.
fn rings<Q: Asks, R>(wire: &mut Wire<Q, R>, choices: &mut Choices<'_>) {
    let error = match choices.byte() % 8 {
        0 => RingError::Corrupt,
        1 => RingError::Mismatch,
        2 => RingError::Full,
        3 => RingError::PeerRestarted,
        4 | 5 => RingError::Decode(DecodeError::Truncated),
        _ => {
            (wire.push_error, wire.pop_error) = (None, None);
            return;
        }
    };
    let kind = choices.byte();
    if kind.is_multiple_of(2) {
        wire.push_error = Some(error);
    }
    if !kind.is_multiple_of(3) {
        let times = if kind > 200 {
            u32::MAX
        } else {
            choices.byte().into()
        };
        wire.pop_error = Some((error, times));
    }
}

fn answer_disk(wire: &mut DiskWire, choices: &mut Choices<'_>) {
    use DiskStatus::{Done, Failed, Malformed, OutOfRange, ReadOnly};
    let request = wire.take_request();
    let sectors = match request {
        Some(one) if one.operation == Operation::Describe => choices.half().into(),
        request => request.map_or(0, |one| one.sectors).into(),
    };
    let id = identity(choices, request.map(|one| one.id));
    let kind = choices.byte();
    let reply = disk_messages::Reply {
        id,
        status: [Done, Done, Done, ReadOnly, OutOfRange, Malformed, Failed][usize::from(kind % 7)],
        sectors: if kind > 200 { u64::MAX } else { sectors },
        read_only: kind & 1 != 0,
    };
    for _ in 0..=choices.byte() / 200 {
        wire.reply(id, reply);
    }
}

fn answer_network(wire: &mut NetworkWire, choices: &mut Choices<'_>) {
    use NetworkStatus::{Done, Dropped, Malformed, Refused};
    let request = wire.take_request();
    let id = identity(choices, request.map(|one| one.id));
    let kind = choices.byte();
    let reply = network_messages::Reply {
        id,
        status: [Done, Done, Done, Malformed, Refused, Dropped][usize::from(kind % 6)],
        length: match kind / 64 {
            0 => choices.word(),
            _ => u32::from(choices.half()) % 1520,
        },
        address: [kind; 6],
    };
    for _ in 0..=choices.byte() / 200 {
        wire.reply(id, reply);
    }
}

/// The id of what is answered: the right one as a rule.
fn identity(choices: &mut Choices<'_>, right: Option<u32>) -> u32 {
    match (right, choices.byte()) {
        (Some(id), 0..230) => id,
        (Some(id), near @ 230..245) => id.wrapping_add(near.into()).wrapping_sub(237),
        _ => choices.word(),
    }
}

fn registers<const Q: usize, const C: usize>(
    registers: &mut Registers<Q, C>,
    choices: &mut Choices<'_>,
) {
    let offset = match choices.byte() {
        known @ 0..240 => u32::from(known) & !3,
        _ => choices.word(),
    };
    let bytes = [4, 4, 4, 1, 2][usize::from(choices.byte() % 5)];
    let value = choices.word();
    let _ = registers.load(offset, bytes);
    let _ = registers.store(offset, bytes, value);
}

/// Bytes that get far: both devices are set up, and some of everything happens.
pub fn seed(number: u8) -> std::vec::Vec<u8> {
    let mut bytes = std::vec![2, number % 4];
    // The drivers say what there is.
    bytes.extend([0, 0xff, 0x0f, 0, 0, 0]);
    bytes.extend([0; 6]);
    for round in 0..40_u8 {
        let step = [5, 6, 7, 9, 10, 5, 9, 11][usize::from(round.wrapping_mul(number | 1) % 8)];
        bytes.extend([step, round, number, round.wrapping_mul(31), 0, 0, 64, 2, 5]);
    }
    bytes
}
