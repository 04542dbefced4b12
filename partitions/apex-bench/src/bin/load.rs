//! A load behind the other partitions: takes what is left of their windows, with hypercalls, long messages and faults.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;

cofferdam_native::partition!("load", main);

fn main() -> ! {
    let message = Bytes::<1024>::try_from(&[0x5a; 1024][..]).unwrap_or_default();
    loop {
        let _ = ports::LONG.write(&message);
        let _ = ports::FROM_BESIDE.read();
        apex_bench::faults();
    }
}
