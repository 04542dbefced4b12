//! Programs that are none, or not fit: refused at their line, and nothing is left that could be taken for a system.

mod common;

use std::fs::File;
use std::path::Path;

use cofferdam_check::programs::rule_texts;
use common::{POWERPC, Said, System, cofferdam, elf, ends, line_of, one_partition};
use serde_json::Value;

const PROGRAM: &str = r#"image = "program.elf""#;

/// The tests of what is refused of programs and guests. Those of what a file alone can have wrong are beside the rules, a file for each.
const CASES: [&str; 3] = [
    include_str!("programs.rs"),
    include_str!("guests.rs"),
    include_str!("../../../config/compile/tests/programs.rs"),
];

/// Its id is what a case expects: as an argument or an element of its own, or within what is printed.
#[test]
fn each_rule_of_programs_and_guests_has_a_case() {
    let expects = |case: &str, id: &str| {
        let quoted = format!("\"{id}\"");
        let ways = [")", ",", " =>"].map(|behind| format!("{quoted}{behind}"));
        ways.iter().any(|way| case.contains(way)) || case.contains(&format!("error[{id}]: "))
    };
    let ids = rule_texts().map(|text| text.id);
    let without: Vec<_> = ids
        .filter(|id| !CASES.iter().any(|case| expects(case, id)))
        .collect();
    assert!(without.is_empty(), "rules without a case: {without:?}");
}

fn build(system: &System) -> Said {
    ends(&mut cofferdam(&["build", &system.file()]))
}

#[test]
fn what_is_no_program_for_this_machine_is_refused_at_its_line() {
    const ARM: u16 = 40;
    let right = elf(POWERPC, 0);
    // Class and byte order (System V ABI, chapter 4).
    let with = |at: usize, byte: u8| {
        let mut wrong = right.clone();
        wrong[at] = byte;
        wrong
    };
    let host = std::fs::read(env!("CARGO_BIN_EXE_cofferdam")).unwrap();
    let system = System::new("programs_wrong", PROGRAM);
    let line = line_of(&one_partition("programs_wrong", PROGRAM), PROGRAM);
    for (content, what) in [
        (b"#!/bin/sh\n".to_vec(), "is no ELF"),
        (Vec::new(), "is no ELF"),
        (host, "is an ELF of 64 bits for another processor"),
        (elf(ARM, 0), "is for another processor (ELF machine 40"),
        (with(5, 1), "is little-endian"),
        (right[..80].to_vec(), "is a broken ELF"),
        (right[..right.len() - 2].to_vec(), "is a broken ELF"),
    ] {
        system.put("program.elf", &content);
        build(&system).fails_with(&["error[PROGRAM-ELF]: ", &line, what, "= help: "]);
        assert_eq!(system.files(), []);
    }
}

#[test]
fn a_program_that_is_too_large_for_the_machine_is_refused_at_its_line() {
    const TOO_LARGE: usize = 70 << 20;
    let system = System::new("programs_large", PROGRAM);
    system.put("program.elf", &elf(POWERPC, 0));
    assert!(build(&system).status.success());
    let before = system.files();
    // The constants grow by a hole in the file: their program header is the second.
    let mut program = elf(POWERPC, 0);
    const CONSTANTS_IN_FILE: usize = 52 + 32 + 16;
    for at in [CONSTANTS_IN_FILE, CONSTANTS_IN_FILE + 4] {
        program[at..at + 4].copy_from_slice(&(TOO_LARGE as u32).to_be_bytes());
    }
    system.put("program.elf", &program);
    let file = File::options().write(true).open(system.path("program.elf"));
    let length = (program.len() + TOO_LARGE) as u64;
    file.unwrap().set_len(length).unwrap();
    let line = line_of(&one_partition("programs_large", PROGRAM), "ram ");
    build(&system).fails_with(&[
        "error[MEMORY-TOTAL]: ",
        &line,
        "= help: give the machine more",
    ]);
    assert!(
        system.files() == before,
        "what was built before is as it was"
    );
}

#[test]
fn a_crate_that_can_be_no_partition_is_refused_before_anything_is_compiled() {
    let own = r#"crate = "own""#;
    for (name, program, what) in [
        ("programs_own", own, "is no package of a workspace"),
        (
            "programs_host",
            r#"crate = "tools/cofferdam""#,
            "does not depend on cofferdam-native",
        ),
        (
            "programs_bin",
            r#"crate = "partitions/bench""#,
            "has no binary for it",
        ),
    ] {
        let system = System::new(name, program);
        std::fs::create_dir(system.path("own")).unwrap();
        system.put("own/Cargo.toml", b"[package]\nname = \"own\"\n");
        let line = line_of(&one_partition(name, program), program);
        let said = build(&system);
        said.fails_with(&["error[PROGRAM-CRATE]: ", &line, what, "= help: "]);
        assert!(!said.err.contains("building"), "{said:#?}");
        assert_eq!(system.files(), []);
    }
}

#[test]
fn what_is_wrong_with_crates_and_with_images_is_said_in_one_run() {
    let text = two_partitions("programs_both", r#"crate = "tools/cofferdam""#, PROGRAM);
    let system = System::with_text("programs_both", &text);
    system.put("program.elf", b"#!/bin/sh\n");
    let said = build(&system);
    let line = line_of(&text, "tools/cofferdam");
    said.fails_with(&["error[PROGRAM-CRATE]: ", &line]);
    said.fails_with(&["error[PROGRAM-ELF]: ", &line_of(&text, PROGRAM)]);
    assert!(!said.err.contains("building"), "{said:#?}");
    assert_eq!(system.files(), []);
}

/// A system with the partitions `one` and `two`, which have a channel.
fn two_partitions(name: &str, one: &str, two: &str) -> String {
    let half =
        |at: &str, of: &str| format!(r#"{{ at = "{at}", length = "5ms", group = ["{of}"] }}"#);
    let windows = [half("0ms", "one"), half("5ms", "two")].join(", ");
    one_partition(name, one).replace(
        r#"{ at = "0ms", length = "10ms", group = ["one"] }"#,
        &windows,
    ) + &format!(
        r#"
[partition.two]
{two}
stack  = "8K"
memory = "20K"

[channel.hint]
kind = "sampling"
type = "bytes(8)"
from = "one.hint"
to   = "two.hint"
"#
    )
}

#[test]
fn a_build_shows_what_each_partition_takes_and_each_channel_carries() {
    let text = two_partitions("programs_takes", PROGRAM, PROGRAM);
    let system = System::with_text("programs_takes", &text);
    system.put("program.elf", &elf(POWERPC, 100));
    let file = system.file();
    let said = ends(&mut cofferdam(&["build", "--format", "json", &file]));
    assert!(said.status.success(), "{said:#?}");
    let object: Value = serde_json::from_str(&said.out).unwrap();
    // Text of 24 bytes and constants of 100, each in a page; the page of registers; 16K and 20K of memory, which take a power of four.
    let takes = |name: &str, memory: u64| {
        let (asked, taken) = (
            24 + 100 + 0x1000 + memory,
            3 * 0x1000 + memory.next_multiple_of(0x4000),
        );
        serde_json::json!({
            "name": name, "tlb1_entries": 4, "asked_bytes": asked, "taken_bytes": taken, "lost_bytes": taken - asked,
        })
    };
    assert_eq!(object["partitions"][0], takes("one", 16 << 10));
    let two = &object["partitions"][1];
    assert_eq!(two["taken_bytes"], 3 * 0x1000 + (64 << 10));
    let fingerprint = object["channels"][0]["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.len(), 16);
    assert!(object["channels"][0]["reply_fingerprint"].is_null());
    let plan = std::fs::read(system.built().join("plan.json")).unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    assert_eq!(plan["channels"][0]["fingerprint"], fingerprint);
    assert_eq!(
        plan["partitions"][1]["memory"]["lost_bytes"],
        two["lost_bytes"]
    );

    let said = build(&system);
    let has_row = |row: &[&str]| {
        let mut lines = said.out.lines();
        lines.any(|line| line.split_whitespace().eq(row.iter().copied()))
    };
    for row in object["partitions"].as_array().unwrap() {
        let number = |key: &str| row[key].to_string();
        let numbers = ["tlb1_entries", "asked_bytes", "taken_bytes", "lost_bytes"].map(number);
        let [entries, asked, taken, lost] = &numbers;
        let name = row["name"].as_str().unwrap();
        assert!(has_row(&[name, entries, asked, taken, lost]), "{said:#?}");
    }
    assert!(has_row(&["hint", fingerprint, "-"]), "{said:#?}");
}

#[test]
fn a_message_type_that_there_is_not_is_refused_at_its_line() {
    let flight = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systems/flight/system.toml");
    let flight = std::fs::read_to_string(flight).unwrap();
    for (name, wrong, crate_name) in [
        (
            "programs_type",
            "flight_messages::Altitude",
            "flight_messages",
        ),
        (
            "programs_crate",
            "flight_mesages::Attitude",
            "flight_mesages",
        ),
    ] {
        let right = "\"flight_messages::Attitude\"";
        let text = flight.replace(right, &format!("\"{wrong}\""));
        let text = with_name(&text, name);
        let system = System::with_text(name, &text);
        let said = build(&system);
        said.fails_with(&[
            &format!("error[PROGRAM-TYPE]: `plant` cannot find the message type `{wrong}`"),
            &format!("there is no such type in `{crate_name}`, or the crate of `plant`"),
        ]);
        assert!(said.err.contains(&line_of(&text, wrong)), "{said:#?}");
        assert!(!said.err.contains("generated/"), "{said:#?}");
        assert_eq!(system.files(), []);
    }
}

/// A system's file with another name of the system.
fn with_name(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("name "));
    text.replacen(line.unwrap(), &format!("name = \"{name}\""), 1)
}

#[test]
fn a_partition_that_does_not_build_is_the_compilers_to_explain() {
    // The plant uses ports that this file does not give it.
    let text = one_partition("programs_broken", r#"crate = "partitions/plant""#);
    let text = text.replace("partition.one", "partition.plant");
    let system = System::with_text(
        "programs_broken",
        &text.replace(r#"["one"]"#, r#"["plant"]"#),
    );
    let mut command = cofferdam(&["build", "--format", "json", &system.file()]);
    let said = ends(&mut command);
    assert_eq!(said.status.code(), Some(1), "{said:#?}");
    let last =
        "building the partitions of programs_broken failed: the compiler's messages above say why";
    let object: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(object["error"], last);
    for part in [
        "partitions/plant/src/main.rs:",
        "`ATTITUDE`",
        "could not compile `plant`",
    ] {
        assert!(said.err.contains(part), "{said:#?}");
    }
    said.is_decent();
    assert_eq!(system.files(), []);
}
