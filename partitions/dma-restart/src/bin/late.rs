//! Never says that its work is complete.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, wait};

cofferdam_native::partition!("late", main);

fn main() -> ! {
    loop {
        wait(Lines::NONE);
    }
}
