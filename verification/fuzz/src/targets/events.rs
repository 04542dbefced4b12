//! What a run left for `cargo cofferdam trace`: its record, the events beside it, and the plan, of which a damaged or foreign file may have anything. It is
//! refused, or shown in every way that there is.

use cofferdam_abi::record::{Header, TraceEvent, offset};
use cofferdam_record::Snapshot;
use cofferdam_record::gathered::Gathered;
use cofferdam_record::trace::Trace;
use cofferdam_timeline::{Run, Stretch, System, chrome, explain, point, svg};

use super::noise;
use crate::Target;

#[path = "../../../../tools/timeline/tests/small/mod.rs"]
mod small;

/// See the module. Each eight bytes are a place in one of the files, and a word to stand there.
pub const TARGET: Target = Target {
    name: "events",
    seeds: || {
        let untouched = vec![Vec::new()];
        untouched.into_iter().chain(noise(48, 96)).collect()
    },
    run,
};

/// Puts a word into bytes, as far as they reach.
fn put(bytes: &mut [u8], place: usize, word: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(place).zip(word) {
        *byte = *new;
    }
}

fn run(bytes: &[u8]) {
    let events = small::events();
    let mut record = small::record(&events, true);
    let mut gathered = small::gathered(&record);
    let mut plan = small::PLAN.as_bytes().to_vec();
    let (patches, rest) = bytes.as_chunks::<8>();
    for [file, place @ .., a, b, c, d] in patches {
        let place = place
            .iter()
            .fold(0, |place, byte| place << 8 | usize::from(*byte));
        let word = [*a, *b, *c, *d];
        let in_trace = events.len() * size_of::<TraceEvent>();
        match file % 16 {
            // Most of a file is events.
            0..8 => {
                let head = gathered.len().saturating_sub(in_trace);
                let place = if file % 2 == 0 {
                    place % head.max(1)
                } else {
                    head + place % in_trace
                };
                put(&mut gathered, place, &word);
            }
            8 => put(
                &mut record,
                offset::HEADER + place % size_of::<Header>(),
                &word,
            ),
            9 => put(&mut record, offset::PARTITIONS + place % 1024, &word),
            10..12 => put(&mut record, offset::TRACE + place % in_trace, &word),
            12 => put(&mut plan, place % small::PLAN.len(), &word[..1]),
            13 => {
                // A digit becomes another one: the plan stays JSON.
                let digits: Vec<_> = (0..plan.len())
                    .filter(|at| plan[*at].is_ascii_digit())
                    .collect();
                if let Some(at) = digits.get(place % digits.len().max(1)) {
                    plan[*at] = b'0' + a % 10;
                }
            }
            14 => gathered.truncate(place % (gathered.len() + 1)),
            _ => gathered.extend(word),
        }
    }
    let snapshot = Snapshot::from_bytes(record).expect("its length is right");
    let _ = show(&snapshot, &Trace::of_ring(&snapshot), &plan, rest);
    if let Ok(gathered) = Gathered::from_bytes(&gathered, &snapshot.header()) {
        let _ = show(&snapshot, &Trace::of_run(&gathered, &snapshot), &plan, rest);
    }
}

/// Shows a run, if it can be. What comes of it is whole.
fn show(snapshot: &Snapshot, trace: &Trace, plan: &[u8], rest: &[u8]) -> anyhow::Result<()> {
    let run = Run::new(System::from_json(plan)?, snapshot, trace.clone())?;
    let _ = run.missing();
    for event in &run.events {
        assert_eq!(event.to_string().lines().count(), 1);
        assert!(serde_json::to_string(event).is_ok());
    }
    let chrome = serde_json::from_str::<serde_json::Value>(&chrome::chrome(&run));
    assert!(chrome.is_ok(), "{chrome:?}");
    let frame = rest.first().map_or(0, |byte| u64::from(*byte));
    let (first, last) = run.span();
    let middle = first.midpoint(last);
    for stretch in [
        Stretch::LastFrame,
        Stretch::Frame(frame),
        Stretch::Ticks(first, last),
        Stretch::Ticks(middle, middle.saturating_add(1)),
    ] {
        if let Ok(picture) = svg::svg(&run, stretch) {
            assert!(picture.trim_end().ends_with("</svg>"));
        }
    }
    let typed = String::from_utf8_lossy(rest);
    let at = point(&typed, run.system.timebase_hz).unwrap_or(first);
    for partition in &run.system.partitions {
        for at in [at, first, first.midpoint(last), last] {
            if let Ok(explanation) = explain::explain(&run, &partition.name, at) {
                assert!(!explanation.to_string().is_empty());
                assert!(serde_json::to_string(&explanation).is_ok());
            }
        }
    }
    Ok(())
}
