//! Stops the driver once more when it finds that it was stopped, and looks how its peer is until that has given its device back.
//!
//! If there is one who is late, it stops the driver itself, in the last moment before that is found out: what is to be done about the driver waits then for what is
//! to be done about the other.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::record::PartitionState;
use cofferdam_native::{Lines, PartitionControl, Period, time, wait};
use evidence::seen;

cofferdam_native::partition!("warden", main);

const TICKS_PER_US: u64 = ports::TIMEBASE_HZ as u64 / 1_000_000;
/// When the others have begun.
const BEGUN_TICKS: u64 = 5000 * TICKS_PER_US;
/// The last moment of the period: the guard of a window, and less than it takes to do what is to be done about somebody who was stopped.
const LAST_TICKS: u64 = 10 * TICKS_PER_US + 40;

fn main() -> ! {
    let mut period = Period::new();
    let release = period.wait_release();
    if !is_stopped(&ports::PARTITION_RESTART_LATE) {
        time::set_timer(release.tick + BEGUN_TICKS);
        wait(Lines::TIMER);
        let last = release.tick + u64::from(ports::PERIOD_TICKS) - LAST_TICKS;
        while time::now() < last {}
        stop();
    }
    while !is_stopped(&ports::PARTITION_CONTROL_LEAVER) {
        period.wait_release();
    }
    seen!("found", epoch());
    stop();
    // One may have been before this.
    period.wait_release();
    period.wait_release();
    seen!("left", epoch());
    loop {
        wait(Lines::NONE);
    }
}

fn is_stopped(partition: &PartitionControl) -> bool {
    let summary = partition.status();
    summary.is_ok_and(|summary| summary.state == Some(PartitionState::Stopped))
}

/// That of the driver's life, as its peer.
fn epoch() -> u32 {
    let summary = ports::KNOCK.summary();
    summary.map_or(u32::MAX, |summary| summary.peer_epoch)
}

fn stop() {
    let stopped = ports::PARTITION_CONTROL_LEAVER.stop();
    seen!("stopped", u32::from(stopped.is_ok()));
}
