//! What clients ask for.

use disk_messages::{Operation, Reply, Status};
use std::vec::Vec;

use crate::Range;
use crate::model::*;

const fn done(id: u32, sectors: u64) -> Reply {
    Reply {
        id,
        status: Status::Done,
        sectors,
        read_only: false,
    }
}

const fn refused(id: u32, status: Status) -> Reply {
    Reply {
        id,
        status,
        sectors: 0,
        read_only: false,
    }
}

#[test]
fn each_client_is_told_its_range() {
    let read_only = Range {
        read_only: true,
        ..range(0, 8)
    };
    // The fourth begins within the disk and ends behind, the last is behind it.
    let ranges = [
        range(8, 8),
        read_only,
        range(0, 64),
        range(60, 8),
        range(64, 1),
        range(u64::MAX, 5),
    ];
    let mut bench = Bench::new(&ranges);
    for client in 0..ranges.len() {
        bench.ask(client, other(7, Operation::Describe));
    }
    bench.run();
    let sectors = [8, 8, 64, 4, 0, 0];
    for (client, sectors) in sectors.into_iter().enumerate() {
        let expected = Reply {
            read_only: client == 1,
            ..done(7, sectors)
        };
        assert_eq!(bench.answer(client), expected);
    }
}

#[test]
fn sectors_are_read_and_written_within_the_range() {
    let mut bench = Bench::new(&[range(8, 8), range(16, 8)]);
    bench.ask(0, read(1, 2, 3, 512));
    bench.run();
    assert_eq!(bench.answer(0), done(1, 3));
    let expected: Vec<u8> = (10..13).flat_map(|sector| [sector; 512]).collect();
    assert_eq!(bench.payload(0, 512, 3 * 512), expected);
    assert_eq!(bench.payload(0, 0, 512), [0; 512]);
    bench.fill(1, 4, 2, 0xaa);
    bench.ask(1, write(2, 6, 2, 4));
    bench.run();
    assert_eq!(bench.answer(1), done(2, 2));
    bench.device.with(|disk| {
        assert_eq!(disk.sectors[21], [21; 512]);
        assert_eq!(disk.sectors[22], [0xaa; 512]);
        assert_eq!(disk.sectors[23], [0xaa; 512]);
        assert_eq!(disk.sectors[24], [24; 512]);
    });
}

#[test]
fn what_is_wrong_is_said_and_does_not_reach_the_device() {
    let read_only = Range {
        read_only: true,
        ..range(0, 8)
    };
    let mut bench = Bench::new(&[range(8, 8), read_only]);
    let room = PAYLOAD_BYTES / 512;
    use Status::{Malformed, OutOfRange, ReadOnly};
    let wrong = [
        (0, read(1, 0, 0, 0), Malformed),
        (0, read(2, 0, 1, 2), Malformed),
        (0, read(3, 0, 1, PAYLOAD_BYTES - 508), Malformed),
        (0, read(4, 0, room + 1, 0), Malformed),
        (0, read(5, 0, 1, u32::MAX - 3), Malformed),
        (0, read(6, 0, 1 << 23, 0), Malformed),
        (0, read(7, 0, u32::MAX, 0), Malformed),
        (0, read(8, 8, 1, 0), OutOfRange),
        (0, read(9, 7, 2, 0), OutOfRange),
        (0, read(10, u64::MAX, 1, 0), OutOfRange),
        (0, read(11, u64::MAX - 7, 8, 0), OutOfRange),
        (0, write(12, 8, 1, 0), OutOfRange),
        (1, write(13, 0, 1, 0), ReadOnly),
        (1, read(14, 8, 1, 0), OutOfRange),
    ];
    for (client, request, status) in wrong {
        bench.ask(client, request);
        bench.run();
        assert_eq!(bench.answer(client), refused(request.id, status));
    }
    assert_eq!(bench.device.notifications(), 0);
}

#[test]
fn a_flush_goes_to_the_device_if_it_means_something() {
    let read_only = Range {
        read_only: true,
        ..range(0, 8)
    };
    for (features, expected) in [(FLUSH, 1), (0, 0), (FLUSH | READ_ONLY, 0)] {
        let mut bench = Bench::with(REQUIRED | features, 256, &[range(0, 8), read_only]);
        for client in 0..2 {
            bench.ask(client, other(3, Operation::Flush));
            bench.run();
            assert_eq!(bench.answer(client), done(3, 0));
        }
        assert_eq!(bench.device.with(|disk| disk.flushes), expected);
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_read_only_for_all() {
    let mut bench = Bench::with(REQUIRED | READ_ONLY, 256, &[range(0, 8)]);
    bench.ask(0, other(1, Operation::Describe));
    bench.ask(0, write(2, 0, 1, 0));
    bench.run();
    let answers = bench.answers(0);
    assert!(answers[0].read_only);
    assert_eq!(answers[1].status, Status::ReadOnly);
}

#[test]
fn requests_of_one_turn_cost_one_notification_and_one_doorbell() {
    let mut bench = Bench::new(&[range(0, 64)]);
    // Of the driver's new life.
    assert_eq!(bench.wire(0, |wire| wire.doorbells), 1);
    for id in 0..16 {
        bench.ask(0, read(id, id.into(), 1, 512 * id));
    }
    bench.run();
    let ids: Vec<u32> = bench.answers(0).iter().map(|reply| reply.id).collect();
    assert_eq!(ids, Vec::from_iter(0..16));
    assert_eq!(bench.device.notifications(), 1);
    assert_eq!(bench.wire(0, |wire| wire.doorbells), 2);
}

#[test]
fn a_flood_of_one_leaves_the_share_of_others() {
    let mut bench = Bench::new(&[range(0, 8), range(8, 8), range(16, 8)]);
    for id in 0..1000 {
        bench.ask(0, read(id, 0, 1, 0));
    }
    assert_eq!(bench.serve(), virtio::Next::Wait);
    // 64 slots for three.
    assert_eq!(bench.device.take(), 21);
    for client in 1..3 {
        for id in 0..30 {
            bench.ask(client, read(id, 0, 1, 0));
        }
    }
    bench.serve();
    assert_eq!(bench.device.take(), 63);
    // Nothing of it is lost.
    bench.wire(0, |wire| wire.reply_room = usize::MAX);
    bench.run();
    for (client, count) in [1000, 30, 30].into_iter().enumerate() {
        assert_eq!(bench.answers(client).len(), count);
    }
}

#[test]
fn answers_wait_until_there_is_room() {
    let mut bench = Bench::new(&[range(0, 8), range(8, 8)]);
    bench.wire(0, |wire| wire.reply_room = 0);
    for id in 0..100 {
        bench.ask(0, read(id, 0, 1, 0));
    }
    bench.run();
    // What is answered counts as long as nobody takes the answer.
    assert_eq!(bench.wire(0, |wire| wire.requests.len()), 68);
    bench.ask(1, read(1, 0, 1, 0));
    bench.run();
    assert_eq!(bench.answer(1), done(1, 1));
    let mut answered = 0;
    bench.wire(0, |wire| wire.reply_room = 5);
    while answered < 100 {
        bench.run();
        let count = bench.answers(0).len();
        assert_eq!(count, 5);
        answered += count;
    }
}

#[test]
fn a_small_device_is_used_as_far_as_it_goes() {
    let mut bench = Bench::with(REQUIRED, 4, &[range(0, 8), range(8, 8)]);
    for id in 0..10 {
        for client in 0..2 {
            bench.ask(client, read(id, 0, 1, 0));
        }
    }
    bench.serve();
    assert_eq!(bench.device.take(), 1);
    bench.run();
    for client in 0..2 {
        let answers = bench.answers(client);
        assert_eq!(answers.len(), 10);
        assert!(answers.iter().all(|reply| reply.status == Status::Done));
    }
}
