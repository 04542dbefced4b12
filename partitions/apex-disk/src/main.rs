//! An ARINC 653 application on a ring: a process writes blocks of a disk, of every size for which there is payload, flushes, and reads them back in other
//! blocks, through the driver partition and by the same client as any other partition; a more urgent one goes on at its releases meanwhile. What
//! an end of the driver's life has interrupted the process asks for again, and what was acknowledged has to be there.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use apex_client::{Beats, start, wait_to_look};
use cofferdam_native::{SharedMemory, page};
use disk_check::{Ended, Pass, flush};
use disk_client::{Client, Command, Event, RingChannel, Transfer};
use disk_messages::SECTOR_BYTES;
use evidence::seen;

cofferdam_apex_native::partition!("recorder", initialise);

/// What is in flight at a time: each has its piece of the payload, as large as the largest block.
const IN_FLIGHT: usize = 2;
const LARGEST: u32 = 32;
const SECTOR_WORDS: u32 = SECTOR_BYTES / 4;
/// In each everything has other words.
const ROUNDS: u32 = 12;

type Disk = Client<RingChannel, u32, IN_FLIGHT>;

static BEATS: Beats = Beats::new();

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
        let flushed = flush(&mut disk, next);
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

/// Each block written or read once. What became of them, and how many words that were read are not what was written.
fn pass(disk: &mut Disk, round: u32, write: bool) -> (Ended, u32) {
    let payload = ports::DISK.payload();
    let mut pass = Pass::new(LARGEST);
    let mut wrong = 0;
    loop {
        if let Some(ended) = pass.over() {
            return (ended, wrong);
        }
        pass.submit(disk, |piece, number| {
            let transfer = Transfer {
                offset: piece * LARGEST * SECTOR_BYTES,
                ..block(number, write)
            };
            if write {
                each_word(&transfer, |at, place| {
                    payload.write_u32(at, word(round, place));
                });
                Command::Write(transfer)
            } else {
                each_word(&transfer, |at, _| payload.write_u32(at, 0));
                Command::Read(transfer)
            }
        });
        if disk.is_stopped() && disk.in_flight() == 0 {
            continue;
        }
        if let Some((_, transfer)) = pass.take(&next(disk))
            && !write
        {
            wrong += wrong_words(&payload, &transfer, round);
        }
    }
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

/// The next thing that happens.
fn next(disk: &mut Disk) -> Event<u32> {
    disk.next_event(|| wait_to_look(&APEX))
}
