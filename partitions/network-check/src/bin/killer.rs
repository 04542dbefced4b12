//! Ends lives of the network's driver, cold and warm, while its clients talk. Before that it looks at what the driver has counted.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, Restart, time, wait};
use evidence::seen;
use network_check::HOSTILE;

cofferdam_native::partition!("killer", main);

const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;
const KILLS: u32 = 6;

fn main() -> ! {
    sleep(300);
    if let Ok(Some(sample)) = ports::COUNTS.read() {
        let mut clients = sample.value.clients.iter();
        if let Some(hostile) = clients.find(|client| client.address == HOSTILE) {
            seen!("hostile.sent", hostile.sent);
            seen!("hostile.refused", hostile.refused);
            seen!("hostile.over_rate", hostile.over_rate);
        }
    }
    for kill in 0..KILLS {
        let how = if kill % 2 == 0 {
            Restart::Cold
        } else {
            Restart::Warm
        };
        let done = ports::PARTITION_RESTART_NETWORK.restart(how);
        seen!("killed", u32::from(done.is_ok()));
        sleep(100);
    }
    loop {
        wait(Lines::NONE);
    }
}

fn sleep(ms: u64) {
    time::set_timer(time::now() + ms * TICKS_PER_MS);
    wait(Lines::TIMER);
}
