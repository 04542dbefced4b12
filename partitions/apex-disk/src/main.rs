//! An ARINC 653 application on a ring: a process writes blocks of a disk, flushes, and reads them back, through the driver partition and by the same
//! client as any other partition; a more urgent one goes on at its releases meanwhile.
//!
//! The services know nothing of rings. So the process looks at its ring, and waits by TIMED_WAIT in between: the line of the ring wakes the
//! partition, but no process.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_apex_native::ProcessAttributes;
use cofferdam_apex_native::apex::{OperatingMode, SystemTime};
use cofferdam_native::page;
use disk_client::{Client, Command, Event, RingChannel, Transfer};
use disk_messages::SECTOR_BYTES;
use evidence::seen;

cofferdam_apex_native::partition!("recorder", initialise);

const PERIOD: SystemTime = SystemTime(10_000_000);
/// So long the process waits before it looks at the ring again.
const LOOK: SystemTime = SystemTime(500_000);
const BLOCKS: u32 = 8;
/// What a flush has for a tag: no block has it.
const FLUSH: u32 = u32::MAX;

type Disk = Client<RingChannel, u32, 2>;

/// How often the urgent process was released.
static BEATS: AtomicU32 = AtomicU32::new(0);

fn initialise() {
    for attributes in [
        ProcessAttributes::periodic("beat", 20, PERIOD, beat),
        ProcessAttributes::aperiodic("record", 10, record),
    ] {
        let process = APEX.create_process(&attributes);
        let started = process.and_then(|process| APEX.start(process));
        seen!("started", u32::from(started.is_ok()));
    }
    let _ = APEX.set_partition_mode(OperatingMode::Normal);
}

extern "C" fn beat() {
    loop {
        BEATS.fetch_add(1, Relaxed);
        if APEX.periodic_wait().is_err() {
            return;
        }
    }
}

/// The word of a block at this place.
const fn word(block: u32, place: u32) -> u32 {
    block.wrapping_mul(0x0100_0193) ^ place
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
    let (mut written, mut read, mut wrong) = (0, 0, 0);
    for block in 0..BLOCKS {
        for place in 0..SECTOR_BYTES / 4 {
            payload.write_u32(4 * place, word(block, place));
        }
        written += u32::from(done(&mut disk, Command::Write(transfer(block)), block));
    }
    seen!("written", written);
    seen!("flushed", u32::from(done(&mut disk, Command::Flush, FLUSH)));
    for block in 0..BLOCKS {
        read += u32::from(done(&mut disk, Command::Read(transfer(block)), block));
        for place in 0..SECTOR_BYTES / 4 {
            wrong += u32::from(payload.read_u32(4 * place) != word(block, place));
        }
    }
    seen!("read", read);
    seen!("wrong.words", wrong);
    // The disk takes time of the host's, and maybe none of the machine's: a release comes later in any case.
    while BEATS.load(Relaxed) == 0 {
        let _ = APEX.timed_wait(LOOK);
    }
    seen!("beats", 1);
    APEX.stop_self();
}

/// A block is a sector, and each has the beginning of the payload in its turn.
fn transfer(block: u32) -> Transfer {
    Transfer {
        sector: block.into(),
        sectors: 1,
        offset: 0,
    }
}

/// Asks for something, and waits until it has ended. Whether it ended well.
fn done(disk: &mut Disk, command: Command, asked: u32) -> bool {
    if disk.submit(command, asked).is_err() {
        return false;
    }
    loop {
        if let Event::Ended { tag, result, .. } = next(disk)
            && tag == asked
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
        let _ = APEX.timed_wait(LOOK);
    }
}
