//! The committed figures of `cargo xtask bench apex`.

use serde::Deserialize;

use crate::table;

/// The committed figures.
const GOLDEN: &str = include_str!("../../../systems/apex_bench/golden.json");
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
