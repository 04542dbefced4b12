//! The driver of a network, between clients, a wire and a device that do anything.

use network::hostile;

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "network",
    seeds: || (0..64).map(hostile::seed).collect(),
    run: hostile::run,
};
