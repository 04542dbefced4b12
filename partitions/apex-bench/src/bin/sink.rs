//! The other end of the ports of `figures`, and a load besides: uses its windows up, with hypercalls, messages and faults.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::{Period, page};

cofferdam_native::partition!("sink", main);

/// As long as the messages whose cost is counted.
const MESSAGE_BYTES: usize = 40;

fn main() -> ! {
    let message = Bytes::<MESSAGE_BYTES>::try_from(&[0x5a; MESSAGE_BYTES][..]).unwrap_or_default();
    let mut period = Period::new();
    loop {
        period.wait_release();
        while let Ok(Some(_)) = ports::OUT_QUEUE.receive() {}
        while let Ok(Some(_)) = ports::LOGS.receive() {}
        while ports::IN_QUEUE.send(&message).is_ok() {}
        let _ = ports::IN_SAMPLE.write(&message);
        let release = page::releases();
        while page::releases() == release {
            let _ = ports::IN_SAMPLE.write(&message);
            apex_bench::faults();
        }
    }
}
