//! The committed figures of `cargo xtask bench apex`, and examples that are files of the tree: so they build and run.

use serde::Deserialize;

use crate::table;

/// The committed figures.
const GOLDEN: &str = include_str!("../../../systems/apex_bench/golden.json");
/// The functions that the instructions of some ways are in.
const PARTS: &str = include_str!("../../../systems/apex_bench/breakdown.json");
/// The least application in Rust.
const RUST: &str = include_str!("../../../partitions/apex-bench/src/bin/least.rs");
/// The same in C.
const C: &str = include_str!("../../../systems/apex_bench/least.c");
/// The system in which they are.
const SYSTEM: &str = include_str!("../../../systems/apex_bench/system.toml");
/// An application for `a653rs`.
const A653RS: &str = include_str!("../../../partitions/apex-ping/src/bin/caller.rs");
/// What has no aim of its own has this one.
const NO_AIM: u64 = 3_000;

#[derive(Deserialize)]
struct Figure {
    service: String,
    instructions: u64,
    must: u64,
    aim: u64,
}

/// What the services cost, as a table.
pub(crate) fn figures() -> String {
    let figures: Vec<Figure> =
        serde_json::from_str(GOLDEN).expect("systems/apex_bench/golden.json is a list of figures");
    let rows = figures.iter().map(|figure| {
        let bound = |bound: u64| {
            if figure.aim == NO_AIM {
                String::new()
            } else {
                bound.to_string()
            }
        };
        [
            figure.service.clone(),
            figure.instructions.to_string(),
            bound(figure.must),
            bound(figure.aim),
        ]
    });
    table(["service", "instructions", "must", "aim"], rows)
}

#[derive(Deserialize)]
struct Way {
    way: String,
    instructions: u64,
    parts: Vec<(String, u64)>,
}

/// What ways through the services consist of, as a table.
pub(crate) fn breakdown() -> String {
    let ways: Vec<Way> =
        serde_json::from_str(PARTS).expect("systems/apex_bench/breakdown.json is a list of ways");
    let rows = ways.iter().map(|way| {
        let parts = way.parts.iter();
        let parts: Vec<_> = parts
            .map(|(function, instructions)| format!("{function} {instructions}"))
            .collect();
        [
            way.way.clone(),
            way.instructions.to_string(),
            parts.join(", "),
        ]
    });
    table(["way", "instructions", "of which"], rows)
}

/// A block of code.
fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```", text.trim())
}

/// What begins with one text and ends before another, which have to be there.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).expect("the beginning of an example");
    let text = &text[begin..];
    &text[..text.find(to).expect("the end of an example")]
}

/// The least application in Rust, without what its file says of itself.
pub(crate) fn in_rust() -> String {
    let (_, text) = RUST
        .split_once("\n")
        .expect("the file says what it is first");
    block("rust", text)
}

/// The same in C, and what `system.toml` says of it.
pub(crate) fn in_c() -> String {
    let partition = between(SYSTEM, "[partition.least_c]", "[channel.");
    let (_, text) = C.split_once("*/").expect("the file says what it is first");
    block("toml", partition) + "\n\n" + &block("c", text)
}

/// The line by which an application for `a653rs` gets its hypervisor.
pub(crate) fn for_a653rs() -> String {
    let line = between(A653RS, "cofferdam_apex_a653rs::partition!(", "\n");
    block("rust", line)
}
