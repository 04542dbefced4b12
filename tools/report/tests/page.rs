//! What the page shows of a system, and how it comes onto paper.

mod small;

use cofferdam_report::*;
use small::*;

#[test]
fn the_page_says_what_the_prover_says_or_that_nobody_asked_it() {
    let mut report = report();
    assert!(page(&report).unwrap().contains("The prover was not asked"));
    let statement = |name: &str, failures: &[&str]| Proved {
        name: name.to_owned(),
        statement: "no frame is writable and executable".to_owned(),
        checked: 12,
        failures: failures.iter().map(|one| (*one).to_owned()).collect(),
    };
    report.proof = Some(Proof {
        image_sha256: "abc".to_owned(),
        holds: true,
        open: vec!["kernel-text".to_owned()],
        statements: vec![statement("frames", &[])],
    });
    let said = page(&report).unwrap();
    assert!(said.contains(r#"<span class="good">1 statements hold</span>"#));
    assert!(said.contains("not looked at: kernel-text"));
    let proof = report.proof.as_mut().unwrap();
    proof.holds = false;
    proof
        .statements
        .push(statement("windows", &["window 2 ends late"]));
    let said = page(&report).unwrap();
    assert!(said.contains(r#"<span class="loud">1 of 2 statements do not hold</span>"#));
    assert!(said.contains("window 2 ends late"));
}

#[test]
fn rights_are_letters_where_partition_and_object_meet() {
    let mut report = report();
    report.capabilities = vec![Capability {
        partition: "two".to_owned(),
        what: "partition.restart:one".to_owned(),
    }];
    report.partitions[0].devices.push("uart0".to_owned());
    let said = page(&report).unwrap();
    for (object, kind, one, two) in [("one", "partition", "", "LB"), ("uart0", "device", "O", "")] {
        let row = format!(
            r#"<tr><td><b>{object}</b></td><td class="dim">{kind}</td><td class="cell mono">{one}</td><td class="cell mono">{two}</td></tr>"#
        );
        assert!(said.contains(&row), "{row}");
    }
}

/// A member of an element, as a number.
fn number(element: &str, member: &str) -> f64 {
    let (_, value) = element.split_once(&format!(" {member}=\"")).expect(element);
    value.split('"').next().unwrap().parse().expect(element)
}

#[test]
fn a_guard_is_seen_however_short_it_is_and_ends_with_its_window() {
    let mut report = report();
    report.guard_ticks = 1;
    let page = page(&report).unwrap();
    let guards = page
        .split("<rect ")
        .filter(|one| one.contains("class=\"guard\""));
    let guards: Vec<_> = guards.map(|one| format!(" {one}")).collect();
    assert_eq!(guards.len(), 2);
    for guard in &guards {
        assert!(number(guard, "width") >= 3.0, "{guard}");
    }
    // The frame's middle and its end.
    let ends = guards
        .iter()
        .map(|one| number(one, "x") + number(one, "width"));
    assert_eq!(ends.collect::<Vec<_>>(), [555.0, 980.0]);
}

#[test]
fn kinds_of_channels_are_kinds_of_lines_and_stand_in_the_legend() {
    let mut report = report();
    let end = |partition: &str| End {
        partition: partition.to_owned(),
        port: "port".to_owned(),
    };
    let channel = |name: &str, kind: &str| Channel {
        name: name.to_owned(),
        kind: kind.to_owned(),
        message: "bytes(4)".to_owned(),
        message_bytes: 4,
        reply: None,
        depth: 1,
        payload_bytes: None,
        fingerprint: None,
        from: end("one"),
        to: vec![end("two")],
    };
    report.channels = vec![channel("values", "sampling"), channel("asks", "call")];
    let said = page(&report).unwrap();
    // One in the picture, one in the legend.
    let drawn = |kind: &str| said.matches(&format!("class=\"rung {kind}\"")).count();
    assert_eq!(
        ["sampling", "queuing", "call", "ring", "signal"].map(drawn),
        [2, 0, 2, 0, 0]
    );
    for kind in ["sampling", "call", "ring", "signal"] {
        let rule = format!(".drawing .rung.{kind} {{");
        assert!(said.contains(&rule), "{kind} looks as others do");
    }
    for (object, one, two) in [("values", "S", "R"), ("asks", "C", "A")] {
        let cells = format!(r#"<td class="cell mono">{one}</td><td class="cell mono">{two}</td>"#);
        let (_, row) = said
            .split_once(&format!("<tr><td><b>{object}</b></td><td class=\"dim\">"))
            .unwrap();
        assert!(
            row.split("</tr>").next().unwrap().contains(&cells),
            "{object}"
        );
    }
}

#[test]
fn what_was_not_measured_says_how_it_is() {
    let mut report = report();
    report.interrupts.push(Interrupt {
        device: "uart0".to_owned(),
        source: 42,
        partition: "one".to_owned(),
        when_not_running: "pend".to_owned(),
        storm_count: None,
        storm_ticks: None,
    });
    let said = page(&report).unwrap();
    assert!(
        said.contains("cargo cofferdam run small --for 2s --icount --kernel trace</code> before")
    );
}

#[test]
fn what_two_share_is_drawn_for_each() {
    const TIP: &str = "one and two: text (rx)";
    let mut report = report();
    report.memory[0].holders.push("two".to_owned());
    let said = page(&report).unwrap();
    let bars = said.split("<rect").filter(|bar| bar.contains(TIP));
    let bars: Vec<_> = bars.collect();
    assert_eq!(bars.len(), 2, "{bars:#?}");
    for (place, bar) in bars.iter().enumerate() {
        assert!(bar.contains(&format!("fill:var(--c{place})")), "{bar}");
        assert_eq!(number(bar, "width"), 100.0);
    }
}
