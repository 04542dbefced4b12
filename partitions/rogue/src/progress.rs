//! Where the rogue is, in memory that a warm restart keeps.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use cofferdam_native::abi::page::StartReason;
use cofferdam_native::page;
use rogue_attacks::{ATTACKS, Attack};

static NEXT: AtomicU32 = AtomicU32::new(0);
static IN_PROGRESS: AtomicBool = AtomicBool::new(false);
static ROUND: AtomicU32 = AtomicU32::new(1);
static FAILURES: AtomicU32 = AtomicU32::new(0);
static PHASE: AtomicU32 = AtomicU32::new(0);

/// Where it is.
pub struct Progress(());

impl Progress {
    /// As the life before has left it, or from the start if its memory was cleared, which sets all of it to zero.
    pub fn of_this_life() -> Self {
        let kept = matches!(
            page::start_reason(),
            StartReason::Warm | StartReason::HealthWarm
        );
        if !kept {
            ROUND.store(1, Relaxed);
        }
        Self(())
    }

    /// The attack during which the life before ended.
    pub fn in_progress(&self) -> Option<&'static Attack> {
        let attack = ATTACKS.get(NEXT.load(Relaxed) as usize);
        attack.filter(|_| IN_PROGRESS.load(Relaxed))
    }

    /// The attack that comes next in this round.
    pub fn next(&self) -> Option<&'static Attack> {
        ATTACKS.get(NEXT.load(Relaxed) as usize)
    }

    /// It begins.
    pub fn begun(&self) {
        IN_PROGRESS.store(true, Relaxed);
    }

    /// It is over.
    pub fn ended(&self) {
        IN_PROGRESS.store(false, Relaxed);
        NEXT.fetch_add(1, Relaxed);
    }

    /// It did not end as it had to.
    pub fn failed(&self) {
        FAILURES.fetch_add(1, Relaxed);
    }

    /// How many did not end as they had to.
    pub fn failures(&self) -> u32 {
        FAILURES.load(Relaxed)
    }

    /// The number of the round.
    pub fn round(&self) -> u32 {
        ROUND.load(Relaxed)
    }

    /// From the first attack on again.
    pub fn next_round(&self) {
        ROUND.fetch_add(1, Relaxed);
        NEXT.store(0, Relaxed);
    }

    /// A number that is another one each time.
    pub fn next_phase(&self) -> u32 {
        PHASE.fetch_add(1, Relaxed)
    }
}
