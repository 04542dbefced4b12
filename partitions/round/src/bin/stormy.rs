//! Is interrupted too often just before the lower half of the timebase goes round, so that it is to be interrupted again behind that.
//!
//! The real-time clock of the board answers to its address; each answer is an interrupt that stays until the driver clears it (MPC8544E
//! reference manual, section 11.3).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Device, page, time, wait};
use evidence::seen;

cofferdam_native::partition!("stormy", main);

const CONTROL: u32 = 0x08;
const STATUS: u32 = 0x0c;
const DATA: u32 = 0x10;

const ENABLE: u8 = 1 << 7;
const INTERRUPT_ENABLE: u8 = 1 << 6;
const MASTER: u8 = 1 << 5;
const TRANSMIT: u8 = 1 << 4;

/// The real-time clock, to be written.
const CLOCK_ADDRESS: u8 = 0x68 << 1;

/// So long before.
const BEFORE_US: u64 = 5000;

fn main() -> ! {
    let i2c: Device = ports::I2C_REGISTERS;
    let ticks_per_us = u64::from(page::timebase_hz() / 1_000_000);
    let round = ((time::now() >> 32) + 1) << 32;
    time::sleep_until(round - BEFORE_US * ticks_per_us);
    i2c.write_u8(CONTROL, ENABLE | INTERRUPT_ENABLE);
    i2c.write_u8(CONTROL, ENABLE | INTERRUPT_ENABLE | MASTER | TRANSMIT);
    i2c.write_u8(DATA, CLOCK_ADDRESS);
    // The first, the one that is too many, and the one behind the storm.
    for _ in 0..3 {
        wait(ports::I2C.line());
        let is_round = time::now() >= round;
        seen!("stormy.rounds", is_round.into());
        if is_round {
            i2c.write_u8(STATUS, 0);
            i2c.write_u8(CONTROL, 0);
        }
        // The only refusal would be that it is not ours.
        let _ = ports::I2C.acknowledge();
    }
    loop {
        time::sleep_until(u64::MAX - 1);
    }
}
