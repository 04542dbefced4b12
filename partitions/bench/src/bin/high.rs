//! More urgent than the client: each signal wakes it, and it reads what the client wrote.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::wait;

cofferdam_native::partition!("high", main);

fn main() -> ! {
    loop {
        wait_for_signal();
        sampling_read_40();
        signal_no_switch();
    }
}

#[inline(never)]
fn wait_for_signal() {
    wait(ports::WAKE.line());
}

#[inline(never)]
fn sampling_read_40() {
    let _ = ports::SAMPLE.read();
}

/// To a partition that has no part in this window.
#[inline(never)]
fn signal_no_switch() {
    let _ = ports::NUDGE.raise();
}
