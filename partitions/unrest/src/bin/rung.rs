//! Is interrupted again and again, at a time that has to do with nobody's windows, and does nothing about it.
//!
//! The UART is looped back to itself. A byte that was sent comes in at once, but a receiver with a higher trigger level reports a single byte
//! only when four characters' time has passed (PC16550D data sheet, section 8.4).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Device, Restart, page, restart_self, time, wait};
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
/// It begins anew when it was interrupted so often.
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
        uart.write_u8(DATA, 0x55);
        if number == ENOUGH && page::epoch() == 1 {
            seen!("rung.enough", number);
            restart_self(Restart::Cold);
        }
        if number % 8 == 7 {
            // It comes while nobody waits for it.
            let _ = ports::UART0.acknowledge();
            time::sleep_until(time::now() + u64::from(page::timebase_hz() / 5_000));
            wait(ports::UART0.line());
        } else if number % 2 == 0 {
            // The only refusal would be that it is not ours.
            let _ = ports::UART0.acknowledge();
            wait(ports::UART0.line());
        } else {
            ports::UART0.acknowledge_and_wait(ports::UART0.line());
        }
        uart.read_u8(DATA);
    }
    unreachable!()
}
