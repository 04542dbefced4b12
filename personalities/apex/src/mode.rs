//! The partition's mode, and how it started.

use crate::SystemTime;
use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::{Limits, Pool};
use crate::partition::Partition;
use crate::process::{Outcome, ProcessIndex, Wait};
use crate::scheduler::STARTED;
use crate::time::Until;

/// The mode of a partition (`OPERATING_MODE_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum OperatingMode {
    /// It does nothing.
    Idle = 0,
    /// It initialises, with nothing kept.
    ColdStart = 1,
    /// It initialises, with its memory kept.
    WarmStart = 2,
    /// Its processes run.
    Normal = 3,
}

impl OperatingMode {
    /// By its number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Idle),
            1 => Some(Self::ColdStart),
            2 => Some(Self::WarmStart),
            3 => Some(Self::Normal),
            _ => None,
        }
    }
}

/// Why a partition started (`START_CONDITION_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum StartCondition {
    /// The module was switched on.
    NormalStart = 0,
    /// The partition asked for it.
    PartitionRestart = 1,
    /// The health monitor restarted the module.
    HmModuleRestart = 2,
    /// The health monitor restarted the partition.
    HmPartitionRestart = 3,
}

/// How a life of a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Start {
    /// Whether its memory was kept.
    pub warm: bool,
    /// Why.
    pub condition: StartCondition,
    /// The tick.
    pub now: u64,
    /// The tick of any of its releases; those after it are whole periods later.
    pub release: u64,
}

/// The answer of `GET_PARTITION_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionStatus {
    /// The partition's period; infinite if it has none.
    pub period: SystemTime,
    /// How much of it the partition has.
    pub duration: SystemTime,
    /// Its number.
    pub identifier: i32,
    /// How often preemption is locked.
    pub lock_level: i32,
    /// Its mode.
    pub operating_mode: OperatingMode,
    /// Why it started.
    pub start_condition: StartCondition,
    /// How many cores it has.
    pub assigned_cores: u32,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `GET_PARTITION_STATUS`.
    pub fn get_partition_status(&self) -> PartitionStatus {
        PartitionStatus {
            period: SystemTime(
                self.facts
                    .period
                    .map_or(SystemTime::INFINITE.0, |period| period.nanoseconds),
            ),
            duration: self.facts.duration,
            identifier: self.facts.identifier,
            lock_level: i32::from(self.preemption_lock.level()),
            operating_mode: self.mode,
            start_condition: self.start_condition,
            assigned_cores: 1,
        }
    }

    /// `GET_MY_PARTITION_ID`.
    pub fn get_my_partition_id(&self) -> i32 {
        self.facts.identifier
    }

    /// `SET_PARTITION_MODE`. A number that is no mode is INVALID_PARAM before anything else.
    ///
    /// # Errors
    /// NO_ACTION: NORMAL in NORMAL. INVALID_MODE: WARM_START in COLD_START, whose memory nobody has initialised.
    pub fn set_partition_mode(&mut self, mode: OperatingMode) -> Result<(), ReturnCode> {
        use OperatingMode::{ColdStart, Idle, Normal, WarmStart};
        require((mode, self.mode) != (Normal, Normal), ReturnCode::NoAction)?;
        require(
            (mode, self.mode) != (WarmStart, ColdStart),
            ReturnCode::InvalidMode,
        )?;
        self.environment.mode_changed(mode);
        match mode {
            Idle | ColdStart | WarmStart => self.end(mode),
            Normal => self.enter_normal(),
        }
        Ok(())
    }

    /// This life of the partition is over.
    pub(crate) fn end(&mut self, mode: OperatingMode) {
        self.changed = true;
        self.mode = mode;
        self.ended = true;
        self.settle();
    }

    /// What was started begins: aperiodic processes at once or after their delay, periodic ones at the partition's next release.
    fn enter_normal(&mut self) {
        self.changed = true;
        self.mode = OperatingMode::Normal;
        while let Some(index) = self.scheduler.first_waiting(STARTED) {
            self.begin(index);
        }
        // What was suspended before NORMAL has left the queue of the started ones only by being stopped, so all are begun.
        self.settle();
    }

    /// A process that was started becomes ready, now or when its time comes. The partition is in NORMAL.
    pub(crate) fn begin(&mut self, index: ProcessIndex) {
        let now = self.scheduler.now;
        let process = self.scheduler.process(index);
        let delay = self.clock.ticks(process.delay);
        if process.period.is_some() {
            let release = self.next_release().saturating_add(delay);
            self.scheduler.process_mut(index).release = release;
            self.scheduler
                .block(index, Wait::Release, Until::Tick(release));
            self.set_deadline_behind(index, release);
        } else if delay == 0 {
            self.scheduler.wake(index, Outcome::DONE);
            self.set_deadline_behind(index, now);
        } else {
            let start = now.saturating_add(delay);
            self.scheduler.block(index, Wait::Delay, Until::Tick(start));
            self.set_deadline_behind(index, start);
        }
    }

    /// Sets the deadline of a process to its time capacity behind a tick.
    pub(crate) fn set_deadline_behind(&mut self, index: ProcessIndex, tick: u64) {
        let capacity = self.scheduler.process(index).attributes.time_capacity;
        let deadline = capacity
            .finite()
            .and_then(|capacity| self.clock.behind(tick, capacity));
        self.scheduler.set_deadline(index, deadline);
    }

    /// Whether the deadline can be computed of a process that begins at `tick`.
    pub(crate) fn has_deadline_in_range(&self, index: ProcessIndex, tick: u64) -> bool {
        let capacity = self.scheduler.process(index).attributes.time_capacity;
        capacity
            .finite()
            .is_none_or(|capacity| self.clock.behind(tick, capacity).is_some())
    }

    /// What may be done before NORMAL alone.
    pub(crate) fn require_initialisation(&self) -> Result<(), ReturnCode> {
        require(self.mode != OperatingMode::Normal, ReturnCode::InvalidMode)
    }

    /// The partition's first release behind now.
    pub(crate) fn next_release(&self) -> u64 {
        let now = self.scheduler.now;
        let Some(period) = self.facts.period else {
            return now;
        };
        let ticks = period.ticks.max(1);
        match now.checked_sub(self.release) {
            None => self.release - (self.release - now - 1) / ticks * ticks,
            Some(since) => self.release + (since / ticks + 1) * ticks,
        }
    }

    /// Whether a pool takes another object.
    pub(crate) fn require_room<T>(pool: &impl Pool<T>) -> Result<(), ReturnCode> {
        require(!pool.is_full(), ReturnCode::InvalidConfig)
    }
}
