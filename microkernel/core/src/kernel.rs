//! The state of the kernel, and the way into it.

use cofferdam_abi::limits;
use cofferdam_abi::record::{PartitionState, State, TraceKind};

use crate::bus::BUS;
use crate::call::Call;
use crate::channel::Message;
use crate::configuration::Configuration;
use crate::guest::{Guest, PLACES};
use crate::interrupt::Source;
use crate::machine::{Machine, Registers};
use crate::partition::{Activity, Partition};
use crate::record::Record;
use crate::table::{Table, bit, elements};
use crate::time::Clock;

/// Stands for nobody where a partition's index is expected.
pub(crate) const NOBODY: u8 = 0xff;

/// Who goes on after a kernel entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This partition, with the registers of [`Kernel::registers`].
    Resume(u8),
    /// Nobody: wait for an interrupt.
    Idle,
    /// There is something to do, in steps, about the life of a partition: let interrupts in, and call [`Kernel::prepare`].
    Prepare,
    /// A window opens, with nobody who is ready: call [`Kernel::await_window`], and then [`Kernel::decide`].
    Await(Opening),
    /// The machine stops: call [`Kernel::last_words`], and then nothing any more.
    Halt,
}

/// Who goes on after the timer has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterTimer {
    /// A window opens: call [`Kernel::await_window`], and then resume this partition at once.
    Window(u8, Opening),
    /// What the kernel has decided otherwise.
    Otherwise(Next),
}

/// The tick on which a window opens; everything else about it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The lower half of the timebase then.
    pub(crate) at: u32,
    /// How far ahead that was a moment ago, in ticks; 0 if it had passed.
    pub(crate) ahead: u32,
    /// How long behind it the timer is to fire, in ticks.
    pub(crate) shot: u32,
}

/// How a hypercall ends, in the words of the entry code that called its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Ending(usize);

impl Ending {
    /// The caller is simply resumed.
    pub const RESUME: Self = Self(0);
    /// [`Kernel::decide`] has to be asked.
    pub const DECIDE: Self = Self(1);
    /// Nothing was done: [`Kernel::hypercall_at_length`] does it.
    pub const AT_LENGTH: Self = Self(2);

    /// The processor has been given from the caller to another partition that is in a hypercall too: nothing but registers is
    /// left to switch. Its saved ones are there; no address is as low as the other endings.
    fn switch<R>(to: &R) -> Self {
        Self(core::ptr::from_ref(to).addr())
    }

    /// As the entry code knows it.
    pub const fn number(self) -> usize {
        self.0
    }
}

/// The state of one core.
pub struct Kernel<M: Machine> {
    /// How the hypercall under way ends: [`Ending::RESUME`] or [`Ending::DECIDE`].
    pub(crate) ending: Ending,
    /// The hardware.
    pub machine: M,
    pub(crate) configuration: &'static Configuration,
    pub(crate) record: &'static mut Record,
    pub(crate) partitions: Table<Partition<M::Registers>, { limits::PARTITIONS }>,
    pub(crate) messages: Table<Message, { limits::CHANNELS }>,
    pub(crate) calls: Table<Call, { limits::CHANNELS }>,
    pub(crate) guests: Table<Guest<M::Registers>, { PLACES }>,
    pub(crate) sources: Table<Source, { limits::INTERRUPTS }>,
    /// The partition of each rank.
    pub(crate) owners: Table<u8, { limits::RANKS }>,
    pub(crate) clock: Clock,
    /// The ranks of the partitions that would run: a set.
    pub(crate) runnable: u32,
    /// The partitions with something left to do about their last life, or their new one: a set ([`Kernel::prepare`]).
    pub(crate) chores: u32,
    /// Whose chores come first, whoever has the processor: those that its holder has caused.
    pub(crate) patient: u8,
    /// The partition that has the processor, or [`NOBODY`].
    pub(crate) current: u8,
    /// The rank by which it has it.
    pub(crate) current_rank: u8,
    /// The interrupts that the controller lets through: a set.
    pub(crate) interrupts_enabled: u32,
    /// The machine is to stop: nobody runs any more.
    pub(crate) halted: bool,
    /// The state that the record shows then; none if the board is reset instead.
    last_state: Option<State>,
}

impl<M: Machine> Kernel<M> {
    /// A kernel before its first window. `record` keeps what the host wrote into its head.
    pub fn new(
        machine: M,
        configuration: &'static Configuration,
        record: &'static mut Record,
    ) -> Self {
        let mut kernel = Self {
            ending: Ending::RESUME,
            machine,
            configuration,
            record,
            partitions: Table::new(|index| Partition::new(configuration, index)),
            messages: Table::new(|_| Message::EMPTY),
            calls: Table::new(|index| Call::new(configuration, index)),
            guests: Table::new(|index| Guest::new(configuration.guest(index))),
            sources: Table::new(|_| Source::QUIET),
            owners: Table::new(|index| {
                configuration
                    .ranks
                    .get(index)
                    .map_or(0, |rank| rank.partition)
            }),
            clock: Clock::STOPPED,
            runnable: 0,
            chores: 0,
            patient: NOBODY,
            current: NOBODY,
            current_rank: 0,
            interrupts_enabled: 0,
            halted: false,
            last_state: None,
        };
        for (index, interrupt) in configuration.interrupts.iter().enumerate() {
            kernel.machine.configure_interrupt(index as u8, interrupt);
        }
        if let Some(bus) = configuration.bus.as_ref().filter(|_| BUS) {
            kernel.machine.open_bus(bus);
        }
        kernel.open_accounts();
        kernel
    }

    /// Starts every partition that starts with the module, and the first window.
    pub fn start(&mut self) {
        for (index, tables) in self.configuration.partitions.iter().enumerate() {
            if tables.own.autostart {
                self.start_life(index as u8, cofferdam_abi::page::StartReason::Power);
            }
        }
        self.record.header.state = (State::Running as u16).into();
        self.start_time();
    }

    /// What it was given.
    pub fn configuration(&self) -> &'static Configuration {
        self.configuration
    }

    /// Who has the processor, or 255: nobody.
    pub fn holder(&self) -> u8 {
        self.current
    }

    /// The record.
    pub fn record(&mut self) -> &mut Record {
        self.record
    }

    /// The registers of a partition that does not run.
    pub fn registers(&mut self, partition: u8) -> &mut M::Registers {
        self.level_mut(partition)
    }

    /// Gives the processor from the caller, which waits from now on, to a partition that waited in a hypercall, if that
    /// is the most urgent one then. [`Ending::AT_LENGTH`], and nothing is done, if there is more to it: a budget, a more
    /// urgent partition, a trace, a chore.
    #[inline(always)]
    pub(crate) fn hand_over(&mut self, caller: u8, activity: Activity, to: u8) -> Ending {
        let eligible = self.clock.eligible;
        let runnable = self.runnable & !self.partitions[caller].ranks | self.partitions[to].ranks;
        let own = self.partitions[to].ranks & eligible;
        // The first of a set that has the first of `own` in front of it is less than `own`.
        let more_urgent = runnable & eligible & !own >= own;
        if cfg!(feature = "trace") || more_urgent || self.clock.at_length & eligible != 0 {
            return Ending::AT_LENGTH;
        }
        self.partitions[caller].activity = activity;
        self.partitions[to].activity = Activity::Ready;
        self.runnable = runnable;
        let now = self.machine.now_lower();
        let state = &mut self.partitions[caller];
        state.window_used = state
            .window_used
            .wrapping_add(now.wrapping_sub(self.clock.slice_start));
        self.clock.slice_start = now;
        self.current = to;
        self.current_rank = own.leading_zeros() as u8;
        self.clock.ran |= own;
        Ending::switch(&self.partitions[to].registers)
    }

    /// Who goes on. Call it once after each entry that does not say so itself; then do what it says.
    #[inline(always)]
    pub fn decide(&mut self) -> Next {
        self.ending = Ending::RESUME;
        if self.halted {
            return Next::Halt;
        }
        if self.chores != 0 && self.chore_is_next() {
            return Next::Prepare;
        }
        self.choose()
    }

    /// As [`Kernel::decide`], for paths whose length does not count.
    #[inline(never)]
    pub fn decide_out_of_line(&mut self) -> Next {
        self.decide()
    }

    /// The most urgent partition that wants the processor and may have it.
    #[inline(always)]
    fn choose(&mut self) -> Next {
        let candidates = self.runnable & self.clock.eligible;
        if candidates == 0 {
            self.switch_to(NOBODY, 0);
            return Next::Idle;
        }
        let rank = candidates.leading_zeros() as u8;
        let partition = self.owners[rank];
        if rank != self.current_rank || partition != self.current {
            self.switch_to(partition, rank);
        }
        if self.partitions[partition].activity == Activity::Starting {
            return Next::Prepare;
        }
        Next::Resume(partition)
    }

    /// Gives the processor to another partition: the account of the one before it is settled.
    #[inline(always)]
    fn switch_to(&mut self, partition: u8, rank: u8) {
        if partition == self.current && rank == self.current_rank {
            return;
        }
        self.account();
        self.take_over(partition, rank);
    }

    /// The same, when the account is settled.
    #[inline(always)]
    pub(crate) fn take_over(&mut self, partition: u8, rank: u8) {
        self.current = partition;
        self.current_rank = rank;
        self.begin_slice();
        if cfg!(feature = "trace") {
            let now = self.machine.now();
            self.record
                .trace(now, TraceKind::Switch, partition, u16::from(rank), 0, 0);
        }
    }

    /// Makes a partition runnable, or not.
    #[inline]
    pub(crate) fn set_activity(&mut self, partition: u8, activity: Activity) {
        let state = &mut self.partitions[partition];
        state.activity = activity;
        if activity.wants_processor() || Self::in_set(partition, self.chores) {
            self.runnable |= state.ranks;
        } else {
            self.runnable &= !state.ranks;
        }
        if (self.runnable & self.clock.eligible).leading_zeros() != u32::from(self.current_rank) {
            self.ending = Ending::DECIDE;
        }
    }

    /// Whether some rank of the partition may run in this window.
    #[inline]
    pub(crate) fn is_eligible(&self, partition: u8) -> bool {
        self.partitions[partition].ranks & self.clock.eligible != 0
    }

    /// Stops the machine for good.
    pub(crate) fn halt(&mut self, state: State, reason: u32) {
        self.last_state = Some(state);
        self.record.header.reason = reason.into();
        self.end_module();
    }

    /// Has the board reset.
    pub(crate) fn reset(&mut self) {
        self.last_state = None;
        self.end_module();
    }

    fn end_module(&mut self) {
        self.halted = true;
        self.clock.eligible = 0;
        self.ending = Ending::DECIDE;
    }

    /// The machine stops ([`Next::Halt`]): writes down what is left. Does not return on hardware if the board is reset. The
    /// state comes last: a host that sees it ends the machine and takes the record as it is.
    pub fn last_words(&mut self) {
        self.close_last_accounts();
        for partition in elements(core::mem::take(&mut self.chores)) {
            if core::mem::take(&mut self.partitions[partition].crash) {
                self.keep_crash(partition);
            }
        }
        match self.last_state {
            Some(state) => self.record.header.state = (state as u16).into(),
            None => self.machine.reset(),
        }
    }

    /// Begins the record of this life of the module.
    fn open_accounts(&mut self) {
        let header = &mut self.record.header;
        header.tables_crc = self.configuration.crc.into();
        header.jitter_max_ticks = 0.into();
        header.partitions = (self.configuration.partitions.len() as u32).into();
        for (index, tables) in self.configuration.partitions.iter().enumerate() {
            let account = self.record.partition(index as u8);
            account.name = tables.own.name;
            account.state = (PartitionState::Stopped as u32).into();
            account.jitter_min_ticks = u32::MAX.into();
            account.jitter_max_ticks = 0.into();
        }
    }

    /// Sets the result registers from 1 on.
    #[inline(always)]
    pub(crate) fn results<const N: usize>(&mut self, partition: u8, values: [u32; N]) {
        let registers = &mut self.partitions[partition].registers;
        // Written out, for a loop would stay one where size counts; what is beyond `N` costs nothing.
        const { assert!(N <= 6) };
        let mut set = |index: usize| {
            if let Some(value) = values.get(index) {
                registers.set_result(index + 1, *value);
            }
        };
        set(0);
        set(1);
        set(2);
        set(3);
        set(4);
        set(5);
    }

    /// Whether the partition is of the set.
    #[inline(always)]
    pub(crate) fn in_set(partition: u8, set: u32) -> bool {
        set & bit(partition) != 0
    }
}
