//! A run: what was planned, and what is known of what happened.

use anyhow::{Result, ensure};
use cofferdam_abi::record::TraceKind;
use cofferdam_record::Snapshot;
use cofferdam_record::trace::{Event, Timed, Trace};

use crate::{System, Timeline};

/// So many ticks no run has: years.
const LONGEST: u64 = 1 << 56;

/// A run, of which events are known.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was planned.
    pub system: System,
    /// The events as the kernel wrote them, the oldest first.
    pub trace: Trace,
    /// The same with names.
    pub events: Vec<Event>,
    /// Its windows.
    pub timeline: Timeline,
}

impl Run {
    /// Puts together what is known of a run.
    ///
    /// # Errors
    /// If the record is of another system than the plan, or there is no event.
    pub fn new(system: System, snapshot: &Snapshot, trace: Trace) -> Result<Self> {
        system.has_left(snapshot)?;
        ensure!(
            !trace.events.is_empty(),
            "the run of {} left no event: run it longer, with `--kernel trace`",
            system.system
        );
        ensure!(
            trace
                .events
                .iter()
                .all(|event| event.ticks.unsigned_abs() < LONGEST),
            "the events have times that no run reaches: the file with them is damaged"
        );
        let events = trace.events(snapshot, &system.names());
        let timeline = Timeline::of(&trace);
        let this = Self {
            system,
            trace,
            events,
            timeline,
        };
        let windows = &this.timeline.windows;
        ensure!(
            windows
                .iter()
                .all(|one| this.system.planned(one.index).is_some()),
            "the record has windows that the plan of {} does not have: run it again",
            this.system.system
        );
        Ok(this)
    }

    /// The ticks of the first and the last event.
    pub fn span(&self) -> (i64, i64) {
        let ticks = || self.trace.events.iter().map(|event| event.ticks);
        (ticks().min().unwrap_or(0), ticks().max().unwrap_or(0))
    }

    /// The gaps as times: from the event before each to the one behind it, and how many events are missing.
    pub fn gaps(&self) -> Vec<(i64, i64, u64)> {
        let events = &self.trace.events;
        let tick = |place: Option<usize>| Some(events.get(place?)?.ticks);
        let gaps = self.trace.gaps.iter().filter_map(|gap| {
            let behind = tick(Some(gap.before))?;
            // What was before the first event began with the module.
            let before = tick(gap.before.checked_sub(1)).unwrap_or(0);
            Some((before.min(behind), behind, gap.lost))
        });
        gaps.collect()
    }

    /// What there is to say about what is missing; none: nothing is.
    pub fn missing(&self) -> Option<String> {
        let gaps = self.gaps();
        let hz = self.system.timebase_hz;
        let (first, last) = (gaps.first()?, gaps.last()?);
        let places = match gaps.len() {
            1 => "in one place".to_owned(),
            count => format!("in {count} places"),
        };
        Some(format!(
            "{} of {} events are missing, {places} between {} and {}: the ring went round before they were read",
            self.trace.lost(),
            self.trace.lost() + self.trace.events.len() as u64,
            crate::text(first.0, hz),
            crate::text(last.1, hz)
        ))
    }

    /// The events of these kinds as the kernel wrote them, each with its place.
    pub(crate) fn of_kinds<'a>(
        &'a self,
        kinds: &'a [TraceKind],
    ) -> impl Iterator<Item = (usize, &'a Timed)> {
        let events = self.trace.events.iter().enumerate();
        events.filter(move |(_, timed)| {
            let kind = TraceKind::from_number(timed.event.kind);
            kind.is_some_and(|kind| kinds.contains(&kind))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use cofferdam_abi::record::{Header, MAGIC, PartitionRecord, TraceEvent, offset};
    use cofferdam_record::trace::Gap;
    use serde_json::json;
    use zerocopy::{FromZeros, IntoBytes};

    use super::*;

    pub(crate) fn event(ticks: i64, kind: TraceKind, partition: u8, what: u16) -> Timed {
        detailed(ticks, kind, partition, [u32::from(what), 0, 0])
    }

    pub(crate) fn detailed(ticks: i64, kind: TraceKind, partition: u8, details: [u32; 3]) -> Timed {
        let [what, value, extra] = details;
        Timed {
            ticks,
            event: TraceEvent {
                tick: (ticks as u32).into(),
                kind: kind as u8,
                partition,
                what: (what as u16).into(),
                value: value.into(),
                extra: extra.into(),
            },
        }
    }

    pub(crate) fn trace(events: Vec<Timed>) -> Trace {
        Trace {
            events,
            gaps: Vec::new(),
        }
    }

    /// A frame of three windows: `control` is released in the first, and `driver` has a budget there.
    pub(crate) fn system() -> System {
        let window = |start: u64,
                      length: u64,
                      group: &[usize],
                      eligible: u32,
                      releases: u32,
                      interrupts: u32| {
            json!({
                "start_ticks": start, "length_ticks": length, "group": group,
                "eligible": eligible, "releases": releases, "interrupts": interrupts,
            })
        };
        System::from_value(json!({
            "system": "small",
            "timebase_hz": 1_000_000,
            "guard_ticks": 10,
            "partitions": [
                { "name": "control", "period_ticks": 1000, "deadline_ticks": 300, "ports": [
                    { "name": "attitude", "slot": 0, "channel": 0 }, { "name": "disk", "slot": 1, "channel": 2 } ] },
                { "name": "load", "period_ticks": null, "deadline_ticks": null, "ports": [] },
                { "name": "driver", "period_ticks": null, "deadline_ticks": null, "ports": [] },
            ],
            "channels": [
                { "name": "attitude", "kind": "sampling", "depth": 1, "ends": [[1, "out"], [0, "attitude"]] },
                { "name": "lines", "kind": "queuing", "depth": 4, "ends": [[0, "log"], [2, "logs"]] },
                { "name": "requests", "kind": "call", "depth": 1, "ends": [[0, "disk"], [2, "clients"]] },
            ],
            "interrupts": [{ "device": "uart0", "owner": 2 }],
            "ranks": [
                { "partition": 0, "budget_ticks": 0 }, { "partition": 1, "budget_ticks": 0 },
                { "partition": 2, "budget_ticks": 50 }, { "partition": 2, "budget_ticks": 0 },
            ],
            "schedules": [{ "name": "main", "major_frame_ticks": 1000, "windows": [
                window(0, 400, &[0], 0xa000_0000, 0x8000_0000, 0),
                window(400, 300, &[1, 2], 0x5000_0000, 0, 0x8000_0000),
                window(700, 300, &[1], 0x4000_0000, 0, 0),
            ] }],
        }))
        .expect("a plan")
    }

    pub(crate) fn snapshot() -> Snapshot {
        let mut bytes = vec![0; offset::END];
        let mut header = Header::new_zeroed();
        header.magic = MAGIC.into();
        header.partitions = 3.into();
        bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        for (index, name) in ["control", "load", "driver"].iter().enumerate() {
            let place = offset::PARTITIONS + index * size_of::<PartitionRecord>();
            bytes[place..place + name.len()].copy_from_slice(name.as_bytes());
        }
        Snapshot::from_bytes(bytes).expect("a record")
    }

    pub(crate) fn run(events: Vec<Timed>) -> Run {
        Run::new(system(), &snapshot(), trace(events)).expect("a run")
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut trace = trace(vec![
            event(100, TraceKind::Window, 0xff, 0),
            event(900, TraceKind::Window, 0xff, 1),
        ]);
        trace.gaps = vec![Gap { before: 0, lost: 7 }, Gap { before: 1, lost: 1 }];
        let run = Run::new(system(), &snapshot(), trace).unwrap();
        assert_eq!(run.gaps(), [(0, 100, 7), (100, 900, 1)]);
        assert_eq!(
            run.missing().unwrap(),
            "8 of 10 events are missing, in 2 places between 0 ns and 900 us: the ring went round before they were read"
        );
    }

    #[test]
    fn a_record_of_another_system_is_refused() {
        let mut other = system();
        other.partitions[1].name = "other".to_owned();
        let refused = Run::new(
            other,
            &snapshot(),
            trace(vec![event(0, TraceKind::Window, 0xff, 0)]),
        );
        assert!(refused.unwrap_err().to_string().contains("another system"));
        let windows = trace(vec![event(0, TraceKind::Window, 0xff, 3)]);
        let refused = Run::new(system(), &snapshot(), windows);
        assert!(refused.unwrap_err().to_string().contains("does not have"));
        assert!(Run::new(system(), &snapshot(), trace(Vec::new())).is_err());
        let late = trace(vec![event(i64::MAX, TraceKind::Window, 0xff, 0)]);
        let refused = Run::new(system(), &snapshot(), late);
        assert!(refused.unwrap_err().to_string().contains("no run reaches"));
    }
}
