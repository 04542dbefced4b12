//! Has a window that it leaves to others.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, wait};

cofferdam_native::partition!("idler", main);

fn main() -> ! {
    loop {
        wait(Lines::TIMER);
    }
}
