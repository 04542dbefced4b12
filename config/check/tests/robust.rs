//! Whatever stands in a file, reading and checking it ends in a system or in diagnostics that can be shown.

use cofferdam_check::check_text;
use proptest::prelude::*;

const GOOD: &str = include_str!("../../compile/tests/common/everything.toml");

/// Pieces that mean something to the reader, so that a change is not only noise.
const PIECES: [&str; 24] = [
    "[",
    "]",
    "{",
    "}",
    "=",
    "\"",
    "'",
    "#",
    "\n",
    ".",
    ",",
    "0",
    "-1",
    "18446744073709551616",
    "0x",
    "\"0ms\"",
    "\"4294967295\"",
    "\"1ns\"",
    "[partition.ü]\n",
    "group = []",
    "true",
    "\"a -/-> b except \"",
    "\"10s\"",
    "\\u0000",
];

fn judge(text: &str) {
    let diagnostics = match check_text("system.toml", text) {
        Ok(checked) => checked.warnings,
        Err(diagnostics) => {
            assert!(diagnostics.errors() > 0);
            diagnostics
        }
    };
    let _ = (diagnostics.render(true), diagnostics.to_json());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_changed_file_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, 0..PIECES.len()), 1..6),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (place, removed, piece) in changes {
            let start = place.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, PIECES[piece].chars());
        }
        judge(&text.into_iter().collect::<String>());
    }

    #[test]
    fn values_exchanged_never_panic(one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let lines: Vec<_> = GOOD.lines().collect();
        let values: Vec<_> = lines.iter().filter_map(|line| line.split_once('=')).map(|(_, value)| value).collect();
        let assignments: Vec<_> = (0..lines.len()).filter(|index| lines[*index].contains('=')).collect();
        let index = assignments[one.index(assignments.len())];
        let key = lines[index].split_once('=').unwrap().0;
        let mut changed: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        changed[index] = format!("{key}={}", values[other.index(values.len())]);
        judge(&changed.join("\n"));
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        judge(&text);
    }
}

#[test]
fn a_file_cut_at_any_length_gets_an_answer() {
    for end in (0..GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
        judge(&GOOD[..end]);
    }
}
