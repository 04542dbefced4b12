//! Device interrupts.
//!
//! Each has one owner. When it comes it is held back until the owner has acknowledged it, and its line is raised: so a
//! device costs the others at most one short kernel entry for each time its owner was ready for it. A source is let
//! through only in the windows that the configuration names: elsewhere it waits at the controller and touches nobody.

use cofferdam_abi::Status;
use cofferdam_abi::health::Error;
use cofferdam_abi::record::TraceKind;
use cofferdam_tables::CapabilityKind;

use crate::kernel::{Kernel, Next};
use crate::machine::Machine;
use crate::partition::NEVER;
use crate::table::{bit, elements};

/// The state of a device interrupt.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The owner is up, and has acknowledged the last one.
    ready: bool,
    /// How many came since `counted_since`.
    count: u16,
    counted_since: u64,
    /// It came too often: held back until then.
    quiet_until: u64,
}

impl Source {
    pub(crate) const QUIET: Self = Self {
        ready: false,
        count: 0,
        counted_since: 0,
        quiet_until: 0,
    };
}

impl<M: Machine> Kernel<M> {
    /// A device asks. Says who goes on, as [`Kernel::decide`] does.
    #[inline(always)]
    pub fn interrupt(&mut self) -> Next {
        self.take_interrupt();
        self.decide()
    }

    #[inline(always)]
    fn take_interrupt(&mut self) {
        let Some(index) = self.machine.claim_interrupt() else {
            return;
        };
        let Some(interrupt) = self.configuration.interrupts.get(usize::from(index)) else {
            return self.machine.end_interrupt();
        };
        self.interrupts_enabled &= !bit(index);
        self.machine.set_interrupt(index, interrupt.source, false);
        self.machine.end_interrupt();
        self.sources[index].ready = false;
        if interrupt.storm_max != 0 {
            let now = self.machine.now();
            self.count_storm(index, interrupt, now);
        }
        if cfg!(feature = "trace") {
            let now = self.machine.now();
            self.record.trace(
                now,
                TraceKind::Interrupt,
                interrupt.owner,
                u16::from(index),
                0,
                0,
            );
        }
        self.raise(interrupt.owner, interrupt.line);
    }

    fn count_storm(&mut self, index: u8, interrupt: &cofferdam_tables::Interrupt, now: u64) {
        let source = &mut self.sources[index];
        if now.wrapping_sub(source.counted_since) >= u64::from(interrupt.storm_ticks) {
            (source.counted_since, source.count) = (now, 0);
        }
        if source.count < interrupt.storm_max {
            source.count += 1;
        } else {
            (source.counted_since, source.count) = (now, 0);
            source.quiet_until = now + u64::from(interrupt.storm_ticks);
            self.partition_error(interrupt.owner, Error::InterruptStorm, u32::from(index));
        }
    }

    /// The owner has served it.
    pub(crate) fn acknowledge(&mut self, caller: u8, slot: u32) -> Result<(), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::Interrupt)?
            .object;
        self.sources[index].ready = true;
        let quiet = self.sources[index].quiet_until != 0;
        if !quiet && Self::in_set(index, self.clock.interrupts) {
            self.let_through(index);
        }
        Ok(())
    }

    fn let_through(&mut self, index: u8) {
        if !Self::in_set(index, self.interrupts_enabled) {
            self.interrupts_enabled |= bit(index);
            self.set_source(index, true);
        }
    }

    fn hold_back(&mut self, index: u8) {
        if Self::in_set(index, self.interrupts_enabled) {
            self.interrupts_enabled &= !bit(index);
            self.set_source(index, false);
        }
    }

    fn set_source(&mut self, index: u8, enabled: bool) {
        if let Some(interrupt) = self.configuration.interrupts.get(usize::from(index)) {
            self.machine.set_interrupt(index, interrupt.source, enabled);
        }
    }

    /// At a boundary: the window's interrupts are let through, others held back.
    #[inline(never)]
    pub(crate) fn open_interrupts_of_window(&mut self, now: u64) {
        let allowed = self.clock.interrupts;
        for index in elements(self.interrupts_enabled & !allowed) {
            self.hold_back(index);
        }
        for index in elements(allowed & !self.interrupts_enabled) {
            let source = &mut self.sources[index];
            if source.quiet_until != 0 && source.quiet_until <= now {
                source.quiet_until = 0;
            }
            if source.ready && source.quiet_until == 0 {
                self.let_through(index);
            }
        }
    }

    /// An owner's life begins: its devices may interrupt it.
    pub(crate) fn open_interrupts(&mut self, partition: u8) {
        for index in self.interrupts_of(partition) {
            self.sources[index] = Source {
                ready: true,
                ..Source::QUIET
            };
            if Self::in_set(index, self.clock.interrupts) {
                self.let_through(index);
            }
        }
    }

    /// An owner's life ends.
    pub(crate) fn silence_interrupts(&mut self, partition: u8) {
        for index in self.interrupts_of(partition) {
            self.sources[index] = Source {
                quiet_until: NEVER,
                ..Source::QUIET
            };
            self.hold_back(index);
        }
    }

    fn interrupts_of(&self, partition: u8) -> impl Iterator<Item = u8> + use<M> {
        let all = self.configuration.interrupts.iter().enumerate();
        all.filter_map(move |(index, interrupt)| {
            (interrupt.owner == partition).then_some(index as u8)
        })
    }
}
