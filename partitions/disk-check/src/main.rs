//! Writes blocks with several in flight, flushes, reads them back and compares each word; then the same with other words, so that
//! what is read is not what was there before. Of a disk that cannot be written it reads only, after the driver refused to write, and of a short one what
//! there is. What a restart of the driver interrupted is asked for again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use disk_check::{BLOCK_BYTES, BLOCK_SECTORS, BLOCKS, Ended, Pass, ROUNDS, flush, word};
use disk_client::{Channel, Client, Command, Event, Refused, RingChannel, Shape, Transfer};
use disk_messages::{Operation, Request, Status};
use evidence::seen;

cofferdam_native::partition!(main);

const IN_FLIGHT: usize = 8;
/// At most.
const PASSES_OF_TROUBLE: u32 = 1000;

type Disk = Client<RingChannel, u32, IN_FLIGHT>;

fn main() -> ! {
    let payload = ports::DISK.payload();
    let Some(ends) = ports::DISK.attach() else {
        panic!("the ring was given away before");
    };
    let mut disk = Disk::new(RingChannel::new(ends, payload), page::epoch());
    let shape = wait_for_shape(&mut disk);
    seen!("shape.sectors", shape.sectors as u32);
    seen!("shape.read_only", u32::from(shape.read_only));
    refusals(&mut disk, &shape);
    if shape.read_only {
        seen!("defied.read_only", defy(disk.channel_mut()));
    }
    let mut interrupted = 0;
    let there = shape.sectors / u64::from(BLOCK_SECTORS);
    let blocks = there.min(BLOCKS.into()) as u32;
    let mut failed = 0;
    for round in 0..ROUNDS {
        if !shape.read_only {
            let (written, _) = pass(&mut disk, blocks, round, true);
            seen!("written", written.done);
            seen!("write.failed", written.failed());
            seen!("flushed", u32::from(flush(&mut disk, next)));
            interrupted += written.interrupted;
        }
        let (read, wrong) = pass(&mut disk, blocks, round, false);
        seen!("read", read.done);
        seen!("read.failed", read.failed());
        seen!("read.wrong_words", wrong);
        interrupted += read.interrupted;
        failed = read.failed();
    }
    seen!("interrupted", interrupted);
    // As long as some of its requests fail, it goes on, until all do or none.
    for _ in 0..PASSES_OF_TROUBLE {
        if !(1..blocks).contains(&failed) {
            break;
        }
        let (read, _) = pass(&mut disk, blocks, ROUNDS - 1, false);
        failed = read.failed();
    }
    loop {
        wait(ports::DISK.line());
    }
}

fn wait_for_shape(disk: &mut Disk) -> Shape {
    loop {
        match next(disk) {
            Event::Ready(shape) => return shape,
            Event::Down => seen!("down", 1),
            Event::Stopped | Event::Ended { .. } => {}
        }
    }
}

/// The next thing that happens.
fn next(disk: &mut Disk) -> Event<u32> {
    let event = disk.next_event(|| _ = wait(ports::DISK.line()));
    if event == Event::Stopped {
        seen!("stopped", 1);
    }
    event
}

/// What no driver has to see.
fn refusals(disk: &mut Disk, shape: &Shape) {
    let behind = Transfer {
        sector: shape.sectors,
        sectors: 1,
        offset: 0,
    };
    let refused = disk.submit(Command::Read(behind), 0);
    seen!(
        "refused.behind",
        u32::from(refused == Err(Refused::OutOfRange))
    );
    if shape.read_only {
        let first = Transfer {
            sector: 0,
            ..behind
        };
        let refused = disk.submit(Command::Write(first), 0);
        seen!(
            "refused.write",
            u32::from(refused == Err(Refused::ReadOnly))
        );
    }
}

/// Asks the driver to write all the same, with words that the disk does not have. Whether it says that it may not.
fn defy(channel: &mut impl Channel) -> u32 {
    // Of no request of the client: its numbers begin at one.
    const ID: u32 = 0;
    fill(0, 0, ROUNDS);
    let request = Request {
        id: ID,
        operation: Operation::Write,
        sector: 0,
        sectors: BLOCK_SECTORS,
        offset: 0,
    };
    if channel.push(&request).is_err() {
        return 0;
    }
    channel.ring_doorbell();
    loop {
        if let Ok(Some(reply)) = channel.pop() {
            return u32::from(reply.id == ID && reply.status == Status::ReadOnly);
        }
        wait(ports::DISK.line());
    }
}

/// Each block written or read once. What became of them, and how many words that were read are not what was written.
fn pass(disk: &mut Disk, blocks: u32, round: u32, write: bool) -> (Ended, u32) {
    let mut pass = Pass::new(blocks);
    let mut wrong = 0;
    let mut first = true;
    loop {
        if let Some(ended) = pass.over() {
            return (ended, wrong);
        }
        pass.submit(disk, |piece, block| {
            let transfer = Transfer {
                sector: u64::from(block * BLOCK_SECTORS),
                sectors: BLOCK_SECTORS,
                offset: piece * BLOCK_BYTES,
            };
            if write {
                fill(transfer.offset, block, round);
                Command::Write(transfer)
            } else {
                Command::Read(transfer)
            }
        });
        if core::mem::take(&mut first) && write {
            seen!("in_flight", disk.in_flight() as u32);
        }
        if disk.is_stopped() && disk.in_flight() == 0 {
            continue;
        }
        if let Some((block, transfer)) = pass.take(&next(disk))
            && !write
        {
            wrong += wrong_words(transfer.offset, block, round);
        }
    }
}

/// Puts a block into the payload.
fn fill(offset: u32, block: u32, round: u32) {
    let payload = ports::DISK.payload();
    for place in 0..BLOCK_BYTES / 4 {
        payload.write_u32(offset + 4 * place, word(block, round, place));
    }
}

/// How many words of a block are not as they were put there.
fn wrong_words(offset: u32, block: u32, round: u32) -> u32 {
    let payload = ports::DISK.payload();
    let is_wrong = |place: &u32| payload.read_u32(offset + 4 * place) != word(block, round, *place);
    (0..BLOCK_BYTES / 4).filter(is_wrong).count() as u32
}
