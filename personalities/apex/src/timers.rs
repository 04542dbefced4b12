//! What is due, in the order of ticks: one list, linked through the processes.
//!
//! A process has two timers: for its waiting (a time-out, a delay, a release point) and for its deadline. Both kinds are in
//! one list, so that the next event is its first entry, one number.

use crate::process::{Process, ProcessIndex};

/// What a timer is for. Of what is due at the same tick, the first kind comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKind {
    /// The end of a wait.
    Wake = 0,
    /// The deadline.
    Deadline = 1,
}

/// A timer of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimerId {
    pub process: ProcessIndex,
    pub kind: TimerKind,
}

impl TimerId {
    pub const fn new(process: ProcessIndex, kind: TimerKind) -> Self {
        Self { process, kind }
    }

    fn get(self, processes: &[Process]) -> &Timer {
        &processes[self.process.at()].timers[self.kind as usize]
    }

    fn get_mut(self, processes: &mut [Process]) -> &mut Timer {
        &mut processes[self.process.at()].timers[self.kind as usize]
    }
}

/// One timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Timer {
    /// When it is due; `None` if it is not set, and then it is not in the list.
    tick: Option<u64>,
    next: Option<TimerId>,
    previous: Option<TimerId>,
}

impl Timer {
    pub const fn tick(&self) -> Option<u64> {
        self.tick
    }
}

/// The timers that are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    first: Option<TimerId>,
    /// When the first one is due, which is asked at each service; `u64::MAX` if there is none.
    due: u64,
    /// Whether that has changed since somebody asked.
    changed: bool,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            first: None,
            due: u64::MAX,
            changed: false,
        }
    }
}

impl Timers {
    /// Sets a timer, in place of what was set before. Of those that are due together it is the last of its kind.
    pub fn set(&mut self, processes: &mut [Process], timer: TimerId, tick: u64) {
        self.cancel(processes, timer);
        let mut previous = None;
        let mut next = self.first;
        while let Some(other) = next {
            let there = other.get(processes);
            if there
                .tick
                .is_some_and(|due| (due, other.kind) > (tick, timer.kind))
            {
                break;
            }
            previous = Some(other);
            next = there.next;
        }
        *timer.get_mut(processes) = Timer {
            tick: Some(tick),
            next,
            previous,
        };
        match previous {
            Some(previous) => previous.get_mut(processes).next = Some(timer),
            None => self.begin_with(Some(timer), tick),
        }
        if let Some(next) = next {
            next.get_mut(processes).previous = Some(timer);
        }
    }

    /// Takes a timer back, if it is set.
    pub fn cancel(&mut self, processes: &mut [Process], timer: TimerId) {
        let Timer {
            tick: Some(_),
            next,
            previous,
        } = core::mem::take(timer.get_mut(processes))
        else {
            return;
        };
        match previous {
            Some(previous) => previous.get_mut(processes).next = next,
            None => {
                let due = next.and_then(|next| next.get(processes).tick);
                self.begin_with(next, due.unwrap_or(u64::MAX));
            }
        }
        if let Some(next) = next {
            next.get_mut(processes).previous = previous;
        }
    }

    fn begin_with(&mut self, first: Option<TimerId>, due: u64) {
        self.first = first;
        self.changed |= self.due != due;
        self.due = due;
    }

    /// Whether [`Timers::next`] has changed since the last time.
    #[inline]
    pub const fn take_changes(&mut self) -> bool {
        core::mem::replace(&mut self.changed, false)
    }

    /// When the first one is due; `u64::MAX` if there is none.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.due
    }

    /// Takes the first one out if it is due at `now`.
    pub fn take_due(&mut self, processes: &mut [Process], now: u64) -> Option<TimerId> {
        let first = self.first?;
        first.get(processes).tick.filter(|tick| *tick <= now)?;
        self.cancel(processes, first);
        Some(first)
    }

    /// All of them, in order.
    pub fn iter<'a>(
        &self,
        processes: &'a [Process],
    ) -> impl Iterator<Item = (TimerId, Option<u64>)> + 'a {
        core::iter::successors(self.first, |timer| timer.get(processes).next)
            .map(|timer| (timer, timer.get(processes).tick))
    }
}
