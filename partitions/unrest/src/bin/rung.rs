//! Is interrupted again and again, at a time that has to do with nobody's windows, and does nothing about it.
//!
//! The UART is looped back to itself. A byte that was sent comes in at once, but a receiver with a higher trigger level reports a single byte
//! only when four characters' time has passed (PC16550D data sheet, section 8.4).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::Device;
use evidence::seen;

cofferdam_native::partition!("rung", main);

const DATA: u32 = 0;
const INTERRUPT_ENABLE: u32 = 1;
const FIFO_CONTROL: u32 = 2;
const LINE_CONTROL: u32 = 3;
const MODEM_CONTROL: u32 = 4;
/// With [`DIVISOR_ACCESS`] set, in the place of [`DATA`] and [`INTERRUPT_ENABLE`].
const DIVISOR_LOWER: u32 = 0;
const DIVISOR_UPPER: u32 = 1;

const DIVISOR_ACCESS: u8 = 1 << 7;
const EIGHT_BITS: u8 = 3;
/// FIFOs on and cleared, trigger at 14 bytes.
const FIFO_TRIGGER_14: u8 = 0xc7;
const LOOP_BACK: u8 = 1 << 4;
const RECEIVED_DATA: u8 = 1 << 0;

/// Makes that 0.1 ms in QEMU's model of the board.
const DIVISOR: u8 = 1;
/// It notes when it was interrupted so often.
const ENOUGH: u32 = 100;

fn main() -> ! {
    let uart: Device = ports::UART0_REGISTERS;
    uart.write_u8(LINE_CONTROL, DIVISOR_ACCESS | EIGHT_BITS);
    uart.write_u8(DIVISOR_LOWER, DIVISOR);
    uart.write_u8(DIVISOR_UPPER, 0);
    uart.write_u8(LINE_CONTROL, EIGHT_BITS);
    uart.write_u8(FIFO_CONTROL, FIFO_TRIGGER_14);
    uart.write_u8(MODEM_CONTROL, LOOP_BACK);
    uart.write_u8(INTERRUPT_ENABLE, RECEIVED_DATA);
    for number in 0.. {
        if number == ENOUGH {
            seen!("rung.enough", number);
        }
        uart.write_u8(DATA, 0x55);
        ports::UART0.acknowledge_and_wait(ports::UART0.line());
        uart.read_u8(DATA);
    }
    unreachable!()
}
