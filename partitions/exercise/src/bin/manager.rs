//! Holds the authority: sets schedules, stops and restarts `victim`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::{PartitionControl, Restart, probe};
use evidence::seen;
use exercise::{of, sleep_us};

cofferdam_native::partition!("manager", main);

/// Longer than what may be left of a window: the next thing happens at the start of another.
const REST_US: u32 = 1600;

/// So many major frames do the others take.
const OTHERS_DONE: u64 = 38;

fn main() -> ! {
    lives();
    failing();
    // When everybody else is done: in the other schedule most have no window.
    while major_frames() < OTHERS_DONE {
        next_window();
    }
    schedules();
    loop {
        next_window();
    }
}

fn next_window() {
    sleep_us(REST_US);
}

/// The schedule now and next.
fn look() {
    let (now, next) = match ports::SCHEDULE_SET.status() {
        Ok(status) => (status.now, status.next),
        Err(_) => (u32::MAX, u32::MAX),
    };
    seen!("schedule.now", now);
    seen!("schedule.next", next);
}

fn set(schedule: u32) {
    seen!("schedule.set", of(&ports::SCHEDULE_SET.switch(schedule)));
    look();
}

fn major_frames() -> u64 {
    ports::SCHEDULE_SET
        .status()
        .map_or(0, |status| status.major_frames)
}

fn schedules() {
    next_window();
    seen!("schedule.unknown", of(&ports::SCHEDULE_SET.switch(2)));
    // Named and withdrawn in one frame: nothing happens.
    set(ports::SCHEDULE_SHORT);
    set(ports::SCHEDULE_NORMAL);
    next_window();
    look();
    let before = major_frames();
    set(ports::SCHEDULE_SHORT);
    next_window();
    look();
    seen!("schedule.frames", (major_frames() - before) as u32);
    next_window();
    seen!("schedule.frames", (major_frames() - before) as u32);
    set(ports::SCHEDULE_NORMAL);
    next_window();
    look();
}

fn state_of(partition: &PartitionControl) -> u32 {
    match partition.status() {
        Ok(status) => status.state.map_or(u32::MAX, |state| state as u32),
        other => of(&other),
    }
}

fn epoch_of(partition: &PartitionControl) -> u32 {
    partition.status().map_or(u32::MAX, |status| status.epoch)
}

fn lives() {
    let victim = ports::PARTITION_CONTROL_VICTIM;
    next_window();
    seen!("victim.state", state_of(&victim));
    for how in [Restart::Cold, Restart::Warm, Restart::Cold] {
        seen!("victim.restart", of(&victim.restart(how)));
        seen!("victim.state", state_of(&victim));
        next_window();
        seen!("victim.state", state_of(&victim));
    }
    seen!("victim.stop", of(&victim.stop()));
    seen!("victim.state", state_of(&victim));
    // Nobody hears it.
    seen!("victim.ring", of(&ports::BELL.raise()));
    next_window();
    seen!("victim.restart", of(&victim.restart(Restart::Warm)));
    next_window();
    // The outsider may stop it, and does when it hears this.
    seen!("victim.state", state_of(&victim));
    seen!("outsider.cue", of(&ports::CUE.raise()));
    next_window();
    seen!("victim.state", state_of(&victim));
    seen!("victim.restart", of(&victim.restart(Restart::Cold)));
    next_window();
    seen!("victim.epoch", epoch_of(&victim));
    seen!("victim.unknown", unknown(&victim));
}

/// There is no fourth thing to do with a partition.
fn unknown(partition: &PartitionControl) -> u32 {
    probe::call(
        Hypercall::PartitionControl.token(),
        [partition.slot(), 3, 0, 0, 0, 0],
    )[0]
}

/// `failing` has used up its restarts long ago. One that is ordered does not count, but it fails again at once.
fn failing() {
    let failing = ports::PARTITION_CONTROL_FAILING;
    seen!("failing.state", state_of(&failing));
    seen!("failing.stop", of(&failing.stop()));
    seen!("failing.restart", of(&failing.restart(Restart::Cold)));
    next_window();
    next_window();
    seen!("failing.state", state_of(&failing));
}
