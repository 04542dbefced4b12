//! Wakes when it is told to.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{page, wait};
use evidence::seen;

cofferdam_native::partition!("between", main);

fn main() -> ! {
    loop {
        wait(ports::POKE.line());
        page::clear(ports::POKE.line());
        seen!("between.poked", 1);
    }
}
