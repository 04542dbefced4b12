//! The clock: owns the I2C controller and the real-time clock behind it, and tells the time of day.
//!
//! Each client at `clients[]` may ask; the one at `setter` may set as well. Once a period the time is read for the sampling channel
//! `time`; a chip that does not answer leaves the channel as it is, whose refresh tells that its value is old.
//!
//! `docs/drivers.md` goes through this partition.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use clock::{Controller, Failure, Registers, WallClock};
use clock_messages::{Reply, Request, Time};
use cofferdam_native::{CallServer, Error, Lines, time, wait};

cofferdam_native::partition!("clock", main);

type Chip = WallClock<Controller<Registers>>;
type Server = CallServer<Request, Reply>;

fn main() -> ! {
    let registers = Registers::new(ports::I2C_REGISTERS, ports::I2C);
    let mut chip = WallClock::new(Controller::new(registers));
    let clients = ports::CLIENTS.iter().map(|client| client.port.line());
    let lines = clients.fold(Lines::RELEASE | ports::SETTER.line(), |all, one| all | one);
    loop {
        let came = wait(lines);
        if came.has(Lines::RELEASE)
            && let Ok(time) = read(&mut chip)
        {
            // Its only refusals concern the configuration, which is fixed.
            let _ = ports::TIME.write(&time);
        }
        serve(&ports::SETTER, &mut chip, true);
        for client in ports::CLIENTS {
            serve(client.port, &mut chip, false);
        }
    }
}

/// Answers a client that asks: there is one request at a time, and the next one raises the line.
fn serve(port: &Server, chip: &mut Chip, may_set: bool) {
    let reply = match port.receive() {
        Ok(Some(Request::Now)) => answer(read(chip)),
        Ok(Some(Request::Set(_))) if !may_set => Reply::NotAllowed,
        Ok(Some(Request::Set(seconds))) => answer(chip.set(seconds).and_then(|()| read(chip))),
        Err(Error::Malformed(_)) => Reply::Malformed,
        Ok(None) | Err(_) => return,
    };
    // A client that has given up by now, or was restarted, knows.
    let _ = port.reply(&reply);
}

/// The time, and when it was read.
fn read(chip: &mut Chip) -> Result<Time, Failure> {
    let tick = time::now();
    let reading = chip.read()?;
    Ok(Time {
        utc_seconds: reading.utc_seconds,
        valid: reading.valid,
        tick,
    })
}

fn answer(result: Result<Time, Failure>) -> Reply {
    match result {
        Ok(time) => Reply::Time(time),
        Err(Failure::OutOfRange) => Reply::OutOfRange,
        Err(Failure::Unavailable) => Reply::Unavailable,
    }
}
