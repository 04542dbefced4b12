//! The judgement on a run, as data.

use std::collections::BTreeMap;

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
    /// By how much the latest of all windows began later than the earliest release, in timebase ticks. `None` without
    /// releases.
    pub window_jitter_max_ticks: Option<u32>,
    /// The partition that switched the machine off, as the system's file lets it. `None`: the run did not end so.
    pub powered_off_by: Option<String>,
    /// The devices on the bus that reach memory by themselves.
    pub dma: Vec<DmaReport>,
    /// In the order of their indices.
    pub partitions: Vec<PartitionReport>,
    /// Empty in a system in which nobody attacks.
    pub attacks: Vec<AttackReport>,
}

/// A device on the bus that reaches memory by itself.
#[derive(Clone, Debug, Serialize)]
pub struct DmaReport {
    /// Its name.
    pub device: String,
    /// Whose it is.
    pub owner: String,
    /// `arena` or `trusted`.
    pub dma: &'static str,
    /// The other partitions whose memory it reaches.
    pub reaches: Vec<String>,
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
    /// The least that lay between the tick of a release and a fixed place in the kernel just before the partition's own
    /// instructions, in timebase ticks. 0 without releases.
    pub jitter_min_ticks: u32,
    /// The most. What the two have in common is the instructions that lie between, and no jitter: that is their difference.
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
    /// How often each error came of those that did, by its name: as the health log has them, also of what was overwritten there.
    pub errors: BTreeMap<&'static str, u32>,
    /// Starts after the first.
    pub restarts: u32,
    /// The time of its guest, if it has one.
    pub guest: Option<GuestReport>,
}

/// Where the time of a guest went that is not in the partition's `cpu_ticks`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GuestReport {
    /// It had nothing to do, in ticks.
    pub idle_ticks: u64,
    /// Others had the processor, in ticks: windows of theirs, and whoever is more urgent in its own.
    pub stolen_ticks: u64,
}

impl PartitionReport {
    /// By how much its releases moved.
    pub fn jitter_ticks(&self) -> u32 {
        self.jitter_max_ticks - self.jitter_min_ticks
    }
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn report(verdicts: &[&'static str]) -> Report {
        let attack = |verdict: &&'static str| AttackReport {
            id: "flood.spin",
            title: "spinning",
            expected: "nobody else noticed",
            verdict,
            attempts: 0,
        };
        Report {
            system: "flight".to_owned(),
            ok: true,
            reasons: Vec::new(),
            kernel: "release",
            instruction_clock: true,
            machine_time_ns: 0,
            window_jitter_max_ticks: Some(0),
            powered_off_by: None,
            dma: Vec::new(),
            partitions: vec![PartitionReport {
                name: "one".to_owned(),
                releases: 3,
                deadlines_missed: 0,
                jitter_min_ticks: 7,
                jitter_max_ticks: 9,
                cpu_ticks: 0,
                worst_window_used_ticks: 0,
                response_max_ticks: 0,
                stack_high_water_bytes: 0,
                health_events: 0,
                errors: BTreeMap::new(),
                restarts: 0,
                guest: None,
            }],
            attacks: verdicts.iter().map(attack).collect(),
        }
    }

    #[track_caller]
    fn has_keys(object: &Value, keys: &[&str]) {
        let mut own: Vec<_> = object.as_object().unwrap().keys().collect();
        let mut keys = keys.to_vec();
        own.sort();
        keys.sort();
        assert_eq!(own, keys);
    }

    #[test]
    fn the_json_form_has_its_keys() {
        let json = serde_json::to_value(report(&["contained"])).unwrap();
        has_keys(
            &json,
            &[
                "system",
                "ok",
                "reasons",
                "kernel",
                "instruction_clock",
                "machine_time_ns",
                "window_jitter_max_ticks",
                "powered_off_by",
                "dma",
                "partitions",
                "attacks",
            ],
        );
        has_keys(
            &json["partitions"][0],
            &[
                "name",
                "releases",
                "deadlines_missed",
                "jitter_min_ticks",
                "jitter_max_ticks",
                "cpu_ticks",
                "worst_window_used_ticks",
                "response_max_ticks",
                "stack_high_water_bytes",
                "health_events",
                "errors",
                "restarts",
                "guest",
            ],
        );
        has_keys(
            &json["attacks"][0],
            &["id", "title", "expected", "verdict", "attempts"],
        );
    }

    #[test]
    fn the_last_line_says_what_was_not_tried() {
        let last = |verdicts: &[&'static str]| {
            let text = report(verdicts).to_string();
            text.lines().last().unwrap().to_owned()
        };
        let ok = "ok: nothing unexpected happened";
        assert_eq!(last(&["contained"]), ok);
        let one = last(&["not_tried", "contained"]);
        assert_eq!(one, format!("{ok}; 1 attack was not tried"));
        let two = last(&["not_tried", "not_tried"]);
        assert_eq!(two, format!("{ok}; 2 attacks were not tried"));
    }

    #[test]
    fn whom_a_device_reaches_is_said_loudly_if_it_is_everybody() {
        let said = |dma, reaches: &[&str]| {
            let mut report = report(&[]);
            report.dma.push(DmaReport {
                device: "disk0".to_owned(),
                owner: "disk".to_owned(),
                dma,
                reaches: reaches.iter().map(|name| (*name).to_owned()).collect(),
            });
            report.to_string()
        };
        assert!(said("arena", &["network"]).contains(
            "  by its DMA, disk0 of disk reaches what these have in the arena: network\n"
        ));
        assert!(!said("arena", &[]).contains("DMA"));
        assert!(
            said("trusted", &["one"]).contains(
                "  TRUSTED: disk0 of disk reaches all memory of the machine by its DMA\n"
            )
        );
    }

    #[test]
    fn errors_are_named_with_their_numbers() {
        let mut report = report(&[]);
        assert!(!report.to_string().contains("health log"));
        let errors = [("application_error", 1), ("interrupt_storm", 13)];
        report.partitions[0].errors = errors.into();
        assert!(report.to_string().contains(
            "  the health log has of one: application_error once, interrupt_storm 13 times\n"
        ));
    }

    #[test]
    fn a_machine_that_was_switched_off_says_by_whom() {
        let mut report = report(&[]);
        let words = "the machine was switched off by";
        assert!(!report.to_string().contains(words));
        report.powered_off_by = Some("power".to_owned());
        assert!(report.to_string().contains(&format!("{words} power\nok")));
    }

    #[test]
    fn the_table_shows_by_how_much_releases_moved() {
        let text = report(&[]).to_string();
        let line = text.lines().find(|line| line.contains("one ")).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..4], ["one", "3", "0", "2"]);
    }
}
