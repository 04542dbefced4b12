//! Random sequences of everything that a partition, a device or time can do, against a plain reference model.
//!
//! The model and the system stand in `cofferdam_reference`; here are the sequences.

use cofferdam_abi::hypercall::{Hypercall, VENDOR};
use cofferdam_abi::page;
use cofferdam_machine::{DATA, DATA_BYTES};
use cofferdam_reference::{EDGES, FAULTS, FIELDS, Model, Operation, perform, system};
use proptest::prelude::*;

fn address() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => (0..DATA_BYTES / 4).prop_map(|word| DATA + 4 * word),
        2 => prop::sample::select(EDGES.to_vec()),
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
        Hypercall::CallSubmit,
        Hypercall::Wait,
        Hypercall::SetTimer,
        Hypercall::Signal,
        Hypercall::ChannelStatus,
        Hypercall::ScheduleSet,
        Hypercall::PartitionStatus,
        Hypercall::HealthRead,
        Hypercall::HealthRaise,
        Hypercall::InterruptAcknowledge,
    ];
    let exceptions = prop::sample::select(FAULTS.to_vec());
    let fields = prop_oneof![
        5 => prop::sample::select(FIELDS.to_vec()),
        1 => ((0..64u32).prop_map(|word| 4 * word), any::<u32>()),
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

/// What a client and its server do, whichever of them is the more urgent one and runs first: each way through the
/// states of a call is longer than chance finds often. Whoever does not wait does the step that would be the other's, and is refused.
fn exchange() -> impl Strategy<Value = Vec<Operation>> {
    let ways = vec![
        // From request to request, without a line between: a direct switch each way.
        vec![
            Hypercall::Call,
            Hypercall::Receive,
            Hypercall::ReplyReceive,
            Hypercall::Call,
            Hypercall::ReplyReceive,
        ],
        vec![
            Hypercall::CallMessage,
            Hypercall::Receive,
            Hypercall::WriteReply,
            Hypercall::ReplyReceive,
            Hypercall::CallMessage,
        ],
        // A deadline that passes while the server has the request.
        vec![
            Hypercall::CallSubmit,
            Hypercall::Receive,
            Hypercall::SetTimer,
            Hypercall::CallCollect,
            Hypercall::CallSubmit,
            Hypercall::Reply,
        ],
        vec![
            Hypercall::Call,
            Hypercall::Receive,
            Hypercall::SetTimer,
            Hypercall::CallSubmit,
            Hypercall::Reply,
        ],
    ];
    let way = prop::sample::select(ways);
    (
        way,
        0u32..3,
        address(),
        0u32..70,
        prop::array::uniform6(any::<bool>()),
    )
        .prop_map(|(way, which, address, length, waits)| {
            let mut operations = Vec::new();
            for (call, waits) in way.into_iter().zip(waits) {
                operations.push(Operation::Page(page::PENDING, 0));
                if waits {
                    operations.push(Operation::Page(page::ENABLED, u32::MAX));
                    operations.push(Operation::Message(Hypercall::Wait, 0, 0, 0));
                    operations.push(Operation::Page(page::PENDING, 0));
                }
                let length = if call == Hypercall::ReplyReceive {
                    0
                } else {
                    length
                };
                operations.push(Operation::Message(call, which, address, length));
                if call == Hypercall::SetTimer {
                    operations.push(Operation::Advance(75));
                }
            }
            operations
        })
}

/// What happens, one after the other.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let some = prop_oneof![
        24 => operation().prop_map(|operation| vec![operation]),
        2 => exchange(),
    ];
    prop::collection::vec(some, 1..200).prop_map(|parts| parts.concat())
}

/// Found by trial: with eleven, one sequence in some thousands opens a window a tick late. The longest way to a boundary has a
/// chunk of preparation in it, of up to three ticks; the others are looks at the timebase.
const GUARD_TICKS: u32 = 13;

/// The timebase at the start: its lower half wraps round at every moment of a run.
fn start() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), (1u64 << 32) - 40_000..1 << 32, 0u64..1 << 50]
}

/// How many sequences are tried, unless `PROPTEST_CASES` says otherwise.
fn cases() -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok();
    given.and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_keeps_to_the_model(
        operations in operations(),
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
        operations in operations(),
        prepare_ticks in 0u64..4,
        start in start(),
    ) {
        let mut system = system();
        system.module.guard_ticks = GUARD_TICKS;
        let mut simulation = system.boot_at(start);
        // Each look at the timebase costs a tick.
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
