//! The health monitor: what went wrong becomes an error of a partition or of the module, and the table's action.
//!
//! An exception of a partition that asked for it is that partition's own affair, and is reflected to it as hardware
//! would do. Every other is an error. The kernel decides nothing here: each error has an action in the
//! configuration, and the log, the counts and the crash record are kept whatever the action is.

use cofferdam_abi::health::{Action, Error, Exception, PARTITION_ERRORS};
use cofferdam_abi::page::StartReason;
use cofferdam_abi::record::{self, CRASH_MAGIC, HealthRecord, State, TraceKind};
use cofferdam_tables::RegionKind;
use zerocopy::FromZeros;

use crate::kernel::{Ending, Kernel, NOBODY};
use crate::machine::{Machine, Registers};
use crate::partition::Activity;

/// What the architecture says of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub exception: Exception,
    /// What it means.
    pub error: Error,
    /// The data address, or the instruction's for a fetch.
    pub address: u32,
    /// The syndrome register.
    pub syndrome: u32,
}

impl Fault {
    /// Whether it was the fetch of an instruction.
    fn is_fetch(&self) -> bool {
        matches!(
            self.exception,
            Exception::InstructionStorage | Exception::InstructionTlbError
        )
    }
}

impl<M: Machine> Kernel<M> {
    /// The partition that has the processor caused an exception. [`Ending::RESUME`] if nothing else came of it than that it goes on.
    pub fn exception(&mut self, fault: Fault) -> Ending {
        let partition = self.current;
        if self.in_guest() {
            self.guest_exception(fault);
            return self.ending;
        }
        match fault.exception {
            Exception::DataTlbError | Exception::InstructionTlbError
                if self.refill(partition, fault.address, fault.is_fetch()) =>
            {
                return Ending::RESUME;
            }
            _ => {}
        }
        if self.reflect(
            partition,
            fault.exception,
            Some((fault.address, fault.syndrome)),
        ) {
            return Ending::DECIDE;
        }
        let error = self.classify(partition, &fault);
        let pc = self.level(partition).pc();
        let action = self.report(partition, error, pc, Some(&fault), fault.syndrome);
        if matches!(
            action,
            Action::Ignore | Action::Log | Action::SwitchSchedule
        ) {
            self.skip(partition, &fault);
        }
        self.act(partition, error, action);
        Ending::DECIDE
    }

    /// An access just below the stack is an overflow.
    fn classify(&self, partition: u8, fault: &Fault) -> Error {
        let own = self.tables(partition).map(|tables| &tables.own);
        let below = own.map(|own| {
            own.stack_bottom.wrapping_sub(fault.address).wrapping_sub(1) < own.stack_guard
        });
        if fault.error == Error::MemoryViolation && !fault.is_fetch() && below == Some(true) {
            Error::StackOverflow
        } else {
            fault.error
        }
    }

    /// Goes on behind the instruction; a fetch goes back to where it was called from.
    fn skip(&mut self, partition: u8, fault: &Fault) {
        let registers = &mut self.partitions[partition].registers;
        let to = if fault.is_fetch() {
            registers.link()
        } else {
            registers.pc().wrapping_add(4)
        };
        registers.set_pc(to);
    }

    /// An error of a partition that is no exception.
    pub(crate) fn partition_error(&mut self, partition: u8, error: Error, detail: u32) {
        let pc = self.level(partition).pc();
        let action = self.report(partition, error, pc, None, detail);
        self.act(partition, error, action);
    }

    /// As [`Self::partition_error`], at a boundary: what the table wants of the partition itself is done before it goes on,
    /// in its own time.
    pub(crate) fn put_off_error(&mut self, partition: u8, error: Error) {
        let pc = self.level(partition).pc();
        match self.report(partition, error, pc, None, 0) {
            Action::Ignore | Action::Log => {}
            action @ (Action::SwitchSchedule | Action::Halt | Action::Reset) => {
                self.act_on_module(partition, error, action);
            }
            action => {
                self.partitions[partition].verdict = Some((error, action));
                self.put_off_chores(partition);
                // Whatever it waits for: what there is to do about it has its turn, and nobody is served by it until then.
                self.set_activity(partition, Activity::Ready);
            }
        }
    }

    /// What the table wants on an error of a partition.
    pub(crate) fn action_on(&self, partition: u8, error: Error) -> Action {
        let actions = self.tables(partition).map(|tables| &tables.own.actions);
        actions
            .and_then(|actions| actions.get(error as usize))
            .and_then(|action| Action::from_number(*action))
            .unwrap_or(Action::Stop)
    }

    /// Counts and logs an error of a partition, begins its crash record if more is done about it than that, and says what the
    /// table wants.
    fn report(
        &mut self,
        partition: u8,
        error: Error,
        pc: u32,
        fault: Option<&Fault>,
        detail: u32,
    ) -> Action {
        let action = self.action_on(partition, error);
        let now = self.machine.now();
        let account = self.record.partition(partition);
        account.health_events = account.health_events.get().wrapping_add(1).into();
        if let Some(count) = account.errors.get_mut(error as usize) {
            *count = count.get().saturating_add(1).into();
        }
        let epoch = account.epoch;
        self.record.trace(
            now,
            TraceKind::Health,
            partition,
            error as u16,
            action as u32,
            pc,
        );
        if action == Action::Ignore {
            return action;
        }
        let address = fault.map_or(0, |fault| fault.address);
        let exception = fault.map_or(0, |fault| fault.exception as u32);
        self.record.log_health(|entry| {
            entry.tick = now.into();
            entry.partition = u16::from(partition).into();
            entry.error = error as u8;
            entry.action = action as u8;
            entry.pc = pc.into();
            entry.address = address.into();
            entry.detail = detail.into();
            entry.exception = exception.into();
            entry.epoch = epoch;
        });
        // One restart too many follows from a failure, and does not take its place; nor does a second failure that of a first whose
        // registers are still to be written down.
        let own = action != Action::Log && error != Error::RestartLimit;
        if own && !self.partitions[partition].crash {
            self.partitions[partition].crash = true;
            let crash = self.record.crash(partition);
            crash.magic = 0.into();
            crash.partition = u16::from(partition).into();
            crash.error = error as u8;
            crash.action = action as u8;
            crash.tick = now.into();
            crash.epoch = epoch;
            crash.pc = pc.into();
            crash.exception = exception.into();
            crash.dear = address.into();
            crash.esr = detail.into();
            self.put_off_chores(partition);
        }
        action
    }

    /// Completes a partition's crash record by the registers and the way that led there.
    pub(crate) fn keep_crash(&mut self, partition: u8) {
        let backtrace = self.backtrace(partition);
        let registers = &self.partitions[partition].registers;
        let crash = self.record.crash(partition);
        registers.describe(crash);
        crash.count = crash.count.get().wrapping_add(1).into();
        for (place, link) in crash.backtrace.iter_mut().zip(backtrace) {
            *place = link.into();
        }
        crash.magic = CRASH_MAGIC.into();
    }

    /// Where the functions return to that are on the partition's stack, innermost first. The stack is in one region, so
    /// that one look at the region table does for all of it.
    fn backtrace(&self, partition: u8) -> [u32; 8] {
        let mut backtrace = [0; 8];
        let mut frame = self.partitions[partition].registers.stack_pointer();
        let region = self.region(partition, frame);
        let Some(region) = region.filter(|region| region.kind == RegionKind::Private) else {
            return backtrace;
        };
        let word = |effective: u32| {
            let offset = effective.wrapping_sub(region.effective);
            let inside = effective.is_multiple_of(4) && offset < region.length;
            inside.then(|| self.machine.read_word(region.physical as u32 + offset))
        };
        for place in &mut backtrace {
            // PowerPC EABI: a frame begins with the back chain; the caller's link register is in the word behind
            // the caller's back chain.
            let Some(caller) = word(frame).filter(|caller| *caller > frame) else {
                break;
            };
            let Some(link) = word(caller.wrapping_add(4)) else {
                break;
            };
            *place = link;
            frame = caller;
        }
        backtrace
    }

    /// Does what the table wants.
    pub(crate) fn act(&mut self, partition: u8, error: Error, action: Action) {
        match action {
            Action::Reflect | Action::RestartCold => {
                self.restart_by_health(partition, StartReason::HealthCold)
            }
            Action::RestartWarm => self.restart_by_health(partition, StartReason::HealthWarm),
            Action::Stop => self.stop(partition),
            _ => self.act_on_module(partition, error, action),
        }
    }

    /// Whether the action ends the life of the partition that failed, and nothing else.
    pub(crate) fn ends_life(action: Action) -> bool {
        matches!(
            action,
            Action::Reflect | Action::RestartCold | Action::RestartWarm | Action::Stop
        )
    }

    /// The same, as far as it concerns more than the partition.
    fn act_on_module(&mut self, partition: u8, error: Error, action: Action) {
        match action {
            Action::SwitchSchedule => {
                let target = self
                    .tables(partition)
                    .map(|tables| tables.own.switch_schedule);
                self.clock.next_schedule = target.unwrap_or(self.clock.next_schedule);
            }
            Action::Halt => self.halt(State::Halted, error as u32),
            Action::Reset => self.reset(),
            _ => {}
        }
    }

    /// Restarts a partition that failed, later and later; one that fails too often gets the action for that.
    fn restart_by_health(&mut self, partition: u8, reason: StartReason) {
        let Some(tables) = self.tables(partition) else {
            return;
        };
        let now = self.machine.now();
        let state = &mut self.partitions[partition];
        if now.wrapping_sub(state.restarts_since) >= tables.own.restart_per_ticks {
            (state.restarts_since, state.restarts) = (now, 0);
        }
        let before = state.restarts;
        state.restarts = before.saturating_add(1);
        if tables.own.restart_max != 0 && before >= tables.own.restart_max {
            return self.restart_limit(partition);
        }
        let back_off = u64::from(tables.own.back_off_ticks) << before.min(3);
        if back_off == 0 {
            return self.restart(partition, reason);
        }
        self.delay_start(partition, reason, now + back_off);
    }

    /// Reports that restarts did not help. A table that answers that with a restart is answered with a stop.
    fn restart_limit(&mut self, partition: u8) {
        let pc = self.level(partition).pc();
        let action = self.report(partition, Error::RestartLimit, pc, None, 0);
        self.stop(partition);
        self.act_on_module(partition, Error::RestartLimit, action);
    }

    /// An error of the module.
    pub(crate) fn module_error(&mut self, error: Error, now: u64) {
        let place = (error as usize).wrapping_sub(PARTITION_ERRORS);
        let number = self
            .configuration
            .module
            .actions
            .get(place)
            .copied()
            .unwrap_or(Action::Halt as u8);
        let action = Action::from_number(number).unwrap_or(Action::Halt);
        let header = &mut self.record.header;
        header.health_events = header.health_events.get().wrapping_add(1).into();
        self.record.trace(
            now,
            TraceKind::Health,
            NOBODY,
            error as u16,
            action as u32,
            0,
        );
        if action == Action::Ignore {
            return;
        }
        self.record.log_health(|entry| {
            *entry = HealthRecord::new_zeroed();
            entry.tick = now.into();
            entry.partition = record::MODULE.into();
            entry.error = error as u8;
            entry.action = action as u8;
        });
        match action {
            Action::SwitchSchedule => {
                self.clock.next_schedule = self.configuration.module.switch_schedule
            }
            Action::Halt => self.halt(State::Halted, error as u32),
            Action::Reset => self.reset(),
            _ => {}
        }
    }
}
