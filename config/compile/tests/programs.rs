//! Each rule of programs, broken once.

mod common;

use std::ops::Range;

use cofferdam_abi::{limits, space};
use cofferdam_check::Checked;
use cofferdam_check::programs::{Piece, entries_aligned, memory_properties};
use cofferdam_compile::compile;
use cofferdam_ipc::note::{Direction, PortNote, Text};
use cofferdam_model::Diagnostics;
use common::*;

type Programs = Vec<(String, Vec<u8>)>;

fn refused(checked: &Checked, kernel: &[u8], programs: &Programs, id: &str) -> Diagnostics {
    let Err(diagnostics) = compile(checked, kernel, programs, &[]) else {
        panic!("{id}: not refused");
    };
    let found = diagnostics.list.iter().any(|one| one.rule.id == id);
    assert!(found, "not {id}:\n{diagnostics}");
    diagnostics
}

/// The programs of the system with one of everything, the first one replaced.
fn with_first(change: impl FnOnce(&Checked) -> Vec<u8>) -> (Checked, Programs) {
    let checked = checked(EVERYTHING);
    let mut programs = programs(&checked);
    programs[0].1 = change(&checked);
    (checked, programs)
}

fn with_notes(change: impl FnOnce(&mut Vec<PortNote>)) -> (Checked, Programs) {
    with_first(|checked| {
        let mut notes = ports(checked, 0);
        change(&mut notes);
        program(checked, 0, &notes)
    })
}

fn with_segments(segments: &[Segment]) -> (Checked, Programs) {
    with_first(|checked| {
        let mut notes = version_note();
        notes.extend(ports(checked, 0).iter().flat_map(|note| note.to_elf()));
        elf(20, space::TEXT, segments, &notes)
    })
}

const TEXT: Segment = (space::TEXT, RX, Vec::new(), 64);

#[test]
fn a_missing_program_is_named() {
    let checked = checked(EVERYTHING);
    let mut programs = programs(&checked);
    programs.remove(2);
    let diagnostics = refused(&checked, &kernel(), &programs, "PROGRAM-MISSING");
    assert!(diagnostics.to_string().contains("`console`"));
}

#[test]
fn what_is_no_program_for_this_machine_is_refused() {
    let hello = b"#!/bin/sh\necho hello\n".to_vec();
    let little = {
        let mut bytes = kernel();
        bytes[5] = 1;
        bytes
    };
    let arm = elf(40, space::TEXT, &[TEXT], &[]);
    let truncated = kernel()[..60].to_vec();
    for bytes in [hello, little, arm, truncated, Vec::new()] {
        let (checked, programs) = with_first(|_| bytes.clone());
        refused(&checked, &kernel(), &programs, "PROGRAM-ELF");
        refused(&checked, &bytes, &programs, "PROGRAM-ELF");
    }
}

#[test]
fn other_versions_are_refused_with_their_numbers() {
    let (checked, programs) = with_first(|checked| {
        let mut bytes = program(checked, 0, &ports(checked, 0));
        let note = version_note();
        // Both the section and the segment of constants hold it.
        while let Some(at) = bytes.windows(note.len()).position(|window| *window == note) {
            bytes[at + 24..at + 28].copy_from_slice(&7u32.to_be_bytes());
        }
        bytes
    });
    let diagnostics = refused(&checked, &kernel(), &programs, "PROGRAM-VERSION");
    assert!(
        diagnostics.to_string().contains("version 7"),
        "{diagnostics}"
    );
}

#[test]
fn another_version_of_the_native_personality_is_refused_with_both_numbers() {
    let own = env!("CARGO_PKG_VERSION");
    let judge = |personality: &str| {
        let (checked, programs) = with_first(|checked| {
            let mut notes = version_note_of(personality);
            notes.extend(ports(checked, 0).iter().flat_map(|note| note.to_elf()));
            let stack = *checked.system.partitions[0].stack_bytes as u32;
            let data = (space::DATA, RW, Vec::new(), stack);
            elf(20, space::TEXT, &[TEXT, data], &notes)
        });
        compile(&checked, &kernel(), &programs, &[]).map_err(|wrong| wrong.to_string())
    };
    assert!(judge(&format!("cofferdam-native {own}")).is_ok());
    assert!(judge("another-personality 9.9.9").is_ok());
    for other in ["0.0.7", "7.1.0", "new"] {
        let wrong = judge(&format!("cofferdam-native {other}")).unwrap_err();
        let both = format!("version {other} of the native personality, this build has {own}");
        assert!(
            wrong.contains("PROGRAM-VERSION") && wrong.contains(&both),
            "{wrong}"
        );
    }
}

#[test]
fn segments_have_their_places_and_rights() {
    let (checked, programs) = with_segments(&[TEXT, (0x4000_0000, R, Vec::new(), 16)]);
    refused(&checked, &kernel(), &programs, "PROGRAM-SEGMENTS");
    let (checked, programs) = with_segments(&[(space::CONSTANTS, R, Vec::new(), 16)]);
    refused(&checked, &kernel(), &programs, "PROGRAM-SEGMENTS");
    let (checked, programs) = with_segments(&[(space::TEXT, 7, Vec::new(), 64)]);
    refused(&checked, &kernel(), &programs, "PROGRAM-RIGHTS");
    let (checked, programs) = with_segments(&[TEXT, (space::DATA, RX, Vec::new(), 64)]);
    refused(&checked, &kernel(), &programs, "PROGRAM-RIGHTS");
    let (checked, programs) = with_segments(&[TEXT, (space::DATA, RW, Vec::new(), 1 << 20)]);
    refused(&checked, &kernel(), &programs, "PROGRAM-MEMORY");
}

#[test]
fn the_entry_lies_in_the_text() {
    let (checked, programs) = with_first(|_| elf(20, space::DATA, &[TEXT], &version_note()));
    refused(&checked, &kernel(), &programs, "PROGRAM-ENTRY");
}

#[test]
fn the_stack_is_the_one_of_the_file() {
    for stack in [
        (space::DATA, space::DATA + 0x1000),
        (space::DATA + 0x1000, space::DATA + 0x3000),
        (space::DATA + 0x2000, space::DATA),
    ] {
        let (checked, programs) = with_first(|checked| {
            let mut notes = version_note();
            notes.extend(ports(checked, 0).iter().flat_map(|note| note.to_elf()));
            elf_with_stack(20, space::TEXT, &[TEXT], &notes, Some(stack))
        });
        refused(&checked, &kernel(), &programs, "PROGRAM-STACK");
    }
}

#[test]
fn ports_are_those_of_the_file() {
    let (checked, programs) = with_notes(|notes| notes.truncate(notes.len() - 1));
    refused(&checked, &kernel(), &programs, "NOTE-PORTS");
    let (checked, programs) = with_notes(|notes| {
        let extra = PortNote {
            slot: 9,
            name: Text::new("extra").unwrap(),
            ..notes[0]
        };
        notes.push(extra);
    });
    refused(&checked, &kernel(), &programs, "NOTE-PORTS");
    let (checked, programs) = with_notes(|notes| notes[0].slot = 1);
    refused(&checked, &kernel(), &programs, "NOTE-SLOT");
}

#[test]
fn kinds_types_and_fingerprints_are_those_of_the_other_end() {
    let attitude = |notes: &mut Vec<PortNote>| {
        notes
            .iter()
            .position(|note| note.name.as_str() == "attitude")
            .unwrap()
    };
    let (checked, programs) = with_notes(|notes| {
        let at = attitude(notes);
        notes[at].direction = Direction::Source;
    });
    refused(&checked, &kernel(), &programs, "NOTE-KIND");
    let (checked, programs) = with_notes(|notes| {
        let at = attitude(notes);
        notes[at].type_name = Text::new("flight_messages::Position").unwrap();
    });
    refused(&checked, &kernel(), &programs, "NOTE-TYPE");
    let (checked, programs) = with_notes(|notes| {
        let at = attitude(notes);
        notes[at].fingerprint += 1;
    });
    refused(&checked, &kernel(), &programs, "NOTE-FINGERPRINT");
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let checked = checked(EVERYTHING);
    let programs: Programs = (0..checked.system.partitions.len())
        .map(|index| {
            let mut notes = ports(&checked, index);
            for note in notes
                .iter_mut()
                .filter(|note| note.name.as_str() == "attitude")
            {
                note.max_size = 1025;
            }
            let name = checked.system.partitions[index].name.value.clone();
            (name, program(&checked, index, &notes))
        })
        .collect();
    refused(&checked, &kernel(), &programs, "MESSAGE-SIZE");
}

#[test]
fn a_damaged_note_is_reported() {
    let (checked, programs) = with_first(|_| {
        let mut notes = version_note();
        notes.truncate(40);
        elf(20, space::TEXT, &[TEXT], &notes)
    });
    refused(&checked, &kernel(), &programs, "NOTE-FORM");
}

#[test]
fn an_end_without_notes_is_declared_by_the_file() {
    let silent = |_: &Checked| elf(20, space::TEXT, &[TEXT], &[]);
    let delivered =
        EVERYTHING.replace("crate    = \"partitions/flight\"", "image = \"flight.elf\"");
    let checked = checked(&delivered);
    let mut programs = programs(&checked);
    programs[0].1 = silent(&checked);
    refused(&checked, &kernel(), &programs, "NOTE-UNVERIFIED");

    // With a fingerprint that the other ends confirm it is built, and every end is listed.
    let confirmed = delivered.replace(
        "\"flight_messages::Attitude\"",
        "\"flight_messages::Attitude\"\nfingerprint = \"0x12345678\"",
    );
    let checked = common::checked(&confirmed);
    let mut programs = common::programs(&checked);
    programs[0].1 = silent(&checked);
    let image =
        compile(&checked, &kernel(), &programs, &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(image.warnings.list.len(), 3, "{}", image.warnings);

    let wrong = confirmed.replace("0x12345678", "0x12345679");
    let checked = common::checked(&wrong);
    refused(&checked, &kernel(), &programs, "NOTE-FINGERPRINT");
}

#[test]
fn a_delivered_program_brings_its_slots() {
    let delivered = EVERYTHING.replace("crate  = \"partitions/health\"", "image = \"health.elf\"");
    let checked = checked(&delivered);
    let mut programs = programs(&checked);
    let mut notes = ports(&checked, 3);
    notes[0].slot = 5;
    programs[3].1 = program(&checked, 3, &notes);
    let image =
        compile(&checked, &kernel(), &programs, &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
    let health = &image.plan.partitions[3];
    assert_eq!(health.ports.last().map(|port| port.slot), Some(5));
    assert_eq!(health.capabilities[0].slot, 6);
}

#[test]
fn a_kernel_outside_of_its_memory_is_refused() {
    let checked = checked(EVERYTHING);
    let outside = elf(20, 0, &[(0x50_0000, RX, Vec::new(), 16)], &[]);
    refused(&checked, &outside, &programs(&checked), "KERNEL-PLACE");
}

#[test]
fn programs_larger_than_the_ram_are_refused() {
    let large = vec![0x60; 17 << 20];
    let segments = [(space::TEXT, RX, large, 17 << 20)];
    let (checked, programs) = with_segments(&segments);
    refused(&checked, &kernel(), &programs, "MEMORY-TOTAL");
}

#[test]
fn tables_that_the_kernel_has_no_room_for_are_refused() {
    use cofferdam_check::programs::{Counts, plan_limits, tables_fit};
    let checked = checked(EVERYTHING);
    let room = Counts {
        ranks: limits::RANKS,
        regions: limits::REGIONS,
        copies: limits::COPIES,
        tlb_writes: limits::TLB_WRITES,
    };
    assert!(plan_limits(&checked, &room).is_empty());
    let more = Counts {
        ranks: limits::RANKS + 1,
        tlb_writes: limits::TLB_WRITES + 1,
        ..room
    };
    let mut found = plan_limits(&checked, &more);
    assert_eq!(found.len(), 2);
    assert!(tables_fit(&checked, limits::TABLES_BYTES).is_none());
    found.extend(tables_fit(&checked, limits::TABLES_BYTES + 1));
    assert_eq!(found.len(), 3);
    for one in found {
        assert_eq!(one.rule.id, "LIMIT-TABLES");
        assert!(one.message.contains("and the kernel has room for"));
    }
}

const PIECE: Piece = Piece {
    partition: 0,
    effective: 0x3000_0000,
    physical: 0x1000..0x2000,
    name: String::new(),
    ring: false,
    write: true,
    execute: false,
};

fn piece(partition: usize, physical: Range<u64>, ring: bool) -> Piece {
    Piece {
        partition,
        physical,
        name: if ring { "blocks" } else { "data" }.into(),
        ring,
        ..PIECE
    }
}

/// Devices begin 64K behind a multiple of more: a larger one is no entry of TLB1 there, and one that is as large is.
#[test]
fn a_pinned_region_begins_at_a_multiple_of_its_size() {
    let with = |pinned: bool, bytes: u64| {
        let mut checked = checked(EVERYTHING);
        checked.pinned[1] = pinned;
        let device = Piece {
            partition: 1,
            effective: space::DEVICES + space::STRIDE,
            physical: 0xc_0000_0000..0xc_0000_0000 + bytes,
            name: "edu".into(),
            ..PIECE
        };
        entries_aligned(&checked, &[device])
    };
    assert!(with(true, 0x1_0000).is_empty());
    assert!(with(false, 0x10_0000).is_empty());
    let found = with(true, 0x10_0000);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule.id, "TLB-ALIGNED");
    assert!(found[0].message.contains("`edu` takes 1M at 0xa1070000"));
}

/// Judges pieces of a plan for a system that requires `statement`, and for one that requires nothing: the findings and where they
/// stand are the statement's, or the rule's that holds for every system.
#[track_caller]
fn judge_pieces(pieces: &[Piece], statement: &str, count: usize) {
    let text = format!("{EVERYTHING}\n[require]\nmemory = [\"{statement}\"]\n");
    for (text, rule) in [
        (text.as_str(), "REQUIRE-MEMORY"),
        (EVERYTHING, "MEMORY-ISOLATION"),
    ] {
        let checked = checked(text);
        let found = memory_properties(&checked, pieces);
        assert_eq!(found.len(), count, "{found:?}");
        for one in found {
            let span = one.primary.unwrap().span;
            let place = &text[span.start..span.end];
            assert_eq!(one.rule.id, rule);
            assert_eq!(
                place.contains(statement),
                rule == "REQUIRE-MEMORY",
                "{place}"
            );
        }
    }
}

#[test]
fn no_page_shared_except_by_ring_is_judged_at_its_statement() {
    let judge = |pieces: &[Piece], count| {
        judge_pieces(pieces, "no page shared except by ring", count);
    };
    judge(
        &[
            piece(0, 0x1000..0x2000, false),
            piece(1, 0x2000..0x3000, false),
        ],
        0,
    );
    judge(
        &[
            piece(2, 0x1000..0x2000, true),
            piece(3, 0x1000..0x2000, true),
        ],
        0,
    );
    judge(
        &[
            piece(0, 0x1000..0x4000, false),
            piece(1, 0x2000..0x3000, false),
        ],
        1,
    );
    judge(
        &[
            piece(2, 0x1000..0x2000, true),
            piece(3, 0x1000..0x2000, false),
        ],
        1,
    );
}

#[test]
fn no_page_writable_and_executable_is_judged_at_its_statement() {
    let with = |write, execute| Piece {
        write,
        execute,
        ..PIECE
    };
    for (write, execute, count) in [
        (true, true, 1),
        (true, false, 0),
        (false, true, 0),
        (false, false, 0),
    ] {
        judge_pieces(
            &[with(write, execute)],
            "no page writable and executable",
            count,
        );
    }
}

#[test]
fn what_was_proved_stands_in_the_plan() {
    let statements = [
        "plant -/-> flight except attitude, health, console",
        "interrupt uart0 -> console <= 10ms",
        "no page writable and executable",
        "no page shared except by ring",
    ];
    let [flow, latency, write, share] = statements;
    let text = format!(
        "{EVERYTHING}\n[require]\nflow = [\"{flow}\"]\nlatency = [\"{latency}\"]\nmemory = [\"{write}\", \"{share}\"]\n"
    );
    let checked = checked(&text);
    let plan = compile(&checked, &kernel(), &programs(&checked), &[])
        .unwrap()
        .plan;
    let plan = serde_json::to_value(&plan).unwrap();
    assert_eq!(plan["proved"], serde_json::json!(statements));
}

#[test]
fn the_plan_shows_what_each_partition_takes_and_each_channel_carries() {
    let checked = checked(EVERYTHING);
    let plan = compile(&checked, &kernel(), &programs(&checked), &[])
        .unwrap()
        .plan;
    let of = |name: &str| plan.partitions.iter().find(|one| one.name == name).unwrap();
    for partition in &plan.partitions {
        let memory = partition.memory;
        assert_eq!(memory.asked_bytes + memory.lost_bytes, memory.taken_bytes);
    }
    // Text of 5000 bytes in 16K, constants of a page in 4K, data of 64K, a page of 4K, and some data in a page.
    let flight = of("flight");
    let constants = flight.regions[1].asked_bytes;
    let copy = flight.copies[0].bytes;
    assert_eq!(flight.memory.tlb1_entries, 4);
    assert_eq!(
        flight.memory.asked_bytes,
        5000 + constants + 0x1_0000 + 0x1000 + copy
    );
    assert_eq!(
        flight.memory.taken_bytes,
        0x4000 + 0x1000 + 0x1_0000 + 0x1000 + 0x1000
    );
    // Refilled: whole pages are enough, and nothing stays in TLB1. A device is no RAM, but takes an entry.
    assert_eq!(of("plant").memory.tlb1_entries, 0);
    assert_eq!(of("plant").regions[2].bytes, 20 << 10);
    assert_eq!(
        of("console").memory.tlb1_entries,
        of("console").regions.len()
    );

    let carries = |name: &str| {
        let channel = plan.channels.iter().find(|one| one.name == name).unwrap();
        [&channel.fingerprint, &channel.reply_fingerprint].map(|one| one.clone())
    };
    let bytes = |count| Some(format!("{:016x}", cofferdam_ipc::bytes_fingerprint(count)));
    assert_eq!(carries("attitude"), [Some("0000000012345678".into()), None]);
    assert_eq!(carries("clock"), [bytes(8), bytes(16)]);
    assert_eq!(carries("alarm"), [None, None]);
}
