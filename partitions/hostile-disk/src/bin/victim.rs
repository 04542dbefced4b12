//! A client of a disk as they are written, with the library, whose driver lies to it. It reads one piece of the disk after the other and looks at it, until it has read all of them
//! as they have to be; then the same with what it writes. Of each request it says how it ended, and of each that was done how many words are wrong.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use disk_client::{Client, Command, Event, Failure, Refused, RingChannel, Transfer};
use disk_messages::SECTOR_BYTES;
use evidence::seen;

cofferdam_native::partition!("victim", main);

const SECTORS: u32 = 8;
const WORDS: u32 = SECTORS * SECTOR_BYTES / 4;
const PIECES: u32 = 4;
/// Where in the payload a piece is.
const OFFSET: u32 = 4096;
const WRITTEN: u32 = 0x7e57_0000;

/// With one request in flight none needs a tag.
type Disk = Client<RingChannel, (), 1>;

// Endings, beside the failures.
const DONE: u32 = 0;
const REFUSED_BROKEN: u32 = 7;
const REFUSED: u32 = 8;

fn main() -> ! {
    let Some(ends) = ports::DISK.attach() else {
        panic!("the ring was given away before");
    };
    let mut disk = Disk::new(RingChannel::new(ends, ports::DISK.payload()), page::epoch());
    // The medium begins with zeros.
    let mut piece = 0;
    while piece < PIECES {
        fill(0xffff_ffff);
        let ended = carry_out(&mut disk, &Command::Read(transfer(piece)));
        seen!("victim.read", ended);
        if ended == DONE {
            let wrong = wrong_words(0);
            seen!("victim.wrong_words", wrong);
            piece += u32::from(wrong == 0);
        }
    }
    let mut piece = 0;
    while piece < PIECES {
        fill(WRITTEN | piece << 12);
        let ended = carry_out(&mut disk, &Command::Write(transfer(piece)));
        seen!("victim.written", ended);
        piece += u32::from(ended == DONE);
    }
    seen!("victim.flushed", carry_out(&mut disk, &Command::Flush));
    for piece in 0..PIECES {
        fill(0xffff_ffff);
        let ended = carry_out(&mut disk, &Command::Read(transfer(piece)));
        seen!("victim.read_back", ended);
        seen!(
            "victim.wrong_words_back",
            wrong_words(WRITTEN | piece << 12)
        );
    }
    loop {
        wait(ports::DISK.line());
    }
}

const fn transfer(piece: u32) -> Transfer {
    Transfer {
        sector: (piece * SECTORS) as u64,
        sectors: SECTORS,
        offset: OFFSET,
    }
}

/// Has one request carried out. How it ended.
fn carry_out(disk: &mut Disk, command: &Command) -> u32 {
    loop {
        match disk.submit(*command, ()) {
            Ok(()) => break,
            Err(Refused::NotReady) => {
                let event = next(disk);
                said(disk, &event);
            }
            Err(Refused::Broken) => {
                // Until the driver mends it; a doorbell may come for that.
                wait(ports::DISK.line());
                return REFUSED_BROKEN;
            }
            Err(_) => return REFUSED,
        }
    }
    loop {
        match next(disk) {
            Event::Ended { result, .. } => return number(&result),
            other => said(disk, &other),
        }
    }
}

fn said(disk: &mut Disk, event: &Event<()>) {
    match event {
        Event::Ready(shape) => seen!("victim.sectors", shape.sectors as u32),
        Event::Down => {
            seen!("victim.down", 1);
            disk.describe();
        }
        Event::Stopped | Event::Ended { .. } => seen!("victim.unexpected", 1),
    }
}

/// The next thing that happens; a doorbell behind which there is nothing is none.
fn next(disk: &mut Disk) -> Event<()> {
    disk.next_event(|| _ = wait(ports::DISK.line()))
}

const fn number(result: &Result<(), Failure>) -> u32 {
    match result {
        Ok(()) => DONE,
        Err(Failure::ReadOnly) => 1,
        Err(Failure::OutOfRange) => 2,
        Err(Failure::Malformed) => 3,
        Err(Failure::Failed) => 4,
        Err(Failure::Interrupted) => 5,
        Err(Failure::Stopped) => 6,
    }
}

fn fill(word: u32) {
    let payload = ports::DISK.payload();
    (0..WORDS).for_each(|place| payload.write_u32(OFFSET + 4 * place, word));
}

fn wrong_words(word: u32) -> u32 {
    let payload = ports::DISK.payload();
    let is_wrong = |place: &u32| payload.read_u32(OFFSET + 4 * place) != word;
    (0..WORDS).filter(is_wrong).count() as u32
}
