//! Uses what the others leave of the window, so that together they use all of it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

cofferdam_native::partition!("filler", main);

fn main() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
