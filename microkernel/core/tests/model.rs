//! Random sequences of everything that a partition, a device or time can do, against a plain reference model.
//!
//! The model knows the configuration and the documentation, and nothing of the kernel. It says which results a
//! hypercall may give, where the kernel may write, who may run when, and when windows begin.

mod reference;

use cofferdam_abi::health::{Action, Error, Exception};
use cofferdam_abi::hypercall::{Hypercall, VENDOR};
use cofferdam_abi::page;
use cofferdam_core::Fault;
use cofferdam_machine::{CONSTANTS, DATA, DATA_BYTES, Simulation, SystemBuilder, TEXT};
use cofferdam_tables::{CapabilityKind, ChannelKind};
use proptest::prelude::*;
use reference::{Made, Model};

/// Something happens.
#[derive(Clone, Debug)]
enum Operation {
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
fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| system.partition(name));
    system.rank(d, 50);
    for partition in [a, b, c, d] {
        system.rank(partition, 0);
    }
    system.channel(ChannelKind::Sampling, a, &[b, c], 40, 1);
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
    system.let_interrupts(1, 2, &[]);
    system
}

fn address() -> impl Strategy<Value = u32> {
    let edges = [
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
    prop_oneof![
        6 => (0..DATA_BYTES / 4).prop_map(|word| DATA + 4 * word),
        2 => prop::sample::select(edges.to_vec()),
        1 => any::<u32>(),
    ]
}

fn argument() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0u32..14,
        2 => 0u32..100,
        3 => address(),
        1 => any::<u32>(),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let messages = vec![
        Hypercall::SamplingWrite,
        Hypercall::SamplingRead,
        Hypercall::QueuingSend,
        Hypercall::QueuingReceive,
        Hypercall::CallCollect,
        Hypercall::ReadRequest,
        Hypercall::WriteReply,
        Hypercall::CallMessage,
        Hypercall::Receive,
        Hypercall::Reply,
        Hypercall::ReplyReceive,
        Hypercall::Call,
        Hypercall::Wait,
        Hypercall::ScheduleSet,
        Hypercall::PartitionStatus,
        Hypercall::HealthRead,
        Hypercall::InterruptAcknowledge,
    ];
    let exceptions = prop::sample::select(vec![
        (Exception::DataStorage, Error::MemoryViolation),
        (Exception::InstructionStorage, Error::MemoryViolation),
        (Exception::DataTlbError, Error::MemoryViolation),
        (Exception::InstructionTlbError, Error::MemoryViolation),
        (Exception::Program, Error::Trap),
        (Exception::Program, Error::PrivilegedInstruction),
        (Exception::Alignment, Error::Alignment),
        (Exception::SpeUnavailable, Error::IllegalInstruction),
    ]);
    let fields = prop_oneof![
        Just((page::MSR, page::MSR_EE)),
        Just((page::PENDING, 0)),
        Just((page::ENABLED, u32::MAX)),
        Just((page::VECTORS + 4 * 4, TEXT + 0x40)),
        Just((page::VECTORS + 4 * 6, TEXT + 0x80)),
        ((0..64u32).prop_map(|word| 4 * word), any::<u32>()),
    ];
    // Calls that end a life are rare, for most of what is worth trying needs one.
    let ends = [Hypercall::SelfControl, Hypercall::PartitionControl];
    let (ending, going_on): (Vec<_>, Vec<_>) = Hypercall::ALL
        .iter()
        .map(|call| call.token())
        .partition(|token| ends.iter().any(|call| call.token() == *token));
    let numbers = prop_oneof![
        40 => prop::sample::select(going_on),
        2 => prop::sample::select(ending),
        1 => Just((VENDOR << 16) | Hypercall::ALL.len() as u32),
        1 => any::<u32>(),
    ];
    prop_oneof![
        5 => (numbers, prop::array::uniform6(argument())).prop_map(|(token, a)| Operation::Call(token, a)),
        16 => (prop::sample::select(messages), 0u32..3, address(), 0u32..70)
            .prop_map(|(call, slot, address, length)| Operation::Message(call, slot, address, length)),
        1 => (0u32..2, 0u32..4).prop_map(|(which, action)| Operation::Control(which, action)),
        6 => (1u64..120).prop_map(Operation::Advance),
        1 => (120u64..3000).prop_map(Operation::Advance),
        2 => (0u8..2, any::<bool>()).prop_map(|(index, asks)| Operation::Device(index, asks)),
        1 => (exceptions, address()).prop_map(|((exception, error), address)| Operation::Fault(exception, error, address)),
        4 => fields.prop_map(|(offset, value)| Operation::Page(offset, value)),
        1 => Just(Operation::Return),
    ]
}

/// One of the slots that fit a call, or any if there is none.
fn slot_for(simulation: &Simulation, actor: u8, call: Hypercall, which: u32) -> u32 {
    let slots = &simulation.system.partitions[usize::from(actor)].capabilities;
    let fits = |slot: &u32| Some(slots[*slot as usize].kind) == reference::rules::wanted(call);
    let fitting: Vec<u32> = (0..slots.len() as u32).filter(fits).collect();
    let which = which as usize % fitting.len().max(1);
    fitting.get(which).copied().unwrap_or_default()
}

/// Does it, and says what was done by whom.
fn perform(simulation: &mut Simulation, operation: &Operation) -> Made {
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
            let arguments = match call {
                Hypercall::CallMessage => [*slot, 0, *address, *length, DATA, 64],
                Hypercall::Reply | Hypercall::ReplyReceive => [*slot, *length, 1, 2, 3, 4],
                Hypercall::Wait => [0; 6],
                Hypercall::ScheduleSet => [*slot, *length % 3, 0, 0, 0, 0],
                Hypercall::Call => [*slot, *length, 1, 2, 3, 4],
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

/// The timebase at the start: its lower half wraps round at every moment of a run.
fn start() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), (1u64 << 32) - 40_000..1 << 32, 0u64..1 << 50]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_keeps_to_the_model(
        operations in prop::collection::vec(operation(), 1..250),
        start in start(),
    ) {
        let mut simulation = system().boot_at(start);
        let mut model = Model::new(&mut simulation);
        for operation in &operations {
            model.before(&mut simulation);
            let made = perform(&mut simulation, operation);
            model.after(&mut simulation, &made);
        }
        simulation.advance_to_window();
        model.before(&mut simulation);
        model.judge_time(&mut simulation);
    }

    /// The same with a kernel that takes time: windows still begin on their ticks.
    #[test]
    fn a_kernel_that_takes_time_is_on_time(
        operations in prop::collection::vec(operation(), 1..250),
        prepare_ticks in 0u64..4,
        start in start(),
    ) {
        let mut simulation = system().boot_at(start);
        // An entry looks at the timebase a few times: three ticks leave a guard of ten ticks almost nothing.
        simulation.kernel.machine.cost = 1;
        simulation.prepare_ticks = prepare_ticks;
        for operation in &operations {
            perform(&mut simulation, operation);
        }
        for (at, now) in &simulation.kernel.machine.waits {
            prop_assert_eq!(at, now);
        }
    }
}
