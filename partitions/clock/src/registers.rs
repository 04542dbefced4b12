//! The controller's registers as the partition owns them, its interrupt, and the time that a byte may take.

use cofferdam_native::time::{self, Delay};
use cofferdam_native::{Device, InterruptPort, Lines, page, wait};
use embedded_hal::delay::DelayNs;

use crate::Hardware;

/// A byte takes nine bits of 10 us at the bus's 100 kHz, and longer where the device holds the clock.
const BYTE_LIMIT_US: u32 = 1000;
/// Five bits.
const PAUSE_US: u32 = 50;

/// The registers of the controller, and its interrupt. It uses the partition's virtual timer.
#[derive(Debug)]
pub struct Registers {
    device: Device,
    interrupt: InterruptPort,
    until: u64,
}

impl Registers {
    /// The controller with these registers and this interrupt.
    pub const fn new(device: Device, interrupt: InterruptPort) -> Self {
        Self {
            device,
            interrupt,
            until: 0,
        }
    }
}

impl Hardware for Registers {
    fn read(&mut self, register: u32) -> u8 {
        self.device.read_u8(register)
    }

    fn write(&mut self, register: u32, value: u8) {
        self.device.write_u8(register, value);
    }

    fn begin(&mut self) {
        let limit = u64::from(BYTE_LIMIT_US) * u64::from(page::timebase_hz()) / 1_000_000;
        self.until = time::now().saturating_add(limit);
    }

    fn wait(&mut self) -> bool {
        // The interrupt may have come for a byte that was seen to be over without it: then this comes back at once, once.
        time::set_timer(self.until);
        wait(self.interrupt.line() | Lines::TIMER);
        time::now() < self.until
    }

    fn served(&mut self) {
        // Its only refusals concern the configuration, which is fixed.
        let _ = self.interrupt.acknowledge();
    }

    fn pause(&mut self) {
        Delay.delay_us(PAUSE_US);
    }
}
