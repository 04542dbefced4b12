//! Has the window behind that of `spin`, and never gives the processor back either.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

cofferdam_native::partition!("after", main);

fn main() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
