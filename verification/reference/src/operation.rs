//! What is tried, and on which system.

use cofferdam_abi::health::{Action, Error, Exception};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;
use cofferdam_core::Fault;
use cofferdam_machine::{CONSTANTS, DATA, DATA_BYTES, Simulation, SystemBuilder, TEXT};
use cofferdam_tables::{CapabilityKind, ChannelKind};

use crate::made::Made;
use crate::rules;

/// Addresses at the edges of what a partition has.
pub const EDGES: [u32; 12] = [
    0,
    TEXT,
    CONSTANTS,
    CONSTANTS + 0xffc,
    DATA + DATA_BYTES - 4,
    DATA + DATA_BYTES - 64,
    DATA + DATA_BYTES,
    DATA - 4,
    DATA + 2,
    page::ADDRESS,
    page::ADDRESS + 0xffc,
    u32::MAX,
];

/// Exceptions that a partition can cause, and what they are to the health monitor.
pub const FAULTS: [(Exception, Error); 8] = [
    (Exception::DataStorage, Error::MemoryViolation),
    (Exception::InstructionStorage, Error::MemoryViolation),
    (Exception::DataTlbError, Error::MemoryViolation),
    (Exception::InstructionTlbError, Error::MemoryViolation),
    (Exception::Program, Error::Trap),
    (Exception::Program, Error::PrivilegedInstruction),
    (Exception::Alignment, Error::Alignment),
    (Exception::SpeUnavailable, Error::IllegalInstruction),
];

/// What a partition may well write into its register page: offset and word.
pub const FIELDS: [(u32, u32); 5] = [
    (page::MSR, page::MSR_EE),
    (page::PENDING, 0),
    (page::ENABLED, u32::MAX),
    (page::VECTORS + 4 * 4, TEXT + 0x40),
    (page::VECTORS + 4 * 6, TEXT + 0x80),
];

/// Something happens.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The partition that runs makes a hypercall.
    Call(u32, [u32; 6]),
    /// The same, with arguments that probably make sense.
    Message(Hypercall, u32, u32, u32),
    /// The partition that runs tries to change another's life.
    Control(u32, u32),
    /// Time passes.
    Advance(u64),
    /// A device asks for its interrupt, or no longer.
    Device(u8, bool),
    /// The partition that runs causes an exception.
    Fault(Exception, Error, u32),
    /// The partition that runs writes its register page.
    Page(u32, u32),
    /// The partition that runs returns from an interrupt.
    Return,
}

/// Four partitions with a channel of every kind and a capability of every kind, two schedules, a background
/// partition with a budget, releases, and every action that lets the machine go on.
pub fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| system.partition(name));
    system.rank(d, 50);
    for partition in [a, b, c, d] {
        system.rank(partition, 0);
    }
    system.channel(ChannelKind::Sampling, a, &[b, c], 40, 1);
    system.channels[0].0.refresh_ticks = 500;
    system.channel(ChannelKind::Queuing, b, &[a], 22, 3);
    system.channel(ChannelKind::Queuing, c, &[d], 8, 2);
    system.channel(ChannelKind::Call, b, &[a], 64, 1);
    system.channel(ChannelKind::Call, c, &[d], 64, 1);
    system.channel(ChannelKind::Call, a, &[d], 4, 1);
    system.channel(ChannelKind::Signal, a, &[b], 0, 1);
    system.channel(ChannelKind::Ring, c, &[d], 0, 1);
    system.interrupt(d);
    let (storming, ..) = system.interrupt(a);
    system.interrupts[usize::from(storming)].storm_max = 3;
    system.interrupts[usize::from(storming)].storm_ticks = 300;
    system.capability(a, CapabilityKind::Schedule, 0, 1);
    system.capability(b, CapabilityKind::Schedule, 0, 0);
    system.capability(a, CapabilityKind::Partition, b, 3);
    system.capability(c, CapabilityKind::Partition, d, 2);
    system.capability(d, CapabilityKind::Partition, a, 1);
    system.capability(d, CapabilityKind::HealthLog, 0, 0);
    system.capability(c, CapabilityKind::Empty, 0, 0);
    for (partition, period) in [(a, 750), (c, 750)] {
        system.own(partition).period_ticks = period;
        system.own(partition).deadline_ticks = 400;
        system.own(partition).actions[Error::DeadlineMissed as usize] = Action::Log as u8;
    }
    system.own(a).actions[Error::ApplicationError as usize] = Action::RestartWarm as u8;
    system.own(a).actions[Error::InterruptStorm as usize] = Action::Log as u8;
    system.own(b).actions[Error::ApplicationError as usize] = Action::SwitchSchedule as u8;
    system.own(b).switch_schedule = 1;
    system.own(b).actions[Error::MemoryViolation as usize] = Action::Ignore as u8;
    system.own(c).back_off_ticks = 70;
    system.own(c).restart_max = 4;
    system.own(c).restart_per_ticks = 2000;
    system.own(c).actions[Error::Trap as usize] = Action::Stop as u8;
    system.own(d).actions[Error::ApplicationError as usize] = Action::Reflect as u8;
    system.schedule(&[(300, &[0, 1, 2, 4]), (200, &[0, 3, 4]), (250, &[1, 2, 3])]);
    system.schedule(&[(150, &[0, 2]), (400, &[1, 3, 4]), (200, &[])]);
    system.release(0, 0, &[a]);
    system.release(0, 1, &[c]);
    system.release(1, 1, &[a, c]);
    system.let_interrupts(0, 1, &[0]);
    // Here the owner of interrupt 1 runs, and may not be interrupted by it.
    system.let_interrupts(0, 2, &[0]);
    system.let_interrupts(1, 2, &[]);
    system
}

/// One of the slots that fit a call, or any if there is none.
fn slot_for(simulation: &Simulation, actor: u8, call: Hypercall, which: u32) -> u32 {
    let slots = &simulation.system.partitions[usize::from(actor)].capabilities;
    let fits = |slot: &u32| Some(slots[*slot as usize].kind) == rules::wanted(call);
    let fitting: Vec<u32> = (0..slots.len() as u32).filter(fits).collect();
    let which = which as usize % fitting.len().max(1);
    fitting.get(which).copied().unwrap_or_default()
}

/// Does it, and says what was done by whom.
pub fn perform(simulation: &mut Simulation, operation: &Operation) -> Made {
    let actor = simulation.running();
    match (operation, actor) {
        (Operation::Advance(ticks), _) => simulation.advance(*ticks),
        (Operation::Device(index, true), _) => simulation.device_asks(*index),
        (Operation::Device(index, false), _) => simulation.device_is_content(*index),
        (_, None) => simulation.advance(10),
        (Operation::Call(token, arguments), Some(actor)) => {
            let outcome = simulation.call_token(actor, *token, arguments);
            return Made::call(actor, *token, *arguments, outcome);
        }
        (Operation::Message(call, which, address, length), Some(actor)) => {
            let slot = &slot_for(simulation, actor, *call, *which);
            let [a, b, c, d] = [1, 2, 3, 4].map(|word| address.wrapping_mul(word));
            // Half of the replies are without bytes, as those of a direct switch are.
            let bytes = if length % 2 == 0 { 0 } else { *length };
            let arguments = match call {
                Hypercall::CallMessage => [*slot, 0, *address, *length, DATA, 64],
                Hypercall::Reply | Hypercall::ReplyReceive => [*slot, bytes, a, b, c, d],
                Hypercall::Wait => [0; 6],
                Hypercall::ScheduleSet => [*slot, *length % 3, 0, 0, 0, 0],
                Hypercall::ChannelStatus => [*length % 10, 0, 0, 0, 0, 0],
                Hypercall::Call | Hypercall::CallSubmit => [*slot, *length, a, b, c, d],
                Hypercall::SetTimer => {
                    let at = simulation.now() + u64::from(4 * length);
                    [(at >> 32) as u32, at as u32, 0, 0, 0, 0]
                }
                Hypercall::QueuingSend => [*slot, *address, *length, *which % 2, 0, 0],
                Hypercall::HealthRaise => [*address, *length % 10, 0, 0, 0, 0],
                _ => [*slot, *address, *length, 0, 0, 0],
            };
            let outcome = simulation.call(actor, *call, &arguments);
            return Made::call(actor, call.token(), arguments, outcome);
        }
        (Operation::Control(which, action), Some(actor)) => {
            let call = Hypercall::PartitionControl;
            let slot = slot_for(simulation, actor, call, *which);
            let arguments = [slot, *action, 0, 0, 0, 0];
            let outcome = simulation.call(actor, call, &arguments);
            return Made::call(actor, call.token(), arguments, outcome);
        }
        (Operation::Fault(exception, error, address), Some(_)) => {
            let syndrome = 0x80_0000;
            simulation.fault(Fault {
                exception: *exception,
                error: *error,
                address: *address,
                syndrome,
            });
        }
        (Operation::Page(offset, value), Some(actor)) => {
            simulation.set_page(actor, *offset, *value);
        }
        (Operation::Return, Some(_)) => simulation.return_from_interrupt(),
    }
    Made::nothing(actor)
}
