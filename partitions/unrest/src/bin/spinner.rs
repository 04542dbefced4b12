//! Never gives the processor away.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::spin_loop;

cofferdam_native::partition!("spinner", main);

fn main() -> ! {
    loop {
        spin_loop();
    }
}
