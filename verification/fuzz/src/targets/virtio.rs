//! A guest's disk and network, between a guest and driver partitions that do anything.

use guest_monitor::virtio::hostile;

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "virtio",
    seeds: || (0..64).map(hostile::seed).collect(),
    run: hostile::run,
};
