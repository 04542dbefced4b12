//! Exhaustive exploration in a small scope: from each state, every step that may come next, and each state once.
//!
//! The running process may make any call of the scenario's at any time, and time may pass before it; so all interleavings of all scripts up to
//! a depth are covered at once. At each state everything that can be seen of the partition is compared with a reference on the simplest
//! data ([`reference`]), and what must always be true is held by functions that know nothing of the reference ([`invariants`]). Longer sequences are random ([`random`]).
//!
//! `COFFERDAM_APEX_DEPTH=2 cargo test -p cofferdam-apex-conformity --profile soak --test exploration -- --nocapture` goes two steps deeper than every day.

mod invariants;
mod pair;
mod random;
mod reference;
mod scenarios;

use std::collections::HashSet;

use pair::{Pair, Scenario};

/// What was gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Covered {
    states: usize,
    steps: usize,
}

/// Goes through everything up to `depth` steps.
fn explore(scenario: &Scenario, depth: usize) -> Result<Covered, String> {
    let first = Pair::new(scenario);
    let mut seen = HashSet::from([first.fingerprint()]);
    // How each state was come to: the one before, and the step.
    let mut ways: Vec<(usize, usize)> = vec![(0, 0)];
    let mut level = vec![(0, first)];
    let mut covered = Covered {
        states: 1,
        steps: 0,
    };
    for left in (0..depth).rev() {
        let mut next = Vec::new();
        for (place, state) in level {
            for (number, step) in scenario.steps.iter().enumerate() {
                let mut after = state.clone();
                covered.steps += 1;
                let possible = after.step(*step).map_err(|wrong| {
                    let mut way = vec![number];
                    let mut at = place;
                    while at != 0 {
                        let (before, number) = ways[at];
                        way.push(number);
                        at = before;
                    }
                    way.reverse();
                    let way: Vec<_> = way.iter().map(|step| scenario.steps[*step]).collect();
                    format!("{}: {wrong}\n  after {way:#?}", scenario.name)
                })?;
                // From the last ones nobody goes on: they are not kept.
                if possible && seen.insert(after.fingerprint()) && left > 0 {
                    ways.push((place, number));
                    next.push((ways.len() - 1, after));
                }
            }
        }
        level = next;
    }
    covered.states = seen.len();
    Ok(covered)
}

#[test]
fn every_order_of_steps_keeps_to_the_reference() {
    let deeper: usize = std::env::var("COFFERDAM_APEX_DEPTH")
        .ok()
        .and_then(|depth| depth.parse().ok())
        .unwrap_or_default();
    let mut wrong = Vec::new();
    let mut all = Covered::default();
    for (scenario, depth) in scenarios::all() {
        match explore(&scenario, depth + deeper) {
            Ok(covered) => {
                println!(
                    "{:32} depth {:2} {:8} states {:9} steps",
                    scenario.name,
                    depth + deeper,
                    covered.states,
                    covered.steps
                );
                all.states += covered.states;
                all.steps += covered.steps;
            }
            Err(message) => wrong.push(message),
        }
    }
    println!("{all:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if deeper == 0 {
        // What docs/apex.md says: a scenario in which little is possible would find little.
        let daily = Covered {
            states: 147_633,
            steps: 411_185,
        };
        assert_eq!(all, daily);
    }
}
