//! Longer sequences of steps, at random.

use proptest::prelude::*;

use crate::pair::{Pair, Scenario, Step};
use crate::scenarios;

/// All steps of all scenarios, for any of their processes.
fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for (scenario, _) in scenarios::all() {
        for step in scenario.steps {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn long_sequences_keep_to_the_reference(
        which in 0..scenarios::all().len(),
        handler: bool,
        sequence in prop::collection::vec(any::<prop::sample::Index>(), 1..300),
    ) {
        let (scenario, _) = scenarios::all().swap_remove(which);
        let scenario = Scenario { handler, steps: steps(), ..scenario };
        let mut pair = Pair::new(&scenario);
        for index in sequence {
            let step = *index.get(&scenario.steps);
            if let Err(wrong) = pair.step(step) {
                return Err(TestCaseError::fail(format!("{step:?}: {wrong}")));
            }
        }
    }
}
