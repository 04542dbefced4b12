//! Clients and a device that do what they like.

use std::vec::Vec;

use cofferdam_ring::RingError;
use network_messages::{Operation, Request};
use proptest::prelude::*;
use virtio::Driver as _;

use crate::FrameMemory;
use crate::model::{
    BROADCAST, Bench, DRIVER_BYTES, OUTSIDE, PAYLOAD_BYTES, address, describe, frame, receive, send,
};

#[derive(Clone, Debug)]
enum Step {
    Ask(usize, Request),
    /// A client writes a header somewhere into its payload.
    Frame(usize, u32, [u8; 6], [u8; 6]),
    Error(usize, RingError),
    Restart(usize),
    Read(usize),
    Comes(Vec<u8>),
    Serve(u64),
    Work,
    /// The device writes into the driver's memory.
    Scribble(u32, u16),
    Fail,
}

fn any_address() -> impl Strategy<Value = [u8; 6]> {
    prop_oneof![
        (0usize..3).prop_map(address),
        Just(OUTSIDE),
        Just(BROADCAST),
        any::<[u8; 6]>(),
    ]
}

fn any_number() -> impl Strategy<Value = u32> {
    prop_oneof![0..PAYLOAD_BYTES + 10, 0..2000u32, any::<u32>()]
}

fn request() -> impl Strategy<Value = Request> {
    let operation = prop_oneof![
        Just(Operation::Describe),
        Just(Operation::Send),
        Just(Operation::Receive)
    ];
    let wild = (0..40u32, operation, any_number(), any_number()).prop_map(
        |(id, operation, offset, length)| Request {
            id,
            operation,
            offset,
            length,
        },
    );
    prop_oneof![
        2 => wild,
        1 => (0..40u32, 0..PAYLOAD_BYTES - 2000).prop_map(|(id, offset)| receive(id, offset)),
        2 => (0..40u32, 0..8u32, 14..1514u32).prop_map(|(id, at, length)| send(id, at * 1600, length)),
        1 => (0..40u32).prop_map(describe),
    ]
}

fn step(hostile: bool) -> impl Strategy<Value = Step> {
    let client = 0usize..3;
    let error = prop_oneof![
        Just(RingError::Corrupt),
        Just(RingError::PeerRestarted),
        Just(RingError::Full)
    ];
    let device = if hostile { 3 } else { 0 };
    prop_oneof![
        8 => (client.clone(), request()).prop_map(|(client, request)| Step::Ask(client, request)),
        8 => (client.clone(), 0..8u32, any_address(), any_address())
            .prop_map(|(client, at, to, from)| Step::Frame(client, at * 1600, to, from)),
        1 => (client.clone(), error).prop_map(|(client, error)| Step::Error(client, error)),
        1 => client.clone().prop_map(Step::Restart),
        3 => client.prop_map(Step::Read),
        3 => (any_address(), any_address(), 0..1600usize)
            .prop_map(|(to, from, length)| Step::Comes(frame(to, from, length.min(1514)))),
        6 => (0..2000u64).prop_map(Step::Serve),
        5 => Just(Step::Work),
        device => (0..4096u32, prop_oneof![0u16..40, any::<u16>()])
            .prop_map(|(at, word)| Step::Scribble(2 * at, word)),
        device => Just(Step::Fail),
    ]
}

fn play(bench: &mut Bench, step: Step, hostile: bool) {
    match step {
        Step::Ask(client, request) => bench.ask(client, request),
        Step::Frame(client, offset, to, from) => {
            let payload = &bench.clients[client].payload;
            payload.copy_in(offset, &frame(to, from, 14));
        }
        Step::Error(client, error) => {
            let mut ring = bench.clients[client].ring.borrow_mut();
            ring.pop_error = Some(error);
            ring.push_error = Some(error);
        }
        Step::Restart(client) => bench.restart(client),
        Step::Read(client) => drop(bench.answers(client)),
        Step::Comes(frame) => bench.comes(frame),
        Step::Serve(ticks) => {
            bench.now += ticks;
            bench.serve();
        }
        // A device whose queues were overwritten may find in them what it takes for a fault of the driver's.
        Step::Work if hostile => bench.server.interrupted(),
        Step::Work => bench.work(),
        Step::Scribble(at, word) => {
            let memory = bench.arena.memory(0, DRIVER_BYTES);
            virtio::Memory::write_u16(&memory, at, word);
        }
        Step::Fail => bench.device.fail(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever clients do: on the wire there are only frames with the address of one of them, and nothing panics.
    #[test]
    fn hostile_clients_get_nowhere(steps in prop::collection::vec(step(false), 0..200)) {
        let mut bench = Bench::new(3);
        for step in steps {
            play(&mut bench, step, false);
        }
        for frame in bench.sent() {
            let source: [u8; 6] = frame[6..12].try_into().expect("6 bytes");
            prop_assert!((0..3).map(address).any(|own| own == source), "{source:?}");
            prop_assert!((14..=1514).contains(&frame.len()));
        }
        // Whoever comes to their senses is served.
        for client in 0..3 {
            bench.clients[client].ring.borrow_mut().reply_room = 1000;
            bench.restart(client);
            bench.ask(client, describe(77));
        }
        bench.run();
        for client in 0..3 {
            let answers = bench.answers(client);
            prop_assert_eq!(answers.last().map(|answer| (answer.id, answer.address)), Some((77, address(client))));
        }
    }

    /// Whatever the device writes, the driver comes to rest, and the clients have each other.
    #[test]
    fn a_hostile_device_gets_nowhere(steps in prop::collection::vec(step(true), 0..200)) {
        let mut bench = Bench::new(3);
        for step in steps {
            play(&mut bench, step, true);
        }
        // What the device has of them ends by the driver's patience.
        bench.serve();
        bench.now += 10_000;
        bench.serve();
        bench.now += 10_000;
        for client in [0, 1] {
            bench.clients[client].ring.borrow_mut().reply_room = 1000;
            bench.restart(client);
        }
        bench.ask(1, receive(78, 0));
        bench.serve();
        bench.now += 10_000;
        bench.serve();
        let direct = frame(address(1), address(0), 60);
        bench.send(0, 77, &direct);
        bench.serve();
        let answers = bench.answers(1);
        prop_assert_eq!(answers.last().map(|answer| answer.id), Some(78));
        prop_assert_eq!(bench.payload(1, 0, 60), direct);
    }
}
