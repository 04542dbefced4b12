//! Reads what `writer` writes, in a window of its own behind it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::wait;
use evidence::{Outcome, seen};
use exercise::{number_of, of, ticks_of};

cofferdam_native::partition!("far", main);

fn main() -> ! {
    loop {
        wait(ports::ORDER.line());
        while let Ok(Some(_)) = ports::ORDER.receive() {
            read();
        }
    }
}

fn read() {
    match ports::VALUE.read() {
        Ok(Some(sample)) => {
            seen!("far.value", number_of(&sample.value));
            seen!("far.valid", sample.valid.into());
            seen!("far.age_us", sample.age_ticks as u32 / ticks_of(1));
        }
        Ok(None) => seen!("far.value", Outcome::Nothing as u32),
        other => seen!("far.value", of(&other)),
    }
}
