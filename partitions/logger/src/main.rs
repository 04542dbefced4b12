//! Logs how the flight goes, and each entry of the health log, into `FLIGHT.LOG` on the disk that its port leads to.
//!
//! A line of the flight comes twice a second. What is wrong with the disk is said once, and looked at again with each line: a driver that
//! begins anew, or a disk that recovers, goes on being written.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt::Write as _;

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::record::MODULE;
use cofferdam_native::{Lines, SharedMemory, log, page, stop_self, time, wait};
use disk_client::{Client, Command, Event, Failure as Ended, RingChannel, Shape, Transfer};
use evidence::seen;
use flight_messages::Degrees;
use heapless::String;
use logger::{BLOCK_BYTES, Block, Blocks, Failure, Part, Wrong, append, check};

cofferdam_native::partition!("logger", main);

const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;
/// How often a line of the flight is logged.
const INTERVAL_TICKS: u64 = 500 * TICKS_PER_MS;
/// So long the driver may take for a block, and so often it may begin anew meanwhile. Where instructions are the clock an idle machine's time
/// runs ahead of the disk.
const PATIENCE_TICKS: u64 = 60_000 * TICKS_PER_MS;
const TRIES: u32 = 16;
/// Lines that are appended together.
const TEXT_BYTES: usize = 2048;

type Text = String<TEXT_BYTES>;

/// The disk behind the port.
struct Disk {
    client: Client<RingChannel, (), 1>,
    payload: SharedMemory,
    shape: Option<Shape>,
}

fn main() -> ! {
    let payload = ports::DISK.payload();
    // In each life the ends are there once, and the file gives payload enough for a block.
    let Some(ends) = ports::DISK.attach() else {
        stop_self();
    };
    let mut disk = Disk {
        client: Client::new(RingChannel::new(ends, payload), page::epoch()),
        payload,
        shape: None,
    };
    let mut text = Text::new();
    // What has no room now is logged later.
    let mut entry = None;
    let mut part = None;
    let mut said = None;
    let mut next = time::now();
    loop {
        next += INTERVAL_TICKS;
        time::sleep_until(next);
        flight(&mut text);
        while let Some(line) = entry.take().or_else(health) {
            if text.push_str(&line).is_err() {
                entry = Some(line);
                break;
            }
        }
        let logged = store(&mut disk, &mut part, &text);
        match logged {
            Ok(()) => text.clear(),
            // What has not been logged is tried again, as much of it as there is room for.
            Err(_) if text.len() > TEXT_BYTES / 2 => text.clear(),
            Err(_) => {}
        }
        if said != Some(logged) {
            said = Some(logged);
            match logged {
                Ok(()) => log!("logging to the disk"),
                Err(wrong) => log!("nothing is logged: {wrong}"),
            }
            seen!(
                "logger.wrong",
                logged.map_or_else(|wrong| wrong as u32, |()| 0)
            );
        }
    }
}

/// Appends, after a look at the disk if the last time was not good.
fn store(disk: &mut Disk, part: &mut Option<Part>, text: &str) -> Result<(), Wrong> {
    let good = match part.take() {
        Some(good) => good,
        None => check(disk)?,
    };
    append(disk, &good, text.as_bytes())?;
    *part = Some(good);
    Ok(())
}

/// One line of how the flight goes.
fn flight(text: &mut Text) {
    let mut line = String::<96>::new();
    let attitude = ports::ATTITUDE.read().ok().flatten();
    let elevator = ports::ELEVATOR.read().ok().flatten();
    // A line has room for all of it, and what the text has no room for is lost.
    let _ = write!(line, "{} ms flight", time::now() / TICKS_PER_MS);
    if let Some(attitude) = attitude.filter(|one| one.valid) {
        let pitch = Degrees(attitude.value.pitch_microradians);
        let _ = write!(line, " pitch {pitch} step {}", attitude.value.step);
    }
    if let Some(elevator) = elevator.filter(|one| one.valid) {
        let _ = write!(
            line,
            " elevator {}",
            Degrees(elevator.value.deflection_microradians)
        );
    }
    let _ = line.push('\n');
    let _ = text.push_str(&line);
}

/// The next entry of the health log, as a line.
fn health() -> Option<String<96>> {
    let record = ports::HEALTH_LOG.read().ok().flatten()?;
    let who = match record.partition.get() {
        MODULE => "the module",
        partition => (ports::PARTITION_NAMES.get(usize::from(partition)))
            .copied()
            .unwrap_or("unknown"),
    };
    let mut line = String::new();
    let error = Error::from_number(record.error).map_or("unknown", Error::name);
    let action = Action::from_number(record.action).map_or("unknown", Action::name);
    let at_ms = record.tick.get() / TICKS_PER_MS;
    // What has no room is cut off.
    let _ = writeln!(line, "{at_ms} ms health {who}: {error}, {action}");
    Some(line)
}

impl Disk {
    /// The next thing that happens, within the driver's time.
    fn next(&mut self) -> Result<Event<()>, Failure> {
        let until = time::now() + PATIENCE_TICKS;
        time::set_timer(until);
        loop {
            let event = self.client.poll();
            self.client.announce();
            if let Some(event) = event {
                return Ok(event);
            }
            if self.client.is_stopped() || time::now() >= until {
                return Err(Failure::Disk);
            }
            wait(ports::DISK.line() | Lines::TIMER);
        }
    }

    /// What there is of the disk.
    fn shape(&mut self) -> Result<Shape, Failure> {
        self.client.describe();
        for _ in 0..TRIES {
            if let Some(shape) = self.client.shape() {
                self.shape = Some(shape);
                return Ok(shape);
            }
            if let Event::Down | Event::Stopped = self.next()? {
                return Err(Failure::Disk);
            }
        }
        Err(Failure::Disk)
    }

    /// Has a command carried out, again if the driver began anew in between.
    fn carry_out(&mut self, command: Command) -> Result<(), Failure> {
        for _ in 0..TRIES {
            self.shape()?;
            if self.client.submit(command, ()).is_err() {
                continue;
            }
            self.client.announce();
            let result = loop {
                if let Event::Ended { result, .. } = self.next()? {
                    break result;
                }
            };
            match result {
                Ok(()) => return Ok(()),
                Err(Ended::Interrupted) => {}
                Err(_) => return Err(Failure::Disk),
            }
        }
        Err(Failure::Disk)
    }
}

const fn block_at(number: u32) -> Transfer {
    Transfer {
        sector: number as u64,
        sectors: 1,
        offset: 0,
    }
}

impl Blocks for Disk {
    fn count(&self) -> u32 {
        let sectors = self.shape.map_or(0, |shape| shape.sectors);
        u32::try_from(sectors).unwrap_or(u32::MAX)
    }

    fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure> {
        self.carry_out(Command::Read(block_at(number)))?;
        self.payload.copy_out(0, block);
        Ok(())
    }

    fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure> {
        // The driver may have one that was interrupted until it has said what there is.
        self.shape()?;
        self.payload.copy_in(0, block);
        self.carry_out(Command::Write(block_at(number)))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.carry_out(Command::Flush)
    }
}

const _: () = assert!(
    BLOCK_BYTES == disk_messages::SECTOR_BYTES as usize,
    "a block is a sector"
);
