//! Writes blocks with several in flight, flushes, reads them back and compares each word; then the same with other words, so that
//! what is read is not what was there before. Of a disk that cannot be written it reads only, and of a short one what there is.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use disk_check::{BLOCK_BYTES, BLOCK_SECTORS, word};
use disk_client::{Client, Command, Event, Failure, Refused, RingChannel, Shape, Transfer};
use evidence::seen;

cofferdam_native::partition!(main);

const ROUNDS: u32 = 2;
/// At most.
const BLOCKS: u32 = 64;
const IN_FLIGHT: usize = 8;
/// What a flush has for a tag: no block has it.
const FLUSH: u32 = u32::MAX;

type Disk = Client<RingChannel, u32, IN_FLIGHT>;

/// What came of a pass over the blocks.
#[derive(Default)]
struct Pass {
    done: u32,
    failed: u32,
    /// Of those that failed: the driver was stopped while it had them.
    stopped: u32,
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
    let there = shape.sectors / u64::from(BLOCK_SECTORS);
    let blocks = there.min(BLOCKS.into()) as u32;
    for round in 0..ROUNDS {
        if !shape.read_only {
            let written = pass(&mut disk, blocks, round, true);
            seen!("written", written.done);
            seen!("write.failed", written.failed);
            seen!("flushed", flush(&mut disk));
        }
        let read = pass(&mut disk, blocks, round, false);
        seen!("read", read.done);
        seen!("read.failed", read.failed);
        seen!("read.wrong_words", read.wrong_words);
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
            Event::Stopped => seen!("stopped", 1),
            Event::Ended { .. } => {}
        }
    }
}

/// The next thing that happens.
fn next(disk: &mut Disk) -> Event<u32> {
    loop {
        let event = disk.poll();
        disk.announce();
        if let Some(event) = event {
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

/// Each block written or read once. Block `n` in flight has the piece of payload that the block before in this place gave back.
fn pass(disk: &mut Disk, blocks: u32, round: u32, write: bool) -> Pass {
    let payload = ports::DISK.payload();
    let mut pass = Pass::default();
    let mut next_block = 0;
    let mut free = [true; IN_FLIGHT];
    while pass.done + pass.failed < blocks {
        for (place, free) in (0..).zip(&mut free) {
            if !*free || next_block == blocks {
                continue;
            }
            let offset = place * BLOCK_BYTES;
            let transfer = Transfer {
                sector: u64::from(next_block * BLOCK_SECTORS),
                sectors: BLOCK_SECTORS,
                offset,
            };
            let command = if write {
                for word_number in 0..BLOCK_BYTES / 4 {
                    payload.write_u32(
                        offset + 4 * word_number,
                        word(next_block, round, word_number),
                    );
                }
                Command::Write(transfer)
            } else {
                Command::Read(transfer)
            };
            match disk.submit(command, next_block) {
                Ok(()) => {
                    *free = false;
                    next_block += 1;
                }
                Err(Refused::Stopped) => {
                    pass.failed += 1;
                    next_block += 1;
                }
                Err(_) => {}
            }
        }
        disk.announce();
        if disk.is_stopped() && disk.in_flight() == 0 {
            continue;
        }
        let (command, block, result) = match next(disk) {
            Event::Ended {
                command,
                tag,
                result,
            } => (command, tag, result),
            Event::Stopped => {
                seen!("stopped", 1);
                continue;
            }
            Event::Ready(_) | Event::Down => continue,
        };
        match result {
            Ok(()) => pass.done += 1,
            Err(error) => {
                pass.failed += 1;
                pass.stopped += u32::from(error == Failure::Stopped);
            }
        }
        let Some(transfer) = command.transfer() else {
            continue;
        };
        if !write && result.is_ok() {
            for word_number in 0..BLOCK_BYTES / 4 {
                let read = payload.read_u32(transfer.offset + 4 * word_number);
                pass.wrong_words += u32::from(read != word(block, round, word_number));
            }
        }
        if let Some(free) = free.get_mut((transfer.offset / BLOCK_BYTES) as usize) {
            *free = true;
        }
    }
    pass
}

/// Whether what was written is durable.
fn flush(disk: &mut Disk) -> u32 {
    if disk.submit(Command::Flush, FLUSH).is_err() {
        return 0;
    }
    disk.announce();
    loop {
        if let Event::Ended { result, .. } = next(disk) {
            return u32::from(result.is_ok());
        }
    }
}
