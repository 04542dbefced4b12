//! The conformity cases on the host: every cell and every behaviour, and that no cell is missing.
//!
//! The result is left as JSON, by service, in `target/cofferdam/apex-conformity.json`, and printed as a table (`cargo test -p
//! cofferdam-apex-conformity -- --nocapture table`). It says of each case by its number whether real processes can do the same, and why not; what came
//! of it on the target, `cargo xtask test` adds.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use cofferdam_apex_conformity::host::FACTS;
use cofferdam_apex_conformity::recorded::{cases, gives, record};
use cofferdam_apex_conformity::{BEHAVIOURS, CELLS, Cell, Code, Host, How, REQUIRED, Script};

fn cells() -> impl Iterator<Item = &'static Cell> {
    CELLS.iter().flat_map(|cells| cells.iter())
}

fn run(case: fn(&mut Script<'_>)) -> Result<(), String> {
    let mut host = Host::new(&FACTS);
    catch_unwind(AssertUnwindSafe(|| case(&mut Script { system: &mut host }))).map_err(|cause| {
        cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default()
    })
}

fn required() -> BTreeSet<(&'static str, Code)> {
    REQUIRED
        .iter()
        .flat_map(|one| {
            std::iter::once((one.service, Code::NoError)).chain(
                one.refusals
                    .iter()
                    .map(|code| (one.service, Code::Refused(*code))),
            )
        })
        .collect()
}

#[test]
fn no_cell_is_missing_and_none_too_many() {
    let there: Vec<_> = cells().map(|cell| (cell.service, cell.code)).collect();
    let distinct: BTreeSet<_> = there.iter().copied().collect();
    assert_eq!(there.len(), distinct.len(), "a cell stands twice");
    assert_eq!(distinct, required());
    let of_part = |part| {
        REQUIRED
            .iter()
            .filter(|one| one.part == part)
            .map(|one| 1 + one.refusals.len())
            .sum::<usize>()
    };
    // As counted in the standard's public sources: 70 services of Part 1.
    assert_eq!((of_part(1), of_part(2)), (217, 18));
}

#[test]
fn every_cell_passes_and_the_table_says_so() {
    let mut failures = Vec::new();
    let mut table: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for cell in cells() {
        let result = match cell.how {
            How::Unreachable(why) => format!("unreachable: {why}"),
            How::Case(case) => match run(case) {
                Ok(()) => "passed".to_owned(),
                Err(message) => {
                    failures.push(format!("{} {}: {message}", cell.service, cell.code.name()));
                    "failed".to_owned()
                }
            },
        };
        table
            .entry(cell.service)
            .or_default()
            .insert(cell.code.name(), result);
    }
    let behaviours: BTreeMap<&str, &str> = BEHAVIOURS
        .iter()
        .flat_map(|behaviours| behaviours.iter())
        .map(|behaviour| {
            let passed = run(behaviour.case)
                .map_err(|message| failures.push(format!("{}: {message}", behaviour.name)))
                .is_ok();
            (behaviour.name, if passed { "passed" } else { "failed" })
        })
        .collect();
    for (service, codes) in &table {
        for (code, result) in codes {
            println!("{service:36} {code:15} {result}");
        }
    }
    for (behaviour, result) in &behaviours {
        println!("{behaviour:52} {result}");
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../cofferdam");
    std::fs::create_dir_all(&folder).expect("the folder of results can be made");
    let with_processes: Vec<_> = cases()
        .enumerate()
        .map(|(number, case)| {
            let name = match case.code {
                Some(code) => format!("{} {}", case.name, code.name()),
                None => case.name.to_owned(),
            };
            let how = record(case.case).map_or_else(
                |why| format!("on data only: {why}"),
                |_| "replayed".to_owned(),
            );
            serde_json::json!({ "number": number, "case": name, "on_target": how })
        })
        .collect();
    let json = serde_json::json!({
        "cells": table,
        "behaviours": behaviours,
        "processes": with_processes,
    });
    std::fs::write(
        folder.join("apex-conformity.json"),
        serde_json::to_string_pretty(&json).expect("text and maps are JSON"),
    )
    .expect("the result can be written");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A case that cannot be replayed is not lost unseen: these are few, and the target expects them by number.
#[test]
fn nearly_all_cases_can_be_done_by_processes() {
    let replayed = cases().filter(|case| record(case.case).is_ok()).count();
    assert_eq!((replayed, cases().count()), (281, 301));
}

/// A case in the wrong cell would pass, and the right one be empty unseen.
#[test]
fn in_each_cell_its_service_gives_its_code() {
    let wrong: Vec<_> = cells()
        .filter(|cell| match cell.how {
            How::Case(case) => !gives(case, cell.service, cell.code),
            How::Unreachable(_) => false,
        })
        .map(|cell| format!("{} {}", cell.service, cell.code.name()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
