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
/// The same of every system: what the long campaign has said.
const LONG_BEGIN: &str = "<!-- score of the long campaign -->\n";
const LONG_END: &str = "<!-- end of the long campaign -->\n";
const SYSTEMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systems");

/// What the document has between two lines.
fn published(begin: &str, end: &str) -> String {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let part = document.split_once(begin);
    let part = part.and_then(|(_, rest)| rest.split_once(end));
    part.map(|(part, _)| part.to_owned()).unwrap_or_default()
}

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
    assert_eq!(
        published(BEGIN, END),
        score.to_string(),
        "docs/prover.md publishes another score than this:\n{score}"
    );
}

/// The figures are the campaign's; that none is missing, that they add up, and that nothing has survived, is seen here.
#[test]
fn the_score_of_the_long_campaign_has_every_system() {
    let folders = std::fs::read_dir(SYSTEMS).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let systems = folders.filter(|folder| folder.join("system.toml").is_file());
    let mut systems: Vec<_> = systems
        .map(|folder| folder.file_name().unwrap().display().to_string())
        .collect();
    systems.sort();
    let table = published(LONG_BEGIN, LONG_END);
    let mut listed = Vec::new();
    for row in table.lines().skip(2) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let numbers = cells[1..].iter().map(|cell| cell.parse::<u64>().unwrap());
        let [tried, refused, found, argued, survived] =
            numbers.collect::<Vec<_>>().try_into().unwrap();
        assert!(tried > 0 && survived == 0, "{row}");
        assert_eq!(tried, refused + found + argued, "{row}");
        listed.push(cells[0].trim_matches('`').to_owned());
    }
    assert_eq!(listed, systems);
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
