//! Time: schedules, windows, budgets, timers, releases.
//!
//! There is no tick. The timer is set to the next thing that happens: the guard before the end of the window, the end of
//! a budget, a virtual timer or a call's deadline of a partition that may run in this window. Timers of the others
//! wait for the next boundary: so nothing that a partition arms can touch a window that it has no part in.
//!
//! A window begins on its tick, whatever came before: the timer fires a guard early, at least as long as the longest
//! path without interrupts; the kernel does everything that the boundary needs (who runs, which
//! translations, which interrupts), and only then waits for the tick ([`Kernel::await_window`]). What is left after it is
//! a fixed number of instructions.

mod due;

use cofferdam_abi::health::Error;
use cofferdam_abi::record::{STOP_REQUEST, State, TraceKind};
use cofferdam_abi::{limits, page};

use cofferdam_tables::Window;

use crate::configuration::{Range, WindowTables};
use crate::kernel::{AfterTimer, Ending, Kernel, NOBODY, Next, Opening};
use crate::machine::Machine;
use crate::partition::Activity;
use crate::table::{Table, bit, elements};

/// How far ahead the first window is set, in ticks: time to finish booting.
const FIRST_WINDOW_AHEAD: u64 = 8192;
/// Module time begins at a multiple of this many ticks.
const FIRST_WINDOW_ALIGNMENT: u64 = 1024;

/// The schedule before there is one.
const NO_SCHEDULE: u8 = 0xff;

/// Where in time a core is.
pub(crate) struct Clock {
    pub(crate) schedule: u8,
    pub(crate) next_schedule: u8,
    /// When the schedule in force began; 0 if there was no other before it.
    pub(crate) switched: u64,
    /// The windows of the major frame that are still to come.
    following: &'static [WindowTables],
    /// When the window ends.
    ends_at: u64,
    /// How long before that the kernel takes the processor back, in ticks.
    guard: u32,
    /// When it does so: the lower half of the timebase.
    closes_at: u32,
    /// The ranks that may run now: the window's, less those whose budget is used up.
    pub(crate) eligible: u32,
    /// The partitions released when this window began.
    releases: u32,
    /// The device interrupts that may come in this window: a set.
    pub(crate) interrupts: u32,
    /// How far behind its boundary this window began, in ticks.
    late: u32,
    /// The most that any window began behind its boundary, in ticks.
    latest: u32,
    /// Since when the partition that has the processor has had it: the lower half of the timebase.
    /// While a window waits for its tick, this is the tick.
    pub(crate) slice_start: u32,
    /// The next thing that happens in this window, budgets aside: the work for its end, or a timer that may fire before.
    /// As the lower half of the timebase: a window is shorter than half of what that counts.
    event: u32,
    /// Partitions with a timer, a delayed restart, or a missed deadline that the health monitor does not yet know of: a set.
    armed: u32,
    /// The window began behind its boundary, and the log does not yet say so.
    late_error: bool,
    /// Those of `armed` that were released again before their work was complete: a set.
    missed: u32,
    /// Whether a call may be under way whose deadline counts.
    pub(crate) calls_timed: bool,
    /// Ranks whose partitions had the processor in this window: a set.
    pub(crate) ran: u32,
    /// The ranks that have a budget: a set.
    pub(crate) budgeted: u32,
    /// Those to which the processor is not handed over directly: these, and all while somebody has a chore, which comes first.
    pub(crate) at_length: u32,
    /// What each rank used of its budget in this window, in ticks.
    used: Table<u32, { limits::RANKS }>,
}

impl Clock {
    pub(crate) const STOPPED: Self = Self {
        schedule: NO_SCHEDULE,
        next_schedule: 0,
        switched: 0,
        following: &[],
        ends_at: 0,
        guard: 0,
        closes_at: 0,
        eligible: 0,
        releases: 0,
        interrupts: 0,
        late: 0,
        latest: 0,
        slice_start: 0,
        event: 0,
        armed: 0,
        late_error: false,
        missed: 0,
        calls_timed: false,
        ran: 0,
        budgeted: 0,
        at_length: 0,
        used: Table::filled([0; limits::RANKS]),
    };
}

impl<M: Machine> Kernel<M> {
    /// The timer fired. Says who goes on.
    #[inline(always)]
    pub fn timer(&mut self) -> AfterTimer {
        let now = self.machine.now_lower();
        if self.clock.closes_at.wrapping_sub(now) as i32 > 0 {
            // The lower halves told that it is not yet time, which is so unless the machine stood still for seconds.
            let now = self.machine.now();
            if now < self.clock.ends_at {
                return AfterTimer::Otherwise(self.within_window(now));
            }
        }
        self.boundary(now)
    }

    /// Something is due before the end of the window.
    #[inline(never)]
    fn within_window(&mut self, now: u64) -> Next {
        self.account_out_of_line();
        self.do_first_due(now);
        self.look_ahead(now);
        self.exhaust_budget();
        self.plan_timer();
        self.decide_out_of_line()
    }

    /// Charges the time since the last call to whoever had the processor.
    #[inline(always)]
    pub(crate) fn account(&mut self) {
        let now = self.machine.now_lower();
        let used = now.wrapping_sub(self.clock.slice_start);
        self.clock.slice_start = now;
        let partition = self.current;
        if partition == NOBODY {
            return;
        }
        let state = &mut self.partitions[partition];
        state.window_used = state.window_used.wrapping_add(used);
        if self.clock.budgeted & bit(self.current_rank) != 0 {
            let rank_used = &mut self.clock.used[self.current_rank];
            *rank_used = rank_used.saturating_add(used);
        }
    }

    /// As [`Kernel::account`], for paths whose length does not count.
    #[inline(never)]
    pub(crate) fn account_out_of_line(&mut self) {
        self.account();
    }

    /// Somebody has just got the processor.
    #[inline]
    pub(crate) fn begin_slice(&mut self) {
        if self.current != NOBODY {
            self.clock.ran |= bit(self.current_rank);
            if self.clock.budgeted & bit(self.current_rank) != 0 {
                self.plan_timer();
            }
        }
    }

    /// The processor time of a partition until its last slice.
    pub(crate) fn processor_ticks(&mut self, partition: u8) -> u64 {
        let unsettled = u64::from(self.partitions[partition].window_used);
        self.record.partition(partition).cpu_ticks.get() + unsettled
    }

    /// What is left of the budget of the rank that has the processor, in ticks; none if it has no limit.
    #[inline(always)]
    fn budget_left(&self) -> Option<u32> {
        if self.clock.budgeted & bit(self.current_rank) == 0 || self.current == NOBODY {
            return None;
        }
        let budget = self
            .configuration
            .ranks
            .get(usize::from(self.current_rank))?
            .budget_ticks;
        Some(budget.saturating_sub(self.clock.used[self.current_rank]))
    }

    /// A rank whose budget is used up is out for the rest of the window.
    fn exhaust_budget(&mut self) {
        if self.budget_left() == Some(0) {
            self.clock.eligible &= !bit(self.current_rank);
            self.ending = Ending::DECIDE;
        }
    }

    /// How long from `now` to the next thing that happens, in ticks: 1 if it is due.
    #[inline(always)]
    fn next_shot(&self, now: u32) -> u32 {
        let ahead = self.clock.event.wrapping_sub(now);
        let ahead = if ahead as i32 > 0 { ahead } else { 1 };
        match self.budget_left() {
            Some(left) => {
                // What the slice under way has used is not charged yet.
                let used = now.wrapping_sub(self.clock.slice_start);
                ahead.min(left.saturating_sub(used).max(1))
            }
            None => ahead,
        }
    }

    /// Sets the timer to the next thing that happens.
    #[inline(never)]
    pub(crate) fn plan_timer(&mut self) {
        let now = self.machine.now_lower();
        let shot = self.next_shot(now);
        self.machine.set_timer(shot);
    }

    /// Notes that something of the partition is due in `ahead` ticks.
    #[inline]
    pub(crate) fn arm(&mut self, partition: u8, now: u32, ahead: u32) {
        let until_event = self.clock.event.wrapping_sub(now) as i32;
        if (ahead as i32) < until_event && self.is_eligible(partition) {
            self.clock.event = now.wrapping_add(ahead);
            self.plan_timer();
        }
    }

    /// Notes that a call of the partition that has the processor, and no budget, times out in `ahead` ticks.
    #[inline(always)]
    pub(crate) fn arm_client(&mut self, now: u32, ahead: u32) {
        if (ahead as i32) < self.clock.event.wrapping_sub(now) as i32 {
            self.clock.event = now.wrapping_add(ahead);
            self.machine.set_timer(ahead);
        }
    }

    /// Begins module time: from no schedule at all, the initial one is switched to like any other.
    pub(crate) fn start_time(&mut self) {
        let ahead = self.machine.now() + FIRST_WINDOW_AHEAD + FIRST_WINDOW_ALIGNMENT;
        let boundary = ahead - ahead % FIRST_WINDOW_ALIGNMENT;
        self.clock.next_schedule = self.configuration.module.initial_schedule;
        self.clock.guard = self.configuration.module.guard_ticks;
        self.clock.ends_at = boundary;
        self.clock.closes_at = (boundary as u32).wrapping_sub(self.clock.guard);
        self.record.header.start_tick = boundary.into();
        for (index, rank) in self.configuration.ranks.iter().enumerate() {
            if rank.budget_ticks != 0 {
                self.clock.budgeted |= bit(index as u8);
            }
        }
        self.clock.at_length |= self.clock.budgeted;
        self.clock.event = self.clock.closes_at;
        self.plan_timer();
    }

    /// The end of a window, a guard before its tick: it is done with, and the next one made ready.
    #[inline(always)]
    fn boundary(&mut self, now: u32) -> AfterTimer {
        self.close_accounts(now);
        if self.clock.releases != 0 {
            self.account_for_releases();
        }
        let boundary = self.clock.ends_at;
        let next = match self.clock.following.split_first() {
            Some((window, following)) => Some((window, window.writes, following)),
            None => self.next_frame(boundary),
        };
        let Some((window, writes, following)) = next else {
            return AfterTimer::Otherwise(Next::Halt);
        };
        self.clock.following = following;
        self.machine
            .write_tlb(writes.of(&self.configuration.tlb_writes));
        self.open_window(&window.own, boundary);
        // What is left to do now is not for whoever has this window to pay.
        self.patient = NOBODY;
        self.trace_window(boundary);
        let mut opening = Opening {
            at: boundary as u32,
            ahead: (boundary as u32).wrapping_sub(self.machine.now_lower()),
            shot: self.clock.event.wrapping_sub(boundary as u32),
        };
        // Work that was in time has at most a guard before it.
        if opening.ahead.wrapping_sub(1) >= self.clock.guard {
            opening = self.window_is_late(opening);
        }
        let candidates = self.runnable & self.clock.eligible;
        if candidates == 0 {
            return AfterTimer::Otherwise(self.nobody_first(opening));
        }
        let partition = self.choose_first(candidates, boundary);
        if self.clock.budgeted != 0 {
            opening.shot = self.renew_budgets();
        }
        let ready = self.partitions[partition].activity == Activity::Ready;
        if ready && (self.chores == 0 || !Self::in_set(partition, self.chores)) {
            AfterTimer::Window(partition, opening)
        } else {
            AfterTimer::Otherwise(Next::Await(opening))
        }
    }

    /// The end of the last window of a major frame: the first window of the next one, which may be of another schedule; what
    /// it writes; and those that follow it. None if the machine stops here.
    #[inline(never)]
    fn next_frame(
        &mut self,
        boundary: u64,
    ) -> Option<(&'static WindowTables, Range, &'static [WindowTables])> {
        let now = self.clock.schedule;
        if now != NO_SCHEDULE {
            self.count_frame(boundary);
        }
        if self.halted {
            return None;
        }
        let next = self.clock.next_schedule;
        if now != next && now != NO_SCHEDULE {
            self.clock.switched = boundary;
        }
        self.clock.schedule = next;
        self.record.header.schedule = u32::from(next).into();
        let schedule = self.configuration.schedules.get(usize::from(next))?;
        let windows = schedule.windows.of(&self.configuration.windows);
        let (window, following) = windows.split_first()?;
        // Between two schedules every entry is written; between two frames, those that differ.
        let writes = if now == next {
            window.writes
        } else {
            schedule.writes
        };
        Some((window, writes, following))
    }

    /// A major frame is over: the host may have asked to stop here.
    fn count_frame(&mut self, boundary: u64) {
        let header = &mut self.record.header;
        header.major_frames = header.major_frames.get().wrapping_add(1).into();
        let elapsed = boundary.wrapping_sub(header.start_tick.get());
        if header.stop_request == STOP_REQUEST && elapsed >= header.stop_at.get() {
            header.now_tick = boundary.into();
            self.halt(State::Stopped, 0);
        }
    }

    /// Settles the accounts of the window that ends.
    #[inline(always)]
    fn close_accounts(&mut self, now: u32) {
        if self.current != NOBODY {
            let state = &mut self.partitions[self.current];
            let used = now.wrapping_sub(self.clock.slice_start);
            state.window_used = state.window_used.wrapping_add(used);
        }
        for rank in elements(core::mem::take(&mut self.clock.ran)) {
            let partition = self.owners[rank];
            let used = core::mem::take(&mut self.partitions[partition].window_used);
            let account = self.record.partition(partition);
            account.cpu_ticks = account.cpu_ticks.get().wrapping_add(u64::from(used)).into();
            if used > account.worst_window_used_ticks.get() {
                account.worst_window_used_ticks = used.into();
            }
        }
    }

    /// The same when the machine stops.
    pub(crate) fn close_last_accounts(&mut self) {
        let now = self.machine.now_lower();
        self.close_accounts(now);
    }

    /// Notes how far behind its tick the window began, for those that were released then.
    #[inline(never)]
    fn account_for_releases(&mut self) {
        let late = self.clock.late;
        for partition in elements(core::mem::take(&mut self.clock.releases)) {
            let account = self.record.partition(partition);
            account.jitter_min_ticks = account.jitter_min_ticks.get().min(late).into();
            account.jitter_max_ticks = account.jitter_max_ticks.get().max(late).into();
        }
    }

    /// Begins the time of a window that opens at `boundary`.
    #[inline(always)]
    fn open_window(&mut self, own: &Window, boundary: u64) {
        self.clock.ends_at = boundary + u64::from(own.length_ticks);
        self.clock.closes_at = (self.clock.ends_at as u32).wrapping_sub(self.clock.guard);
        self.clock.event = self.clock.closes_at;
        self.clock.eligible = own.eligible;
        self.clock.interrupts = own.interrupts;
        if own.interrupts != self.interrupts_enabled {
            self.open_interrupts_of_window(boundary);
        }
        if own.releases | self.clock.armed | u32::from(self.clock.calls_timed) != 0 {
            self.release_all(own.releases, boundary);
        }
        self.record.header.now_tick = boundary.into();
        self.clock.slice_start = boundary as u32;
    }

    /// Every rank that has a budget has all of it again. Gives when the timer is to fire, for that of the first may be used
    /// up before anything else happens.
    #[inline(never)]
    fn renew_budgets(&mut self) -> u32 {
        for rank in elements(self.clock.budgeted) {
            self.clock.used[rank] = 0;
        }
        self.next_shot(self.clock.slice_start)
    }

    /// The releases of a window, and what is due in it.
    #[inline(never)]
    fn release_all(&mut self, partitions: u32, boundary: u64) {
        for partition in elements(partitions) {
            self.release(partition, boundary);
        }
        self.look_ahead(boundary);
        self.ending = Ending::RESUME;
    }

    /// What opens, counted over all schedules, and how late the window before it was.
    #[inline(always)]
    fn trace_window(&mut self, boundary: u64) {
        if cfg!(feature = "trace")
            && let Some(schedule) = self
                .configuration
                .schedules
                .get(usize::from(self.clock.schedule))
        {
            let opened = schedule.windows.len() - self.clock.following.len();
            let index = schedule.windows.index(opened as u32 - 1);
            self.record.trace(
                boundary,
                TraceKind::Window,
                NOBODY,
                index.unwrap_or_default() as u16,
                self.clock.late,
                0,
            );
        }
    }

    /// Waits for the tick on which the window opens. The architecture resumes who is to have it at once, always by
    /// the same instructions.
    #[inline(always)]
    pub fn await_window(&mut self, opening: Opening) {
        let Opening { at, ahead, shot } = opening;
        self.clock.late = self.machine.wait_until(at, ahead, shot);
        if self.clock.late > self.clock.latest {
            self.window_was_late();
        }
    }

    /// Later than any before it.
    #[cold]
    fn window_was_late(&mut self) {
        self.clock.latest = self.clock.late;
        self.record.header.jitter_max_ticks = self.clock.late.into();
    }

    /// Who has the processor when the window begins: settled before its tick, so that nothing is left to decide if
    /// that partition is ready.
    #[inline(always)]
    fn choose_first(&mut self, candidates: u32, boundary: u64) -> u8 {
        let rank = candidates.leading_zeros() as u8;
        let partition = self.owners[rank];
        self.current_rank = rank;
        self.current = partition;
        self.clock.ran |= bit(rank);
        self.record.trace(
            boundary,
            TraceKind::Switch,
            partition,
            u16::from(rank),
            0,
            0,
        );
        partition
    }

    #[cold]
    fn nobody_first(&mut self, opening: Opening) -> Next {
        self.current = NOBODY;
        self.renew_budgets();
        if self.halted {
            Next::Halt
        } else {
            Next::Await(opening)
        }
    }

    /// The boundary has passed already. Only the first of a row is worth an entry in the log, which the timer makes at once.
    #[cold]
    fn window_is_late(&mut self, opening: Opening) -> Opening {
        let header = &mut self.record.header;
        header.late_windows = header.late_windows.get().wrapping_add(1).into();
        self.clock.late_error = self.clock.late < self.clock.guard;
        Opening {
            ahead: 0,
            shot: 0,
            ..opening
        }
    }

    /// The start of a period. Work of the one before that is not complete has missed its deadline.
    fn release(&mut self, partition: u8, boundary: u64) {
        if self.partitions[partition].release.take().is_some() && self.count_miss(partition) {
            self.clock.missed |= bit(partition);
            self.clock.armed |= bit(partition);
            if Self::ends_life(self.action_on(partition, Error::DeadlineMissed)) {
                // That comes first, with the registers as they are.
                return;
            }
        }
        if !self.partitions[partition].activity.is_up() {
            return;
        }
        self.partitions[partition].release = Some(boundary);
        self.clock.releases |= bit(partition);
        let account = self.record.partition(partition);
        account.releases = account.releases.get().wrapping_add(1).into();
        let page = self.partitions[partition].page;
        self.machine
            .write_word(page + page::RELEASE, (boundary >> 32) as u32);
        self.machine
            .write_word(page + page::RELEASE + 4, boundary as u32);
        let count = self
            .machine
            .read_word(page + page::RELEASES)
            .wrapping_add(1);
        self.machine.write_word(page + page::RELEASES, count);
        self.record
            .trace(boundary, TraceKind::Release, partition, 0, count, 0);
        self.raise(partition, page::LINE_RELEASE as u8);
    }

    /// The work of this release is complete.
    pub(crate) fn complete(&mut self, partition: u8) -> bool {
        let Some(release) = self.partitions[partition].release.take() else {
            return false;
        };
        let response = self.machine.now().wrapping_sub(release);
        let response = u32::try_from(response).unwrap_or(u32::MAX);
        let deadline = self
            .tables(partition)
            .map_or(0, |tables| tables.own.deadline_ticks);
        let account = self.record.partition(partition);
        if response > account.response_max_ticks.get() {
            account.response_max_ticks = response.into();
        }
        if deadline != 0 && response > deadline {
            self.count_miss(partition);
            self.partition_error(partition, Error::DeadlineMissed, 0);
        } else {
            account.completions = account.completions.get().wrapping_add(1).into();
        }
        true
    }

    /// Counts a deadline that was missed, if the partition has one.
    fn count_miss(&mut self, partition: u8) -> bool {
        let judged = self
            .tables(partition)
            .is_some_and(|tables| tables.own.deadline_ticks != 0);
        if judged {
            let account = self.record.partition(partition);
            account.deadlines_missed = account.deadlines_missed.get().wrapping_add(1).into();
        }
        judged
    }
}
