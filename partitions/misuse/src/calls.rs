//! Hypercalls without the library's types.

use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{page, probe, time};

/// What a hypercall with these arguments is answered; the rest are 0.
pub fn status<const N: usize>(call: Hypercall, arguments: [u32; N]) -> u32 {
    message(call, arguments)[0]
}

/// The same, with the results.
pub fn message<const N: usize>(call: Hypercall, arguments: [u32; N]) -> [u32; 7] {
    let mut all = [0; 6];
    for (to, from) in all.iter_mut().zip(arguments) {
        *to = from;
    }
    probe::call(call.token(), all)
}

/// So many ticks are that many microseconds.
pub fn ticks_of(microseconds: u32) -> u32 {
    microseconds * (page::timebase_hz() / 1_000_000)
}

/// Leaves the processor to others meanwhile.
pub fn sleep_us(microseconds: u32) {
    time::sleep_until(time::now() + u64::from(ticks_of(microseconds)));
}
