//! Numbers, read by one function: written out at each field, as the derived form is, they are the larger part of what the kernel reads its
//! tables with.

use serde::{Deserialize, Deserializer};

/// As the derived form.
#[inline(never)]
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::deserialize(deserializer)
}
