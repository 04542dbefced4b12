//! The time services.

use crate::SystemTime;
use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::Limits;
use crate::mode::OperatingMode;
use crate::partition::{Partition, Progress};
use crate::process::{Outcome, Wait};
use crate::time::Until;

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `TIMED_WAIT`. Without a delay the caller lets others of its priority run.
    ///
    /// # Errors
    /// INVALID_MODE: the caller owns a mutex, or is no process. INVALID_PARAM: the delay is infinite or out of range.
    pub fn timed_wait(&mut self, delay: SystemTime) -> Result<Progress<()>, ReturnCode> {
        let caller = self.may_wait()?;
        let progress = match self.until(delay)? {
            Until::Never => return Err(ReturnCode::InvalidParam),
            Until::Now => {
                self.scheduler.yield_to_equals(caller);
                Progress::Done(())
            }
            until => {
                self.scheduler.block(caller, Wait::Delay, until);
                Progress::Waits
            }
        };
        self.settle();
        Ok(progress)
    }

    /// `PERIODIC_WAIT`: until the next release point, a period behind the last one.
    ///
    /// If that has passed already, the caller is released at once: its release points stay where they are, whatever it does.
    ///
    /// # Errors
    /// INVALID_MODE: the caller owns a mutex, is no process, or is not periodic. INVALID_CONFIG: the next deadline is out of range.
    pub fn periodic_wait(&mut self) -> Result<Progress<()>, ReturnCode> {
        let caller = self.may_wait()?;
        let process = self.scheduler.process(caller);
        let period = process.period.ok_or(ReturnCode::InvalidMode)?;
        let release = process
            .release
            .checked_add(period)
            .ok_or(ReturnCode::InvalidConfig)?;
        require(
            self.has_deadline_in_range(caller, release),
            ReturnCode::InvalidConfig,
        )?;
        self.scheduler.process_mut(caller).release = release;
        self.set_deadline_behind(caller, release);
        if release > self.scheduler.now {
            self.scheduler
                .block(caller, Wait::Release, Until::Tick(release));
            self.settle();
            return Ok(Progress::Waits);
        }
        self.scheduler.process_mut(caller).outcome = Outcome::DONE;
        self.scheduler.yield_to_equals(caller);
        self.settle();
        // A deadline that has passed with the release point is noticed here.
        self.advance(self.scheduler.now);
        Ok(Progress::Done(()))
    }

    /// `GET_TIME`: the time since the timebase began, at the last `advance`.
    pub fn get_time(&self) -> SystemTime {
        self.clock.system_time(self.scheduler.now)
    }

    /// `REPLENISH`: the deadline is `budget` from now. A process without a time capacity has no deadline, and gets none.
    ///
    /// # Errors
    /// INVALID_PARAM: the budget. INVALID_MODE: the caller is periodic, and the deadline would be behind its next release. NO_ACTION: not in
    /// NORMAL, or the error handler.
    pub fn replenish(&mut self, budget: SystemTime) -> Result<(), ReturnCode> {
        let now = self.scheduler.now;
        let deadline = match self.until(budget)? {
            Until::Now => Some(now),
            Until::Tick(tick) => Some(tick),
            Until::Never => None,
        };
        let caller = self
            .calling_process()
            .filter(|_| self.mode == OperatingMode::Normal)
            .ok_or(ReturnCode::NoAction)?;
        let process = self.scheduler.process(caller);
        if let Some(period) = process.period {
            let next_release = process.release.saturating_add(period);
            require(
                deadline.is_some_and(|deadline| deadline <= next_release),
                ReturnCode::InvalidMode,
            )?;
        }
        if process.attributes.time_capacity.is_infinite() {
            return Ok(());
        }
        self.scheduler.set_deadline(caller, deadline);
        // With no budget at all it is missed at once.
        self.advance(now);
        Ok(())
    }
}
