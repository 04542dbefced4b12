//! Periodic work: once for each release that the schedule gives.

use cofferdam_abi::hypercall::Hypercall;

use crate::{Lines, hypercall, page, wait};

/// The partition's period, as the system's file has it.
#[derive(Debug, Default)]
pub struct Period(());

/// One release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its number in this life of the partition, from 1 on.
    pub number: u32,
    /// The timebase when it began.
    pub tick: u64,
}

impl Period {
    /// The partition's period.
    pub const fn new() -> Self {
        Self(())
    }

    /// Waits for the next release.
    pub fn wait_release(&mut self) -> Release {
        wait(Lines::RELEASE);
        Release {
            number: page::releases(),
            tick: page::release_tick(),
        }
    }

    /// The work of this release is done: the kernel judges the deadline now.
    pub fn complete(&mut self) {
        // Its only refusal is that there was no release, and then there is nothing to judge.
        let _ = hypercall::call_plain(Hypercall::Complete, [0; 6]);
    }
}
