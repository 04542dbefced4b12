//! The system `sweep`: the end of a window met in every phase of everything that the kernel does for a partition.
//!
//! The witness's accounts say which phases were met; the judge, which reads the record from outside, that nothing moved.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_build::Kernel;
use cofferdam_run::{Outcome, run};
use rogue_attacks::phases::{Interrupted, Phases};

use crate::machines::{Systems, no_reasons};
use crate::parts::Tally;

/// The intruder has done everything once in this time.
pub const ONE_ROUND: Duration = Duration::from_millis(3800);
const SYSTEM: &str = "sweep";

/// Of the phases one in so many may be missing after one round: those that take several rare things at once.
pub const ONE_ROUND_MISSES: usize = 25;

/// Runs it on both kernels. For each thing that the kernel can be in the middle of, no phase may be missing, or one in
/// `misses`.
pub fn phases(systems: &Systems, time: Duration, misses: Option<usize>) -> Result<Tally> {
    let built = systems.get(SYSTEM)?;
    let reports = thread::scope(|scope| {
        let running = Kernel::ALL.map(|kernel| {
            let options = systems.options(kernel, time.as_millis() as u64);
            scope.spawn(move || (kernel, run(built, &options)))
        });
        running.map(|one| one.join())
    });
    let mut tally = Tally::default();
    for report in reports {
        let Ok((kernel, outcome)) = report else {
            bail!("a run of {SYSTEM} panicked");
        };
        judge(kernel, &outcome?, misses, &mut tally);
    }
    Ok(tally)
}

fn judge(kernel: Kernel, outcome: &Outcome, misses: Option<usize>, tally: &mut Tally) {
    let marks = outcome.snapshot.marks();
    for interrupted in Interrupted::ALL {
        let mut met = Phases::NONE;
        for mark in &marks {
            met.add_mark(interrupted, (mark.identifier.get(), mark.value.get()));
        }
        let what = format!("{}, {} kernel", interrupted.title(), kernel.name());
        tally.note(&what, covered(&met, misses));
    }
    let others = format!("no release moved, {} kernel", kernel.name());
    tally.count(&others, no_reasons(&outcome.report.reasons));
}

/// Each tick, from those at which the kernel was free to the last at which it was still busy.
fn covered(met: &Phases, misses: Option<usize>) -> Result<String> {
    let range = met.range().context("it was not tried")?;
    let phases = range.clone().count();
    ensure!(
        *range.end() < Phases::MOST_TICKS - 1,
        "the kernel took the processor too early, or later than can be told"
    );
    let missed: Vec<_> = met.missed().collect();
    ensure!(
        missed.len() <= misses.map_or(0, |misses| phases / misses),
        "of {phases} phases {} were missed, among them {:?}",
        missed.len(),
        &missed[..missed.len().min(8)]
    );
    Ok(format!(
        "{} of {phases} phases were met: the kernel was {} to {} ticks late",
        phases - missed.len(),
        range.start(),
        range.end()
    ))
}
