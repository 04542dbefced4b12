//! A partition's life: started, prepared, running, stopped.
//!
//! Memory is cleared and filled from its pristine copy in small chunks, in the partition's own windows, with
//! interrupts taken in between ([`Activity::Starting`]). So a restart costs nobody else a tick, and the
//! longest path without interrupts does not depend on how large a partition is.
//!
//! The same holds for the **chores** around a life: the crash record of the one that failed, and that its peers learn of its
//! end and of the next one's beginning, one channel at a time. They come at once, in the time of whoever caused them; what a
//! boundary leaves over is done in the partition's own windows.

use core::cell::Cell;

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::page::{self, StartReason};
use cofferdam_abi::record::{PartitionState, TraceKind};
use cofferdam_tables::{Capability, Region, RegionKind};

use crate::bus::BUS;
use crate::configuration::{Configuration, PartitionTables};
use crate::kernel::{Ending, Kernel, NOBODY};
use crate::machine::{Machine, Registers};
use crate::table::bit;

/// How much memory is prepared at a time, in bytes.
const CHUNK: u32 = 1024;

/// No time is that late.
pub(crate) const NEVER: u64 = u64::MAX;

/// What a partition is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Stopped,
    /// A restart waits for its back-off to pass: until `alarm`.
    Delayed,
    /// Its memory is being prepared.
    Starting,
    Ready,
    /// In `guest_run`: its guest has the vCPU.
    Guest,
    /// The same, and the guest waits for an interrupt.
    GuestIdle,
    /// In `wait`.
    Waiting,
    /// In `call`, on this channel.
    AwaitingReply(u8),
    /// In `reply_receive`, on this channel.
    AwaitingRequest(u8),
}

/// How far the preparation of a partition's memory has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preparation {
    /// Regions first, then copies.
    copying: bool,
    index: u32,
    offset: u32,
    /// The guest's processor is ready.
    guest: bool,
    /// So many of its functions on the bus are out.
    functions: u8,
}

impl Activity {
    pub(crate) fn wants_processor(self) -> bool {
        matches!(self, Self::Ready | Self::Guest | Self::Starting)
    }

    pub(crate) fn state(self) -> PartitionState {
        match self {
            Self::Stopped => PartitionState::Stopped,
            Self::Delayed => PartitionState::Delayed,
            Self::Starting => PartitionState::Starting,
            Self::Ready | Self::Guest => PartitionState::Ready,
            Self::Waiting | Self::GuestIdle | Self::AwaitingReply(_) | Self::AwaitingRequest(_) => {
                PartitionState::Waiting
            }
        }
    }

    /// Whether somebody will answer there, now or when its time comes.
    pub(crate) fn is_up(self) -> bool {
        !matches!(self, Self::Stopped | Self::Delayed | Self::Starting)
    }
}

/// The state of a partition. Its size is a power of two, so that finding it takes no multiplication.
#[repr(C, align(256))]
pub(crate) struct Partition<R> {
    pub(crate) registers: R,
    /// What it has, by slot.
    pub(crate) capabilities: &'static [Capability],
    /// Its memory.
    pub(crate) regions: &'static [Region],
    /// Where the last buffer was that it named.
    pub(crate) last_region: Cell<Option<&'static Region>>,
    /// The channels that it is an end of: a set in two words.
    pub(crate) channels: [u32; 2],
    pub(crate) activity: Activity,
    /// Its ranks: a set.
    pub(crate) ranks: u32,
    /// Its register page: a physical address.
    pub(crate) page: u32,
    pub(crate) pid: u8,
    /// Its guest, if it has one.
    pub(crate) guest: u8,
    /// When the virtual timer's line is raised or, of one that is [`Activity::Delayed`], when its restart is due.
    pub(crate) alarm: u64,
    /// When the last release was, if its work is not complete.
    pub(crate) release: Option<u64>,
    /// What it used of this window, in ticks: not yet in its account.
    pub(crate) window_used: u32,
    /// Why this life was, or will be, started.
    pub(crate) reason: StartReason,
    preparation: Preparation,
    /// Its crash record is still without registers.
    pub(crate) crash: bool,
    /// What the health monitor has still to do with it.
    pub(crate) verdict: Option<(Error, Action)>,
    /// So many of its functions on the bus are still to be taken back.
    functions: u8,
    /// The channels that its last life is still to be taken out of, and those whose peers are still to be told of the new
    /// one: sets in two words.
    farewells: [u32; 2],
    announcements: [u32; 2],
    /// The entry of the health log that it reads next.
    pub(crate) health_cursor: u32,
    /// Restarts by the health monitor since `restarts_since`.
    pub(crate) restarts: u16,
    pub(crate) restarts_since: u64,
}

impl<R: Registers> Partition<R> {
    pub(crate) fn new(configuration: &'static Configuration, index: usize) -> Self {
        let tables = configuration.partitions.get(index);
        let own = tables.map(|tables| &tables.own);
        Self {
            registers: R::default(),
            capabilities: tables.map_or(&[], |tables| {
                tables.capabilities.of(&configuration.capabilities)
            }),
            channels: configuration.channels_of(index as u8),
            regions: tables.map_or(&[], |tables| tables.regions.of(&configuration.regions)),
            last_region: Cell::new(None),
            activity: Activity::Stopped,
            ranks: own.map_or(0, |own| own.ranks),
            page: own.map_or(0, |own| own.page_physical),
            pid: own.map_or(0, |own| own.pid),
            guest: tables.map_or(NOBODY, |tables| tables.guest),
            alarm: NEVER,
            release: None,
            window_used: 0,
            reason: StartReason::Power,
            preparation: Preparation::default(),
            crash: false,
            verdict: None,
            functions: 0,
            farewells: [0; 2],
            announcements: [0; 2],
            health_cursor: 0,
            restarts: 0,
            restarts_since: 0,
        }
    }
}

impl<R> Partition<R> {
    /// It has no life, none is on its way, and none of its devices is a master of the bus any more: what peers shared with it is theirs.
    pub(crate) fn is_gone(&self) -> bool {
        self.activity == Activity::Stopped && (!BUS || self.functions == 0)
    }
}

impl<M: Machine> Kernel<M> {
    /// The tables of a partition.
    pub(crate) fn tables(&self, partition: u8) -> Option<&'static PartitionTables> {
        self.configuration.partitions.get(usize::from(partition))
    }

    /// Changes what a partition is doing, and says so in the record.
    fn change_life(&mut self, partition: u8, activity: Activity) {
        self.set_activity(partition, activity);
        self.record.partition(partition).state = (activity.state() as u32).into();
        if partition == self.current {
            self.ending = Ending::DECIDE;
        }
    }

    /// Ends a partition's life. Its peers learn of it by their channels.
    pub(crate) fn stop(&mut self, partition: u8) {
        self.disarm(partition);
        let functions = self.functions_of(partition);
        let state = &mut self.partitions[partition];
        state.release = None;
        state.announcements = [0; 2];
        state.verdict = None;
        // One that waits for its back-off is taken out of its channels again: its peers learn now that no other life comes.
        if state.activity != Activity::Stopped {
            state.farewells = state.channels;
            state.functions = functions;
            self.put_off_chores(partition);
        }
        self.change_life(partition, Activity::Stopped);
        self.silence_interrupts(partition);
    }

    /// What the partition has left to do comes next, unless a boundary comes first.
    pub(crate) fn put_off_chores(&mut self, partition: u8) {
        self.chores |= bit(partition);
        self.clock.at_length = u32::MAX;
        self.patient = partition;
        self.ending = Ending::DECIDE;
    }

    /// Whether a chore comes before any partition: one that the processor's holder has caused, or one of the partition that
    /// would get the processor now.
    #[inline(never)]
    pub(crate) fn chore_is_next(&mut self) -> bool {
        if self.patient != NOBODY && Self::in_set(self.patient, self.chores) {
            return true;
        }
        self.patient = NOBODY;
        let candidates = self.runnable & self.clock.eligible;
        let first = self.owners[candidates.leading_zeros() as u8];
        if candidates == 0 || !Self::in_set(first, self.chores) {
            return false;
        }
        self.account_out_of_line();
        self.take_over(first, candidates.leading_zeros() as u8);
        self.patient = first;
        true
    }

    /// Does the next chore of a partition.
    fn do_chore(&mut self, partition: u8) {
        let state = &mut self.partitions[partition];
        if core::mem::take(&mut state.crash) {
            self.keep_crash(partition);
        } else if let Some((error, action)) = state.verdict.take() {
            self.act(partition, error, action);
        } else if BUS && state.functions != 0 {
            state.functions -= 1;
            let index = state.functions;
            self.step_function(partition, index, true);
        } else if let Some(channel) = first_of(&mut state.farewells) {
            let is_stopped = state.activity == Activity::Stopped;
            self.leave_channel(partition, channel);
            if is_stopped {
                self.announce(partition, channel);
            }
        } else if let Some(channel) = first_of(&mut state.announcements) {
            self.announce(partition, channel);
        } else {
            let activity = state.activity;
            self.chores &= !bit(partition);
            if self.chores == 0 {
                self.clock.at_length = self.clock.budgeted;
            }
            self.set_activity(partition, activity);
        }
    }

    /// Ends a partition's life; another begins at `at`.
    pub(crate) fn delay_start(&mut self, partition: u8, reason: StartReason, at: u64) {
        self.stop(partition);
        self.partitions[partition].reason = reason;
        self.change_life(partition, Activity::Delayed);
        self.set_alarm(partition, at);
    }

    /// Ends a partition's life, and begins another at once.
    pub(crate) fn restart(&mut self, partition: u8, reason: StartReason) {
        self.stop(partition);
        self.start_life(partition, reason);
    }

    /// Begins the life of a partition that has none.
    pub(crate) fn start_life(&mut self, partition: u8, reason: StartReason) {
        let account = self.record.partition(partition);
        let epoch = account.epoch.get().wrapping_add(1);
        account.epoch = epoch.into();
        if epoch > 1 {
            account.restarts = account.restarts.get().wrapping_add(1).into();
        }
        let now = self.machine.now();
        self.record
            .trace(now, TraceKind::Start, partition, 0, reason as u32, 0);
        let state = &mut self.partitions[partition];
        state.reason = reason;
        state.preparation = Preparation::default();
        self.change_life(partition, Activity::Starting);
    }

    /// Does the next step of what there is to do: a chore, or a chunk of the preparation of the partition that has the
    /// processor.
    pub fn prepare(&mut self) {
        if self.patient != NOBODY && Self::in_set(self.patient, self.chores) {
            return self.do_chore(self.patient);
        }
        let partition = self.current;
        if partition == NOBODY || self.partitions[partition].activity != Activity::Starting {
            return;
        }
        let Some(tables) = self.tables(partition) else {
            return;
        };
        let state = &self.partitions[partition];
        let mut done = state.preparation;
        if matches!(state.reason, StartReason::Warm | StartReason::HealthWarm) {
            return self.finish_preparation(partition);
        }
        if !done.copying {
            let regions = tables.regions.of(&self.configuration.regions);
            match regions.get(done.index as usize) {
                Some(region)
                    if region.kind == RegionKind::Private && done.offset < region.length =>
                {
                    let length = CHUNK.min(region.length - done.offset);
                    self.machine
                        .clear(region.physical as u32 + done.offset, length);
                    done.offset += length;
                }
                Some(_) => (done.index, done.offset) = (done.index + 1, 0),
                None => (done.copying, done.index, done.offset) = (true, 0, 0),
            }
        } else {
            let copies = tables.copies.of(&self.configuration.copies);
            match copies.get(done.index as usize) {
                Some(copy) if done.offset < copy.length => {
                    let length = CHUNK.min(copy.length - done.offset);
                    self.machine
                        .copy(copy.from + done.offset, copy.to + done.offset, length);
                    done.offset += length;
                }
                Some(_) => (done.index, done.offset) = (done.index + 1, 0),
                None => return self.finish_preparation(partition),
            }
        }
        self.partitions[partition].preparation = done;
    }

    /// Memory is ready: the guest's processor is next, if there is one, and then the partition's.
    fn finish_preparation(&mut self, partition: u8) {
        let state = &mut self.partitions[partition];
        let guest = state.guest;
        let is_reset = core::mem::replace(&mut state.preparation.guest, true);
        if !is_reset && self.has_guest(partition) {
            return self.reset_guest(guest);
        }
        if BUS && self.partitions[partition].preparation.functions < self.functions_of(partition) {
            let state = &mut self.partitions[partition];
            let index = state.preparation.functions;
            state.preparation.functions += 1;
            return self.step_function(partition, index, false);
        }
        self.enter(partition);
    }

    /// Memory is ready: the registers and the register page are set, and the partition runs.
    fn enter(&mut self, partition: u8) {
        let Some(tables) = self.tables(partition) else {
            return;
        };
        let epoch = self.record.partition(partition).epoch.get();
        let state = &mut self.partitions[partition];
        state
            .registers
            .start(tables.own.entry, tables.own.stack_top, tables.own.pid);
        let (page, reason) = (state.page, state.reason);
        let words = [
            (page::MSR, 0),
            (page::PENDING, 0),
            (page::ENABLED, 0),
            (page::EPOCH, epoch),
            (page::START_REASON, reason as u32),
            (page::PARTITION, u32::from(partition)),
            (page::TIMEBASE_HZ, self.configuration.board.timebase_hz),
            (page::RELEASES, 0),
        ];
        for (offset, word) in words {
            self.machine.write_word(page + offset, word);
        }
        for vector in 0..page::VECTOR_COUNT as u32 {
            self.machine
                .write_word(page + page::VECTORS + 4 * vector, 0);
        }
        self.change_life(partition, Activity::Ready);
        self.open_interrupts(partition);
        let state = &mut self.partitions[partition];
        state.announcements = state.channels;
        self.put_off_chores(partition);
    }
}

/// Takes the first element out of a set in two words.
fn first_of(set: &mut [u32; 2]) -> Option<u8> {
    let [first, second] = set;
    let (word, base) = if *first != 0 {
        (first, 0)
    } else {
        (second, 32)
    };
    let element = word.leading_zeros() as u8;
    if element == 32 {
        return None;
    }
    *word &= !bit(element);
    Some(base + element)
}
