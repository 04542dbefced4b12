//! Ends lives of the partitions that it may restart, cold and warm, while the network's clients talk; and stops them in the end, if it may. Before that it
//! looks at what the driver has counted, and behind it whether the driver still counts.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, Restart, time, wait};
use evidence::seen;
use network_check::HOSTILE;
use network_messages::ClientCounts;

cofferdam_native::partition!("killer", main);

const TICKS_PER_MS: u64 = ports::TIMEBASE_HZ as u64 / 1000;
const KILLS: u32 = 6;

fn main() -> ! {
    sleep(300);
    if let Some(hostile) = counted_of_hostile() {
        seen!("hostile.sent", hostile.sent);
        seen!("hostile.refused", hostile.refused);
        seen!("hostile.over_rate", hostile.over_rate);
    }
    for (_, partition) in ports::PARTITION_RESTARTS {
        for kill in 0..KILLS {
            let how = if kill % 2 == 0 {
                Restart::Cold
            } else {
                Restart::Warm
            };
            seen!("killed", u32::from(partition.restart(how).is_ok()));
            sleep(100);
        }
        seen!("stopped", u32::from(partition.stop().is_ok()));
    }
    // Whoever floods has the buffers of all but a few of its frames back, or it could not go on.
    sleep(200);
    let before = counted_of_hostile();
    sleep(200);
    if let (Some(before), Some(after)) = (before, counted_of_hostile()) {
        seen!("hostile.sent_later", after.sent.saturating_sub(before.sent));
    }
    loop {
        wait(Lines::NONE);
    }
}

/// What the driver said last of the hostile client's frames.
fn counted_of_hostile() -> Option<ClientCounts> {
    let sample = ports::COUNTS.read().ok()??;
    let mut clients = sample.value.clients.into_iter();
    clients.find(|client| client.address == HOSTILE)
}

fn sleep(ms: u64) {
    time::set_timer(time::now() + ms * TICKS_PER_MS);
    wait(Lines::TIMER);
}
