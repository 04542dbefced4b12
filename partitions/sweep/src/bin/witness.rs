//! Reads the accounts of those who had the window before, and leaves marks of what they show.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cofferdam_native::{Period, mark};
use rogue_attacks::phases::{Interrupted, Phases};

cofferdam_native::partition!("witness", main);

/// From the start of the window before until the kernel takes the processor: its length less the guard, as `system.toml` has them.
const USABLE_TICKS: u64 = 16_000 - 4_000;
/// In the first frames not everybody is up.
const FRAMES_SKIPPED: u32 = 4;

fn main() -> ! {
    let mut witness = Witness {
        phases: [Phases::NONE; Interrupted::ALL.len()],
        doing: 0,
        used_ticks: 0,
    };
    let mut period = Period::new();
    loop {
        let release = period.wait_release();
        witness.look(release.number > FRAMES_SKIPPED);
        period.complete();
    }
}

struct Witness {
    /// For each thing that the intruder does.
    phases: [Phases; Interrupted::ALL.len()],
    /// What it was doing in the frame before.
    doing: u8,
    /// What everybody in the window before had used of the processor by then.
    used_ticks: u64,
}

impl Witness {
    fn look(&mut self, counts: bool) {
        let used_ticks = used_ticks();
        let used = used_ticks - core::mem::replace(&mut self.used_ticks, used_ticks);
        let said = ports::DOING.read().ok().flatten();
        let doing = said.and_then(|sample| sample.value.first().copied());
        let Some(doing) = doing.filter(|_| counts) else {
            return;
        };
        if doing != self.doing {
            self.say();
            self.doing = doing;
        }
        if let Some(phases) = self.phases.get_mut(usize::from(doing)) {
            // Earlier than the kernel can be is as wrong as later than can be noted, and is noted as that.
            let late = used.wrapping_sub(USABLE_TICKS);
            phases.meet(u32::try_from(late).unwrap_or(u32::MAX));
        }
    }

    /// The intruder is done with what it was doing.
    fn say(&self) {
        let index = usize::from(self.doing);
        let met = Interrupted::ALL.get(index).zip(self.phases.get(index));
        if let Some((interrupted, phases)) = met {
            for (identifier, value) in phases.marks(*interrupted) {
                mark(identifier, value);
            }
        }
    }
}

/// What everybody in the window before has used of the processor so far.
fn used_ticks() -> u64 {
    [
        &ports::PARTITION_STATUS_INTRUDER,
        &ports::PARTITION_STATUS_SERVER,
        &ports::PARTITION_STATUS_MORTAL,
        &ports::PARTITION_STATUS_FILLER,
    ]
    .into_iter()
    .filter_map(|status| status.read().ok())
    .map(|status| status.processor_ticks)
    .sum()
}
