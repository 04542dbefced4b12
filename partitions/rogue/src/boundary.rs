//! Attacks on time: being in the middle of something when the window ends.
//!
//! The kernel wants the processor back a guard before the end of the window. Whatever the rogue has it do then takes
//! from that guard; if it could take more than there is, the next window would begin late, whoever's it is. So
//! each attack repeats what takes the kernel longest, again and again across the end of the window, and each time begins one
//! tick later, until it has met the boundary in every phase.

use cofferdam_native::abi::health::Exception;
use cofferdam_native::abi::hypercall::Hypercall;
use cofferdam_native::abi::limits::MESSAGE_BYTES;
use cofferdam_native::abi::space;
use cofferdam_native::interrupts;
use cofferdam_native::probe::{self, Sort};
use cofferdam_native::{Error, Lines, Period, page, time};
use flight_messages::Question;

use crate::attempts::Attempts;
use crate::floods::count_timer;
use crate::ports;
use crate::progress::Progress;

/// It begins so long before the kernel takes the processor.
const LEAD_TICKS: u64 = 4_000;
/// Phases: more than any repetition takes ticks.
const PHASES: u32 = 1_024;
/// Consecutive attempts are this many phases apart: without a factor in common with their number, so that all are met.
const PHASE_STEP: u32 = 157;
/// Windows for each attack in a round.
const WINDOWS: u32 = 6;
/// The timebase goes on by more than this between two looks only if somebody else ran meanwhile.
const GAP_TICKS: u64 = 100_000;

/// The end of the rogue's windows.
pub struct Boundary {
    /// From the start of a window until the kernel takes the processor, as measured.
    usable_ticks: u64,
}

impl Boundary {
    /// Watches one window pass.
    pub fn measure() -> Self {
        let release = Period::new().wait_release();
        let mut last = time::now();
        loop {
            let now = time::now();
            if now - last > GAP_TICKS {
                return Self {
                    usable_ticks: last.saturating_sub(release.tick),
                };
            }
            last = now;
        }
    }

    /// Repeats `attempt` across the end of several windows, each time in another phase.
    fn repeat(&mut self, progress: &Progress, mut attempt: impl FnMut() -> bool) -> Attempts {
        let mut attempts = Attempts::none();
        for _ in 0..WINDOWS {
            let phase = progress.next_phase().wrapping_mul(PHASE_STEP) % PHASES;
            let release = Period::new().wait_release();
            let begin =
                (release.tick + self.usable_ticks + u64::from(phase)).saturating_sub(LEAD_TICKS);
            let mut last = time::now();
            while last < begin {
                last = time::now();
            }
            loop {
                attempts.count(attempt());
                let now = time::now();
                if now - last > GAP_TICKS {
                    break;
                }
                last = now;
            }
        }
        attempts
    }

    pub fn hypercall(&mut self, progress: &Progress) -> Attempts {
        self.repeat(progress, || ports::PARTITION_STATUS_ROGUE.read().is_err())
    }

    /// The longest message there can be, copied until the queue is full, and refused as late as possible then.
    pub fn message(&mut self, progress: &Progress) -> Attempts {
        let slot = ports::NOISE.slot();
        self.repeat(progress, || {
            let arguments = [slot, probe::scratch(), MESSAGE_BYTES, 0, 0, 0];
            probe::call(Hypercall::QueuingSend.token(), arguments);
            false
        })
    }

    pub fn fault(&mut self, progress: &Progress) -> Attempts {
        self.repeat(progress, || probe::load(space::kernel::DATA, 1) != 1)
    }

    pub fn instruction(&mut self, progress: &Progress) -> Attempts {
        let illegal = probe::table().iter().find(|one| one.sort == Sort::Illegal);
        self.repeat(progress, || {
            illegal.is_none_or(|illegal| illegal.execute(1) != 1)
        })
    }

    pub fn interrupt(&mut self, progress: &Progress) -> Attempts {
        interrupts::set_handler(Exception::ExternalInput, count_timer);
        interrupts::enable_lines(Lines::TIMER);
        interrupts::enable();
        let attempts = self.repeat(progress, || {
            time::set_timer(time::now() + 1);
            false
        });
        interrupts::disable();
        interrupts::clear_handler(Exception::ExternalInput);
        page::set_enabled(Lines::NONE);
        time::cancel_timer();
        attempts
    }

    pub fn call(&mut self, progress: &Progress) -> Attempts {
        self.repeat(progress, || {
            !matches!(
                ports::QUESTION.call(&Question::Events, 0),
                Ok(_) | Err(Error::Refused(_))
            )
        })
    }

    pub fn wait(&mut self, progress: &Progress) -> Attempts {
        self.repeat(progress, || {
            time::sleep_until(time::now() + 50);
            false
        })
    }
}
