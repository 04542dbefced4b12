//! Fails as soon as it lives, and lives again: while the intruder has it started, its lives follow each other.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::probe;

cofferdam_native::partition!("mortal", main);

fn main() -> ! {
    loop {
        probe::trap();
    }
}
