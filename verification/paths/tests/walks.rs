//! What was executed, held against the analysis of small functions made by hand.

mod assembler;

use assembler::{BEQ, Labels, Text};
use cofferdam_paths::analysis::{Analysis, Cause, Entry, Reason};
use cofferdam_paths::facts::{Facts, Known};
use cofferdam_paths::measured::{Run, Walker, runs};
use cofferdam_paths::system::System;

const FACTS: &str = r#"
[[loop]]
function = "again"
turns = "2"
why = "A test."

[[wait]]
function = "wait"
returns_by = ["vector"]
why = "A test."

[[never]]
entries = ["woken"]
function = "rare"
why = "A test."
"#;

/// Follows steps, given as words from the beginning of the text, and gives what runs there were: entries and lengths.
fn follow(steps: &[u32]) -> Result<Vec<(usize, usize)>, String> {
    let mut text = Text::new();
    text.label("entry").nops(1); // 0
    text.label("again").call("rare").branch(BEQ, "again"); // 1, 2
    text.label("behind").call("wait"); // 3
    text.label("last").branch(BEQ, "again").rfi(); // 4, 5
    text.function("wait").enable().nops(1).forever(); // 6, 7, 8
    text.function("rare").ret(); // 9
    text.label("vector").ret(); // 10
    let (program, labels) = text.program();
    let at = |label| program.symbol(label).unwrap();
    let entries = [
        Entry {
            name: "entry".to_owned(),
            cause: Cause::Vector(at("entry"), None),
        },
        Entry {
            name: "woken".to_owned(),
            cause: Cause::Woken(Reason::Interrupt(at("vector"))),
        },
    ];
    let (facts, system) = (Facts::parse(FACTS).unwrap(), System::default());
    let labels = Labels(labels);
    let mut analysis = Analysis::new(&program, &labels, Known::new(&facts, &system)).unwrap();
    for entry in &entries {
        analysis.longest(entry, &entries).unwrap();
    }
    analysis.known().settle().unwrap();
    let steps: Vec<u32> = steps.iter().map(|step| at("entry") + 4 * step).collect();
    let runs = runs(&program, &entries, &steps).map_err(|error| format!("{error:#}"))?;
    Walker::new(&mut analysis, &program, &entries)
        .follow(&steps, &runs)
        .map_err(|error| format!("{error:#}"))?;
    let length = |run: &Run| (run.entry, run.steps.len());
    Ok(runs.iter().map(length).collect())
}

#[test]
fn a_path_is_divided_where_the_kernel_waits() {
    let steps = [0, 1, 9, 2, 3, 6, 7, 10, 4, 5];
    assert_eq!(follow(&steps), Ok(vec![(0, 6), (1, 3)]));
}

#[test]
fn an_interrupt_may_come_as_soon_as_a_partition_is_resumed() {
    let once = [0, 1, 9, 2, 3, 6, 10, 4, 5];
    let twice = [once, once].concat();
    assert_eq!(follow(&twice), Ok(vec![(0, 6), (1, 3), (0, 6), (1, 3)]));
}

#[test]
fn steps_that_do_not_follow_are_found() {
    for steps in [
        &[0, 2][..],
        &[0, 1, 2],
        &[0, 1, 9, 3],
        &[0, 1, 9, 2, 5],
        &[0, 1, 9, 2, 3, 6, 10, 5],
    ] {
        let error = follow(steps).unwrap_err();
        assert!(error.contains("there"), "{steps:?}: {error}");
    }
    assert!(follow(&[1, 9]).unwrap_err().contains("is no vector"));
}

#[test]
fn a_loop_that_turns_too_often_is_found() {
    let turn = [1, 9, 2];
    let begin = [0];
    let steps = |turns| [&begin[..], &turn.repeat(turns), &[3]].concat();
    assert!(follow(&steps(3)).is_ok());
    let error = follow(&steps(4)).unwrap_err();
    assert!(error.contains("turns more than 2 times"), "{error}");
}

#[test]
fn an_entry_that_comes_where_it_never_comes_is_found() {
    let error = follow(&[0, 1, 9, 2, 3, 6, 10, 4, 1, 9]).unwrap_err();
    assert!(error.contains("it never comes there"), "{error}");
}
