//! Serves the I2C controller: well, then without ever quieting it, then well again.
//!
//! The real-time clock of the board answers to its address; each answer is an interrupt that stays until the
//! driver clears it (MPC8544E reference manual, section 11.3).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Device, Lines, Period, page, time, wait};
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

/// So many are a storm within a millisecond.
const STORM: u32 = 21;

/// When nothing has come for so long, nothing comes.
const PATIENCE_US: u32 = 50;

fn main() -> ! {
    let i2c: Device = ports::I2C_REGISTERS;
    let mut period = Period::new();
    for _ in 0..3 {
        period.wait_release();
        seen!("stormy.well", provoke(&i2c, true));
    }
    period.wait_release();
    seen!("stormy.storm", provoke(&i2c, false));
    // Acknowledged once more, it stays quiet for the rest of the window; in the next one it comes again.
    seen!("stormy.rest", interrupts(&i2c, false));
    time::set_timer(time::now() + patience());
    let came = ports::I2C.acknowledge_and_wait(ports::I2C.line() | Lines::TIMER);
    seen!("stormy.rest", came.has(ports::I2C.line()).into());
    period.wait_release();
    seen!("stormy.storm", interrupts(&i2c, false));
    quiet(&i2c);
    for _ in 0..3 {
        period.wait_release();
        seen!("stormy.well", provoke(&i2c, true));
    }
    // The storm is over before anybody acknowledges that it was one.
    period.wait_release();
    ask(&i2c);
    seen!("stormy.storm", interrupts_until(&i2c, false, STORM));
    for _ in 0..2 {
        period.wait_release();
    }
    quiet(&i2c);
    seen!("stormy.rest", interrupts(&i2c, true));
    loop {
        period.wait_release();
    }
}

/// Has the controller interrupt; how often it does.
fn provoke(i2c: &Device, well: bool) -> u32 {
    ask(i2c);
    interrupts(i2c, well)
}

/// Has the controller interrupt.
fn ask(i2c: &Device) {
    i2c.write_u8(CONTROL, ENABLE | INTERRUPT_ENABLE);
    i2c.write_u8(CONTROL, ENABLE | INTERRUPT_ENABLE | MASTER | TRANSMIT);
    i2c.write_u8(DATA, CLOCK_ADDRESS);
}

/// Acknowledges interrupts until none comes any more, and quiets the device if it is to be done well: how many came.
fn interrupts(i2c: &Device, well: bool) -> u32 {
    interrupts_until(i2c, well, u32::MAX)
}

/// The same until there were so many, of which the last one is not acknowledged.
fn interrupts_until(i2c: &Device, well: bool, last: u32) -> u32 {
    let mut count = 0;
    loop {
        time::set_timer(time::now() + patience());
        let came = wait(ports::I2C.line() | Lines::TIMER);
        if !came.has(ports::I2C.line()) {
            return count;
        }
        count += 1;
        if count == last {
            return count;
        }
        if well {
            quiet(i2c);
        }
        // The only refusal would be that it is not ours.
        let _ = ports::I2C.acknowledge();
    }
}

/// The same in ticks.
fn patience() -> u64 {
    u64::from(PATIENCE_US * (page::timebase_hz() / 1_000_000))
}

/// Takes the request back, and the controller from the bus.
fn quiet(i2c: &Device) {
    i2c.write_u8(STATUS, 0);
    i2c.write_u8(CONTROL, 0);
}
