//! Capabilities that are not channels, and what a partition may always do to itself.

use cofferdam_abi::health;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::{HealthRecord, PartitionState};
use zerocopy::{FromZeros, IntoBytes};

use crate::Error;
use crate::hypercall::{Aligned, call, call_plain};

macro_rules! capability {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            slot: u32,
        }

        impl $name {
            /// The capability in this slot. Generated code calls it; a wrong slot is refused by the kernel.
            #[doc(hidden)]
            pub const fn at(slot: u32) -> Self {
                Self { slot }
            }

            /// Its slot.
            pub const fn slot(&self) -> u32 {
                self.slot
            }
        }
    )* };
}

capability! {
    /// The right to read the module's health log.
    HealthLog;
    /// The right to stop and restart a partition.
    PartitionControl;
    /// The right to ask how a partition does.
    PartitionStatus;
    /// The right to switch schedules.
    ScheduleControl;
    /// The right to ask for the schedule.
    ScheduleStatus;
}

impl HealthLog {
    /// The next entry; `None` if all were read. A gap in their numbers says that the log ran over.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn read(&self) -> Result<Option<HealthRecord>, Error> {
        let mut record = Aligned(HealthRecord::new_zeroed());
        let address = record.0.as_mut_bytes().as_mut_ptr() as u32;
        // SAFETY: the kernel writes the 64 bytes of a record, any of which are a valid one, to `record`, which lives
        // until the call is over.
        let result = unsafe { call(Hypercall::HealthRead, [self.slot, address, 0, 0, 0, 0]) };
        Ok(Error::or_none(result)?.map(|_| record.0))
    }
}

/// What becomes of a partition that is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Restart {
    /// It starts again, its memory cleared.
    Cold = 1,
    /// It starts again, its memory kept.
    Warm = 2,
}

impl PartitionControl {
    /// Stops the partition.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn stop(&self) -> Result<(), Error> {
        self.control(0)
    }

    /// Restarts the partition, or starts it if it is stopped.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn restart(&self, how: Restart) -> Result<(), Error> {
        self.control(how as u32)
    }

    fn control(&self, what: u32) -> Result<(), Error> {
        call_plain(Hypercall::PartitionControl, [self.slot, what, 0, 0, 0, 0]).map(drop)
    }

    /// How the partition does.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn status(&self) -> Result<PartitionSummary, Error> {
        PartitionStatus::at(self.slot).read()
    }
}

/// How a partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSummary {
    /// What it is doing; `None`: a number that this version does not know.
    pub state: Option<PartitionState>,
    /// The number of its life.
    pub epoch: u32,
    /// Its processor time in ticks.
    pub processor_ticks: u64,
    /// Starts after the first.
    pub restarts: u32,
    /// Its health events.
    pub health_events: u32,
}

impl PartitionStatus {
    /// How the partition does.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn read(&self) -> Result<PartitionSummary, Error> {
        const STATES: [PartitionState; 5] = [
            PartitionState::Stopped,
            PartitionState::Starting,
            PartitionState::Ready,
            PartitionState::Waiting,
            PartitionState::Delayed,
        ];
        let [state, epoch, upper, lower, restarts, health_events] =
            call_plain(Hypercall::PartitionStatus, [self.slot, 0, 0, 0, 0, 0])?;
        Ok(PartitionSummary {
            state: STATES.into_iter().find(|known| *known as u32 == state),
            epoch,
            processor_ticks: u64::from(upper) << 32 | u64::from(lower),
            restarts,
            health_events,
        })
    }
}

/// Which schedule is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleSummary {
    /// The one now.
    pub now: u32,
    /// The one from the next major frame on.
    pub next: u32,
    /// Major frames since the start.
    pub major_frames: u64,
    /// The tick at which the one now began; 0 if there was no other before it.
    pub since_tick: u64,
}

impl ScheduleStatus {
    /// Which schedule is in use.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn read(&self) -> Result<ScheduleSummary, Error> {
        let [now, next, upper, lower, since_upper, since_lower] =
            call_plain(Hypercall::ScheduleStatus, [self.slot, 0, 0, 0, 0, 0])?;
        Ok(ScheduleSummary {
            now,
            next,
            major_frames: u64::from(upper) << 32 | u64::from(lower),
            since_tick: u64::from(since_upper) << 32 | u64::from(since_lower),
        })
    }
}

impl ScheduleControl {
    /// Switches to this schedule at the next boundary of the major frame.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn switch(&self, schedule: u32) -> Result<(), Error> {
        call_plain(Hypercall::ScheduleSet, [self.slot, schedule, 0, 0, 0, 0]).map(drop)
    }

    /// Which schedule is in use.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn status(&self) -> Result<ScheduleSummary, Error> {
        ScheduleStatus::at(self.slot).read()
    }
}

/// Raises the error `application_error` for this partition, with a number that the health log keeps.
pub fn application_error(detail: u32) {
    // Any number is taken.
    let _ = call_plain(Hypercall::HealthRaise, [detail, 0, 0, 0, 0, 0]);
}

/// Raises an error of this partition's own, as if the processor had found it, with a number that the health log keeps. Comes back if the
/// partition's table lets it go on.
///
/// # Errors
/// `Invalid`: not an error that a partition can cause.
pub fn raise_error(error: health::Error, detail: u32) -> Result<(), Error> {
    let kind = error as u32 + 1;
    call_plain(Hypercall::HealthRaise, [detail, kind, 0, 0, 0, 0]).map(drop)
}

/// Leaves a mark in the record, as evidence for the host.
pub fn mark(identifier: u32, value: u32) {
    // Any numbers are taken.
    let _ = call_plain(Hypercall::Mark, [identifier, value, 0, 0, 0, 0]);
}

/// Stops this partition.
pub fn stop_self() -> ! {
    control_self(0)
}

/// Restarts this partition.
pub fn restart_self(how: Restart) -> ! {
    control_self(how as u32)
}

fn control_self(what: u32) -> ! {
    loop {
        // It does not return; a kernel that does not know the call would find us asking again.
        let _ = call_plain(Hypercall::SelfControl, [what, 0, 0, 0, 0, 0]);
    }
}
