//! A ring whose peer writes anything anywhere at any time.

use cofferdam_ring::hostile;

use super::noise;
use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "ring",
    seeds: || noise(64, 300),
    run: hostile::peer,
};
