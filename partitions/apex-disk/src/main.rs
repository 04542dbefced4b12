//! An ARINC 653 application on a ring: a process writes blocks of a disk, of every size for which there is payload, flushes, and reads them back in other
//! blocks, through the driver partition and by the same client as any other partition; a more urgent one goes on at its releases meanwhile. What
//! an end of the driver's life has interrupted the process asks for again, and what was acknowledged has to be there.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use apex_client::{Beats, start, wait_to_look};
use cofferdam_native::{SharedMemory, page};
use disk_client::{Client, Command, Event, Failure, Refused, RingChannel, Transfer};
use disk_messages::SECTOR_BYTES;
use evidence::seen;

cofferdam_apex_native::partition!("recorder", initialise);

/// What is in flight at a time: each has its piece of the payload, as large as the largest block.
const IN_FLIGHT: usize = 2;
const LARGEST: u32 = 32;
const SECTOR_WORDS: u32 = SECTOR_BYTES / 4;
/// In each everything has other words.
const ROUNDS: u32 = 12;
/// What a flush has for a tag: no block has it.
const FLUSH: u32 = u32::MAX;

type Disk = Client<RingChannel, u32, IN_FLIGHT>;

static BEATS: Beats = Beats::new();

/// What became of the requests of a round.
#[derive(Default)]
struct Ended {
    done: u32,
    /// So often one was asked for again, for the driver had restarted.
    interrupted: u32,
    /// For the driver is stopped.
    stopped: u32,
    /// By another error: there is none that the process could have met.
    otherwise: u32,
}

fn initialise() {
    start(&APEX, beat, record);
}

extern "C" fn beat() {
    BEATS.go_on(&APEX);
}

extern "C" fn record() {
    let payload = ports::DISK.payload();
    let Some(ends) = ports::DISK.attach() else {
        seen!("given.away", 1);
        return;
    };
    let mut disk = Disk::new(RingChannel::new(ends, payload), page::epoch());
    let sectors = loop {
        match next(&mut disk) {
            Event::Ready(shape) => break shape.sectors,
            Event::Stopped => {
                seen!("stopped", 1);
                APEX.stop_self();
                return;
            }
            _ => {}
        }
    };
    seen!("sectors", sectors as u32);
    let mut interrupted = 0;
    for round in 0..ROUNDS {
        // Small blocks first, and when they are read large ones first: so a block is read from several that were written.
        let (written, _) = pass(&mut disk, round, true);
        let flushed = flush(&mut disk);
        let (read, wrong) = pass(&mut disk, round, false);
        seen!("written", written.done);
        seen!("flushed", u32::from(flushed));
        seen!("read", read.done);
        seen!("wrong.words", wrong);
        seen!("stopped", written.stopped + read.stopped);
        seen!("otherwise", written.otherwise + read.otherwise);
        interrupted += written.interrupted + read.interrupted;
    }
    seen!("interrupted", interrupted);
    // The disk takes time of the host's, and maybe none of the machine's: a release comes later in any case.
    while BEATS.count() == 0 {
        wait_to_look(&APEX);
    }
    seen!("beats", 1);
    APEX.stop_self();
}

/// The word at a place of the disk in a round.
const fn word(round: u32, place: u32) -> u32 {
    place.wrapping_mul(0x0100_0193) ^ round << 28
}

/// Block `n` of those that are written or read: each size once. In which piece of the payload it is depends on what is in flight.
fn block(number: u32, write: bool) -> Transfer {
    let sum_to = |sectors: u32| sectors * (sectors + 1) / 2;
    let (sector, sectors) = if write {
        (sum_to(number), number + 1)
    } else {
        (sum_to(LARGEST) - sum_to(LARGEST - number), LARGEST - number)
    };
    Transfer {
        sector: sector.into(),
        sectors,
        offset: 0,
    }
}

/// A piece of the payload.
#[derive(Clone, Copy)]
enum Piece {
    Free,
    InFlight,
    /// This block was in flight when the driver restarted.
    Again(u32),
}

/// Each block written or read once, with as many in flight as there are pieces. And how many words that were read are not what was written.
fn pass(disk: &mut Disk, round: u32, write: bool) -> (Ended, u32) {
    let payload = ports::DISK.payload();
    let mut ended = Ended::default();
    let (mut next_block, mut wrong) = (0, 0);
    let mut pieces = [Piece::Free; IN_FLIGHT];
    while ended.done + ended.stopped + ended.otherwise < LARGEST {
        for (number, piece) in (0..).zip(&mut pieces) {
            let tag = match *piece {
                Piece::Free if next_block < LARGEST => next_block,
                Piece::Again(tag) => tag,
                Piece::Free | Piece::InFlight => continue,
            };
            let transfer = Transfer {
                offset: number * LARGEST * SECTOR_BYTES,
                ..block(tag, write)
            };
            let command = if write {
                each_word(&transfer, |at, place| {
                    payload.write_u32(at, word(round, place))
                });
                Command::Write(transfer)
            } else {
                each_word(&transfer, |at, _| payload.write_u32(at, 0));
                Command::Read(transfer)
            };
            let after = match disk.submit(command, tag) {
                Ok(()) => Piece::InFlight,
                Err(Refused::NotReady) => continue,
                Err(Refused::Stopped) => {
                    ended.stopped += 1;
                    Piece::Free
                }
                Err(_) => {
                    ended.otherwise += 1;
                    Piece::Free
                }
            };
            next_block += u32::from(matches!(piece, Piece::Free));
            *piece = after;
        }
        disk.announce();
        if disk.is_stopped() && disk.in_flight() == 0 {
            continue;
        }
        let Event::Ended {
            command,
            tag,
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
            Ok(()) => {
                ended.done += 1;
                if !write {
                    wrong += wrong_words(&payload, transfer, round);
                }
            }
            Err(Failure::Interrupted) => {
                ended.interrupted += 1;
                after = Piece::Again(tag);
            }
            Err(Failure::Stopped) => ended.stopped += 1,
            Err(_) => ended.otherwise += 1,
        }
        let number = transfer.offset / (LARGEST * SECTOR_BYTES);
        if let Some(piece) = pieces.get_mut(number as usize) {
            *piece = after;
        }
    }
    (ended, wrong)
}

/// Where each word of a transfer is in the payload, and on the disk.
fn each_word(transfer: &Transfer, mut what: impl FnMut(u32, u32)) {
    for number in 0..transfer.sectors * SECTOR_WORDS {
        let place = transfer.sector as u32 * SECTOR_WORDS + number;
        what(transfer.offset + 4 * number, place);
    }
}

fn wrong_words(payload: &SharedMemory, transfer: &Transfer, round: u32) -> u32 {
    let mut wrong = 0;
    each_word(transfer, |at, place| {
        wrong += u32::from(payload.read_u32(at) != word(round, place));
    });
    wrong
}

/// Whether what was written is durable.
fn flush(disk: &mut Disk) -> bool {
    loop {
        if disk.in_flight() == 0 {
            match disk.submit(Command::Flush, FLUSH) {
                Ok(()) | Err(Refused::NotReady) => {}
                Err(_) => return false,
            }
        }
        if let Event::Ended { result, .. } = next(disk)
            && result != Err(Failure::Interrupted)
        {
            return result.is_ok();
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
        wait_to_look(&APEX);
    }
}
