//! Who has the processor: between the services, the kernel's lines, and what the processor catches.
//!
//! Virtual interrupts are off in here, and on in the code of processes, of the error handler and of the initialisation. So whatever the
//! processor catches while they are off was not the application.
//!
//! The code that initialises runs on the partition's own stack. When it has set the mode NORMAL it does not go on: its context is the one
//! that waits when nobody wants the processor.

use cofferdam_abi::page::StartReason;
use cofferdam_apex::{
    Limits, OperatingMode, Partition, ProcessId, Progress, Received, ReturnCode, Runs, Start,
    StartCondition,
};
use cofferdam_native::{Lines, interrupts, page, time, wait};

use crate::caught::classify;
use crate::machine::{self, Caught, Entries, Exclusive, Stack};
use crate::{Configuration, Kernel};

/// A context that does not run, or did not the last time one looked.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// Where it is parked.
    stack_pointer: u32,
    /// The activation that it is of. 0: none was.
    activation: u32,
}

/// All that changes.
#[derive(Debug)]
struct State<L: Limits, const PROCESSES: usize> {
    partition: Partition<Kernel, L>,
    configuration: &'static Configuration,
    /// Who has the processor.
    on: Runs,
    processes: [Context; PROCESSES],
    error_handler: Context,
    /// The initialisation's, and then that of nobody.
    idle: Context,
    /// What the virtual timer is set to.
    timer: u64,
}

/// Room for the state of a partition's services.
#[derive(Debug)]
pub struct Room<L: Limits, const PROCESSES: usize>(Exclusive<State<L, PROCESSES>>);

impl<L: Limits, const PROCESSES: usize> Room<L, PROCESSES> {
    /// Room.
    #[expect(clippy::new_without_default, reason = "it is for a static")]
    pub const fn new() -> Self {
        Self(Exclusive::empty())
    }
}

/// The services of a partition.
#[derive(Debug)]
#[repr(C)]
pub struct Apex<L: Limits + 'static, const PROCESSES: usize> {
    // First, for the stubs.
    entries: Entries<Self>,
    state: &'static Room<L, PROCESSES>,
    configuration: &'static Configuration,
}

extern "C" fn interrupt<L: Limits, const PROCESSES: usize>(apex: &'static Apex<L, PROCESSES>) {
    let lines = page::pending() & page::enabled();
    page::clear(lines);
    apex.with(|state| state.serve(lines));
    apex.settle();
}

extern "C" fn caught<L: Limits, const PROCESSES: usize>(
    apex: &'static Apex<L, PROCESSES>,
    number: u32,
    caught: &mut Caught,
) -> u32 {
    let exceptions = &apex.configuration.exception_stack;
    let parked = caught.is_of_process().then(|| {
        apex.with(|state| match state.on {
            Runs::Process(_) | Runs::ErrorHandler => Some(state.caught(apex, number, caught)),
            Runs::Main | Runs::Nobody => None,
        })
    });
    match parked.flatten() {
        Some(parked) => parked,
        None => {
            // Not a process' error: the kernel judges it, at the same instruction.
            machine::give_back(number);
            caught.park(exceptions)
        }
    }
}

/// The beginning of a process or of the error handler.
extern "C" fn begin<L: Limits, const PROCESSES: usize>(
    apex: &'static Apex<L, PROCESSES>,
    entry: usize,
) -> ! {
    interrupts::unmask();
    machine::entry_point(entry)();
    loop {
        apex.stop_self();
    }
}

impl<L: Limits, const PROCESSES: usize> State<L, PROCESSES> {
    /// Somebody calls. Whether it still has the processor: if time has come to something more urgent, that goes first.
    #[inline(always)]
    fn arrive(&mut self) -> bool {
        let now = time::now();
        if self.partition.next_event() > now {
            // Nothing has happened since it got the processor.
            self.partition.look(now);
            return true;
        }
        self.partition.advance(now);
        self.partition.running() == self.on
    }

    /// These lines were raised.
    fn serve(&mut self, lines: Lines) {
        self.partition.advance(time::now());
        if lines.has(Lines::RELEASE) {
            self.partition.released(page::release_tick());
        }
        let ports = self.configuration.queuing_ports;
        for (port, end) in ports.iter().enumerate() {
            if lines.has(end.line()) {
                self.partition.queuing_port_changed(port);
            }
        }
    }

    /// Sets the timer, and says whose turn it is if it is another's: where to keep the stack pointer, and the one to go on with.
    fn next(&mut self, apex: &'static Apex<L, PROCESSES>) -> Option<(*mut u32, u32)> {
        let due = self.partition.next_event();
        if due != self.timer {
            self.timer = due;
            time::set_timer(due);
        }
        let (from, to) = (self.on, self.partition.running());
        if from == to && (to != Runs::ErrorHandler || !self.is_new_handler()) {
            return None;
        }
        self.on = to;
        let to = match (from, to) {
            (_, Runs::Process(process)) => self.process(apex, process),
            (_, Runs::ErrorHandler) => self.handler(apex),
            // The same context.
            (Runs::Main | Runs::Nobody, Runs::Main | Runs::Nobody) => return None,
            (_, Runs::Main | Runs::Nobody) => self.idle.stack_pointer,
        };
        Some((&raw mut self.context(from)?.stack_pointer, to))
    }

    fn context(&mut self, of: Runs) -> Option<&mut Context> {
        match of {
            Runs::Process(process) => self.processes.get_mut(place(process)),
            Runs::ErrorHandler => Some(&mut self.error_handler),
            Runs::Main | Runs::Nobody => Some(&mut self.idle),
        }
    }

    /// The stack that a process or the error handler has.
    fn stack(&self, of: Runs) -> Option<&'static Stack> {
        match of {
            Runs::Process(process) => {
                let stack = self.partition.stack_of(process)?;
                self.configuration.stacks.get(stack)
            }
            Runs::ErrorHandler => self.configuration.error_handler_stack.as_ref(),
            Runs::Main | Runs::Nobody => None,
        }
    }

    /// The stack pointer of a process, whose context is a new one if it was started since.
    fn process(&mut self, apex: &'static Apex<L, PROCESSES>, process: ProcessId) -> u32 {
        let activation = self.partition.activation(process).unwrap_or_default();
        let context = &mut self.processes[place(process)];
        if context.activation == activation {
            return context.stack_pointer;
        }
        context.activation = activation;
        let entry = self.partition.attributes(process);
        let entry = entry.map_or(0, |attributes| attributes.entry_point);
        let stack = self.stack(Runs::Process(process));
        // The services give a stack to each process that they create.
        stack.map_or(0, |stack| stack.fresh(begin::<L, PROCESSES>, apex, entry))
    }

    fn is_new_handler(&self) -> bool {
        let handler = self.partition.error_handler();
        handler.is_some_and(|(_, _, activation)| activation != self.error_handler.activation)
    }

    /// The same for the error handler.
    fn handler(&mut self, apex: &'static Apex<L, PROCESSES>) -> u32 {
        if let Some((entry, _, activation)) = self.partition.error_handler()
            && activation != self.error_handler.activation
            && let Some(stack) = self.stack(Runs::ErrorHandler)
        {
            self.error_handler.activation = activation;
            return stack.fresh(begin::<L, PROCESSES>, apex, entry);
        }
        self.error_handler.stack_pointer
    }

    /// The processor caught the process, or the error handler, that has it. Gives the parked context to go on with.
    fn caught(
        &mut self,
        apex: &'static Apex<L, PROCESSES>,
        number: u32,
        caught: &mut Caught,
    ) -> u32 {
        let by = self.on;
        // If time has come to something else first, it does it again when it is its turn.
        if self.arrive() {
            self.partition.fault(classify(number, &caught.frame));
            if self.partition.running() == by && !self.is_new_handler() {
                // Nobody holds it up: it goes on behind the instruction, as the kernel has it go on.
                caught.skip(number);
            }
        }
        let parked = self.stack(by).map_or(0, |stack| caught.park(stack));
        if let Some(context) = self.context(by) {
            context.stack_pointer = parked;
        }
        self.next(apex).map_or(parked, |(_, to)| to)
    }
}

/// The place of a process in tables.
fn place(process: ProcessId) -> usize {
    (process.0 - 1) as usize
}

impl<L: Limits, const PROCESSES: usize> Apex<L, PROCESSES> {
    /// The services of a partition that is configured so.
    pub const fn new(
        state: &'static Room<L, PROCESSES>,
        configuration: &'static Configuration,
    ) -> Self {
        Self {
            entries: Entries {
                interrupt: interrupt::<L, PROCESSES>,
                caught: caught::<L, PROCESSES>,
            },
            state,
            configuration,
        }
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut State<L, PROCESSES>) -> R) -> R {
        self.state.0.with(work)
    }

    /// Begins a life of the partition: `initialise` creates what there is, and sets the mode NORMAL.
    pub fn run(&'static self, initialise: fn()) -> ! {
        self.make();
        machine::install(self, &self.entries, &self.configuration.exception_stack);
        page::set_enabled(self.lines());
        interrupts::unmask();
        initialise();
        interrupts::mask();
        // It may not have set the mode NORMAL: then nothing is ever due.
        self.idle()
    }

    /// Makes the services' state. It lies on the stack before it is in its place, and `initialise` has the same stack: so what it takes there has to be
    /// given back, which no function does that never returns.
    #[inline(never)]
    fn make(&'static self) {
        let start = start();
        self.state.0.set(State {
            partition: Partition::new(
                Kernel::new(self.configuration),
                self.configuration.facts,
                start,
            ),
            configuration: self.configuration,
            on: Runs::Main,
            processes: [Context::default(); PROCESSES],
            error_handler: Context::default(),
            idle: Context::default(),
            timer: u64::MAX,
        });
    }

    /// The lines that mean something.
    fn lines(&self) -> Lines {
        let ports = self.configuration.queuing_ports.iter();
        ports.fold(Lines::TIMER | Lines::RELEASE, |lines, port| {
            lines | port.line()
        })
    }

    /// Waits while nobody wants the processor. Virtual interrupts are off.
    fn idle(&'static self) -> ! {
        loop {
            let lines = wait(self.lines());
            self.with(|state| state.serve(lines));
            self.settle();
        }
    }

    /// Goes on with whoever is to have the processor. Comes back when it is the caller.
    #[inline(never)]
    pub(crate) fn settle(&'static self) {
        let switch = self.with(|state| match state.partition.take_changes() {
            true => state.next(self),
            false => None,
        });
        if let Some((save, to)) = switch {
            machine::switch(save, to);
        }
    }

    /// Comes back when the caller of a service has the processor at the present tick, with virtual interrupts off.
    #[inline(never)]
    fn enter(&'static self) {
        machine::probe();
        interrupts::mask();
        while !self.with(State::arrive) {
            self.settle();
        }
    }

    /// A service that has no part in who runs.
    #[inline(always)]
    pub(crate) fn looking<R>(
        &'static self,
        service: impl FnOnce(&mut Partition<Kernel, L>) -> R,
    ) -> R {
        machine::probe();
        interrupts::mask();
        let result = self.with(|state| {
            state.partition.look(time::now());
            service(&mut state.partition)
        });
        interrupts::unmask();
        result
    }

    /// A service that never waits.
    #[inline(always)]
    pub(crate) fn service<R>(
        &'static self,
        service: impl FnOnce(&mut Partition<Kernel, L>) -> R,
    ) -> R {
        self.enter();
        let result = self.with(|state| service(&mut state.partition));
        self.settle();
        interrupts::unmask();
        result
    }

    /// A service that may wait.
    #[inline(always)]
    pub(crate) fn waiting(
        &'static self,
        service: impl FnOnce(&mut Partition<Kernel, L>) -> Result<Progress<()>, ReturnCode>,
    ) -> Result<(), ReturnCode> {
        self.enter();
        let progress = self.with(|state| service(&mut state.partition));
        self.settle();
        let result = match progress {
            Ok(Progress::Done(())) => Ok(()),
            Ok(Progress::Waits) => self
                .with(|state| state.partition.collect(&mut []))
                .map(|_| ()),
            Err(code) => Err(code),
        };
        interrupts::unmask();
        result
    }

    /// A service that may wait for a message.
    #[inline(always)]
    pub(crate) fn receiving(
        &'static self,
        room: &mut [u8],
        service: impl FnOnce(
            &mut Partition<Kernel, L>,
            &mut [u8],
        ) -> Result<Progress<Received>, ReturnCode>,
    ) -> Result<Received, ReturnCode> {
        self.enter();
        let progress = self.with(|state| service(&mut state.partition, room));
        self.settle();
        let result = match progress {
            Ok(Progress::Done(received)) => Ok(received),
            Ok(Progress::Waits) => self.with(|state| state.partition.collect(room)),
            Err(code) => Err(code),
        };
        interrupts::unmask();
        result
    }

    /// `SET_PARTITION_MODE`. Comes back only if it is refused: a partition that is set to NORMAL is in the hands of its processes.
    ///
    /// # Errors
    /// NO_ACTION: NORMAL in NORMAL. INVALID_MODE: WARM_START in COLD_START.
    pub fn set_partition_mode(&'static self, mode: OperatingMode) -> Result<(), ReturnCode> {
        if mode == OperatingMode::Normal {
            self.wait_first_release();
        }
        self.enter();
        let was = self.with(|state| state.on);
        let result = self.with(|state| state.partition.set_partition_mode(mode));
        if result.is_ok() {
            // Some may be the kernel's by now, for what the initialisation was caught at.
            machine::catch();
        }
        self.settle();
        if result.is_ok() && was == Runs::Main {
            self.idle();
        }
        interrupts::unmask();
        result
    }

    /// Periodic processes begin at a release of the partition: before the first one in this life, nobody knows when that is.
    fn wait_first_release(&'static self) {
        let periodic = self.configuration.facts.period.is_some();
        let initialises = self.service(|apex| apex.running() == Runs::Main);
        if periodic && initialises {
            if page::releases() == 0 {
                wait(Lines::RELEASE);
            }
            self.service(|apex| apex.released(page::release_tick()));
        }
    }

    /// `STOP_SELF`. Comes back only to the initialisation, which it does not stop.
    pub fn stop_self(&'static self) {
        self.service(Partition::stop_self);
    }
}

/// How this life begins.
fn start() -> Start {
    let (warm, condition) = match page::start_reason() {
        StartReason::Power => (false, StartCondition::NormalStart),
        StartReason::Cold => (false, StartCondition::PartitionRestart),
        StartReason::Warm => (true, StartCondition::PartitionRestart),
        StartReason::HealthCold => (false, StartCondition::HmPartitionRestart),
        StartReason::HealthWarm => (true, StartCondition::HmPartitionRestart),
    };
    Start {
        warm,
        condition,
        now: time::now(),
        release: 0,
    }
}
