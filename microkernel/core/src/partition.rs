//! A partition's life: started, prepared, running, stopped.
//!
//! Memory is cleared and filled from its pristine copy in small chunks, in the partition's own windows, with
//! interrupts taken in between ([`Activity::Starting`]). So a restart costs nobody else a tick, and the
//! longest path without interrupts does not depend on how large a partition is.

use cofferdam_abi::page::{self, StartReason};
use cofferdam_abi::record::{PartitionState, TraceKind};
use cofferdam_tables::{Capability, Region, RegionKind};

use crate::configuration::{Configuration, PartitionTables};
use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};

/// How much memory is prepared at a time, in bytes.
const CHUNK: u32 = 512;

/// No time is that late.
pub(crate) const NEVER: u64 = u64::MAX;

/// What a partition is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Stopped,
    /// A restart waits for its back-off to pass.
    Delayed {
        until: u64,
        reason: StartReason,
    },
    Starting(Preparation),
    Ready,
    /// In `wait`.
    Waiting,
    /// In `call`, on this channel.
    AwaitingReply(u8),
    /// In `reply_receive`, on this channel.
    AwaitingRequest(u8),
}

/// How far the preparation of a partition's memory has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preparation {
    reason: StartReason,
    /// Regions first, then copies.
    copying: bool,
    index: u32,
    offset: u32,
}

impl Activity {
    pub(crate) fn wants_processor(self) -> bool {
        matches!(self, Self::Ready | Self::Starting(_))
    }

    pub(crate) fn state(self) -> PartitionState {
        match self {
            Self::Stopped => PartitionState::Stopped,
            Self::Delayed { .. } => PartitionState::Delayed,
            Self::Starting(_) => PartitionState::Starting,
            Self::Ready => PartitionState::Ready,
            Self::Waiting | Self::AwaitingReply(_) | Self::AwaitingRequest(_) => {
                PartitionState::Waiting
            }
        }
    }

    /// Whether somebody will answer there, now or when its time comes.
    pub(crate) fn is_up(self) -> bool {
        !matches!(
            self,
            Self::Stopped | Self::Delayed { .. } | Self::Starting(_)
        )
    }
}

/// The state of a partition. Its size is a power of two, so that finding it takes no multiplication.
#[repr(align(256))]
pub(crate) struct Partition<R> {
    pub(crate) registers: R,
    /// What it has, by slot.
    pub(crate) capabilities: &'static [Capability],
    /// Its memory.
    pub(crate) regions: &'static [Region],
    pub(crate) activity: Activity,
    /// Its ranks: a set.
    pub(crate) ranks: u32,
    /// Its register page: a physical address.
    pub(crate) page: u32,
    pub(crate) pid: u8,
    /// When the virtual timer's line is raised.
    pub(crate) timer: u64,
    /// When the last release was, if its work is not complete.
    pub(crate) release: Option<u64>,
    /// What it used of this window, in ticks.
    pub(crate) window_used: u32,
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
            capabilities: tables.map_or(&[], |tables| tables.capabilities.of(&configuration.capabilities)),
            regions: tables.map_or(&[], |tables| tables.regions.of(&configuration.regions)),
            activity: Activity::Stopped,
            ranks: own.map_or(0, |own| own.ranks),
            page: own.map_or(0, |own| own.page_physical),
            pid: own.map_or(0, |own| own.pid),
            timer: NEVER,
            release: None,
            window_used: 0,
            health_cursor: 0,
            restarts: 0,
            restarts_since: 0,
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// The tables of a partition.
    pub(crate) fn tables(&self, partition: u8) -> Option<&'static PartitionTables> {
        self.configuration.partitions.get(usize::from(partition))
    }

    /// Ends a partition's life. Its peers learn of it by their channels.
    pub(crate) fn stop(&mut self, partition: u8) {
        self.set_activity(partition, Activity::Stopped);
        let state = &mut self.partitions[partition];
        state.timer = NEVER;
        state.release = None;
        self.leave_channels(partition);
        self.silence_interrupts(partition);
    }

    /// Begins a new life, after what was left of the one before has been cleared away.
    pub(crate) fn begin_start(&mut self, partition: u8, reason: StartReason) {
        self.stop(partition);
        let account = self.record.partition(partition);
        let epoch = account.epoch.get().wrapping_add(1);
        account.epoch = epoch.into();
        if epoch > 1 {
            account.restarts = account.restarts.get().wrapping_add(1).into();
        }
        let now = self.machine.now();
        self.record
            .trace(now, TraceKind::Start, partition, 0, reason as u32, 0);
        self.set_activity(
            partition,
            Activity::Starting(Preparation {
                reason,
                copying: false,
                index: 0,
                offset: 0,
            }),
        );
    }

    /// Does the next chunk of the preparation of the partition that has the processor.
    pub fn prepare(&mut self) {
        let partition = self.current;
        let Activity::Starting(mut done) = self.partitions[partition].activity else {
            return;
        };
        let Some(tables) = self.tables(partition) else {
            return;
        };
        let warm = matches!(done.reason, StartReason::Warm | StartReason::HealthWarm);
        if warm {
            return self.enter(partition, done.reason);
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
                Some(copy) => {
                    self.machine.synchronise_instructions(copy.to, copy.length);
                    (done.index, done.offset) = (done.index + 1, 0);
                }
                None => return self.enter(partition, done.reason),
            }
        }
        self.partitions[partition].activity = Activity::Starting(done);
    }

    /// Memory is ready: the registers and the register page are set, and the partition runs.
    fn enter(&mut self, partition: u8, reason: StartReason) {
        let Some(tables) = self.tables(partition) else {
            return;
        };
        let epoch = self.record.partition(partition).epoch.get();
        let state = &mut self.partitions[partition];
        state
            .registers
            .start(tables.own.entry, tables.own.stack_top);
        let page = state.page;
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
        self.set_activity(partition, Activity::Ready);
        self.open_interrupts(partition);
        self.tell_epoch(partition);
    }
}
