//! The trace of a run, held against what was built: `tools/timeline` reads both, and this gives it what it needs.
//!
//! The ring keeps the last events, so that the first window seen is the first that begins in it.

use anyhow::Result;
use cofferdam_build::Built;
use cofferdam_record::Snapshot;
use cofferdam_record::trace::Trace;
use cofferdam_timeline::System;

pub use cofferdam_timeline::Timeline;

/// The windows that begin in the trace of a record.
pub fn of(snapshot: &Snapshot) -> Timeline {
    Timeline::of(&Trace::of_ring(snapshot))
}

/// What was planned.
pub fn system(built: &Built) -> Result<System> {
    System::from_value(serde_json::to_value(&built.plan)?)
}

/// Holds a trace against the plan.
pub fn judge(timeline: &Timeline, built: &Built) -> Result<()> {
    let checked = &built.checked;
    let longest = checked.system.interrupts_off_max_ticks(&checked.board);
    timeline.judge(&system(built)?, longest)
}
