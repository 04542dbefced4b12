//! Guests and drivers that do anything.

extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::super::hostile;

#[test]
fn seeds_get_far() {
    (0..16).for_each(|number| hostile::run(&hostile::seed(number)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn nobody_gets_out_whatever_both_do(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        hostile::run(&bytes);
    }

    #[test]
    fn nobody_gets_out_of_devices_that_work(
        number in 0..16_u8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        more in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes: Vec<u8> = hostile::seed(number);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.extend(more);
        hostile::run(&bytes);
    }
}
