//! A load: what has the kernel busy.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

use cofferdam_native::probe::{self, Sort};

/// Nothing is mapped there.
const NOWHERE: u32 = 0x7000_0000;

/// Faults of each kind, behind which the partition's `errors` have it go on.
pub fn faults() {
    probe::store(NOWHERE, 1);
    if let Some(illegal) = probe::table().iter().find(|one| one.sort == Sort::Illegal) {
        illegal.execute(0);
    }
}
