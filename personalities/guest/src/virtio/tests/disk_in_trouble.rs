//! Disks whose guest or whose driver does not do what it should.

extern crate std;

use disk_messages::{Reply, Status};

use super::super::model::start;
use super::disk::{DATA, FLUSH, IN, OUT, SECTORS, World};

const STATUS: u32 = 0x70;

fn is_stopped(world: &World) -> bool {
    world.disk.registers.load(STATUS, 4) == Some(0x4f)
}

#[test]
fn what_the_driver_refuses_is_an_error_of_the_guests() {
    use Status::{Done, Failed, Malformed, OutOfRange, ReadOnly};
    for (status, sectors) in [
        (Failed, 8),
        (Malformed, 0),
        (OutOfRange, 0),
        (ReadOnly, 0),
        (Done, 7),
        (Done, 9),
        (Done, u64::MAX),
        (Done, 8 | 1 << 32),
    ] {
        let mut world = World::new();
        let head = world.ask(IN, 0, &[(DATA, 4096, true)]).expect("room");
        world.notify();
        let id = world.wire.take_request().expect("a request").id;
        let read_only = false;
        let reply = Reply {
            id,
            status,
            sectors,
            read_only,
        };
        world.wire.reply(id, reply);
        world.serve();
        assert_eq!(world.used(), [(head, 1)], "{status:?} {sectors}");
        assert_eq!(world.result(0), 1);
    }
}

/// A flush moves nothing, so that what the driver says of sectors says nothing.
#[test]
fn a_flush_is_done_whatever_sectors_the_driver_names() {
    for sectors in [0, 7, u64::MAX] {
        let mut world = World::new();
        let head = world.ask(FLUSH, 0, &[]).expect("room");
        world.notify();
        let id = world.wire.take_request().expect("a request").id;
        let reply = Reply {
            id,
            status: Status::Done,
            sectors,
            read_only: false,
        };
        world.wire.reply(id, reply);
        world.serve();
        assert_eq!(world.used(), [(head, 1)], "{sectors}");
        assert_eq!(world.result(0), 0);
    }
}

#[test]
fn what_was_not_asked_for_is_no_answer() {
    let mut world = World::new();
    world.ask(IN, 0, &[(DATA, 4096, true)]);
    world.notify();
    let id = world.wire.requests[0].id;
    let right = Reply {
        id,
        status: Status::Done,
        sectors: 8,
        read_only: false,
    };
    for wrong in [0, id + 1, id + 32, id | 1 << 31, u32::MAX] {
        world.wire.reply(wrong, Reply { id: wrong, ..right });
        world.serve();
        assert_eq!(world.used(), [], "{wrong}");
    }
    for _ in 0..3 {
        world.wire.reply(id, right);
    }
    world.serve();
    assert_eq!(world.used().len(), 1, "an answer counts once");
    // Nor is the old one the answer to the next request, which takes the same place.
    world.ask(IN, 0, &[(DATA, 4096, true)]);
    world.notify();
    world.wire.reply(id, right);
    world.serve();
    assert_eq!(world.used(), []);
}

#[test]
fn a_request_without_header_or_result_stops_the_disk() {
    for parts in [
        &[(DATA, 15, false), (DATA + 64, 1, true)][..],
        &[(DATA, 16, false)],
        &[(DATA, 16, true)],
        &[(DATA, 512, true), (DATA + 512, 16, false)],
    ] {
        let mut world = World::new();
        world.queue.add(&mut world.ram, parts).expect("room");
        world.notify();
        assert!(is_stopped(&world), "{parts:?}");
        assert_eq!(world.disk.registers.load(0x60, 4), Some(2));
        // Nothing happens any more.
        world.ask(IN, 0, &[(DATA, 512, true)]);
        world.notify();
        assert!(world.wire.requests.is_empty() && world.used().is_empty());
    }
}

#[test]
fn a_header_may_be_in_pieces() {
    let mut world = World::new();
    world.ram.set_bytes(DATA, &[0; 7]);
    world
        .ram
        .set_bytes(DATA + 101, &[0, 3, 0, 0, 0, 0, 0, 0, 0]);
    let parts = [
        (DATA, 7, false),
        (DATA + 101, 9, false),
        (0x9_0000, 500, true),
        (0xa_0000, 13, true),
    ];
    world.queue.add(&mut world.ram, &parts).expect("room");
    world.notify();
    world.settle();
    assert_eq!(world.used(), [(0, 513)]);
    assert_eq!(
        world.ram.bytes_at(0x9_0000, 500),
        world.medium[3 * 512..3 * 512 + 500]
    );
    assert_eq!(world.ram.bytes_at(0xa_0000 + 12, 1), [0]);
}

#[test]
fn a_chain_that_changes_under_way_stops_the_disk() {
    let mut world = World::new();
    world.ask(IN, 0, &[(DATA, 4096, true)]);
    world.ask(OUT, 8, &[(DATA, 4096, false)]);
    world.notify();
    // The data of the read is somewhere else now: nowhere.
    let nowhere = u64::from(super::disk::MEMORY) - 100;
    let queue = &world.queue;
    queue.describe(&mut world.ram, 1, nowhere, 4096, [3, 2]);
    world.drive(1);
    world.serve();
    assert!(is_stopped(&world));
    assert_eq!(world.used(), []);
}

#[test]
fn after_a_reset_nothing_of_before_reaches_the_guest() {
    let mut world = World::new();
    for sector in [0, 8] {
        world.ask(IN, sector, &[(DATA, 4096, true)]);
    }
    world.notify();
    world.drive(1);
    world.queue = super::super::model::DriverQueue::new(0, 128, 0);
    world.ram.set_bytes(0, &[0; 0x2000]);
    world
        .disk
        .registers
        .store(STATUS, 4, 0)
        .expect("a register");
    world.serve();
    assert_eq!(world.disk.registers.load(STATUS, 4), Some(0));
    start(&mut world.disk.registers, u64::MAX, &[&world.queue]);
    // One is still with the driver: new requests wait for it.
    let head = world
        .ask(OUT, 0, &[(DATA + 0x1000, 512, false)])
        .expect("room");
    world.notify();
    assert_eq!(world.wire.requests.len(), 1, "the old one alone");
    assert!(!world.queue.notifies(&world.ram));
    world.settle();
    assert_eq!(world.used(), [(head, 1)]);
    assert_eq!(world.ram.bytes_at(DATA, 4096), [0; 4096]);
}

#[test]
fn a_disk_that_was_stopped_works_after_a_reset() {
    let mut world = World::new();
    world.ask(IN, 0, &[(DATA, 4096, true)]);
    world.notify();
    world.queue.offer(&mut world.ram, 500);
    world.notify();
    assert!(is_stopped(&world));
    assert_eq!(
        (world.wire.requests.len(), world.wire.doorbells),
        (1, 2),
        "what was sent before is waited for"
    );
    world.queue = super::super::model::DriverQueue::new(0, 128, 0);
    world.ram.set_bytes(0, &[0; 0x2000]);
    start(&mut world.disk.registers, u64::MAX, &[&world.queue]);
    world.ask(FLUSH, 0, &[]);
    world.notify();
    world.settle();
    assert_eq!((world.used().len(), world.result(0)), (1, 0));
    assert_eq!(world.disk.registers.load(STATUS, 4), Some(0xf));
}

#[test]
fn requests_that_were_asked_for_as_one_fail_as_one_and_are_sent_again_as_one() {
    let mut world = World::new();
    for number in 0..3_u32 {
        let data = (DATA + number * 4096, 4096, true);
        world.ask(IN, u64::from(number) * 8, &[data]);
    }
    world.notify();
    assert_eq!(world.wire.requests.len(), 1);
    world.wire.restart();
    world.serve();
    assert_eq!(world.wire.requests.len(), 1, "sent again");
    let request = world.wire.requests.pop_front().expect("the one request");
    // An answer to the second of them, which was never asked for by itself.
    for (id, sectors) in [(request.id + 1, 8), (request.id, 8)] {
        world.wire.replies.push_back(Reply {
            id,
            status: Status::Done,
            sectors,
            read_only: false,
        });
    }
    world.serve();
    assert_eq!(world.used().len(), 3);
    for number in 0..3 {
        assert_eq!(world.result(number), 1, "{number}");
    }
}

#[test]
fn what_was_in_flight_is_sent_again_when_the_driver_restarts() {
    let mut world = World::new();
    world.ram.set_bytes(DATA, &[0x5a; 512]);
    world.ask(OUT, 0, &[(DATA, 512, false)]);
    world.ask(IN, 1, &[(DATA + 512, 512, true)]);
    world.notify();
    let old: std::vec::Vec<u32> = world.wire.requests.iter().map(|one| one.id).collect();
    world.wire.restart();
    world.wire.payload.borrow_mut().fill(0xff);
    world.serve();
    assert_eq!(world.wire.requests.len(), 2);
    assert!(!world.wire.requests.iter().any(|one| old.contains(&one.id)));
    // Answers of the driver's last life are none.
    for id in old {
        let reply = Reply {
            id,
            status: Status::Done,
            sectors: 1,
            read_only: false,
        };
        world.wire.reply(id, reply);
    }
    world.serve();
    assert_eq!(world.used(), []);
    world.settle();
    assert_eq!(world.used().len(), 2);
    assert_eq!(world.medium[..512], [0x5a; 512]);
    let data = world.ram.bytes_at(DATA + 512, 512);
    assert_eq!(data, world.medium[512..1024]);
}

/// A driver that is stopped for good: what it had, what it never got and what comes later ends in an error, whatever state it is in.
#[test]
fn a_driver_that_is_stopped_is_an_error_of_each_request() {
    for (taken, depth) in [(0, 32), (2, 32), (5, 32), (1, 2)] {
        let mut world = World::with(SECTORS, false, 128 << 10, depth);
        let data = |kind| [(DATA, 4096, kind == IN)];
        // More than are looked after at a time, in more pieces than there is payload for.
        for number in 0..42 {
            let kind = if number % 2 == 0 { IN } else { OUT };
            world.ask(kind, 8 * number, &data(kind)).expect("room");
        }
        world.notify();
        world.drive(taken);
        world.wire.stop();
        world.serve();
        let used = world.used();
        assert_eq!(used.len(), 42, "{taken} {depth}");
        for number in 0..42 {
            let expected = u8::from(usize::from(number) >= taken);
            assert_eq!(world.result(number), expected, "{number}: {taken} {depth}");
        }
        assert!(world.interrupted());
        // And what comes later, as often as it does.
        for number in 42..80 {
            world.ask(IN, 0, &data(IN)).expect("room");
            world.notify();
            assert_eq!(world.used().len(), 1);
            assert_eq!(world.result(number), 1);
        }
        world.ask(FLUSH, 0, &[]).expect("room");
        world.notify();
        assert_eq!(world.result(80), 1);
        assert_eq!(world.used().len(), 1);
        // Somebody starts it again.
        world.wire.restart();
        world.ask(IN, 8, &data(IN)).expect("room");
        world.notify();
        world.settle();
        assert_eq!(world.used().len(), 1);
        assert_eq!(world.result(81), 0);
        assert_eq!(world.ram.bytes_at(DATA, 4096), world.medium[4096..8192]);
    }
}

#[test]
fn orphans_of_a_driver_that_is_stopped_hold_nothing_up() {
    let mut world = World::new();
    world.ask(OUT, 0, &[(DATA, 4096, false)]);
    world.notify();
    world.queue = super::super::model::DriverQueue::new(0, 128, 0);
    world.ram.set_bytes(0, &[0; 0x2000]);
    start(&mut world.disk.registers, u64::MAX, &[&world.queue]);
    world.wire.stop();
    world.ask(IN, 0, &[(DATA, 4096, true)]);
    world.notify();
    assert_eq!(world.used().len(), 1);
    assert_eq!(world.result(0), 1);
}
