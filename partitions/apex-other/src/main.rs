//! The other end of the ports of the application in C that calls each service: a fresh value at each release, and one message more than there is room for. It
//! takes nothing.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_ipc::Bytes;
use cofferdam_native::Period;

cofferdam_native::partition!("other", main);

fn main() -> ! {
    let words = Bytes::try_from(&b"words"[..]).unwrap_or_default();
    for _ in 0..2 {
        // The second one is lost, and its receiver will be told.
        let _ = ports::QUEUING.send(&words);
    }
    let mut period = Period::new();
    loop {
        // Its only refusals concern the configuration, which is fixed.
        let _ = ports::SAMPLING.write(&words);
        period.wait_release();
    }
}
