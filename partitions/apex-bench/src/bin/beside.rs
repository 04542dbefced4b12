//! Less urgent than `figures`, in its window: told to, it has the kernel busy as `load` has, and told again it computes.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use cofferdam_ipc::Bytes;
use cofferdam_native::{Restart, time, wait};

cofferdam_native::partition!("beside", main);

/// So long behind the second order `figures` has come to its end.
const FIGURES_IDLE_TICKS: u64 = 24_000_000;

fn main() -> ! {
    let message = Bytes::<1024>::try_from(&[0xa5; 1024][..]).unwrap_or_default();
    while !matches!(ports::ORDERS.receive(), Ok(Some(_))) {
        wait(ports::ORDERS.line());
    }
    while !matches!(ports::ORDERS.receive(), Ok(Some(_))) {
        let _ = ports::LONG.write(&message);
        let _ = ports::FROM_LOAD.read();
        apex_bench::faults();
    }
    let until = time::now() + FIGURES_IDLE_TICKS;
    while time::now() < until {
        looks_again();
    }
    // It has become IDLE.
    let _ = ports::PARTITION_CONTROL_FIGURES.restart(Restart::Cold);
    loop {
        looks_again();
    }
}

/// What a way ends with that is counted from outside.
#[inline(never)]
fn looks_again() {
    black_box(1);
}
