//! An ARINC 653 application of two processes: one is the client of a driver, and a more urgent one goes on at its releases meanwhile.
//!
//! The services know nothing of rings. So the client looks at its ring, and waits by TIMED_WAIT in between: the line of the ring wakes the
//! partition, but no process.
#![cfg(target_os = "none")]
#![no_std]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cofferdam_apex_native::apex::{Limits, OperatingMode, SystemTime};
use cofferdam_apex_native::{Apex, ProcessAttributes};
use evidence::seen;

const PERIOD: SystemTime = SystemTime(10_000_000);
/// So long the client waits before it looks at the ring again.
const LOOK: SystemTime = SystemTime(500_000);

/// How often the urgent process was released.
#[derive(Debug)]
pub struct Beats(AtomicU32);

impl Beats {
    /// Not yet.
    #[expect(clippy::new_without_default, reason = "it is for a static")]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// How often until now.
    pub fn count(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// What the urgent process does.
    pub fn go_on<L: Limits, const PROCESSES: usize>(&self, apex: &'static Apex<L, PROCESSES>) {
        loop {
            self.0.fetch_add(1, Relaxed);
            if apex.periodic_wait().is_err() {
                return;
            }
        }
    }
}

/// Starts the urgent process and the client, and leaves the initialisation.
pub fn start<L: Limits, const PROCESSES: usize>(
    apex: &'static Apex<L, PROCESSES>,
    urgent: extern "C" fn(),
    client: extern "C" fn(),
) {
    for attributes in [
        ProcessAttributes::periodic("urgent", 20, PERIOD, urgent),
        ProcessAttributes::aperiodic("client", 10, client),
    ] {
        let process = apex.create_process(&attributes);
        let started = process.and_then(|process| apex.start(process));
        seen!("started", u32::from(started.is_ok()));
    }
    let _ = apex.set_partition_mode(OperatingMode::Normal);
}

/// Waits until the client is to look at its ring again.
pub fn wait_to_look<L: Limits, const PROCESSES: usize>(apex: &'static Apex<L, PROCESSES>) {
    let _ = apex.timed_wait(LOOK);
}
