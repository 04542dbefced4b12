//! Ends lives of the partitions that it may restart, cold and warm, in the midst of their work; and stops them in the end, if it may.
//!
//! A life ends when its partition has used so much of the processor. By the clock it would not do: where instructions are the clock, an idle machine's
//! time runs ahead of a disk's, and all lives were over before the first request was done.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Lines, PartitionControl, Restart, time, wait};
use evidence::seen;

cofferdam_native::partition!("killer", main);

const TICKS_PER_US: u64 = ports::TIMEBASE_HZ as u64 / 1_000_000;
const KILLS: u32 = 6;
/// What a life has of the processor.
const LIFE_TICKS: u64 = 200 * TICKS_PER_US;
/// It looks so often.
const LOOK_TICKS: u64 = 20 * TICKS_PER_US;

fn main() -> ! {
    for (_, partition) in ports::PARTITION_RESTARTS {
        for kill in 0..KILLS {
            let how = if kill % 2 == 0 {
                Restart::Cold
            } else {
                Restart::Warm
            };
            wait_for_life(partition);
            seen!("killed", u32::from(partition.restart(how).is_ok()));
        }
        wait_for_life(partition);
        seen!("stopped", u32::from(partition.stop().is_ok()));
    }
    loop {
        wait(Lines::NONE);
    }
}

/// Until the partition has used up what its life may have.
fn wait_for_life(partition: &PartitionControl) {
    let end = used(partition) + LIFE_TICKS;
    while used(partition) < end {
        time::set_timer(time::now() + LOOK_TICKS);
        wait(Lines::TIMER);
    }
}

fn used(partition: &PartitionControl) -> u64 {
    // Any right over a partition will do for this.
    partition
        .status()
        .map_or(0, |summary| summary.processor_ticks)
}
