//! Writes blocks with several in flight, flushes, reads them back and compares each word; then the same with other words, so that
//! what is read is not what was there before. Of a disk that cannot be written it reads only, after the driver refused to write, and of a short one what
//! there is. What a restart of the driver interrupted is asked for again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use disk_check::{BLOCK_BYTES, BLOCK_SECTORS, BLOCKS, ROUNDS, word};
use disk_client::{
    Channel, Client, Command, Event, Failure, Refused, RingChannel, Shape, Transfer,
};
use disk_messages::{Operation, Request, Status};
use evidence::seen;

cofferdam_native::partition!(main);

const IN_FLIGHT: usize = 8;
/// At most.
const PASSES_OF_TROUBLE: u32 = 1000;
/// What a flush has for a tag: no block has it.
const FLUSH: u32 = u32::MAX;

type Disk = Client<RingChannel, u32, IN_FLIGHT>;

/// What came of a pass over the blocks.
#[derive(Default)]
struct Pass {
    done: u32,
    failed: u32,
    /// So often one was asked for again, for the driver had restarted.
    interrupted: u32,
    wrong_words: u32,
}

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
            let written = pass(&mut disk, blocks, round, true);
            seen!("written", written.done);
            seen!("write.failed", written.failed);
            seen!("flushed", flush(&mut disk));
            interrupted += written.interrupted;
        }
        let read = pass(&mut disk, blocks, round, false);
        seen!("read", read.done);
        seen!("read.failed", read.failed);
        seen!("read.wrong_words", read.wrong_words);
        interrupted += read.interrupted;
        failed = read.failed;
    }
    seen!("interrupted", interrupted);
    // As long as some of its requests fail, it goes on, until all do or none.
    for _ in 0..PASSES_OF_TROUBLE {
        if !(1..blocks).contains(&failed) {
            break;
        }
        failed = pass(&mut disk, blocks, ROUNDS - 1, false).failed;
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
    loop {
        let event = disk.poll();
        disk.announce();
        if let Some(event) = event {
            if event == Event::Stopped {
                seen!("stopped", 1);
            }
            return event;
        }
        wait(ports::DISK.line());
    }
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

/// A piece of the payload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Free,
    InFlight,
    /// This block was in flight when the driver restarted.
    Again(u32),
}

/// Each block written or read once. Block `n` in flight has the piece of payload that the block before in this place gave back.
fn pass(disk: &mut Disk, blocks: u32, round: u32, write: bool) -> Pass {
    let mut pass = Pass::default();
    let mut next_block = 0;
    let mut pieces = [Piece::Free; IN_FLIGHT];
    let mut first = true;
    while pass.done + pass.failed < blocks {
        for (number, piece) in (0..).zip(&mut pieces) {
            let block = match *piece {
                Piece::Free if next_block < blocks => next_block,
                Piece::Again(block) => block,
                Piece::Free | Piece::InFlight => continue,
            };
            let transfer = Transfer {
                sector: u64::from(block * BLOCK_SECTORS),
                sectors: BLOCK_SECTORS,
                offset: number * BLOCK_BYTES,
            };
            let command = if write {
                fill(transfer.offset, block, round);
                Command::Write(transfer)
            } else {
                Command::Read(transfer)
            };
            let after = match disk.submit(command, block) {
                Ok(()) => Piece::InFlight,
                Err(Refused::Stopped) => {
                    pass.failed += 1;
                    Piece::Free
                }
                Err(_) => continue,
            };
            next_block += u32::from(*piece == Piece::Free);
            *piece = after;
        }
        disk.announce();
        if core::mem::take(&mut first) && write {
            seen!("in_flight", disk.in_flight() as u32);
        }
        if disk.is_stopped() && disk.in_flight() == 0 {
            continue;
        }
        let Event::Ended {
            command,
            tag: block,
            result,
        } = next(disk)
        else {
            continue;
        };
        let Some(transfer) = command.transfer() else {
            continue;
        };
        let mut after = Piece::Free;
        match result {
            Ok(()) => pass.done += 1,
            Err(Failure::Interrupted) => {
                pass.interrupted += 1;
                after = Piece::Again(block);
            }
            Err(_) => pass.failed += 1,
        }
        if !write && result.is_ok() {
            pass.wrong_words += wrong_words(transfer.offset, block, round);
        }
        if let Some(piece) = pieces.get_mut((transfer.offset / BLOCK_BYTES) as usize) {
            *piece = after;
        }
    }
    pass
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

/// Whether what was written is durable.
fn flush(disk: &mut Disk) -> u32 {
    loop {
        match disk.submit(Command::Flush, FLUSH) {
            Ok(()) => disk.announce(),
            Err(Refused::NotReady) => {}
            Err(_) => return 0,
        }
        match next(disk) {
            Event::Ended {
                result: Err(Failure::Interrupted),
                ..
            }
            | Event::Ready(_)
            | Event::Down
            | Event::Stopped => {}
            Event::Ended { result, .. } => return u32::from(result.is_ok()),
        }
    }
}
