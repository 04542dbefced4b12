//! Serves an interrupt that comes when somebody else runs.
//!
//! The UART is looped back to itself. A byte that was sent comes in at once, but a receiver with a higher trigger level
//! reports a single byte only when four characters' time has passed (PC16550D data sheet, section 8.4): that is
//! the interrupt, a third of a millisecond after the driver asked for it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::Device;

cofferdam_native::partition!("driver", main);

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

fn main() -> ! {
    let uart: Device = ports::UART0_REGISTERS;
    uart.write_u8(LINE_CONTROL, DIVISOR_ACCESS | EIGHT_BITS);
    uart.write_u8(DIVISOR_LOWER, 1);
    uart.write_u8(DIVISOR_UPPER, 0);
    uart.write_u8(LINE_CONTROL, EIGHT_BITS);
    uart.write_u8(FIFO_CONTROL, FIFO_TRIGGER_14);
    uart.write_u8(MODEM_CONTROL, LOOP_BACK);
    uart.write_u8(INTERRUPT_ENABLE, RECEIVED_DATA);
    loop {
        uart.write_u8(DATA, 0x55);
        acknowledge_and_wait();
        uart.read_u8(DATA);
    }
}

#[inline(never)]
fn acknowledge_and_wait() {
    ports::UART0.acknowledge_and_wait(ports::UART0.line());
}
