//! What the kernel makes of tables that are wrong, on the machine: each is refused by name, and nothing is started.

use anyhow::{Context, Result, ensure};
use cofferdam_abi::limits;
use cofferdam_abi::record::State;
use cofferdam_build::{Built, Kernel};
use cofferdam_run::{Outcome, run_image};
use cofferdam_tables::Record;

use crate::damage::{self, DAMAGES, Damage, Mutant, Mutants};
use crate::machines::{Case, FLIGHT, Systems, case, run_all};
use crate::parts::Tally;

/// So many ticks it takes to look at the timebase.
const A_LOOK: u32 = 8;
/// So many wrong tables that chance made are tried.
const MUTANTS: usize = 20;

/// Systems with devices on the bus, with a guest, and with both: there is a kernel for each.
pub const OF_NEEDS: [&str; 3] = ["dma", "uboot", "linux_liar"];

/// What is tried with the tables of `flight`: damage of each kind that there is, and tables that somebody made.
pub fn cases<'s>(systems: &'s Systems, flight: &'s Built) -> Result<Vec<Case<'s>>> {
    let damages = DAMAGES.iter().map(|damage| {
        let title = format!("damaged tables: {}", damage.name);
        case(title, move || damaged_tables(systems, flight, damage))
    });
    let mut made = Mutants::of(flight.image(Kernel::Release), flight.kernels_have)?;
    let mut mutants = made.by_chance(MUTANTS)?;
    mutants.extend(made.of_kinds(|_| true));
    mutants.extend(made.of_flight()?);
    let guards = [
        case("a guard that is shorter than it may be", move || {
            short_guard(systems, flight)
        }),
        case("a guard that is too short for the kernel", move || {
            no_guard(systems, flight)
        }),
    ];
    let full = made.full(flight.image(Kernel::Release))?;
    let full = full.into_iter().map(|(ranks, image)| {
        let title = format!("tables of flight with no room left, and with {ranks} ranks");
        case(title, move || runs_as_ever(systems, flight, &image))
    });
    Ok(damages
        .chain(of_mutants(systems, flight, mutants))
        .chain(guards)
        .chain(full)
        .collect())
}

/// What is tried with the tables of other systems: what is wrong about their guests, and their devices on the bus.
pub fn cases_of_needs<'s>(systems: &'s Systems, built: &'s Built) -> Result<Vec<Case<'s>>> {
    let mutants = Mutants::of(built.image(Kernel::Release), built.kernels_have)?.of_needs()?;
    let mut cases: Vec<_> = of_mutants(systems, built, mutants).collect();
    let needs = built.kernels_have;
    if needs.bus {
        cases.push(case("a bus whose devices have no arena", move || {
            others_run_as_ever(systems, built, |record| {
                if let Record::Bus(bus) = record {
                    bus.arena_log2 = 0;
                }
            })
        }));
    }
    if needs.guests {
        cases.push(case("a guest that has one page", move || {
            others_run_as_ever(systems, built, |record| {
                if let Record::Guest(guest) = record {
                    guest.memory_bytes = 0x1000;
                }
            })
        }));
    }
    Ok(cases)
}

/// The kernel takes tables with which somebody is worse off, and runs everybody else as ever.
fn others_run_as_ever(systems: &Systems, built: &Built, edit: impl Fn(&mut Record)) -> Result<()> {
    let image = damage::edited(built.image(Kernel::Release).to_vec(), edit)?;
    // A guest's memory is made ready first.
    let outcome = run_image(built, &image, &systems.options(Kernel::Release, 2000))?;
    let state = outcome.snapshot.state();
    ensure!(state == Some(State::Stopped), "the machine is {state:?}");
    let index = |name| (built.plan.partitions.iter()).position(|one| one.name == name);
    let index = index(FLIGHT).context("there is no control loop")?;
    let (releases, health) = {
        let partition = outcome.snapshot.partition(index);
        (partition.releases.get(), partition.health_events.get())
    };
    ensure!(
        releases > 0 && health == 0,
        "the control loop had {releases} releases and {health} health events"
    );
    Ok(())
}

/// A run with a guard of so many ticks.
fn guarded(systems: &Systems, built: &Built, ticks: u32) -> Result<Outcome> {
    let image = damage::edited(built.image(Kernel::Release).to_vec(), |record| {
        if let Record::Module(module) = record {
            module.guard_ticks = ticks;
        }
    })?;
    run_image(built, &image, &systems.options(Kernel::Release, 300))
}

/// The tick is near when the kernel is done with the rest of a window's beginning: it watches the timebase then in place of a wait that is aligned,
/// and the window begins on its tick all the same, or as near to it as it can look.
fn short_guard(systems: &Systems, built: &Built) -> Result<()> {
    let outcome = guarded(systems, built, 1_000)?;
    let state = outcome.snapshot.state();
    ensure!(state == Some(State::Stopped), "the machine is {state:?}");
    let late = outcome.report.window_jitter_max_ticks;
    ensure!(
        late.is_some_and(|late| late <= A_LOOK),
        "windows began up to {late:?} ticks late"
    );
    Ok(())
}

/// The tick is over when the kernel is done: the window begins late, and the record says by how much.
fn no_guard(systems: &Systems, built: &Built) -> Result<()> {
    let outcome = guarded(systems, built, 1)?;
    let state = outcome.snapshot.state();
    ensure!(state == Some(State::Stopped), "the machine is {state:?}");
    let late = outcome.report.window_jitter_max_ticks;
    ensure!(
        late.is_some_and(|late| late > A_LOOK),
        "windows began up to {late:?} ticks late"
    );
    Ok(())
}

/// Tables that somebody made are refused by the kernel for the reason for which they are on the host.
fn of_mutants<'s>(
    systems: &'s Systems,
    built: &'s Built,
    mutants: Vec<Mutant>,
) -> impl Iterator<Item = Case<'s>> {
    mutants.into_iter().map(move |mutant| {
        let title = format!("tables of {} {}", built.plan.system, mutant.name);
        case(title, move || {
            refused_as_on_the_host(systems, built, &mutant)
        })
    })
}

fn refused_as_on_the_host(systems: &Systems, built: &Built, mutant: &Mutant) -> Result<()> {
    let options = systems.options(Kernel::Release, 100);
    let image = mutant.apply(built.image(Kernel::Release).to_vec())?;
    refused(&run_image(built, &image, &options)?, mutant.reason)
}

/// With tables that it takes, the kernel runs each partition of the system undisturbed, and none besides.
fn runs_as_ever(systems: &Systems, built: &Built, image: &[u8]) -> Result<()> {
    let options = systems.options(Kernel::Release, 50);
    let snapshot = run_image(built, image, &options)?.snapshot;
    let state = snapshot.state();
    ensure!(state == Some(State::Stopped), "the machine is {state:?}");
    let all = snapshot.partition_count();
    ensure!(all == limits::PARTITIONS, "the record has {all} partitions");
    let own = built.plan.partitions.len();
    for index in 0..all {
        let partition = snapshot.partition(index);
        ensure!(
            (partition.cpu_ticks.get() > 0) == (index < own),
            "partition {index} had the processor for {} ticks",
            partition.cpu_ticks
        );
    }
    Ok(())
}

/// The kernel refuses the tables by name, and starts nothing.
fn damaged_tables(systems: &Systems, built: &Built, damage: &Damage) -> Result<()> {
    let damaged = damage::apply(damage, built.image(Kernel::Release).to_vec())?;
    let outcome = run_image(built, &damaged, &systems.options(Kernel::Release, 100))?;
    refused(&outcome, damage.reason)
}

/// Flips single bits of the tables, spread over all of them: the kernel refuses each.
pub fn flipped_bits(systems: &Systems, count: usize) -> Result<Tally> {
    let flight = systems.get(FLIGHT)?;
    let image = flight.image(Kernel::Release);
    let bits = damage::bits(image)?;
    let mut cases: Vec<Case<'_>> = Vec::new();
    for number in 0..count {
        let bit = bits / count * number;
        let action = move || -> Result<()> {
            let flipped = damage::flip(image.to_vec(), bit)?;
            let outcome = run_image(flight, &flipped, &systems.options(Kernel::Release, 100))?;
            let state = outcome.snapshot.state();
            ensure!(state == Some(State::BootFailed), "the machine is {state:?}");
            Ok(())
        };
        cases.push(case(format!("bit {bit} of the tables flipped"), action));
    }
    Ok(run_all(cases))
}

fn refused(outcome: &Outcome, reason: u32) -> Result<()> {
    let header = outcome.snapshot.header();
    ensure!(
        outcome.snapshot.state() == Some(State::BootFailed),
        "the machine is {:?}",
        outcome.snapshot.state()
    );
    ensure!(
        header.reason == reason,
        "the reason is {}, expected was {reason}",
        header.reason
    );
    ensure!(
        header.start_tick == 0 && outcome.serial.is_empty(),
        "something was started"
    );
    Ok(())
}
