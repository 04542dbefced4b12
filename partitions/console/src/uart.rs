//! The ns16550 with the traits of `embedded-io`.
//!
//! PC16550D data sheet, National Semiconductor, 1995. Neither divisor nor format is touched: the boot of the board has
//! set them.

use core::convert::Infallible;

use cofferdam_native::{Device, InterruptPort, wait};
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

/// Receiver buffer when read, transmitter holding register when written.
const DATA: u32 = 0;
/// Interrupt enable.
const INTERRUPT_ENABLE: u32 = 1;
/// FIFO control.
const FIFO_CONTROL: u32 = 2;
/// Line status.
const LINE_STATUS: u32 = 5;

const RECEIVED_DATA: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 1;

const FIFO_ENABLE: u8 = 1 << 0;
const FIFO_CLEAR: u8 = 1 << 1 | 1 << 2;

const DATA_READY: u8 = 1 << 0;
/// The FIFO has nothing more to send, and takes a burst.
const TRANSMITTER_HOLDING_EMPTY: u8 = 1 << 5;
/// Neither has the shift register: the last bit is on the line.
const TRANSMITTER_IDLE: u8 = 1 << 6;

/// An empty transmitter takes so many bytes at once.
const FIFO_BYTES: usize = 16;

/// The UART.
pub struct Uart {
    registers: Device,
    interrupt: InterruptPort,
}

impl Uart {
    /// The UART with these registers and this interrupt, cleared, its receiver asking for attention.
    pub fn new(registers: Device, interrupt: InterruptPort) -> Self {
        registers.write_u8(FIFO_CONTROL, FIFO_ENABLE | FIFO_CLEAR);
        registers.write_u8(INTERRUPT_ENABLE, RECEIVED_DATA);
        Self {
            registers,
            interrupt,
        }
    }

    /// Whether it should ask for attention when it can send again.
    pub fn ask_to_send(&mut self, ask: bool) {
        let transmitter = if ask { TRANSMITTER_EMPTY } else { 0 };
        self.registers
            .write_u8(INTERRUPT_ENABLE, RECEIVED_DATA | transmitter);
    }

    /// Its interrupt.
    pub fn interrupt(&self) -> &InterruptPort {
        &self.interrupt
    }

    fn has(&self, status: u8) -> bool {
        self.registers.read_u8(LINE_STATUS) & status != 0
    }

    fn wait_for(&mut self, status: u8) {
        while !self.has(status) {
            self.ask_to_send(status == TRANSMITTER_HOLDING_EMPTY);
            wait(self.interrupt.line());
            // Its only refusals concern the configuration, which is fixed.
            let _ = self.interrupt.acknowledge();
        }
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has(DATA_READY))
    }
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for place in buffer {
            if count == 0 {
                self.wait_for(DATA_READY);
            } else if !self.has(DATA_READY) {
                break;
            }
            *place = self.registers.read_u8(DATA);
            count += 1;
        }
        Ok(count)
    }
}

impl WriteReady for Uart {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has(TRANSMITTER_HOLDING_EMPTY))
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.wait_for(TRANSMITTER_HOLDING_EMPTY);
        let fits = bytes.len().min(FIFO_BYTES);
        for byte in bytes.iter().take(fits) {
            self.registers.write_u8(DATA, *byte);
        }
        Ok(fits)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.wait_for(TRANSMITTER_HOLDING_EMPTY);
        // No interrupt tells of it, but it takes no longer than a character.
        while !self.has(TRANSMITTER_IDLE) {}
        Ok(())
    }
}
