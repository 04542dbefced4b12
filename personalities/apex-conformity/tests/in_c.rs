//! What an application in C meets of the cells: the return codes that the runs of `systems/apex_c` and `systems/apex_errors` are judged by, against the list of all.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cofferdam_apex_conformity::{Code, REQUIRED};

/// Where C gets return codes that a run is judged by.
const RUNS: [&str; 2] = ["apex_c", "apex_errors"];

/// Cells that no run in C meets, and why.
const NOT_MET: &[(&str, &str, &str)] = &[
    (
        "SET_PARTITION_MODE",
        "NO_ERROR",
        "it does not come back: the next life, or the processes, are what is seen of it",
    ),
    ("STOP_SELF", "NO_ERROR", "it has no return code"),
    (
        "APERIODIC_WAIT_EVENT",
        "NO_ERROR",
        "there is no such service: nothing public says what it does",
    ),
];

/// The services' steps: names, and the numbers that came.
fn met() -> BTreeSet<(String, u32)> {
    let mut met = BTreeSet::new();
    for system in RUNS {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../systems")
            .join(system)
            .join("expected/run.toml");
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let Some((name, values)) = line.split_once('=') else {
                continue;
            };
            let name = name.trim().trim_matches('"');
            let numbers = values.split(|letter: char| !letter.is_ascii_digit());
            for number in numbers.filter_map(|number| number.parse().ok()) {
                met.insert((name.to_owned(), number));
            }
        }
    }
    met
}

#[test]
fn each_cell_is_met_in_c_or_says_why_not() {
    let met = met();
    let mut wrong = Vec::new();
    for one in REQUIRED {
        let refusals = one.refusals.iter().map(|code| Code::Refused(*code));
        for code in std::iter::once(Code::NoError).chain(refusals) {
            let number = match code {
                Code::NoError => 0,
                Code::Refused(refused) => refused.number(),
            };
            let is_met = met.contains(&(one.service.to_owned(), number));
            let mut said = NOT_MET.iter();
            let is_said =
                said.any(|(service, name, _)| (*service, *name) == (one.service, code.name()));
            if is_met == is_said {
                wrong.push(format!("(\"{}\", \"{}\", \"\"),", one.service, code.name()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "neither met nor said, or both:\n{}",
        wrong.join("\n")
    );
}
