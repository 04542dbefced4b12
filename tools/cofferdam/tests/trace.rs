//! `cargo cofferdam trace`: what a run left, shown; and what is said of files that are not what they should be.

mod common;
#[path = "../../timeline/tests/small/mod.rs"]
mod small;

use std::fs;

use cofferdam_abi::record::offset;
use common::{Said, System, cofferdam, ends};

/// A run of the small system, as `cargo cofferdam run --kernel trace` leaves one.
struct Left {
    system: System,
}

impl Left {
    fn new(name: &str) -> Self {
        let text = format!("[system]\nname = \"{name}\"\n");
        let system = System::with_text(name, &text);
        fs::create_dir_all(system.built()).expect("a folder");
        let left = Self { system };
        let record = small::record(&small::events(), true);
        left.put("plan.json", small::PLAN.as_bytes());
        left.put("record.events", &small::gathered(&record));
        left.put("record", &record);
        left
    }

    fn put(&self, file: &str, content: &[u8]) {
        fs::write(self.system.built().join(file), content).expect("a file");
    }

    fn get(&self, file: &str) -> Vec<u8> {
        fs::read(self.system.built().join(file)).expect("a file")
    }

    fn trace(&self, arguments: &[&str]) -> Said {
        let file = self.system.file();
        let all = [&["trace", file.as_str()], arguments].concat();
        ends(&mut cofferdam(&all))
    }

    /// It fails, saying these, and leaves no file.
    #[track_caller]
    fn fails(&self, arguments: &[&str], parts: &[&str]) {
        let target = self.system.path("out");
        let target = target.display().to_string();
        let all = [arguments, &["--output", &target]].concat();
        self.trace(&all).fails_with(parts);
        assert!(!self.system.path("out").exists());
    }
}

#[test]
fn it_is_shown_in_every_form() {
    let left = Left::new("trace_forms");
    let text = left.trace(&[]);
    assert!(text.status.success() && text.err.is_empty(), "{text:#?}");
    assert_eq!(text.out.lines().count(), small::events().len());
    assert!(
        text.out
            .contains("\n         121  control: queuing_send(0x1): Ok\n"),
        "{text:#?}"
    );
    let json = left.trace(&["--format", "json"]);
    assert_eq!(json.out.lines().count(), small::events().len());
    let chrome = left.trace(&["--format", "chrome"]);
    assert!(
        chrome.out.starts_with("{\"displayTimeUnit\""),
        "{chrome:#?}"
    );
    let target = left.system.path("frame.svg").display().to_string();
    let svg = left.trace(&["--format", "svg", "--frame", "1", "-o", &target]);
    assert!(svg.status.success() && svg.out.is_empty(), "{svg:#?}");
    let drawn = fs::read_to_string(&target).expect("a picture");
    assert!(drawn.starts_with("<svg") && drawn.contains("major frame 1"));
    let span = left.trace(&["--format", "svg", "--from", "1ms", "--to", "1.1ms"]);
    assert!(
        span.out.contains("<title>small: 100 us</title>"),
        "{span:#?}"
    );
    let why = left.trace(&["--explain", "control", "--at", "1.2ms"]);
    assert!(why.out.starts_with("control at 1.2 ms"), "{why:#?}");
    let why = left.trace(&["--explain", "control", "--at", "1200", "--format", "json"]);
    let why: serde_json::Value = serde_json::from_str(&why.out).expect("JSON");
    assert_eq!(why["due"]["release"], 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let left = Left::new("trace_sense");
    left.fails(&["--frame", "1"], &["add --format svg"]);
    left.fails(&["--from", "0", "--to", "9"], &["add --format svg"]);
    left.fails(
        &["--format", "svg", "--frame", "7"],
        &["major frame 7 is not among the events"],
    );
    let explain = |at: &str, said: &str| {
        left.fails(&["--explain", "control", "--at", at], &[said]);
    };
    explain("soon", "`soon` is no time");
    explain("1h", "`1h` is no time");
    explain("9s", "nothing is known of 9 s");
    left.fails(
        &["--explain", "nobody", "--at", "1ms"],
        &["it has control, load, driver"],
    );
    let picture = ["--explain", "control", "--at", "1ms", "--format", "svg"];
    left.fails(&picture, &["an explanation is words"]);
}

#[test]
fn a_record_that_is_none_is_refused_in_every_form() {
    let left = Left::new("trace_foreign");
    let whole = left.get("record");
    fs::remove_file(left.system.built().join("record")).expect("a file");
    left.fails(&[], &["there is no record", "--kernel trace` leaves one"]);
    for format in ["text", "json", "chrome", "svg"] {
        let fails = |said: &str| left.fails(&["--format", format], &[said]);
        for length in [0, 1, 127, offset::TRACE, offset::END - 1] {
            left.put("record", &whole[..length]);
            fails("is no record");
        }
        left.put("record", &vec![0x55; offset::END]);
        fails("no kernel began");
        left.put("record", &small::record(&small::events(), false));
        fails("was `release`, which keeps no trace");
        left.put("record", &small::record(&[], true));
        fails("left no event: run it longer");
        let mut other = whole.clone();
        other[offset::PARTITIONS] = b'x';
        left.put("record", &other);
        fails("of another system than the plan");
        left.put("record", &whole);
        let events = left.get("record.events");
        left.put("record.events", &events[..events.len() - 3]);
        fails("is damaged");
        left.put("record.events", b"no events");
        fails("holds no events of a run");
        left.put("record.events", &events);
        left.put("plan.json", b"{}");
        fails("plan.json is damaged or not there");
        left.put("plan.json", small::PLAN.as_bytes());
        assert!(left.trace(&["--format", format]).status.success());
    }
}

#[test]
fn events_of_another_run_are_not_taken_for_this_one() {
    let left = Left::new("trace_other");
    let shorter = small::events();
    left.put("record", &small::record(&shorter[..60], true));
    let said = left.trace(&[]);
    assert!(said.status.success(), "{said:#?}");
    assert!(
        said.err.contains("is of another run than the record"),
        "{said:#?}"
    );
    assert_eq!(said.out.lines().count(), 60);
}

/// The same record, whoever is asked about it: that a system left no failure is said of its own record alone.
#[test]
fn a_record_of_another_system_is_refused_by_every_command() {
    let left = Left::new("record_foreign");
    let mut other = left.get("record");
    other[offset::PARTITIONS] = b'x';
    left.put("record", &other);
    left.put("other", &other);
    let (system, file) = (left.system.file(), left.system.built().join("other"));
    let file = file.display().to_string();
    for arguments in [
        vec!["trace", &system],
        vec!["trace", &system, "--record", &file],
        vec!["crash", &system],
        vec!["crash", &system, "--record", &file],
        vec!["top", &system, "--record", &file],
    ] {
        let parts = ["of another system than the plan", "name its system"];
        ends(&mut cofferdam(&arguments)).fails_with(&parts);
    }
}
