//! A small run as every kind of output, held against files. `UPDATE_EXPECT=1` writes them.

mod small;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cofferdam_record::Snapshot;
use cofferdam_record::gathered::Gathered;
use cofferdam_record::trace::{Gap, Trace};
use cofferdam_timeline::{Run, Stretch, System, chrome, explain, svg};
use serde_json::Value;

fn system() -> System {
    System::from_json(small::PLAN.as_bytes()).expect("a plan")
}

fn run() -> Run {
    let record = small::record(&small::events(), true);
    let snapshot = Snapshot::from_bytes(record.clone()).expect("a record");
    let gathered = Gathered::from_bytes(&small::gathered(&record), &snapshot.header());
    let trace = Trace::of_run(&gathered.expect("its events"), &snapshot);
    Run::new(system(), &snapshot, trace).expect("a run")
}

/// The same without its first events.
fn without(lost: usize) -> Run {
    let record = small::record(&small::events(), true);
    let snapshot = Snapshot::from_bytes(record).expect("a record");
    let mut trace = Trace::of_ring(&snapshot);
    trace.events.drain(..lost);
    let lost = lost as u64;
    trace.gaps.push(Gap { before: 0, lost });
    Run::new(system(), &snapshot, trace).expect("a run")
}

#[track_caller]
fn is_as_in(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/small")
        .join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, text).expect("a file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{file}; UPDATE_EXPECT=1 writes it");
}

#[test]
fn the_run_keeps_to_its_plan() {
    let run = run();
    run.timeline.judge(&run.system, 20).expect("it keeps to it");
}

#[test]
fn a_run_for_a_viewer() {
    is_as_in("chrome.json", &chrome::chrome(&run()));
}

#[test]
fn a_frame_as_a_picture() {
    let run = run();
    let draw = |stretch| svg::svg(&run, stretch);
    is_as_in("frame-1.svg", &draw(Stretch::Frame(1)).expect("a picture"));
    let last = draw(Stretch::LastFrame).expect("a picture");
    assert_eq!(last, draw(Stretch::Frame(2)).expect("a picture"));
    let error = draw(Stretch::Frame(3)).expect_err("it is not whole");
    assert_eq!(
        error.to_string(),
        "major frame 3 is not among the events as a whole; those from 0 to 2 are"
    );
}

#[test]
fn a_stretch_as_a_picture() {
    let run = run();
    let draw = |from, to| svg::svg(&run, Stretch::Ticks(from, to));
    is_as_in(
        "from-1000-to-1100.svg",
        &draw(1000, 1100).expect("a picture"),
    );
    let said = |from, to| draw(from, to).expect_err("there is none").to_string();
    assert_eq!(
        said(1100, 1000),
        "1.1 ms does not lie before 1 ms: --from is the earlier of the two"
    );
    assert!(said(1 << 40, 1 << 41).starts_with("nothing is known from"));
    for (from, to) in [(i64::MIN, i64::MAX), (0, i64::MAX), (1000, 1001)] {
        draw(from, to).expect("a picture");
    }
}

/// The widths of all rectangles of a class, in tenths of a pixel.
fn widths(picture: &str, class: &str) -> Vec<u32> {
    let class = format!("<rect class=\"{class}\"");
    let drawn = picture.lines().filter(|line| line.starts_with(&class));
    let widths = drawn.map(|line| {
        let (_, width) = line.split_once("width=\"").expect(line);
        let width = width.split('"').next().expect(line);
        (width.parse::<f64>().expect(line) * 10.0) as u32
    });
    widths.collect()
}

#[test]
fn what_is_short_is_seen_and_what_it_may_be_is_drawn() {
    let run = run();
    // Of a second, everything of this run is short.
    for stretch in [Stretch::Frame(1), Stretch::Ticks(0, 1_000_000)] {
        let picture = svg::svg(&run, stretch).expect("a picture");
        for class in ["run", "guard", "budget"] {
            let widths = widths(&picture, class);
            assert!(!widths.is_empty(), "no {class}");
            assert!(
                widths.iter().all(|width| *width >= 20),
                "{class}: {widths:?}"
            );
        }
    }
    let frame = svg::svg(&run, Stretch::Frame(1)).expect("a picture");
    let windows = run.system.schedules[0].windows.len();
    assert_eq!(widths(&frame, "guard").len(), windows);
}

#[test]
fn a_picture_needs_nothing_beside_itself() {
    let text = svg::svg(&run(), Stretch::LastFrame).expect("a picture");
    let elsewhere = ["http", "url(", "href", "@import", "<script", "<image"];
    let own = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    let own = own.replace("url(#arrow)", "");
    assert!(elsewhere.iter().all(|part| !own.contains(part)));
    assert!(own.contains("prefers-color-scheme:dark"));
}

#[test]
fn why_it_was_late() {
    let cases = [
        ("in-time.txt", run(), "control", 500),
        ("late.txt", run(), "control", 1200),
        ("not-its-window.txt", run(), "load", 1250),
        ("waits.txt", run(), "driver", 800),
        ("budget.txt", run(), "driver", 1120),
        // Its release is among what is missing.
        ("missing.txt", without(30), "control", 1200),
    ];
    for (file, run, partition, at) in cases {
        let explanation = explain::explain(&run, partition, at).expect(file);
        let length: i64 = explanation
            .pieces
            .iter()
            .map(|one| one.piece.length())
            .sum();
        assert_eq!(
            length,
            explanation.to_ticks - explanation.from_ticks,
            "{file}"
        );
        is_as_in(file, &explanation.to_string());
    }
}

#[test]
fn what_nobody_knows_is_not_explained() {
    let said = |run: &Run, partition: &str, at| {
        explain::explain(run, partition, at)
            .expect_err("nothing is known")
            .to_string()
    };
    assert_eq!(
        said(&run(), "nobody", 0),
        "small has no partition `nobody`: it has control, load, driver"
    );
    let before = said(&without(30), "control", 500);
    assert!(
        before.contains("among the events, which are those from 1 ms to 3 ms"),
        "{before}"
    );
    assert!(before.contains("30 of 65 events are missing"), "{before}");
}

/// Holds the file against the rules of the format: every entry has its members, times do not go back, spans nest, arrows begin once and then
/// end once.
fn is_well_formed(text: &str) {
    let file: Value = serde_json::from_str(text).expect("JSON");
    let entries = file["traceEvents"].as_array().expect("entries");
    let mut open: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut arrows: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let mut last = f64::NEG_INFINITY;
    for entry in entries {
        let phase = entry["ph"].as_str().expect("a phase");
        let (track, name) = (
            entry["tid"].as_u64().expect("a track"),
            entry["name"].as_str(),
        );
        let name = name.expect("a name").to_owned();
        assert_eq!(entry["pid"], 1);
        if phase == "M" {
            assert!(entry["args"].is_object());
            continue;
        }
        let time = entry["ts"].as_f64().expect("a time");
        assert!(time >= last && time >= 0.0, "{entry}");
        last = time;
        match phase {
            "B" => open.entry(track).or_default().push(name),
            "E" => assert_eq!(open.entry(track).or_default().pop(), Some(name), "{entry}"),
            "X" => assert!(entry["dur"].as_f64().expect("a length") >= 0.0),
            "i" => assert_eq!(entry["s"], "t"),
            "s" | "f" => {
                assert!(entry["cat"].is_string());
                assert_eq!(phase == "f", entry["bp"] == "e");
                arrows
                    .entry(entry["id"].as_u64().expect("an id"))
                    .or_default()
                    .push(phase);
            }
            _ => panic!("{entry}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "{open:?}");
    assert!(
        arrows.values().all(|ends| ends == &["s", "f"]),
        "{arrows:?}"
    );
}

#[test]
fn the_format_of_viewers_is_kept() {
    is_well_formed(&chrome::chrome(&run()));
    for lost in 1..small::events().len() {
        is_well_formed(&chrome::chrome(&without(lost)));
    }
}

/// A source of numbers that look like chance, and are the same every time (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn whatever_stands_in_a_record_there_is_an_answer() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let sound = small::events();
    let mut shown = 0;
    for _ in 0..500 {
        let mut events = sound.clone();
        for _ in 0..=chance.next() % 6 {
            let event = &mut events[chance.next() as usize % sound.len()];
            match chance.next() % 6 {
                0 => event.tick = (chance.next() as u32).into(),
                1 => event.kind = chance.next() as u8 % 12,
                2 => event.partition = chance.next() as u8 % 5,
                3 => event.what = (chance.next() as u16 % 9).into(),
                4 => event.value = (chance.next() as u32).into(),
                _ => event.extra = (chance.next() as u32).into(),
            }
        }
        let snapshot = Snapshot::from_bytes(small::record(&events, true)).expect("a record");
        let Ok(run) = Run::new(system(), &snapshot, Trace::of_ring(&snapshot)) else {
            continue;
        };
        shown += 1;
        is_well_formed(&chrome::chrome(&run));
        let _ = (
            svg::svg(&run, Stretch::LastFrame),
            run.timeline.judge(&run.system, 20),
        );
        let (first, last) = run.span();
        for partition in ["control", "load", "driver"] {
            for at in [first, 0, 1200, 2050, last] {
                if let Ok(explanation) = explain::explain(&run, partition, at) {
                    assert!(!explanation.to_string().is_empty());
                }
            }
        }
    }
    assert!(shown > 100, "{shown}");
}
