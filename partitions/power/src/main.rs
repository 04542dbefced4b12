//! The power: owns the GPIO block, and switches the machine off for the one client that the system's file has at the port `operator`.
//!
//! Whoever is at `clients[]` may read the levels of the inputs. The board file says what the owner of the block can do to the
//! machine, and the build warns of it: this partition has authority over the module.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{CallServer, Device, Error, Lines, mark, page, time, wait};
use embedded_hal::digital::{InputPin, OutputPin};
use power::Gpio;
use power_messages::{POWER_OFF_MARK, Reply, Request};

cofferdam_native::partition!("power", main);

type Pins = Gpio<Device>;
type Server = CallServer<Request, Reply>;

/// High, it switches the machine off.
const POWER_PIN: u8 = 0;
/// A machine that is still on after so long stays on.
const PATIENCE_MS: u64 = 200;

fn main() -> ! {
    let pins = Gpio::new(ports::GPIO_REGISTERS);
    let clients = ports::CLIENTS.iter().map(|client| client.port.line());
    let lines = clients.fold(Lines::NONE | ports::OPERATOR.line(), |all, one| all | one);
    loop {
        wait(lines);
        serve(&ports::OPERATOR, &pins, true);
        for client in ports::CLIENTS {
            serve(client.port, &pins, false);
        }
    }
}

/// Answers a client that asks: there is one request at a time, and the next one raises the line.
fn serve(port: &Server, pins: &Pins, may_switch_off: bool) {
    let reply = match port.receive() {
        Ok(Some(Request::PowerOff)) if may_switch_off => power_off(pins),
        Ok(Some(Request::PowerOff)) => Reply::NotAllowed,
        Ok(Some(Request::Level(number))) => level(pins, number),
        Err(Error::Malformed(_)) => Reply::Malformed,
        Ok(None) | Err(_) => return,
    };
    // A client that has given up by now, or was restarted, knows.
    let _ = port.reply(&reply);
}

/// Comes back if the machine is still on.
fn power_off(pins: &Pins) -> Reply {
    let Some(mut pin) = pins.output(POWER_PIN) else {
        return Reply::NoSuchPin;
    };
    mark(POWER_OFF_MARK, u32::from(POWER_PIN));
    let Ok(()) = pin.set_high();
    // The power goes a while after the pin, in the emulator by its host's clock. Whoever comes behind in this window has no more to do, and
    // idle time would pass at once where instructions are the clock.
    let patience = PATIENCE_MS * u64::from(page::timebase_hz()) / 1000;
    let until = time::now().saturating_add(patience);
    while time::now() < until {}
    let Ok(()) = pin.set_low();
    Reply::StillOn
}

fn level(pins: &Pins, number: u8) -> Reply {
    if number == POWER_PIN {
        return Reply::NoSuchPin;
    }
    match pins.input(number).map(|mut pin| pin.is_high()) {
        Some(Ok(true)) => Reply::High,
        Some(Ok(false)) => Reply::Low,
        None => Reply::NoSuchPin,
    }
}
