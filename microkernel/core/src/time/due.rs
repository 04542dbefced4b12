//! What falls due within a window: a timer, a delayed restart, a deadline that was missed, a call's time-out, a window that was late.
//!
//! A boundary only looks what is next. It is done behind the window's tick, one thing at a time, so that no path without interrupts grows
//! with what falls due together (docs/decisions/0012-chores.md).

use cofferdam_abi::health::Error;
use cofferdam_abi::page;

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::partition::{Activity, NEVER};
use crate::table::{bit, elements};

impl<M: Machine> Kernel<M> {
    /// Has a partition's virtual timer, or its delayed restart, be due at `at`, or at no time.
    pub(crate) fn set_alarm(&mut self, partition: u8, at: u64) {
        self.partitions[partition].alarm = at;
        if at == NEVER {
            self.clock.armed &= !bit(partition);
            return;
        }
        self.clock.armed |= bit(partition);
        let now = self.machine.now();
        let ahead = at.saturating_sub(now).min(i32::MAX as u64) as u32;
        self.arm(partition, now as u32, ahead);
    }

    /// Nothing of a partition is due any more.
    pub(crate) fn disarm(&mut self, partition: u8) {
        self.partitions[partition].alarm = NEVER;
        self.clock.missed &= !bit(partition);
        self.clock.armed &= !bit(partition);
    }

    /// Does one thing of those that are due. If there are more, [`Kernel::look_ahead`] has the timer fire again at once, so that
    /// no path grows with what falls due together.
    pub(super) fn do_first_due(&mut self, now: u64) {
        if core::mem::take(&mut self.clock.late_error) {
            self.module_error(Error::WindowLate, now);
        } else if let Some(partition) = elements(self.clock.missed).next() {
            self.clock.missed &= !bit(partition);
            self.set_alarm(partition, self.partitions[partition].alarm);
            self.put_off_error(partition, Error::DeadlineMissed);
        } else if let Some(partition) = self.first_alarm(now) {
            self.set_alarm(partition, NEVER);
            if self.partitions[partition].activity == Activity::Delayed {
                let reason = self.partitions[partition].reason;
                self.start_life(partition, reason);
            } else if self.has_guest(partition) {
                self.decrementer_fired(partition);
            } else {
                self.raise(partition, page::LINE_TIMER as u8);
            }
        } else if let Some((0, index)) = self.next_time_out(now as u32) {
            self.expire_call(index);
        }
    }

    /// The most urgent partition that may run now whose alarm is due.
    fn first_alarm(&self, now: u64) -> Option<u8> {
        elements(self.clock.eligible)
            .map(|rank| self.owners[rank])
            .find(|partition| self.partitions[*partition].alarm <= now)
    }

    /// Finds what happens next in this window: the work for its end, or something that is due of a partition that may run
    /// now. What others have armed waits for their windows: they would not notice. Nothing is done about it here, so that
    /// a boundary has as much to do whatever is due at it.
    pub(super) fn look_ahead(&mut self, now: u64) {
        let mut next = self.clock.ends_at - u64::from(self.clock.guard);
        if self.clock.armed != 0 {
            for rank in elements(self.clock.eligible) {
                next = next.min(self.partitions[self.owners[rank]].alarm);
            }
            if self.clock.missed != 0 {
                next = now;
            }
        }
        let mut ahead = next.saturating_sub(now) as u32;
        if self.clock.calls_timed
            && let Some((left, _)) = self.next_time_out(now as u32)
        {
            ahead = ahead.min(left);
        }
        self.clock.event = (now as u32).wrapping_add(ahead);
    }
}
