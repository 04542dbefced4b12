//! Hours of emulated time on the host: nothing drifts.
//!
//! The layer below is played as it is on the target: it sleeps to `next_event`, comes late by some ticks, and processes take time. In the second test the
//! partition has its time in windows that begin with its release (`periodic_start`), its processes miss deadlines, REPLENISH, and start each other
//! with a delay. A model that counts and multiplies, and keeps nothing that adds up, says to the tick what comes next, who runs and how many deadlines were missed.
//!
//! `COFFERDAM_APEX_HOURS=12 cargo test -p cofferdam-apex-conformity --profile soak --test hours -- --nocapture` goes on for longer.

use cofferdam_apex::{
    Facts, PartitionPeriod, ProcessId, ReturnCode, Runs, Start, StartCondition, SystemTime,
};
use cofferdam_apex_conformity::host::{FACTS, Small, World};
use cofferdam_apex_conformity::script::{NORMAL, aperiodic};
use cofferdam_apex_conformity::{Answer, Call, ProcessAttributes, dispatch};

/// A period of some 10 ms at an odd frequency: neither its ticks nor its nanoseconds are a whole number of the other.
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

/// The windows of the partition, from its release on, in ticks.
const WINDOWS: [(u64, u64); 2] = [(0, 1_500_000), (2_000_000, 2_900_000)];
/// The tick of its first release.
const FIRST: u64 = 77;

/// The first tick from `now` on at which the partition has the processor, and up to when it has it.
fn window(now: u64) -> (u64, u64) {
    let period = now.saturating_sub(FIRST) / PERIOD_TICKS;
    let begin = |period: u64| FIRST + period * PERIOD_TICKS;
    let windows = (period..=period + 1)
        .flat_map(|period| WINDOWS.map(|(from, to)| (begin(period) + from, begin(period) + to)));
    windows
        .filter(|(_, to)| now < *to)
        .map(|(from, to)| (from.max(now), to))
        .next()
        .expect("each period has one")
}

/// Lets a process work for so long, across windows.
fn work(mut now: u64, mut ticks: u64) -> u64 {
    loop {
        let (from, to) = window(now);
        if ticks < to - from {
            return from + ticks;
        }
        ticks -= to - from;
        now = to;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Dormant,
    Waits(u64),
    Ready,
}

/// A process, as it is counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    /// In periods of the partition.
    multiple: u64,
    priority: i32,
    capacity_ns: u64,
    at: Where,
    /// Its first release since it was started, and how many have been since.
    first: u64,
    releases: u64,
    /// The deadline, unless it has been missed.
    deadline: Option<u64>,
}

/// A duration in ticks, by long numbers.
fn ticks(nanoseconds: u64) -> u64 {
    let product = u128::from(nanoseconds) * u128::from(TIMEBASE_HZ);
    product.div_ceil(1_000_000_000) as u64
}

impl Counted {
    /// Where counting alone puts a release.
    fn release(&self, number: u64) -> u64 {
        self.first + number * self.multiple * PERIOD_TICKS
    }

    /// It is started, and begins so much behind the partition's next release.
    fn start(&mut self, now: u64, delay_ns: u64) {
        let periods = now
            .checked_sub(FIRST)
            .map_or(0, |since| since / PERIOD_TICKS + 1);
        self.first = FIRST + periods * PERIOD_TICKS + ticks(delay_ns);
        self.releases = 0;
        self.at = Where::Waits(self.first);
        self.deadline = Some(self.first + ticks(self.capacity_ns));
    }
}

struct Model {
    processes: [Counted; 4],
    missed: usize,
    released: usize,
}

impl Model {
    fn advance(&mut self, now: u64) {
        for process in &mut self.processes {
            if let Where::Waits(release) = process.at
                && release <= now
            {
                process.at = Where::Ready;
                self.released += 1;
            }
            if process.deadline.is_some_and(|deadline| deadline <= now) {
                process.deadline = None;
                self.missed += 1;
            }
        }
    }

    fn next_event(&self) -> u64 {
        let due = self.processes.iter().flat_map(|process| {
            let release = match process.at {
                Where::Waits(release) => Some(release),
                _ => None,
            };
            [release, process.deadline]
        });
        due.flatten().min().unwrap_or(u64::MAX)
    }

    fn running(&self) -> Option<usize> {
        let ready = (0..4).filter(|index| self.processes[*index].at == Where::Ready);
        ready.max_by_key(|index| self.processes[*index].priority)
    }
}

#[test]
fn windows_missed_deadlines_and_delays_do_not_make_release_points_drift() {
    let hours: f64 = std::env::var("COFFERDAM_APEX_HOURS")
        .ok()
        .and_then(|hours| hours.parse().ok())
        .unwrap_or(0.25);
    let start = Start {
        warm: false,
        condition: StartCondition::NormalStart,
        now: 50,
        release: FIRST,
    };
    let mut apex = cofferdam_apex::Partition::<World, Small>::new(World::new(0), &ODD, start);
    let process = |multiple: u64, priority, capacity_ns| Counted {
        multiple,
        priority,
        capacity_ns,
        at: Where::Dormant,
        first: 0,
        releases: 0,
        deadline: None,
    };
    let mut model = Model {
        processes: [
            process(1, 40, 4_000_007),
            process(3, 30, 9_000_001),
            process(7, 20, PERIOD_NS as u64 * 7),
            process(2, 35, 7_777_777),
        ],
        missed: 0,
        released: 0,
    };
    for (name, counted) in ["a", "b", "c", "d"].into_iter().zip(model.processes) {
        let attributes = ProcessAttributes {
            period: PERIOD_NS * counted.multiple as i64,
            time_capacity: counted.capacity_ns as i64,
            ..aperiodic(name, counted.priority)
        };
        let answer = dispatch(&mut apex, Call::CreateProcess { attributes });
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    }
    for (index, counted) in model.processes.iter_mut().take(3).enumerate() {
        let process = index as i32 + 1;
        dispatch(&mut apex, Call::Start { process });
        counted.start(50, 0);
    }
    dispatch(&mut apex, Call::SetPartitionMode { mode: NORMAL });
    let end = (f64::from(TIMEBASE_HZ) * 3600.0 * hours) as u64;
    let mut seed = 88_172_645_463_325_252;
    let mut left = [0u64; 4];
    let (mut delayed, mut replenished, mut refused) = (0, 0, 0);
    let mut now = 50;
    while now < end {
        // The tick of whatever comes next, who runs, and what was missed: after hours as at the beginning.
        assert_eq!(apex.next_event(), model.next_event(), "at {now}");
        assert_eq!(apex.environment().errors, model.missed, "at {now}");
        let runs = model.running();
        let expected = runs.map_or(Runs::Nobody, |index| {
            Runs::Process(ProcessId(index as i32 + 1))
        });
        assert_eq!(apex.running(), expected, "at {now}");
        let late = next(&mut seed) % 2000;
        // If all are behind their releases and have missed their deadlines, nothing is due.
        let due = apex.next_event().min(now + 100 * PERIOD_TICKS).max(now);
        let Some(index) = runs else {
            now = work(due, late);
            apex.advance(now);
            model.advance(now);
            continue;
        };
        if left[index] > 0 {
            // It works, until it is done or something is due.
            let until = work(now, left[index]).min(work(due, late));
            let worked = until.saturating_sub(now).max(1).min(left[index]);
            left[index] -= worked;
            now = until.max(now + 1);
            apex.advance(now);
            model.advance(now);
            continue;
        }
        let counted = &mut model.processes[index];
        let chance = next(&mut seed) % 64;
        // Now and then the work of a release takes much longer than there is time for.
        left[index] = match chance {
            0 => 4_000_000 * counted.multiple,
            1 => 0,
            _ => next(&mut seed) % 400_000 * counted.multiple / (1 + index as u64),
        };
        match chance {
            2..8 => {
                let budget = next(&mut seed) % (PERIOD_NS as u64 * counted.multiple);
                let answer = dispatch(
                    &mut apex,
                    Call::Replenish {
                        budget: budget as i64,
                    },
                );
                if now + ticks(budget) > counted.release(counted.releases + 1) {
                    assert_eq!(answer, Answer::Refused(ReturnCode::InvalidMode));
                    refused += 1;
                } else {
                    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
                    counted.deadline = Some(now + ticks(budget));
                    replenished += 1;
                }
            }
            _ if index == 3 && counted.releases == 5 => {
                dispatch(&mut apex, Call::StopSelf);
                (counted.at, counted.deadline) = (Where::Dormant, None);
            }
            _ => {
                counted.releases += 1;
                let release = counted.release(counted.releases);
                counted.deadline = Some(release + ticks(counted.capacity_ns));
                if release > now {
                    assert_eq!(dispatch(&mut apex, Call::PeriodicWait), Answer::Waits);
                    counted.at = Where::Waits(release);
                } else {
                    // It has passed: a release at once, and none is moved or left out.
                    let answer = dispatch(&mut apex, Call::PeriodicWait);
                    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
                    model.released += 1;
                }
            }
        }
        // A deadline that has passed already is missed in the service.
        model.advance(now);
        if apex.running() == Runs::Process(ProcessId(3)) && model.processes[3].at == Where::Dormant
        {
            let delay = next(&mut seed) % (PERIOD_NS as u64 * 2);
            let answer = dispatch(
                &mut apex,
                Call::DelayedStart {
                    process: 4,
                    delay: delay as i64,
                },
            );
            assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
            model.processes[3].start(now, delay);
            delayed += 1;
        }
    }
    let Model {
        released, missed, ..
    } = model;
    println!(
        "{hours} hours in windows: {released} releases, {missed} deadlines missed, {replenished} REPLENISH and {refused} refused, {delayed} DELAYED_START"
    );
    assert!(released > 0 && missed > 0 && replenished > 0 && refused > 0 && delayed > 0);
}
