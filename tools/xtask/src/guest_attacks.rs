//! Attacks from inside of guests: each in a run of its own, judged from the record, beside a run in which nobody attacks.
//!
//! The system's file asks for all attacks; a variant of it asks for one. Whoever else is on the machine has the same releases with and
//! without it: nothing of an attack may be seen in the accounts of others. The kernel's account has them to the tick; the control loop's own marks
//! have them to the instruction.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use cofferdam_abi::record::Mark;
use cofferdam_build::{Built, Failure, Kernel, store};
use cofferdam_progress::say;
use cofferdam_run::{Options, PartitionReport, Report, run_image};
use evidence::identifier;
use rogue_attacks::guests::{ALL, ARGUMENT, KERNEL, LINUX};
use rogue_attacks::{Attack, Expected};

use crate::machines::{self, Case, Systems, case};
use crate::parts::Tally;
use crate::variant::Variant;

/// A guest that attacks.
struct Attacker {
    /// The system that it is in.
    system: &'static str,
    /// Its partition.
    partition: &'static str,
    attacks: &'static [Attack],
    /// How much of the machine's time it takes to begin and to try one attack.
    time: Duration,
    /// And to come to its end as often as its partition may be restarted.
    to_the_end: Duration,
    /// And to try all that leave it alive, where they are few enough. Its kernel can also run without what it was written for.
    together: Option<Duration>,
}

const ATTACKERS: [Attacker; 2] = [
    Attacker {
        system: "linux_attacks",
        partition: "linux",
        attacks: LINUX,
        time: Duration::from_millis(800),
        to_the_end: Duration::from_millis(900),
        together: None,
    },
    Attacker {
        system: "hostile",
        partition: "hostile",
        attacks: KERNEL,
        time: Duration::from_millis(400),
        to_the_end: Duration::from_millis(400),
        together: Some(Duration::from_secs(2)),
    },
];

/// Those whose time is judged, and that nobody's attack may touch.
const OTHERS: [&str; 3] = ["flight", "plant", "sentinel"];
/// The partition whose jitter is shown.
const SHOWN: &str = "flight";

/// A run in which a guest attacks, or nobody does.
struct Tried {
    report: Report,
    /// Where the control loop saw its releases, to the instruction: one number unless they move.
    places: Vec<u32>,
}

/// Every attack of every guest, in runs that are so many times as long as usual; if that is more than once, on both kernels.
pub fn attacks(systems: &Systems, scale: u32) -> Result<Tally> {
    let kernels: &[Kernel] = if scale > 1 {
        &Kernel::ALL
    } else {
        &[Kernel::Release]
    };
    let mut tally = Tally::default();
    for attacker in &ATTACKERS {
        for kernel in kernels {
            let of_guest = of_guest(systems, attacker, *kernel, scale);
            tally.add(of_guest.unwrap_or_else(|error| Tally {
                failed: vec![format!("{}: {error:#}", attacker.system)],
                ..Tally::default()
            }));
        }
    }
    Ok(tally)
}

/// The attacks of those guests that try all of them in one run, in such runs, as far as their systems are built: for kernels that are larger than the one
/// on which each was tried by itself.
pub fn together(systems: &Systems) -> Result<Tally> {
    let kernel = Kernel::Release;
    let mut cases = Vec::new();
    for attacker in &ATTACKERS {
        let is_built = systems.names().any(|name| name == attacker.system);
        let Some(time) = attacker.together.filter(|_| is_built) else {
            continue;
        };
        for (how, variant) in [("", Variant::default()), (", where all traps", plainly())] {
            let title = format!("{}: all attacks at once{how}", attacker.system);
            cases.push(case(title, move || {
                let built = systems.get(attacker.system)?;
                let quiet = tried(systems, built, kernel, &of_one("none"), attacker.time)?;
                all_at_once(systems, attacker, kernel, &variant, time, &quiet)
            }));
        }
    }
    Ok(machines::run_all(cases))
}

/// A run in which a guest tries everything that leaves it alive.
fn all_at_once(
    systems: &Systems,
    attacker: &Attacker,
    kernel: Kernel,
    variant: &Variant,
    time: Duration,
    without: &Tried,
) -> Result<()> {
    let built = systems.get(attacker.system)?;
    let with = tried(systems, built, kernel, variant, time)?;
    let mut all = attacker.attacks.iter();
    all.try_for_each(|attack| match attack.expected {
        Expected::Harmless => judge(attacker.partition, attack, &with, without),
        _ => Ok(()),
    })
}

fn of_guest(systems: &Systems, attacker: &Attacker, kernel: Kernel, scale: u32) -> Result<Tally> {
    let built = systems.get(attacker.system)?;
    let one = |attack: &str, time| tried(systems, built, kernel, &of_one(attack), time);
    let without = one("none", attacker.time)?;
    machines::no_reasons(&without.report.reasons)?;
    ensure!(
        without.places.len() == 1,
        "where nobody attacks, {SHOWN} begins at {} places",
        without.places.len()
    );
    let reports = Mutex::new(Vec::new());
    let mut cases: Vec<Case<'_>> = attacker
        .attacks
        .iter()
        .map(|attack| {
            let title = format!("{} ({}), {} kernel", attack.id, attack.title, kernel.name());
            let (without, reports, one) = (&without, &reports, &one);
            case(title, move || {
                let time = match attack.expected {
                    Expected::Ends => attacker.to_the_end,
                    _ => attacker.time,
                };
                let with = one(attack.id, time * scale)?;
                let judged = judge(attacker.partition, attack, &with, without);
                let mut all = reports.lock().unwrap_or_else(|error| error.into_inner());
                all.push(with.report);
                judged
            })
        })
        .collect();
    if let Some(time) = attacker.together {
        let title = format!("all of them, where all traps, {} kernel", kernel.name());
        let (time, without) = (time * scale, &without);
        cases.push(case(title, move || {
            all_at_once(systems, attacker, kernel, &plainly(), time, without)
        }));
    }
    let tally = machines::run_all(cases);
    let reports = reports
        .into_inner()
        .unwrap_or_else(|error| error.into_inner());
    store(
        &built
            .directory
            .join(format!("attacks-{}.json", kernel.name())),
        &serde_json::to_vec_pretty(&reports)?,
    )?;
    Ok(tally)
}

/// What the system's file asks its guest for.
fn asked(attack: &str) -> String {
    format!("{ARGUMENT}{attack}\"")
}

/// The system in which the guest tries this attack alone.
fn of_one(attack: &str) -> Variant {
    Variant::replacing(&asked(ALL), &asked(attack))
}

/// The system in which it tries them all, and our kernel knows nothing of what its own was written for. It says so to the guest too.
fn plainly() -> Variant {
    let traps = format!("{ARGUMENT}{ALL} traps\"\nrewrite = false");
    Variant::replacing(&asked(ALL), &traps)
}

/// A run of the guest in this variant.
fn tried(
    systems: &Systems,
    built: &Built,
    kernel: Kernel,
    variant: &Variant,
    time: Duration,
) -> Result<Tried> {
    let (built, image) = built_as(systems, built, kernel, variant)?;
    let options = Options {
        machine_time: Some(time),
        ..systems.options(kernel, 0)
    };
    let outcome = run_image(&built, &image, &options)?;
    let all = &outcome.report.partitions;
    let shown = all.iter().position(|one| one.name == SHOWN);
    let of_releases = |mark: &&Mark| {
        mark.identifier.get() == identifier("flight.release")
            && Some(mark.partition.get() as usize) == shown
    };
    let places = outcome.marks.iter().filter(of_releases);
    Ok(Tried {
        places: places.map(|mark| mark.value.get()).collect(),
        report: outcome.report,
    })
}

/// A variant with the guests that its file asks for.
pub fn built_as(
    systems: &Systems,
    built: &Built,
    kernel: Kernel,
    variant: &Variant,
) -> Result<(Built, Vec<u8>)> {
    variant.build_with(built, kernel, |checked| {
        let guests = systems.tree().guests(checked);
        guests
            .map(|guests| guests.contents)
            .map_err(|failure| match failure {
                Failure::Wrong(diagnostics) => anyhow!("{diagnostics}"),
                Failure::Other(error) => error,
            })
    })
}

fn of<'a>(report: &'a Report, name: &str) -> Result<&'a PartitionReport> {
    let found = report.partitions.iter().find(|one| one.name == name);
    found.ok_or_else(|| anyhow!("there is no partition {name}"))
}

/// What the record has to say: that the attack was tried and contained, that its own partition had the events that belong to it and no
/// others, and that the others' releases are where they are without it.
fn judge(partition: &str, attack: &Attack, with: &Tried, without: &Tried) -> Result<()> {
    let report = &with.report;
    let of_attack = report.attacks.iter().find(|one| one.id == attack.id);
    let verdict = of_attack.map_or("not_tried", |one| one.verdict);
    ensure!(
        verdict == "contained",
        "{verdict}; expected: {}",
        attack.expected.words()
    );
    let ends = attack.expected == Expected::Ends;
    let stopped = format!("{partition}: it is stopped");
    let own = format!("{partition}: ");
    let unexpected = |reason: &&String| !(ends && reason.starts_with(&own));
    let reasons: Vec<_> = report.reasons.iter().filter(unexpected).cloned().collect();
    machines::no_reasons(&reasons)?;
    let guest = of(report, partition)?;
    if ends {
        ensure!(
            guest.restarts > 0 && guest.health_events > guest.restarts,
            "its own partition was restarted {} times, and had {} health events",
            guest.restarts,
            guest.health_events
        );
        ensure!(
            report.reasons.contains(&stopped),
            "its own partition was not stopped by its limit of restarts"
        );
    } else {
        ensure!(
            (guest.restarts, guest.health_events) == (0, 0),
            "its own partition was restarted {} times, and had {} health events",
            guest.restarts,
            guest.health_events
        );
    }
    for name in OTHERS {
        let other = of(report, name)?;
        ensure!(
            (other.health_events, other.restarts, other.deadlines_missed) == (0, 0, 0),
            "{name}: {} health events, {} restarts, {} deadlines missed",
            other.health_events,
            other.restarts,
            other.deadlines_missed
        );
    }
    let (own, quiet) = (of(report, SHOWN)?, of(&without.report, SHOWN)?);
    say!(
        "        {}: the releases of {SHOWN} moved by {} ticks, without it by {}, and begin at {}; {} health events and {} restarts of the guest's",
        attack.id,
        own.jitter_ticks(),
        quiet.jitter_ticks(),
        if with.places == without.places {
            "the same instruction"
        } else {
            "another instruction"
        },
        guest.health_events,
        guest.restarts
    );
    ensure!(
        (own.jitter_min_ticks, own.jitter_max_ticks)
            == (quiet.jitter_min_ticks, quiet.jitter_max_ticks),
        "{SHOWN} begins {} to {} ticks behind its release, without the attack {} to {}",
        own.jitter_min_ticks,
        own.jitter_max_ticks,
        quiet.jitter_min_ticks,
        quiet.jitter_max_ticks
    );
    ensure!(
        with.places == without.places,
        "{SHOWN} saw its releases at {:?}, without the attack at {:?}",
        with.places,
        without.places
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use cofferdam_run::AttackReport;

    use super::*;

    fn partition(name: &str) -> PartitionReport {
        PartitionReport {
            name: name.to_owned(),
            releases: 10,
            deadlines_missed: 0,
            jitter_min_ticks: 7,
            jitter_max_ticks: 7,
            cpu_ticks: 0,
            guest: None,
            worst_window_used_ticks: 0,
            response_max_ticks: 0,
            stack_high_water_bytes: 0,
            health_events: 0,
            errors: Default::default(),
            restarts: 0,
        }
    }

    fn tried(report: Report) -> Tried {
        let places = vec![7 << 5 | 0b01010];
        Tried { report, places }
    }

    fn quiet() -> Tried {
        tried(Report {
            attacks: Vec::new(),
            ..report(&LINUX[0])
        })
    }

    fn report(attack: &Attack) -> Report {
        let mut partitions: Vec<_> = OTHERS.iter().map(|name| partition(name)).collect();
        partitions.push(partition("linux"));
        Report {
            system: String::new(),
            ok: true,
            reasons: Vec::new(),
            kernel: "release",
            instruction_clock: true,
            machine_time_ns: 0,
            window_jitter_max_ticks: Some(0),
            powered_off_by: None,
            dma: Vec::new(),
            partitions,
            attacks: vec![AttackReport {
                id: attack.id,
                title: attack.title,
                expected: attack.expected.words(),
                verdict: "contained",
                attempts: 1,
            }],
        }
    }

    #[test]
    fn what_an_attack_leaves_in_the_accounts_is_found() {
        let attack = &LINUX[0];
        let judged = |change: fn(&mut Report)| {
            let mut with = tried(report(attack));
            change(&mut with.report);
            judge("linux", attack, &with, &quiet()).is_ok()
        };
        assert!(judged(|_| {}));
        assert!(!judged(|report| report.attacks[0].verdict = "breached"));
        assert!(!judged(|report| report.attacks.clear()));
        assert!(!judged(|report| report.partitions[0].jitter_min_ticks = 6));
        assert!(!judged(|report| report.partitions[2].health_events = 1));
        assert!(!judged(|report| report.partitions[3].restarts = 1));
        assert!(!judged(|report| report
            .reasons
            .push("linux: memory_violation".to_owned())));
    }

    #[test]
    fn a_release_that_moves_by_an_instruction_is_found() {
        let attack = &LINUX[0];
        let judged = |places: &[u32]| {
            let mut with = tried(report(attack));
            with.places = places.to_vec();
            judge("linux", attack, &with, &quiet()).is_ok()
        };
        assert!(judged(&[7 << 5 | 0b01010]));
        assert!(!judged(&[7 << 5 | 0b10100]));
        assert!(!judged(&[7 << 5 | 0b01010, 8 << 5 | 0b01010]));
        assert!(!judged(&[]));
    }

    #[test]
    fn one_that_ends_the_guest_may_and_no_more() {
        let attacks = LINUX.iter();
        let attack = attacks
            .rev()
            .find(|one| one.expected == Expected::Ends)
            .unwrap();
        let mut with = tried(report(attack));
        assert!(judge("linux", attack, &with, &quiet()).is_err());
        with.report.partitions[3].restarts = 2;
        with.report.partitions[3].health_events = 4;
        assert!(judge("linux", attack, &with, &quiet()).is_err());
        with.report.reasons = vec!["linux: it is stopped".to_owned()];
        assert!(judge("linux", attack, &with, &quiet()).is_ok());
        with.report
            .reasons
            .push("sentinel: application_error (1 times)".to_owned());
        assert!(judge("linux", attack, &with, &quiet()).is_err());
    }
}
