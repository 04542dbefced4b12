//! The prover's own test: what it finds of images that were changed. A slice of each class; all of it is `cargo xtask soak prove`.

mod support;

use cofferdam_prove::mutate::{Class, Score, campaign};
use support::{EVERYTHING, GUESTS, build};

/// So many mutants of each class.
const MOST: u64 = 250;
/// Where the score is published.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/prover.md");
const BEGIN: &str = "<!-- score of the slice -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn every_mutant_that_changes_a_property_is_found() {
    let mut score = Score::default();
    for system in [EVERYTHING, GUESTS] {
        let built = build(system);
        score.add(campaign(&built.prover(), &built.image, MOST).unwrap());
    }
    assert!(
        score.is_whole(),
        "these survive: {:#?}\n{score}",
        score.survivors
    );
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let published = document
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let published = published.map(|(table, _)| table).unwrap_or_default();
    assert_eq!(
        published,
        score.to_string(),
        "docs/prover.md publishes another score than this:\n{score}"
    );
}

/// Without the programs, what they alone know is measured and not proved: code, entries within it, lengths. Nothing that makes a mapping is among that.
#[test]
fn without_programs_only_what_they_know_is_left() {
    let built = build(EVERYTHING);
    let score = campaign(&built.prover_alone(), &built.image, 60).unwrap();
    let known = [
        Class::SealedBits,
        Class::Fields,
        Class::Segments,
        Class::ContentBits,
    ];
    for (class, count) in score.classes {
        assert!(
            count.survived == 0 || known.contains(&class),
            "{}",
            class.text()
        );
        assert!(
            class == Class::ContentBits || count.survived * 20 <= count.tried,
            "{}",
            class.text()
        );
    }
}
