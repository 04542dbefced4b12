//! Clients and devices that do what they like.
//!
//! The device of the host panics if a descriptor names memory that is not there. The payloads are watched beside it: nothing but
//! a client's own is written.

use std::collections::BTreeMap;
use std::vec::Vec;

use cofferdam_ring::RingError;
use disk_messages::{Operation, Request};
use proptest::prelude::*;
use virtio::Memory as _;

use super::bench::*;
use virtio::{Driver as _, Next};

use crate::Range;

#[derive(Clone, Debug)]
enum Step {
    Ask(usize, Request),
    Flood(usize, Request),
    /// One of its ring's ends says so.
    Tell(usize, bool, RingError),
    Mend(usize),
    ReplyRoom(usize, usize),
    Restart(usize),
    Serve(u64),
    Take,
    Finish(usize),
    Interrupt,
    NeedsReset,
    /// The device writes into the memory of the driver.
    Scribble(u32, u16),
}

fn number<T>(likely: std::ops::Range<T>) -> BoxedStrategy<T>
where
    std::ops::Range<T>: Strategy<Value = T> + 'static,
    T: Arbitrary + 'static,
{
    prop_oneof![3 => likely, 1 => any::<T>()].boxed()
}

fn request() -> impl Strategy<Value = Request> {
    let operation = prop_oneof![
        Just(Operation::Describe),
        Just(Operation::Read),
        Just(Operation::Read),
        Just(Operation::Write),
        Just(Operation::Flush),
    ];
    (
        operation,
        0u32..4,
        number(0u64..10),
        number(0u32..10),
        number(0u32..PAYLOAD_BYTES),
    )
        .prop_map(|(operation, id, sector, sectors, offset)| Request {
            id,
            operation,
            sector,
            sectors,
            offset: if offset < PAYLOAD_BYTES {
                offset & !3
            } else {
                offset
            },
        })
}

fn step(hostile_device: bool) -> impl Strategy<Value = Step> {
    let client = 0usize..3;
    let error = prop_oneof![
        Just(RingError::PeerRestarted),
        Just(RingError::Corrupt),
        Just(RingError::Mismatch),
    ];
    let scribble = (0..DRIVER_BYTES / 2, prop_oneof![0u16..70, any::<u16>()]);
    // The used ring stands there.
    let used = (4616u32 / 2..4700 / 2, 0u16..70);
    let device = prop_oneof![
        1 => Just(Step::NeedsReset),
        2 => scribble.prop_map(|(at, word)| Step::Scribble(2 * at, word)),
        6 => used.prop_map(|(at, word)| Step::Scribble(2 * at, word)),
    ];
    let clients = prop_oneof![
        8 => (client.clone(), request()).prop_map(|(client, request)| Step::Ask(client, request)),
        1 => (client.clone(), request()).prop_map(|(client, request)| Step::Flood(client, request)),
        1 => (client.clone(), any::<bool>(), error).prop_map(|(client, here, error)| Step::Tell(client, here, error)),
        1 => client.clone().prop_map(Step::Mend),
        1 => (client.clone(), 0usize..40).prop_map(|(client, room)| Step::ReplyRoom(client, room)),
        1 => client.prop_map(Step::Restart),
        6 => (0u64..300).prop_map(Step::Serve),
        4 => Just(Step::Take),
        6 => (0usize..8).prop_map(Step::Finish),
        3 => Just(Step::Interrupt),
    ];
    if hostile_device {
        prop_oneof![3 => clients, 1 => device].boxed()
    } else {
        clients.boxed()
    }
}

const RANGES: [Range; 3] = [
    range(8, 8),
    range(60, 8),
    Range {
        first_sector: 16,
        sectors: 8,
        read_only: true,
    },
];

fn take(bench: &mut Bench, step: Step) {
    match step {
        Step::Ask(client, request) => bench.ask(client, request),
        Step::Flood(client, request) => {
            for _ in 0..200 {
                bench.ask(client, request);
            }
        }
        Step::Tell(client, true, error) => bench.wire(client, |wire| wire.pop_error = Some(error)),
        Step::Tell(client, false, error) => {
            bench.wire(client, |wire| wire.push_error = Some(error))
        }
        Step::Mend(client) => bench.wire(client, |wire| {
            wire.pop_error = None;
            wire.push_error = None;
        }),
        Step::ReplyRoom(client, room) => bench.wire(client, |wire| wire.reply_room = room),
        Step::Restart(client) => bench.wire(client, |wire| {
            wire.requests.clear();
            wire.replies.clear();
            wire.pop_error = Some(RingError::PeerRestarted);
            wire.push_error = Some(RingError::PeerRestarted);
        }),
        Step::Serve(ticks) => {
            bench.now += ticks;
            assert_ne!(bench.serve(), Next::Restart, "its reset always ends");
        }
        Step::Take => drop(bench.device.take()),
        Step::Finish(number) => drop(bench.device.finish(number)),
        Step::Interrupt => bench.server.interrupted(),
        Step::NeedsReset => bench.device.fail(),
        Step::Scribble(at, word) => bench.arena.memory(0, DRIVER_BYTES).write_u16(at, word),
    }
}

/// In the end, with the rings mended, everybody is answered.
fn settle(bench: &mut Bench) {
    for client in 0..RANGES.len() {
        bench.wire(client, |wire| {
            wire.requests.clear();
            wire.replies.clear();
            wire.pop_error = None;
            wire.push_error = None;
            wire.reply_room = usize::MAX;
        });
    }
    bench.run();
    for client in 0..RANGES.len() {
        bench.answers(client);
        bench.ask(client, other(77, Operation::Describe));
    }
    bench.run();
    for client in 0..RANGES.len() {
        assert_eq!(bench.answer(client).id, 77);
    }
}

proptest! {
    /// Whatever clients do, nothing outside of their ranges is written, and each request gets one answer at most.
    #[test]
    fn hostile_clients_keep_to_their_own(steps in prop::collection::vec(step(false), 0..200)) {
        let mut bench = Bench::new(&RANGES);
        for client in 0..RANGES.len() {
            let pattern = 0xa0 + client as u8;
            bench.fill(client, 0, 16, pattern);
        }
        let mut asked = BTreeMap::<(usize, u32), usize>::new();
        for step in steps {
            match &step {
                Step::Ask(client, request) => *asked.entry((*client, request.id)).or_default() += 1,
                Step::Flood(client, request) => *asked.entry((*client, request.id)).or_default() += 200,
                _ => {}
            }
            take(&mut bench, step);
            for client in 0..RANGES.len() {
                let replies: Vec<u32> = bench.answers(client).iter().map(|reply| reply.id).collect();
                for id in replies {
                    let left = asked.get_mut(&(client, id));
                    let left = left.expect("an answer that nobody waits for");
                    *left = left.checked_sub(1).expect("more answers than requests");
                }
            }
        }
        settle(&mut bench);
        bench.device.with(|disk| {
            for (sector, bytes) in disk.sectors.iter().enumerate() {
                // Each payload had its client's pattern, and sectors their number.
                let allowed: &[u8] = match sector {
                    8..16 => &[0xa0, 8, 9, 10, 11, 12, 13, 14, 15],
                    60..64 => &[0xa1, 60, 61, 62, 63],
                    _ => &[sector as u8],
                };
                assert!(bytes.iter().all(|byte| allowed.contains(byte)), "sector {sector}");
            }
        });
        for client in 0..RANGES.len() {
            let allowed: &[u8] = match client {
                0 => &[0xa0, 8, 9, 10, 11, 12, 13, 14, 15],
                1 => &[0xa1, 60, 61, 62, 63],
                _ => &[0xa2, 16, 17, 18, 19, 20, 21, 22, 23],
            };
            let payload = bench.payload(client, 0, PAYLOAD_BYTES as usize);
            assert!(payload.iter().all(|byte| allowed.contains(byte)), "payload {client}");
        }
    }
}

/// What a device that is not believed may be told: it does not look at descriptors, for it spoiled them itself.
fn without_the_device(step: &Step) -> bool {
    !matches!(step, Step::Take | Step::Finish(_))
}

proptest! {
    /// Whatever the device writes, the driver comes to rest, and each request gets one answer at most.
    #[test]
    fn a_hostile_device_gets_nowhere(steps in prop::collection::vec(step(true), 0..200)) {
        let mut bench = Bench::new(&RANGES);
        for step in steps.into_iter().filter(without_the_device) {
            let asked = (0..RANGES.len()).map(|client| bench.wire(client, |wire| wire.requests.len()));
            let asked: usize = asked.sum();
            take(&mut bench, step);
            let answered = (0..RANGES.len()).map(|client| bench.answers(client).len());
            prop_assert!(answered.sum::<usize>() <= asked + 64);
        }
        // Its patience ends, and then there is an answer for everybody: done by a device that begins anew, or failed.
        bench.now += 10 * PATIENCE;
        bench.serve();
        settle(&mut bench);
    }
}
