//! Walks the paths that begin with a hypercall, one after the other and without end.
//!
//! Each path is a function of its own that is never inlined: `cargo xtask bench` finds it by its name, and counts what the
//! kernel executes from its hypercall on. Each kind of hypercall is made in one function only, so that the compiler
//! puts it there and not into a function that several share.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::probe;

cofferdam_native::partition!("client", main);

/// The length of the message of the sampling figures.
const SAMPLE_BYTES: usize = 40;
/// The length of a message that fits into registers.
const SHORT_BYTES: usize = 8;

fn main() -> ! {
    let sample = Bytes::<SAMPLE_BYTES>::try_from(&[0x5a; SAMPLE_BYTES][..]).unwrap_or_default();
    let request = Bytes::<SHORT_BYTES>::try_from(&[1; SHORT_BYTES][..]).unwrap_or_default();
    loop {
        null_hypercall();
        call_round_trip(&request);
        sampling_write_40(&sample);
        signal_switch();
    }
}

#[inline(never)]
fn null_hypercall() {
    let _ = probe::call(Hypercall::Version.token(), [0; 6]);
}

/// Where the server cannot run, this is refused; the count is of those that reach it.
#[inline(never)]
fn call_round_trip(request: &Bytes<SHORT_BYTES>) {
    let _ = ports::ASK.call(request, 0);
}

/// To a more urgent partition that waits for it.
#[inline(never)]
fn signal_switch() {
    let _ = ports::WAKE.raise();
}

#[inline(never)]
fn sampling_write_40(sample: &Bytes<SAMPLE_BYTES>) {
    let _ = ports::SAMPLE.write(sample);
}
