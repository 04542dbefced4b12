//! A driver of a disk that lies to its client, and tells its device to read and write what is not its own.
//!
//! First it lies, over the memory that it shares with its client ([`liar`]).
//!
//! The rest is its device's. A descriptor of a virtio queue names any address on the bus, and nobody checks it: what the device writes to the medium comes from there,
//! what it reads from the medium goes there. This driver shows that it can with its own memory in the arena, and then names the
//! kernel's memory, other partitions', the block of devices and the edges of the arena. What the device read there must not come to the
//! medium, and what it was to write there nobody may find.
//!
//! Last it names what it does reach: whoever has a device with `dma` reaches all of the arena, the other driver's part and the payloads there
//! among it. It looks for the words that the other disk's client writes, and overwrites them. With a larger medium it does the worst that it can do
//! there before all else: again and again it overwrites the queue by which the other driver and its device talk, while they work.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::space;
use cofferdam_native::{Lines, SharedMemory, log, time, wait};
use disk::{Command, Disk, Work};
use disk_check::{BLOCK_BYTES, BLOCKS, ROUNDS, word};
use evidence::seen;
use hostile_driver::{BYTES, PEER, foreign};
use liar::Liar;

cofferdam_native::partition!("hostile", main);

const SECTOR_BYTES: u32 = 512;
const SECTOR_WORDS: u32 = SECTOR_BYTES / 4;
/// Of a sector so many words go to or come from an address that is not its own; the rest is its own.
const WORDS: u32 = BYTES / 4;
/// A medium of more sectors than that: the other driver's queue is overwritten first.
const SECTORS_WITHOUT_QUEUE: u64 = 128;
/// Where that driver's memory begins in `systems/hostile_disk` (`plan.json` says it): descriptors and both rings stand there.
const OTHERS_QUEUE: u32 = space::ARENA + 0x3_0000;
const OTHERS_QUEUE_SECTORS: u32 = 16;
/// Where its last descriptors stand, as long as few requests are in flight: the queue has 256 of 16 bytes.
const UNUSED: u32 = 0xe00;
/// What it is overwritten with, on the medium; and so often it is.
const ASSAULT_SECTOR: u64 = 32;
const ASSAULTS: u32 = 40_000;

/// Where in its own memory the sector is that it looks at: behind what the device and its driver say to each other.
const OWN: u32 = 0x7000;
/// Where the rest of a sector is, of which the beginning is elsewhere.
const REST: u32 = OWN + SECTOR_BYTES + BYTES;
/// The sector of the medium with the pattern, and the one for what is read elsewhere.
const PATTERN_SECTOR: u64 = 0;
const LOOT_SECTOR: u64 = 1;
/// What is written, and what stands there before something is read.
const PATTERN: u32 = 0xbad0_0000;
const UNTOUCHED: u32 = 0x600d_0000;
const DESCRIPTOR_BYTES: u32 = 16;
/// A descriptor of its queue that is not in use as long as one request is in flight.
const SPARE: u32 = 255;
/// So long a request may take.
const PATIENCE_TICKS: u64 = ports::TIMEBASE_HZ as u64 * 60;

/// How large the arena is in `systems/hostile_disk` (`plan.json` says it), and its pages.
const ARENA_BYTES: u32 = 0x4_0000;
const PAGE: u32 = 0x1000;
/// Where behind the beginning of their memory a partition has some that it does not use (`plan.json` says it).
const PARTITIONS_PAGE: u32 = 0x8_f000;
/// So often it looks for what the other client has written, and so long it waits before each look.
const LOOKS: u32 = 500;
const LOOK_TICKS: u64 = ports::TIMEBASE_HZ as u64 / 50;

struct Hostile {
    disk: Disk<cofferdam_native::Device, SharedMemory>,
    memory: SharedMemory,
}

fn main() -> ! {
    let memory = ports::DISK1_MEMORY;
    let mut hostile = Hostile {
        disk: Disk::new(ports::DISK1_REGISTERS, memory),
        memory,
    };
    seen!("hostile.up", u32::from(hostile.disk.start().is_ok()));
    let own = u64::from(memory.bus_address(OWN));
    let sectors = hostile.disk.shape().map_or(0, |shape| shape.sectors);
    if sectors > SECTORS_WITHOUT_QUEUE {
        hostile.assault();
    }
    let Some((requests, _)) = ports::VICTIM.attach() else {
        panic!("the ring was given away before");
    };
    let Some(mut liar) = Liar::new(requests, space::SHARED, ports::VICTIM.payload()) else {
        panic!("the rings are not where they should be");
    };
    while liar.has_lies() {
        liar.turn();
    }
    // It comes back from the medium as it went there.
    hostile.fill(PATTERN);
    hostile.transfer(Command::Write, PATTERN_SECTOR, own);
    hostile.fill(0);
    hostile.transfer(Command::Read, PATTERN_SECTOR, own);
    seen!("hostile.own", hostile.count(SECTOR_WORDS, PATTERN));
    for (what, from, to) in foreign(ARENA_BYTES.into(), PARTITIONS_PAGE) {
        log!("reading {what} at {from:#x} by its disk");
        seen!("hostile.read", hostile.unread(from));
        log!("writing {what} at {to:#x} by its disk");
        hostile.transfer_beginning(Command::Read, PATTERN_SECTOR, to);
        seen!("hostile.written", 1);
        seen!("hostile.read_again", hostile.unread(to));
    }
    // Who only talks to its own driver is a device on the bus all the same.
    let unread = hostile.unread(PEER);
    seen!("hostile.peer", u32::from(unread != WORDS));
    hostile.in_the_arena();
    log!("nothing came of it but in the arena");
    seen!("hostile.done", 1);
    // Its client is served, as if nothing had been.
    loop {
        liar.turn();
    }
}

impl Hostile {
    /// The other driver's queue is overwritten, again and again.
    fn assault(&mut self) {
        let own = u64::from(self.memory.bus_address(OWN));
        self.fill(PATTERN);
        log!("overwriting the other driver's queue at {OTHERS_QUEUE:#x}");
        for sector in 0..OTHERS_QUEUE_SECTORS {
            self.transfer(Command::Write, ASSAULT_SECTOR + u64::from(sector), own);
        }
        for _ in 0..ASSAULTS {
            let length = OTHERS_QUEUE_SECTORS * SECTOR_BYTES;
            self.transfer_bytes(Command::Read, ASSAULT_SECTOR, OTHERS_QUEUE.into(), length);
        }
        seen!("hostile.assaults", ASSAULTS);
        // Descriptors that are never in use are as they were overwritten.
        self.fill(0);
        let unused = u64::from(OTHERS_QUEUE + UNUSED);
        self.transfer(Command::Write, LOOT_SECTOR, unused);
        self.transfer(Command::Read, LOOT_SECTOR, own);
        seen!("hostile.overwritten", self.count(SECTOR_WORDS, PATTERN));
    }

    /// What is another's in the arena is found, and can be written.
    fn in_the_arena(&mut self) {
        let found = (0..LOOKS).find_map(|_| {
            time::sleep_until(time::now() + LOOK_TICKS);
            self.find()
        });
        seen!("hostile.found", u32::from(found.is_some()));
        let Some(page) = found else { return };
        log!("found another's words in the arena at {page:#x}");
        self.transfer(Command::Read, PATTERN_SECTOR, page.into());
        self.fill(0);
        self.transfer(Command::Write, LOOT_SECTOR, page.into());
        self.transfer(
            Command::Read,
            LOOT_SECTOR,
            self.memory.bus_address(OWN).into(),
        );
        seen!("hostile.changed", self.count(SECTOR_WORDS, PATTERN));
    }

    /// A page that is another's and begins with a block.
    fn find(&mut self) -> Option<u32> {
        let own = self.memory.bus_address(0)..self.memory.bus_address(self.memory.length() - 1);
        let mut pages = (space::ARENA..space::ARENA + ARENA_BYTES).step_by(PAGE as usize);
        pages.find(|page| {
            if own.contains(page) {
                return false;
            }
            self.transfer(Command::Write, LOOT_SECTOR, (*page).into());
            self.transfer(
                Command::Read,
                LOOT_SECTOR,
                self.memory.bus_address(OWN).into(),
            );
            self.is_of_a_block()
        })
    }

    /// Whether what was read begins as a block of the other disk's client does.
    fn is_of_a_block(&self) -> bool {
        let first = [0, 1, 2].map(|place| self.memory.read_u32(OWN + 4 * place));
        (0..BLOCKS * ROUNDS).any(|number| {
            [0, 1, 2].map(|place| word(number % BLOCKS, number / BLOCKS, place)) == first
        })
    }

    /// Has the device bring what is at an address. How many words of it were not: a read that is shut out gives zeros, or is not done.
    fn unread(&mut self, address: u64) -> u32 {
        let own = u64::from(self.memory.bus_address(OWN));
        self.fill(UNTOUCHED);
        self.transfer(Command::Write, LOOT_SECTOR, own);
        self.transfer_beginning(Command::Write, LOOT_SECTOR, address);
        self.transfer(Command::Read, LOOT_SECTOR, own);
        self.count(WORDS, 0) + self.count(WORDS, UNTOUCHED)
    }

    /// Fills the sector in its own memory with a pattern, whose lower bits count.
    fn fill(&self, pattern: u32) {
        for number in 0..SECTOR_WORDS {
            self.memory
                .write_u32(OWN + 4 * number, expected(pattern, number));
        }
    }

    /// How many of its first words have the pattern.
    fn count(&self, words: u32, pattern: u32) -> u32 {
        let has =
            |number: &u32| self.memory.read_u32(OWN + 4 * number) == expected(pattern, *number);
        (0..words).filter(has).count() as u32
    }

    /// Cuts the descriptor with the lower half of this address behind [`BYTES`], and gives it the upper half; what is left of its sector is its own, by a spare
    /// descriptor behind it. Descriptors stand at the beginning of the memory, in the bus's byte order: an address, a length, and flags with the number of the next.
    fn scatter(&self, address: u64) {
        let memory = &self.memory;
        let [low, high] = [address as u32, (address >> 32) as u32];
        let spare = SPARE * DESCRIPTOR_BYTES;
        let named = |at: &u32| memory.read_u32(*at) == low.swap_bytes();
        let mut descriptors = (0..spare).step_by(DESCRIPTOR_BYTES as usize);
        let Some(first) = descriptors.find(named) else {
            return;
        };
        let flags_and_next = memory.read_u32(first + 12);
        memory.write_u32(spare, memory.bus_address(REST).swap_bytes());
        memory.write_u32(spare + 4, 0);
        memory.write_u32(spare + 8, (SECTOR_BYTES - BYTES).swap_bytes());
        memory.write_u32(spare + 12, flags_and_next);
        memory.write_u32(first + 4, high.swap_bytes());
        memory.write_u32(first + 8, BYTES.swap_bytes());
        let next = u32::from((SPARE as u16).swap_bytes());
        memory.write_u32(first + 12, flags_and_next & 0xffff_0000 | next);
    }

    /// Has the device move the beginning of a sector there, and the rest of it in its own memory.
    fn transfer_beginning(&mut self, command: Command, sector: u64, address: u64) {
        self.submit(command, sector, address, SECTOR_BYTES);
        self.scatter(address);
        self.finish();
    }

    /// Has the device move a sector, and waits until it has.
    fn transfer(&mut self, command: Command, sector: u64, address: u64) {
        self.transfer_bytes(command, sector, address, SECTOR_BYTES);
    }

    /// The same with several.
    fn transfer_bytes(&mut self, command: Command, sector: u64, address: u64, length: u32) {
        self.submit(command, sector, address, length);
        self.finish();
    }

    fn submit(&mut self, command: Command, sector: u64, address: u64, length: u32) {
        let work = Work {
            command,
            sector,
            length,
        };
        let _ = self.disk.submit(0, &work, address as u32);
    }

    /// Waits until the device has done what was submitted. One that goes no further begins anew.
    fn finish(&mut self) {
        let interrupt = ports::DISK1;
        let until = time::now() + PATIENCE_TICKS;
        self.disk.announce();
        time::set_timer(until);
        let mut failed = false;
        while time::now() < until && !failed {
            match self.disk.take_ended() {
                Ok(Some(_)) => return,
                Ok(None) => {}
                Err(_) => failed = true,
            }
            if wait(interrupt.line() | Lines::TIMER).has(interrupt.line()) {
                failed |= self.disk.acknowledge_interrupt();
                let _ = interrupt.acknowledge();
            }
        }
        let _ = self.disk.stop();
        let _ = self.disk.start();
    }
}

const fn expected(pattern: u32, number: u32) -> u32 {
    if pattern == 0 { 0 } else { pattern | number }
}

const _: () = assert!(BLOCK_BYTES == PAGE, "a page of a payload begins a block");
