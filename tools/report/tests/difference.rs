//! What is different between reports, and reports that are none.

mod small;

use cofferdam_report::*;
use proptest::prelude::*;
use small::*;

#[track_caller]
fn says(change: impl FnOnce(&mut Report), lines: &[&str]) {
    let mut after = report();
    change(&mut after);
    let found: Vec<_> = diff(&report(), &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, lines);
}

#[test]
fn nothing_is_different_from_itself() {
    says(|_| {}, &[]);
}

#[test]
fn a_longer_window() {
    says(
        |report| report.schedules[0].windows[1].length_ticks = 800_000,
        &["schedules: normal, windows, at 1ms, length: 1ms -> 2ms"],
    );
}

#[test]
fn what_is_noticed_in_shared_hardware() {
    says(
        |report| report.shared[0].noticed = "little".to_owned(),
        &["shared: caches, noticed: time -> little"],
    );
}

#[test]
fn a_window_that_is_new_says_who_may_run_there() {
    says(
        |report| {
            let mut window = window(600_000, &["two"]);
            window.eligible.push(rank("one", Some(40_000)));
            report.schedules[0].windows.push(window);
        },
        &[
            "schedules: + normal, windows, at 1500us (eligible two; one (budget 100us), group two, length 1ms, tlb1 entries 4, tlb1 writes 2)",
        ],
    );
}

#[test]
fn another_group() {
    says(
        |report| report.schedules[0].windows[0].group.push("two".to_owned()),
        &["schedules: normal, windows, at 0ns, group: one -> one; two"],
    );
}

#[test]
fn a_flow_that_is_new_and_one_that_is_gone() {
    says(
        |report| report.flows = vec![flow("two", "one", "back by the channel `it`")],
        &[
            "flows: - one > two (direct by the channel `it`)",
            "flows: + two > one (direct back by the channel `it`)",
        ],
    );
}

#[test]
fn one_more_way_of_a_flow() {
    says(
        |report| report.flows[0].direct.push("by time".to_owned()),
        &["flows: + one > two, direct, by time"],
    );
}

#[test]
fn a_right_and_a_device_that_are_new() {
    says(
        |report| {
            report.capabilities.push(Capability {
                partition: "one".to_owned(),
                what: "health.log".to_owned(),
            });
            report.partitions[0].devices.push("uart0".to_owned());
        },
        &[
            "capabilities: + one > health.log",
            "partitions: + one, devices, uart0",
        ],
    );
}

#[test]
fn what_the_prover_said_of_one_of_the_two_alone() {
    says(
        |report| {
            report.proof = Some(Proof {
                image_sha256: "abc".to_owned(),
                holds: true,
                open: Vec::new(),
                statements: Vec::new(),
            });
        },
        &["proof: not there -> there"],
    );
}

#[test]
fn memory_that_moved_and_grew() {
    says(
        |report| {
            report.memory[0].physical = 0x0401_0000;
            report.memory[0].bytes = 0x10000;
        },
        &[
            "memory: one > text, bytes: 16K -> 64K",
            "memory: one > text, physical: 0x4000000 -> 0x4010000",
        ],
    );
}

#[test]
fn a_bound_that_rose_and_a_statement_that_is_gone() {
    says(
        |report| {
            report.latencies[0].worst_ticks = None;
            report.proved.clear();
        },
        &[
            "latencies: uart0, worst: 10ms -> none",
            "proved: - one -/-> two",
        ],
    );
}

#[test]
fn what_is_written_is_read() {
    let text = serde_json::to_string(&report()).unwrap();
    assert_eq!(read(&text).unwrap(), report());
}

#[test]
fn what_is_no_report_is_said_to_be_none() {
    for (text, says) in [
        ("", "it is no JSON"),
        ("<!doctype html>", "that is the page"),
        ("{}", "its `format` is not there"),
        (
            r#"{"format": "cofferdam-report/9"}"#,
            "its `format` is `cofferdam-report/9`",
        ),
        (r#"{"format": "cofferdam-report/3"}"#, "and is not one"),
    ] {
        let error = format!("{:#}", read(text).unwrap_err());
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_run_of_another_image_adds_nothing() {
    let run = r#"{"image_sha256": "00", "judgement": {"ok": true, "partitions": []}}"#;
    assert!(!report().add_run(run));
}

proptest! {
    #[test]
    fn damaged_reports_are_refused_or_compared(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = serde_json::to_string(&report()).unwrap().into_bytes();
        let at = at.index(text.len());
        if cut {
            text.truncate(at);
        } else {
            text[at] = byte;
        }
        if let Ok(text) = String::from_utf8(text)
            && let Ok(damaged) = read(&text)
        {
            diff(&report(), &damaged);
        }
    }

    #[test]
    fn any_text_is_refused_or_a_run(text in ".*") {
        prop_assert!(read(&text).is_err());
        prop_assert!(!report().add_run(&text));
    }
}
