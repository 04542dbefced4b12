//! Serves an interrupt that comes at any time: first quickly, then for longer than its budget, then quickly again.
//!
//! The UART is looped back to itself. A byte that was sent comes in at once, but a receiver with a higher trigger level
//! reports a single byte only when four characters' time has passed (PC16550D data sheet, section 8.4): that is
//! the interrupt, most of a millisecond after the driver asked for it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use cofferdam_native::{Device, page, time};
use evidence::seen;

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

/// Makes that 0.7 ms in QEMU's model of the board.
const DIVISOR: u8 = 7;

/// How long each of the first two parts takes.
const PART_MS: u32 = 100;
/// What it does for each interrupt in the second part: more instructions than four budgets have nanoseconds.
const GREEDY_TURNS: u32 = 70_000;

fn main() -> ! {
    let uart: Device = ports::UART0_REGISTERS;
    uart.write_u8(LINE_CONTROL, DIVISOR_ACCESS | EIGHT_BITS);
    uart.write_u8(DIVISOR_LOWER, DIVISOR);
    uart.write_u8(DIVISOR_UPPER, 0);
    uart.write_u8(LINE_CONTROL, EIGHT_BITS);
    uart.write_u8(FIFO_CONTROL, FIFO_TRIGGER_14);
    uart.write_u8(MODEM_CONTROL, LOOP_BACK);
    uart.write_u8(INTERRUPT_ENABLE, RECEIVED_DATA);
    let ticks_per_us = page::timebase_hz() / 1_000_000;
    let part = u64::from(PART_MS * 1000 * ticks_per_us);
    let start = time::now();
    seen!("driver.served", serve_until(&uart, start + part, 0));
    seen!(
        "driver.served",
        serve_until(&uart, start + 2 * part, GREEDY_TURNS)
    );
    loop {
        serve_until(&uart, u64::MAX, 0);
    }
}

/// Serves interrupts until this tick, with so many turns of a loop for each: how many.
fn serve_until(uart: &Device, end: u64, turns: u32) -> u32 {
    let mut served = 0;
    while time::now() < end {
        uart.write_u8(DATA, 0x55);
        ports::UART0.acknowledge_and_wait(ports::UART0.line());
        uart.read_u8(DATA);
        (0..turns).for_each(|turn| _ = black_box(turn));
        served += 1;
    }
    served
}
