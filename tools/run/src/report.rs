//! The judgement on a run, as data.

use serde::Serialize;

/// The judgement on a run. Its JSON form is part of the command's interface.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The system's name.
    pub system: String,
    /// Whether nothing unexpected happened.
    pub ok: bool,
    /// What did, in words.
    pub reasons: Vec<String>,
    /// Which kernel ran.
    pub kernel: &'static str,
    /// Whether instructions were the clock.
    pub instruction_clock: bool,
    /// How long the machine ran, by its own time, from its first window on.
    pub machine_time_ns: u64,
    /// In the order of their indices.
    pub partitions: Vec<PartitionReport>,
    /// Empty in a system in which nobody attacks.
    pub attacks: Vec<AttackReport>,
}

/// One partition's account.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionReport {
    /// Its name.
    pub name: String,
    /// Releases of its period.
    pub releases: u32,
    /// Releases whose work was not complete at the deadline.
    pub deadlines_missed: u32,
    /// The earliest release, in timebase ticks behind the earliest one: 0.
    pub jitter_min_ticks: u32,
    /// The latest release, in timebase ticks behind the earliest one. What all releases have in common, the
    /// instructions from the tick of the boundary to the partition's own, is no jitter.
    pub jitter_max_ticks: u32,
    /// Processor time.
    pub cpu_ticks: u64,
    /// The most that it used of one window.
    pub worst_window_used_ticks: u32,
    /// The longest from a release to its completion.
    pub response_max_ticks: u32,
    /// The most of its stack that was in use.
    pub stack_high_water_bytes: u32,
    /// Health events.
    pub health_events: u32,
    /// Starts after the first.
    pub restarts: u32,
}

/// One attack.
#[derive(Clone, Debug, Serialize)]
pub struct AttackReport {
    /// Its stable name.
    pub id: &'static str,
    /// What it tries.
    pub title: &'static str,
    /// What has to come of it.
    pub expected: &'static str,
    /// `contained`, `unnoticed`, `breached`, `unfinished` or `not_tried`.
    pub verdict: &'static str,
    /// How often it was tried.
    pub attempts: u32,
}
