//! A run in the Trace Event Format, which `ui.perfetto.dev` and `chrome://tracing` open.
//!
//! Each partition has a track: its windows as spans, and in them, as spans, the time that it had the processor; hypercalls, releases, starts and
//! health events are instants. A second track beside it has its messages, which arrows join. Two tracks more are the
//! kernel's, with the windows of the schedule and what is missing, and that of the interrupts.
//!
//! Times are microseconds behind the start of the module, or behind the first event if that came before.

use std::fmt::Write;

use cofferdam_abi::record::TraceKind;
use cofferdam_record::trace::{Event, What};
use serde_json::{Value, json};

use crate::{NOBODY, Run, flows, microseconds};

/// The track of the kernel.
const KERNEL: usize = 1;
/// The track of the interrupts.
const INTERRUPTS: usize = 2;
/// The track of the first partition; each has two.
const PARTITIONS: usize = 3;
/// So long a message is drawn, in ticks: an arrow needs something to begin at.
const MESSAGE: i64 = 1;

fn track(partition: usize) -> usize {
    PARTITIONS + 2 * partition
}

/// One entry, before it is written.
struct Entry {
    ticks: i64,
    text: String,
}

struct Writer<'a> {
    run: &'a Run,
    /// The tick that is 0.
    origin: i64,
    entries: Vec<Entry>,
}

/// The whole file.
pub fn chrome(run: &Run) -> String {
    let (first, last) = run.span();
    let mut writer = Writer {
        run,
        origin: first.min(0),
        entries: Vec::new(),
    };
    writer.windows();
    writer.instants();
    writer.messages();
    writer.gaps();
    let Writer {
        mut entries,
        origin,
        ..
    } = writer;
    // What is written at one tick stays in its order: an end before a beginning.
    entries.sort_by_key(|entry| entry.ticks);
    let hz = run.system.timebase_hz;
    let about = json!({
        "system": run.system.system,
        "timebase_hz": hz,
        "zero_is_at_us": microseconds(origin, hz),
        "first_event_at_us": microseconds(first, hz),
        "last_event_at_us": microseconds(last, hz),
        "events": run.trace.events.len(),
        "events_missing": run.trace.lost(),
    });
    let mut text =
        format!("{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\"traceEvents\":[\n");
    let tracks = tracks(run);
    let all = tracks.iter().chain(entries.iter().map(|entry| &entry.text));
    for (place, entry) in all.enumerate() {
        if place > 0 {
            text.push_str(",\n");
        }
        text.push_str(entry);
    }
    text.push_str("\n]}\n");
    text
}

/// The names of all tracks, in their order.
fn tracks(run: &Run) -> Vec<String> {
    let name = |id: usize, name: &str| {
        let about = |what: &str, arguments: Value| {
            json!({"ph": "M", "pid": 1, "tid": id, "name": what, "args": arguments}).to_string()
        };
        [
            about("thread_name", json!({ "name": name })),
            about("thread_sort_index", json!({ "sort_index": id })),
        ]
    };
    let process = json!({"ph": "M", "pid": 1, "tid": KERNEL, "name": "process_name", "args": {"name": run.system.system}});
    let mut tracks = vec![process.to_string()];
    tracks.extend(name(KERNEL, "kernel"));
    tracks.extend(name(INTERRUPTS, "interrupts"));
    for (index, partition) in run.system.partitions.iter().enumerate() {
        tracks.extend(name(track(index), &partition.name));
        let messages = format!("{}: messages", partition.name);
        tracks.extend(name(track(index) + 1, &messages));
    }
    tracks
}

impl Writer<'_> {
    /// Writes an entry: `more` are members of its object.
    fn put(&mut self, phase: &str, track: usize, ticks: i64, name: &str, more: &str) {
        let time = microseconds(ticks - self.origin, self.run.system.timebase_hz);
        let name = Value::from(name);
        let text = format!(
            "{{\"ph\":\"{phase}\",\"pid\":1,\"tid\":{track},\"ts\":{time},\"name\":{name}{more}}}"
        );
        self.entries.push(Entry { ticks, text });
    }

    fn instant(&mut self, track: usize, event: &Event, name: &str, category: &str) {
        let more = format!(
            ",\"s\":\"t\",\"cat\":\"{category}\",\"args\":{}",
            arguments(&event.what)
        );
        self.put("i", track, event.ticks, name, &more);
    }

    /// Windows, and who had the processor in them. Spans lie in each other whatever the events say.
    fn windows(&mut self) {
        let run = self.run;
        let mut floor = i64::MIN;
        for window in &run.timeline.windows {
            let Some((_, _, plan)) = run.system.planned(window.index) else {
                continue;
            };
            let start = window.start.max(floor);
            let end = window.end.max(start);
            floor = end;
            let name = run.system.window_name(window.index);
            let mut tracks = vec![KERNEL];
            tracks.extend(plan.group.iter().map(|partition| track(*partition)));
            for track in &tracks {
                let more = format!(
                    ",\"cat\":\"window\",\"args\":{{\"whole\":{}}}",
                    window.whole
                );
                self.put("B", *track, start, &name, &more);
            }
            let mut at = start;
            // Whoever runs behind the group, or before it, has no window here.
            for slice in window.slices.iter().filter(|one| one.partition != NOBODY) {
                if usize::from(slice.partition) >= run.system.partitions.len() {
                    continue;
                }
                let (from, to) = (slice.start.clamp(at, end), slice.end.clamp(at, end));
                at = to.max(from);
                let own = track(slice.partition.into());
                let more = format!(",\"cat\":\"running\",\"args\":{{\"rank\":{}}}", slice.rank);
                self.put("B", own, from, "running", &more);
                self.put("E", own, at, "running", "");
            }
            for track in tracks {
                self.put("E", track, end, &name, "");
            }
        }
    }

    fn instants(&mut self) {
        let run = self.run;
        for (event, timed) in run.events.iter().zip(&run.trace.events) {
            let partition = usize::from(timed.event.partition);
            let known = partition < run.system.partitions.len();
            let own = if known { track(partition) } else { KERNEL };
            match &event.what {
                What::Hypercall { hypercall, .. } => {
                    let name = hypercall.unwrap_or("no hypercall");
                    self.instant(own, event, name, "hypercall");
                }
                What::Interrupt { interrupt, .. } => {
                    self.instant(INTERRUPTS, event, interrupt, "interrupt");
                }
                What::Health { error, .. } => self.instant(own, event, error, "health"),
                What::Start { .. } => self.instant(own, event, "start", "life"),
                What::Release { .. } => self.instant(own, event, "release", "release"),
                What::Unknown { .. } => self.instant(KERNEL, event, "unknown", "unknown"),
                What::Window { .. }
                | What::Switch { .. }
                | What::MessageOut(_)
                | What::MessageIn(_) => {}
            }
        }
    }

    /// Messages, each with an arrow if both of its ends were seen.
    fn messages(&mut self) {
        let run = self.run;
        let kinds = [TraceKind::MessageOut, TraceKind::MessageIn];
        // When the next one of the same partition comes.
        let mut next = vec![i64::MAX; run.system.partitions.len()];
        let mut all: Vec<_> = run.of_kinds(&kinds).collect();
        all.reverse();
        for (place, timed) in all {
            let partition = usize::from(timed.event.partition);
            let (Some(next), Some(event)) = (next.get_mut(partition), run.events.get(place)) else {
                continue;
            };
            let length = MESSAGE.min(next.saturating_sub(timed.ticks).max(0));
            *next = timed.ticks;
            let (verb, message) = match &event.what {
                What::MessageOut(message) => ("sends", message),
                What::MessageIn(message) => ("takes", message),
                _ => continue,
            };
            let name = format!("{verb} {}", message.channel);
            let mut more = format!(",\"cat\":\"message\",\"args\":{}", arguments(&event.what));
            let length = microseconds(length, run.system.timebase_hz);
            let _ = write!(more, ",\"dur\":{length}");
            self.put("X", track(partition) + 1, timed.ticks, &name, &more);
        }
        for (id, flow) in flows(run).iter().enumerate() {
            let name = &run.events[flow.sent];
            let (What::MessageOut(message), sent, taken) = (
                &name.what,
                run.trace.events[flow.sent],
                run.trace.events[flow.taken],
            ) else {
                continue;
            };
            let own = |partition: u8| track(partition.into()) + 1;
            let channel = message.channel.clone();
            let more = format!(",\"cat\":\"message\",\"id\":{id}");
            self.put("s", own(sent.event.partition), sent.ticks, &channel, &more);
            let more = format!("{more},\"bp\":\"e\"");
            // What is taken was sent before, whatever a clock that was read twice says.
            let ticks = taken.ticks.max(sent.ticks);
            self.put("f", own(taken.event.partition), ticks, &channel, &more);
        }
    }

    fn gaps(&mut self) {
        for (before, behind, lost) in self.run.gaps() {
            let name = format!("{lost} events are missing");
            let length = microseconds(behind - before, self.run.system.timebase_hz);
            let more = format!(",\"cat\":\"missing\",\"dur\":{length}");
            self.put("X", KERNEL, before, &name, &more);
        }
    }
}

/// What an event says besides its name.
fn arguments(what: &What) -> Value {
    let mut value = serde_json::to_value(what).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("event");
    }
    value
}
