//! The I2C controller with the trait of `embedded-hal`.
//!
//! MPC8544E PowerQUICC III Integrated Processor Reference Manual, chapter 11. The controller moves one byte at a time: each one that
//! is written to the data register goes out, each one that is read from there has the next one come in. When a byte and its
//! acknowledgement are over, the status register says so, and the interrupt comes. Nothing is waited for without a bound.
//!
//! The frequency divider is not touched: the boot of the board has set it.

use embedded_hal::i2c::{
    Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation, SevenBitAddress,
};

/// Frequency divider.
const DIVIDER: u32 = 0x04;
/// Control.
const CONTROL: u32 = 0x08;
/// Status.
const STATUS: u32 = 0x0c;
/// Data.
const DATA: u32 = 0x10;

/// Of the control register: the controller is on.
const ENABLE: u8 = 1 << 7;
const INTERRUPT_ENABLE: u8 = 1 << 6;
/// Setting it makes a START, clearing it a STOP.
const MASTER: u8 = 1 << 5;
const TRANSMIT: u8 = 1 << 4;
/// The byte that comes next is not acknowledged.
const NO_ACKNOWLEDGE: u8 = 1 << 3;
const REPEAT_START: u8 = 1 << 2;
/// On, and nobody's master.
const IDLE: u8 = ENABLE | INTERRUPT_ENABLE;

/// Of the status register: somebody has the bus.
const BUS_BUSY: u8 = 1 << 5;
const ARBITRATION_LOST: u8 = 1 << 4;
/// A byte is over.
const DONE: u8 = 1 << 1;
/// The last byte that was sent was not acknowledged.
const NOT_ACKNOWLEDGED: u8 = 1 << 0;

/// How often the bus is looked at, with a pause in between, before it counts as held by somebody.
const LOOKS: u32 = 20;

/// The controller's registers, and time.
pub trait Hardware {
    /// Reads a register.
    fn read(&mut self, register: u32) -> u8;
    /// Writes a register.
    fn write(&mut self, register: u32, value: u8);
    /// From now on [`Hardware::wait`] waits at most as long as a byte may take.
    fn begin(&mut self);
    /// Waits for the interrupt, or until that time is over; whether some of it is left.
    fn wait(&mut self) -> bool;
    /// What the interrupt came for was dealt with: it may come again.
    fn served(&mut self);
    /// Waits as long as a few bits take.
    fn pause(&mut self);
}

/// What can go wrong on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusError {
    /// Somebody holds the bus.
    Held,
    /// A byte was not over in time.
    Silent,
    /// Another master was quicker.
    ArbitrationLost,
    /// Nobody acknowledged.
    NotAcknowledged(NoAcknowledgeSource),
}

impl Error for BusError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Held | Self::Silent => ErrorKind::Bus,
            Self::ArbitrationLost => ErrorKind::ArbitrationLoss,
            Self::NotAcknowledged(source) => ErrorKind::NoAcknowledge(*source),
        }
    }
}

/// The controller.
#[derive(Debug)]
pub struct Controller<H> {
    hardware: H,
}

impl<H: Hardware> Controller<H> {
    /// The controller with these registers, on.
    pub fn new(mut hardware: H) -> Self {
        hardware.write(CONTROL, IDLE);
        Self { hardware }
    }

    /// Waits until nobody has the bus: behind a STOP that takes the time of a bit.
    fn claim(&mut self) -> Result<(), BusError> {
        for _ in 0..LOOKS {
            if self.hardware.read(STATUS) & BUS_BUSY == 0 {
                return Ok(());
            }
            self.hardware.pause();
        }
        Err(BusError::Held)
    }

    /// Waits until a byte is over. `source`: what it was, if the other end has to acknowledge it.
    fn done(&mut self, source: Option<NoAcknowledgeSource>) -> Result<(), BusError> {
        let mut in_time = true;
        let status = loop {
            let status = self.hardware.read(STATUS);
            // A window of time may have ended in the middle: whoever comes late looks once more.
            if status & DONE != 0 || !in_time {
                break status;
            }
            in_time = self.hardware.wait();
        };
        // Takes the request back, before the interrupt may come again.
        self.hardware.write(STATUS, 0);
        self.hardware.served();
        if status & ARBITRATION_LOST != 0 {
            return Err(BusError::ArbitrationLost);
        }
        match source {
            // On silicon such a byte is over like any other. QEMU 7.2 does not say that it is: `mpc_i2c_address_send` sets this bit alone.
            Some(source) if status & NOT_ACKNOWLEDGED != 0 => {
                Err(BusError::NotAcknowledged(source))
            }
            _ if status & DONE == 0 => Err(BusError::Silent),
            _ => Ok(()),
        }
    }

    fn send(&mut self, byte: u8, source: NoAcknowledgeSource) -> Result<(), BusError> {
        self.hardware.write(STATUS, 0);
        self.hardware.begin();
        self.hardware.write(DATA, byte);
        self.done(Some(source))
    }

    /// Takes the byte that is there; unless the controller transmits, the next one begins to come in.
    fn take(&mut self) -> u8 {
        self.hardware.begin();
        self.hardware.read(DATA)
    }

    /// A START, or a repeated one, and the address.
    fn address(&mut self, address: u8, reads: bool, repeated: bool) -> Result<(), BusError> {
        let repeat = if repeated { REPEAT_START } else { 0 };
        self.hardware
            .write(CONTROL, IDLE | MASTER | TRANSMIT | repeat);
        self.send(address << 1 | u8::from(reads), NoAcknowledgeSource::Address)
    }

    /// What comes in behind an address, into one buffer after the other. The last byte of all is not acknowledged, which tells the
    /// other end that it was the last.
    fn receive(&mut self, buffers: &mut [Operation<'_>], bytes: usize) -> Result<(), BusError> {
        self.expect(bytes);
        // Begins the first byte. What is read is the address that was sent.
        self.take();
        let mut left = bytes;
        for buffer in buffers {
            let Operation::Read(buffer) = buffer else {
                continue;
            };
            for place in buffer.iter_mut() {
                self.done(None)?;
                left = left.saturating_sub(1);
                self.expect(left);
                *place = self.take();
            }
        }
        Ok(())
    }

    /// Says what to do about the byte that begins next, of so many.
    fn expect(&mut self, bytes: usize) {
        let mode = match bytes {
            // None: who transmits reads the data register without beginning another (section 11.4.1.4).
            0 => TRANSMIT,
            1 => NO_ACKNOWLEDGE,
            _ => 0,
        };
        self.hardware.write(CONTROL, IDLE | MASTER | mode);
    }

    fn carry_out(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        let reads = |one: &Operation<'_>| matches!(one, Operation::Read(_));
        let mut repeated = false;
        for run in operations.chunk_by_mut(|one, next| reads(one) == reads(next)) {
            let reading = run.first().is_some_and(reads);
            let bytes = run.iter().map(length).sum();
            if reading && bytes == 0 {
                // A device that was told to send would hold the bus.
                continue;
            }
            self.address(address, reading, repeated)?;
            repeated = true;
            if reading {
                self.receive(run, bytes)?;
                continue;
            }
            for operation in run {
                let Operation::Write(data) = operation else {
                    continue;
                };
                for byte in data.iter() {
                    self.send(*byte, NoAcknowledgeSource::Data)?;
                }
            }
        }
        Ok(())
    }

    /// Frees a bus on which a device was cut off in the middle of a byte: as master the controller clocks the rest of it out
    /// (section 11.5.6, "Generation of SCL when SDA is low"). Being switched off resets it.
    fn recover(&mut self) {
        let divider = self.hardware.read(DIVIDER);
        self.hardware.write(CONTROL, MASTER);
        self.hardware.write(CONTROL, ENABLE | MASTER);
        self.hardware.read(DATA);
        self.hardware.pause();
        self.hardware.write(CONTROL, ENABLE);
        self.hardware.write(STATUS, 0);
        self.hardware.write(DIVIDER, divider);
        self.hardware.write(CONTROL, IDLE);
        self.hardware.served();
    }
}

fn length(operation: &Operation<'_>) -> usize {
    match operation {
        Operation::Read(buffer) => buffer.len(),
        Operation::Write(data) => data.len(),
    }
}

impl<H> ErrorType for Controller<H> {
    type Error = BusError;
}

impl<H: Hardware> I2c<SevenBitAddress> for Controller<H> {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), BusError> {
        let claimed = self.claim();
        let result = claimed.and_then(|()| self.carry_out(address, operations));
        match result {
            // The STOP.
            Ok(()) | Err(BusError::NotAcknowledged(_)) => self.hardware.write(CONTROL, IDLE),
            Err(_) => self.recover(),
        }
        result
    }
}
