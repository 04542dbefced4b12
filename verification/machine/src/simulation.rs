//! The architecture's part, played by hand.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::{HealthRecord, Mark, PartitionRecord, PartitionState, offset};
use cofferdam_abi::{Status, limits, page};
use cofferdam_core::{AfterTimer, Configuration, Ending, Fault, Kernel, Machine, Next, Record};
use cofferdam_tables::RegionKind;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::builder::SystemBuilder;
use crate::machine::{FakeMachine, FakeRegisters};

/// What the processor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// This partition runs.
    Runs(u8),
    /// It waits for an interrupt.
    Idle,
    /// It has stopped for good.
    Halted,
}

/// What a hypercall gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status; none if the caller is blocked, or gone.
    pub status: Option<Status>,
    /// r4 to r10.
    pub results: [u32; 7],
}

/// A kernel and the machine below it.
pub struct Simulation {
    /// The kernel.
    pub kernel: Kernel<FakeMachine>,
    /// What the processor is doing.
    pub processor: Processor,
    /// What the tables were made of.
    pub system: SystemBuilder,
    /// How long a chunk of a partition's preparation takes, in ticks.
    pub prepare_ticks: u64,
    /// Who had the processor, from when to when, while it did not idle.
    pub slices: Vec<(u8, u64, u64)>,
}

impl Simulation {
    /// A machine before its start, with tables that were loaded. `system` is what they were made of.
    pub fn new(
        machine: FakeMachine,
        configuration: &'static Configuration,
        system: SystemBuilder,
    ) -> Self {
        let record = Record::new_box_zeroed().expect("memory for a record");
        let record = Box::leak(record);
        Self {
            kernel: Kernel::new(machine, configuration, record),
            processor: Processor::Idle,
            system,
            prepare_ticks: 0,
            slices: Vec::new(),
        }
    }

    /// Does what the kernel decides, until it is a partition's turn or nobody's.
    pub fn settle(&mut self) {
        let next = self.kernel.decide();
        self.follow(next);
    }

    /// Does what the kernel has decided, until it is a partition's turn or nobody's.
    fn follow(&mut self, mut next: Next) {
        loop {
            self.processor = match next {
                Next::Resume(partition) => Processor::Runs(partition),
                Next::Idle => Processor::Idle,
                Next::Halt => {
                    if self.processor != Processor::Halted {
                        self.kernel.last_words();
                    }
                    Processor::Halted
                }
                Next::Await(opening) => {
                    self.kernel.await_window(opening);
                    next = self.entry_if_due().unwrap_or_else(|| self.kernel.decide());
                    continue;
                }
                Next::Prepare => {
                    self.kernel.prepare();
                    self.kernel.machine.now += self.prepare_ticks;
                    next = self.entry_if_due().unwrap_or_else(|| self.kernel.decide());
                    continue;
                }
            };
            if self.processor == Processor::Halted {
                return;
            }
            match self.entry_if_due() {
                Some(after) => next = after,
                None => return,
            }
        }
    }

    /// Takes one interrupt, if one asks. The timer comes first, as on hardware.
    fn entry_if_due(&mut self) -> Option<Next> {
        if self.kernel.machine.timer_is_due() {
            self.kernel.machine.timer = None;
            match self.kernel.timer() {
                AfterTimer::Otherwise(next) => Some(next),
                AfterTimer::Window(first, opening) => {
                    self.kernel.await_window(opening);
                    Some(Next::Resume(first))
                }
            }
        } else if self.kernel.machine.device_is_due() {
            Some(self.kernel.interrupt())
        } else {
            None
        }
    }

    /// The timebase.
    pub fn now(&self) -> u64 {
        self.kernel.machine.now
    }

    /// Lets time pass.
    pub fn advance(&mut self, ticks: u64) {
        self.advance_to(self.now() + ticks);
    }

    /// Lets time pass until then, or longer if a window is being opened.
    pub fn advance_to(&mut self, until: u64) {
        while self.processor != Processor::Halted && self.now() < until {
            let machine = &mut self.kernel.machine;
            let next = machine.timer.map_or(until, |at| at.min(until));
            let before = machine.now;
            machine.now = machine.now.max(next);
            if let Processor::Runs(partition) = self.processor
                && machine.now != before
            {
                self.slices.push((partition, before, machine.now));
            }
            if let Some(next) = self.entry_if_due() {
                self.follow(next);
            }
        }
    }

    /// Lets time pass until the next window has begun.
    pub fn advance_to_window(&mut self) {
        let windows = self.kernel.machine.waits.len();
        while self.kernel.machine.waits.len() == windows && self.processor != Processor::Halted {
            let at = self.kernel.machine.timer.expect("a timer is always set");
            self.advance_to(at.max(self.now() + 1));
        }
    }

    /// Lets time pass until this partition runs.
    pub fn advance_until_runs(&mut self, partition: u8) {
        let started = self.now();
        while self.processor != Processor::Runs(partition) {
            assert!(self.now() < started + 10_000_000, "it never runs");
            self.advance(1);
        }
    }

    /// The start of the first window.
    pub fn start_tick(&self) -> u64 {
        self.kernel.machine.waits[0].0
    }

    /// Who runs.
    pub fn running(&self) -> Option<u8> {
        match self.processor {
            Processor::Runs(partition) => Some(partition),
            _ => None,
        }
    }

    /// Has the partition that runs, which must be this one, execute a hypercall.
    pub fn call(&mut self, partition: u8, call: Hypercall, arguments: &[u32]) -> Outcome {
        self.call_token(partition, call.token(), arguments)
    }

    /// As [`Simulation::call`], with any token.
    pub fn call_token(&mut self, partition: u8, token: u32, arguments: &[u32]) -> Outcome {
        assert_eq!(self.processor, Processor::Runs(partition), "who runs");
        let registers = self.kernel.registers(partition);
        registers.gpr[11] = token;
        registers.gpr[3..3 + arguments.len()].copy_from_slice(arguments);
        registers.pc = registers.pc.wrapping_add(4);
        registers.unanswered = true;
        let handler = Hypercall::from_token(token)
            .and_then(|call| Kernel::<FakeMachine>::HANDLERS.get(call as usize));
        let mut ending = handler.map_or(Ending::AT_LENGTH, |handler| handler(&mut self.kernel));
        if ending == Ending::AT_LENGTH {
            ending = self.kernel.hypercall_at_length();
        }
        let outcome = self.result(partition);
        match ending {
            Ending::DECIDE => self.settle(),
            Ending::RESUME => {
                let next = Next::Resume(partition);
                assert_eq!(self.kernel.decide(), next, "there was something to decide");
                self.follow(next);
            }
            // A switch of nothing but registers: nobody is asked who goes on.
            _ => {
                let to = self.kernel.holder();
                self.follow(Next::Resume(to));
            }
        }
        outcome
    }

    /// What stands in a partition's result registers.
    pub fn result(&mut self, partition: u8) -> Outcome {
        let registers = self.kernel.registers(partition);
        let status = Status::from_number(registers.gpr[3]);
        Outcome {
            status: status.filter(|_| !registers.unanswered),
            results: registers.gpr[4..11].try_into().unwrap(),
        }
    }

    /// Has the partition that runs cause an exception.
    pub fn fault(&mut self, fault: Fault) {
        let running = self.running();
        assert!(running.is_some(), "somebody runs");
        let ending = self.kernel.exception(fault);
        self.settle();
        if ending == Ending::RESUME {
            assert_eq!(self.running(), running, "nobody had to decide");
        }
    }

    /// Has the partition that runs execute a return from interrupt.
    pub fn return_from_interrupt(&mut self) {
        assert!(self.running().is_some(), "somebody runs");
        self.kernel.return_from_interrupt();
        self.settle();
    }

    /// Has a device ask for its interrupt.
    pub fn device_asks(&mut self, index: u8) {
        self.kernel.machine.asking.insert(index);
        if self.processor != Processor::Halted
            && let Some(next) = self.entry_if_due()
        {
            self.follow(next);
        }
    }

    /// Has a device ask no longer.
    pub fn device_is_content(&mut self, index: u8) {
        self.kernel.machine.asking.remove(&index);
    }

    /// The physical address of a partition's effective one.
    pub fn physical(&self, partition: u8, effective: u32) -> u32 {
        let regions = &self.system.partitions[usize::from(partition)].regions;
        let region = regions
            .iter()
            .find(|region| effective.wrapping_sub(region.effective) < region.length)
            .expect("the partition has it");
        assert_ne!(region.kind, RegionKind::Device);
        region.physical as u32 + (effective - region.effective)
    }

    /// Writes a partition's memory, as it would itself.
    pub fn store(&mut self, partition: u8, effective: u32, bytes: &[u8]) {
        let physical = self.physical(partition, effective);
        self.kernel
            .machine
            .bytes_mut(physical, bytes.len() as u32)
            .copy_from_slice(bytes);
    }

    /// Reads a partition's memory.
    pub fn load(&self, partition: u8, effective: u32, length: u32) -> Vec<u8> {
        let physical = self.physical(partition, effective);
        self.kernel.machine.bytes(physical, length).to_vec()
    }

    /// Writes a word of a partition's register page, as it would itself.
    pub fn set_page(&mut self, partition: u8, offset: u32, value: u32) {
        self.store(partition, page::ADDRESS + offset, &value.to_be_bytes());
    }

    /// A word of a partition's register page.
    pub fn page(&self, partition: u8, offset: u32) -> u32 {
        let physical = self.physical(partition, page::ADDRESS + offset);
        self.kernel.machine.read_word(physical)
    }

    /// The lines that are pending.
    pub fn pending(&self, partition: u8) -> u32 {
        self.page(partition, page::PENDING)
    }

    /// The record.
    pub fn record(&mut self) -> &mut Record {
        self.kernel.record()
    }

    /// A partition's account.
    pub fn account(&mut self, partition: u8) -> PartitionRecord {
        self.record().partitions[usize::from(partition)]
    }

    /// What a partition is doing.
    pub fn state(&mut self, partition: u8) -> PartitionState {
        use PartitionState as State;
        let number = self.account(partition).state.get();
        let up = [State::Ready as u32, State::Waiting as u32].contains(&number);
        if up && self.registers(partition).unanswered {
            return State::Waiting;
        } else if up {
            return State::Ready;
        }
        [State::Stopped, State::Starting, State::Delayed]
            .into_iter()
            .find(|state| *state as u32 == number)
            .expect("a state")
    }

    /// The registers of a partition.
    pub fn registers(&mut self, partition: u8) -> &mut FakeRegisters {
        self.kernel.registers(partition)
    }

    /// The health log as the record holds it, the oldest entry first.
    pub fn health(&mut self) -> Vec<HealthRecord> {
        let written = self.record().header.health.get();
        let records = self.ring::<HealthRecord>(offset::HEALTH, limits::HEALTH_RECORDS, written);
        assert!(
            records
                .windows(2)
                .all(|two| two[0].sequence.get() + 1 == two[1].sequence.get())
        );
        records
    }

    /// The marks as the record holds them, the oldest first.
    pub fn marks(&mut self) -> Vec<Mark> {
        let written = self.record().header.marks.get();
        self.ring(offset::MARKS, limits::MARKS, written)
    }

    fn ring<T: FromBytes>(&mut self, offset: usize, places: usize, written: u32) -> Vec<T> {
        let held = (written as usize).min(places);
        let oldest = written as usize - held;
        let bytes = self.record().as_bytes();
        let entry = |sequence: usize| {
            let start = offset + sequence % places * size_of::<T>();
            T::read_from_bytes(&bytes[start..start + size_of::<T>()]).expect("an entry")
        };
        (oldest..oldest + held).map(entry).collect()
    }
}
