//! What the page says of the last run: how it ended, and what was used of what was granted.

mod small;

use cofferdam_report::*;
use small::*;

/// What a run leaves: `one` had 1 ms of a window, and `two` a quarter of that.
fn left(ok: bool, asked: &str, reasons: &str, kernel: &str) -> String {
    let partition = |name: &str, used: u32| {
        format!(
            r#"{{"name": "{name}", "releases": 3, "deadlines_missed": 0, "response_max_ticks": 100000, "worst_window_used_ticks": {used},
              "stack_high_water_bytes": 1024, "cpu_ticks": 1, "restarts": 0, "health_events": 0}}"#
        )
    };
    format!(
        r#"{{"image_sha256": "abc", "asked_for_ns": {asked}, "judgement": {{"ok": {ok}, "reasons": [{reasons}], "kernel": "{kernel}",
          "instruction_clock": true, "machine_time_ns": 8000000, "window_jitter_max_ticks": 0,
          "partitions": [{}, {}]}}}}"#,
        partition("one", 400_000),
        partition("two", 100_001)
    )
}

/// The part of the page about that run.
fn told(report: &Report) -> String {
    let page = page(report).unwrap();
    let (_, section) = page.split_once(r#"<h2 id="run">"#).unwrap();
    section.split("<h2").next().unwrap().to_owned()
}

#[track_caller]
fn says(left: &str, words: &[&str]) {
    let mut report = report();
    assert!(report.add_run(left), "it is no run of this image: {left}");
    let told = told(&report);
    for one in words {
        assert!(told.contains(one), "{one} is not in {told}");
    }
}

#[test]
fn how_a_run_ended_is_said_before_its_margins() {
    let well = r#"<span class="good">Nothing unexpected happened in 0.008 s"#;
    says(
        &left(true, "8000000", "", "release"),
        &[&format!("{well}.")],
    );
    says(
        &left(true, "null", "", "release"),
        &[&format!("{well}, until this run was ended by hand.")],
    );
    let none = "no margin of a run as it should be";
    says(
        &left(false, "2000000000", r#""interrupted""#, "release"),
        &[
            r#"<span class="loud">This run was ended by hand after 0.008 s; it was to last 2.000 s."#,
            none,
        ],
    );
    says(
        &left(false, "2000000000", r#""one: it is stopped""#, "release"),
        &[
            r#"<span class="loud">This run failed after 0.008 s: one: it is stopped."#,
            none,
        ],
    );
}

#[test]
fn the_most_of_any_window_stands_beside_the_longest() {
    let mut report = report();
    // `two` may run in a window of 2 ms, but not for longer than 0.5 ms of it; its own has 1 ms.
    let windows = &mut report.schedules[0].windows;
    windows[0].length_ticks = 800_000;
    windows[0].eligible.push(rank("two", Some(200_000)));
    assert!(report.add_run(&left(true, "1", "", "release")));
    let margins = &report.run.as_ref().unwrap().margins;
    let longest = margins.iter().map(|one| one.longest_window_ticks);
    assert_eq!(longest.collect::<Vec<_>>(), [Some(796_000), Some(396_000)]);
    let told = told(&report);
    for one in [
        r#"<td class="n">1000.0 us</td><td class="n">1990.0 us</td><td class="n">50 %</td>"#,
        r#"<td class="n">250.0 us</td><td class="n">990.0 us</td><td class="n">25 %</td>"#,
        "says it for each window",
    ] {
        assert!(told.contains(one), "{one} is not in {told}");
    }
}

#[test]
fn what_was_used_up_is_marked() {
    says(
        &left(true, "1", "", "release"),
        &[
            r#"<td class="n">1000.0 us</td><td class="n">990.0 us</td><td class="n loud">101 % ▲</td>"#,
        ],
    );
}

/// The run with what a trace says of the first window.
fn traced() -> Report {
    let mut report = report();
    assert!(report.add_run(&left(true, "1", "", "trace")));
    let run = report.run.as_mut().unwrap();
    run.windows = vec![
        WindowUse {
            schedule: "normal".to_owned(),
            start_ticks: 0,
            granted_ticks: 396_000,
            times: 7,
            latest_ticks: 40,
            used_max_ticks: 396_000,
            ranks: vec![RankUse {
                partition: "one".to_owned(),
                by: "group".to_owned(),
                granted_ticks: 396_000,
                used_max_ticks: 99_000,
            }],
        },
        WindowUse {
            schedule: "normal".to_owned(),
            start_ticks: 400_000,
            granted_ticks: 396_000,
            times: 0,
            latest_ticks: 0,
            used_max_ticks: 0,
            ranks: Vec::new(),
        },
    ];
    report
}

#[test]
fn each_window_has_what_it_granted_and_what_was_used_of_it() {
    let told = told(&traced());
    for one in [
        r#"<td>normal</td><td class="n">0</td><td class="n">0.0 us</td><td class="n">7</td><td class="n"><span class="loud">0.1 us late</span></td>"#,
        r#"<td class="n">990.0 us</td><td class="n">990.0 us</td><td class="n loud">100 % ▲</td>"#,
        r#"<td>one</td><td>group</td><td class="n">990.0 us</td><td class="n">247.5 us</td><td class="n">25 %</td>"#,
        r#"<td class="n">1</td><td class="n">1000.0 us</td><td class="n">never</td>"#,
    ] {
        assert!(told.contains(one), "{one} is not in {told}");
    }
}

#[test]
fn a_window_that_had_more_is_a_difference() {
    let (before, mut after) = (traced(), traced());
    let run = after.run.as_mut().unwrap();
    run.windows[0].ranks[0].used_max_ticks = 198_000;
    let found: Vec<_> = diff(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        ["run: windows, normal > at 0ns, ranks, one > group, used max: 247500ns -> 495us"]
    );
}

#[test]
fn who_never_completes_has_no_response() {
    let run = left(true, "1", "", "release").replace("100000,", "0,");
    says(&run, &[r#"<td class="n">0</td><td class="n">–</td>"#]);
}
