//! Never gives the processor back: its windows end when they end.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

cofferdam_native::partition!("spin", main);

fn main() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
