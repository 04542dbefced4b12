//! Hours of emulated time on the host: nothing drifts.
//!
//! The layer below is played as it is on the target: it sleeps to `next_event`, comes late by some ticks, and processes take time.

use cofferdam_apex::{Facts, PartitionPeriod, ProcessId, Runs, Start, StartCondition, SystemTime};
use cofferdam_apex_conformity::host::{FACTS, Small, World};
use cofferdam_apex_conformity::script::{NORMAL, aperiodic};
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes, dispatch};

/// A period that is no whole number of nanoseconds in ticks: a third of a millisecond and a bit at an odd frequency.
const TIMEBASE_HZ: u32 = 333_333_333;
const PERIOD_TICKS: u64 = 3_333_337;
const PERIOD_NS: i64 = 10_000_011;

static ODD: Facts = Facts {
    timebase_hz: TIMEBASE_HZ,
    period: Some(PartitionPeriod {
        nanoseconds: PERIOD_NS,
        ticks: PERIOD_TICKS,
    }),
    ..FACTS
};

/// A number that looks random, and is the same each time.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn release_points_do_not_drift_in_hours() {
    let start = Start {
        warm: false,
        condition: StartCondition::NormalStart,
        now: 1000,
        release: 77,
    };
    let mut apex = cofferdam_apex::Partition::<World, Small>::new(World::new(0), &ODD, start);
    let periods = [1u64, 3, 7];
    for (name, multiple) in ["a", "b", "c"].into_iter().zip(periods) {
        let attributes = ProcessAttributes {
            period: PERIOD_NS * multiple as i64,
            time_capacity: PERIOD_NS * multiple as i64 - 1_000_000,
            ..aperiodic(name, 10)
        };
        let answer = dispatch(&mut apex, Call::CreateProcess { attributes });
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    }
    for process in 1..=3 {
        dispatch(&mut apex, Call::Start { process });
    }
    dispatch(&mut apex, Call::SetPartitionMode { mode: NORMAL });
    let hours = 3;
    let end = u64::from(TIMEBASE_HZ) * 3600 * hours;
    let mut seed = 88_172_645_463_325_252;
    let mut releases = [0u64; 3];
    let mut now = 1000;
    while now < end {
        // The timer, as late as a guard and other partitions' windows make it.
        let due = apex.next_event();
        now = now.max(due) + next(&mut seed) % 2000;
        apex.advance(now);
        while let Runs::Process(ProcessId(process)) = apex.running() {
            let index = process as usize - 1;
            // Its release, by counting alone: no state of the partition's.
            let release = 77 + PERIOD_TICKS * (1 + releases[index] * periods[index]);
            releases[index] += 1;
            assert!(now >= release, "process {process} too early");
            assert!(
                now - release < 200_000,
                "process {process} is {} ticks late",
                now - release
            );
            now += next(&mut seed) % 30_000;
            apex.advance(now);
            assert_eq!(
                apex.running(),
                Runs::Process(ProcessId(process)),
                "of equals"
            );
            assert_eq!(dispatch(&mut apex, Call::PeriodicWait), Answer::Waits);
        }
        let first = (0..3)
            .map(|index| 77 + PERIOD_TICKS * (1 + releases[index] * periods[index]))
            .min();
        // To the tick, after hours as at the beginning: the deadlines are all later.
        assert_eq!(Some(apex.next_event()), first);
    }
    assert_eq!(apex.environment().errors, 0, "no deadline was missed");
    let expected = (end - 77) / PERIOD_TICKS;
    assert!(
        releases[0].abs_diff(expected) <= 1,
        "{releases:?} of {expected}"
    );
    // The clock that applications see is right to the nanosecond.
    let exact = u128::from(now) * 1_000_000_000 / u128::from(TIMEBASE_HZ);
    assert_eq!(apex.get_time(), SystemTime(exact as i64));
    println!("{hours} hours, {releases:?} releases");
}
