//! Frames that go where they should, and clients and devices that fail.

use std::vec;
use std::vec::Vec;

use cofferdam_ring::RingError;
use network_messages::{ClientCounts, Reply, Request, Status};

use crate::model::{
    BROADCAST, Bench, OUTSIDE, PATIENCE, PAYLOAD_BYTES, address, describe, frame, receive, send,
    settings,
};
use virtio::{Driver as _, Next};

use crate::{FrameMemory, RECEIVES_MAX, Settings, TRANSMIT_SLOTS};

fn reply(id: u32, status: Status, length: u32) -> Reply {
    Reply {
        id,
        status,
        length,
        address: [0; 6],
    }
}

fn statuses(answers: &[Reply]) -> Vec<Status> {
    answers.iter().map(|answer| answer.status).collect()
}

#[test]
fn a_client_hears_its_address() {
    let mut bench = Bench::new(2);
    bench.ask(1, describe(7));
    bench.run();
    let expected = Reply {
        address: address(1),
        ..reply(7, Status::Done, 0)
    };
    assert_eq!(bench.answers(1), [expected]);
    assert!(bench.clients[1].ring.borrow().doorbells > 0);
}

#[test]
fn a_frame_reaches_the_wire_as_it_is() {
    let mut bench = Bench::new(1);
    for length in [14, 15, 60, 1514] {
        let frame = frame(OUTSIDE, address(0), length);
        bench.send(0, 3, &frame);
        assert_eq!(bench.serve(), Next::Wait);
        assert_eq!(bench.answers(0), [], "the device has the payload");
        bench.run();
        assert_eq!(bench.sent(), [frame]);
        assert_eq!(bench.answers(0), [reply(3, Status::Done, length as u32)]);
    }
}

#[test]
fn what_was_judged_is_what_is_sent() {
    let mut bench = Bench::new(2);
    bench.send(0, 1, &frame(OUTSIDE, address(0), 60));
    assert_eq!(bench.serve(), Next::Wait);
    // Too late: the header is a copy.
    let forged = frame(BROADCAST, address(1), 14);
    bench.clients[0].payload.copy_in(0, &forged);
    bench.run();
    assert_eq!(bench.sent(), [frame(OUTSIDE, address(0), 60)]);
}

#[test]
fn a_frame_from_the_wire_reaches_whom_it_is_for() {
    let mut bench = Bench::new(3);
    for client in 0..3 {
        bench.ask(client, receive(10, 2000));
        bench.ask(client, receive(11, 4000));
    }
    bench.run();
    let first = frame(address(1), OUTSIDE, 1514);
    let second = frame(BROADCAST, OUTSIDE, 42);
    bench.comes(first.clone());
    bench.comes(frame(OUTSIDE, OUTSIDE, 60));
    bench.comes(second.clone());
    bench.run();
    assert_eq!(bench.answers(0), [reply(10, Status::Done, 42)]);
    assert_eq!(bench.payload(0, 2000, 42), second);
    let both = [reply(10, Status::Done, 1514), reply(11, Status::Done, 42)];
    assert_eq!(bench.answers(1), both);
    assert_eq!(bench.payload(1, 2000, 1514), first);
    assert_eq!(bench.payload(1, 4000, 42), second);
    assert_eq!(bench.answers(2), [reply(10, Status::Done, 42)]);
}

#[test]
fn clients_reach_each_other() {
    let mut bench = Bench::new(3);
    bench.ask(1, receive(5, 0));
    bench.ask(2, receive(6, 3));
    bench.run();
    let direct = frame(address(1), address(0), 100);
    bench.send(0, 1, &direct);
    bench.run();
    assert_eq!(bench.answers(0), [reply(1, Status::Done, 100)]);
    assert_eq!(bench.answers(1), [reply(5, Status::Done, 100)]);
    assert_eq!(bench.payload(1, 0, 100), direct);
    assert_eq!(bench.sent(), Vec::<Vec<u8>>::new(), "not on the wire");
    let to_all = frame(BROADCAST, address(0), 61);
    bench.send(0, 2, &to_all);
    bench.run();
    assert_eq!(bench.payload(2, 3, 61), to_all);
    assert_eq!(bench.sent(), [to_all]);
    assert_eq!(bench.answers(1), [], "it gave no buffer: the frame is lost");
}

#[test]
fn anothers_address_is_refused() {
    let mut bench = Bench::new(2);
    bench.ask(1, receive(5, 0));
    for source in [address(1), OUTSIDE, BROADCAST] {
        bench.send(0, 1, &frame(BROADCAST, source, 60));
        bench.run();
        assert_eq!(bench.answers(0), [reply(1, Status::Refused, 0)]);
    }
    // Nor can the wire pretend to be a client.
    bench.comes(frame(address(1), address(0), 60));
    bench.run();
    assert_eq!(bench.answers(1), []);
    assert_eq!(bench.sent(), Vec::<Vec<u8>>::new());
}

#[test]
fn what_is_no_request_is_malformed() {
    let mut bench = Bench::new(1);
    let wrong = [
        send(1, 0, 13),
        send(1, 0, 1515),
        send(1, 0, u32::MAX),
        send(1, PAYLOAD_BYTES - 13, 14),
        send(1, u32::MAX, 14),
        send(1, PAYLOAD_BYTES, 14),
        receive(1, PAYLOAD_BYTES - 1513),
        receive(1, u32::MAX),
        Request {
            length: 1513,
            ..receive(1, 0)
        },
    ];
    for request in wrong {
        bench.ask(0, request);
        bench.run();
        assert_eq!(bench.answers(0), [reply(1, Status::Malformed, 0)]);
    }
    // At the very end there is room.
    bench.ask(0, receive(2, PAYLOAD_BYTES - 1514));
    bench.run();
    bench.comes(frame(address(0), OUTSIDE, 1514));
    bench.run();
    assert_eq!(bench.answers(0), [reply(2, Status::Done, 1514)]);
}

#[test]
fn a_rate_holds_for_one_client_alone() {
    let slow = Settings {
        frames: 2,
        per_ticks: 100,
        ..settings(0)
    };
    let mut bench = Bench::with(&[slow, settings(1)]);
    let own = frame(OUTSIDE, address(0), 60);
    for id in 0..4 {
        bench.send(0, id, &own);
        bench.send(1, id, &frame(OUTSIDE, address(1), 60));
    }
    bench.run();
    use Status::{Done, Dropped};
    let mut answers = bench.answers(0);
    answers.sort_by_key(|answer| answer.id);
    assert_eq!(statuses(&answers), [Done, Done, Dropped, Dropped]);
    assert_eq!(statuses(&bench.answers(1)), [Done; 4]);
    bench.now = 49;
    bench.send(0, 9, &own);
    bench.run();
    assert_eq!(statuses(&bench.answers(0)), [Dropped]);
    bench.now = 50;
    bench.send(0, 10, &own);
    bench.run();
    assert_eq!(statuses(&bench.answers(0)), [Done]);
}

#[test]
fn what_became_of_frames_is_counted() {
    let slow = Settings {
        frames: 3,
        per_ticks: 1000,
        protocols: Some(&[0x0800]),
        ..settings(0)
    };
    let mut bench = Bench::with(&[slow, settings(1)]);
    let own = |destination| typed(frame(destination, address(0), 60), 0x0800);
    let other = typed(frame(OUTSIDE, address(0), 60), 0x0806);
    // One to the wire, one that finds no buffer, one of a type that is not let through; then the rate is used up.
    for (id, frame) in (0..).zip([own(OUTSIDE), own(address(1)), other, own(OUTSIDE)]) {
        bench.send(0, id, &frame);
        bench.run();
    }
    bench.ask(0, send(9, PAYLOAD_BYTES, 60));
    bench.run();
    bench.ask(1, receive(1, 0));
    for frame in [
        frame(address(1), OUTSIDE, 60),
        frame(OUTSIDE, OUTSIDE, 60),
        frame(address(1), address(0), 60),
        vec![0; 13],
    ] {
        bench.comes(frame);
    }
    bench.run();
    let counts = bench.server.counts();
    let first = ClientCounts {
        address: address(0),
        sent: 2,
        received: 0,
        refused: 2,
        over_rate: 1,
        lost: 0,
    };
    let second = ClientCounts {
        address: address(1),
        sent: 0,
        received: 1,
        refused: 0,
        over_rate: 0,
        lost: 1,
    };
    assert_eq!(counts.clients, [first, second]);
    assert_eq!(counts.unwanted, 3);
}

fn typed(mut frame: Vec<u8>, protocol: u16) -> Vec<u8> {
    frame[12..14].copy_from_slice(&protocol.to_be_bytes());
    frame
}

#[test]
fn a_flood_takes_its_own_turns_alone() {
    let mut bench = Bench::new(2);
    bench.clients[0]
        .payload
        .copy_in(0, &frame(OUTSIDE, address(0), 60));
    for id in 0..10_000 {
        bench.ask(0, send(id, 0, 60));
    }
    bench.send(1, 1, &frame(OUTSIDE, address(1), 60));
    // One turn: both were asked.
    assert_eq!(bench.server.serve(0), Next::Again);
    bench.work();
    let of_other = |sent: &Vec<u8>| sent[6..12] == address(1);
    assert_eq!(bench.sent().iter().filter(|sent| of_other(sent)).count(), 1);
    let left = bench.clients[0].ring.borrow().requests.len();
    assert_eq!(left, 10_000 - 31, "as much as a turn has");
    // Its slots are half of what there are, and then it is not asked.
    bench.clients[0].ring.borrow_mut().reply_room = 20_000;
    for _ in 0..10 {
        bench.server.serve(0);
    }
    let left = bench.clients[0].ring.borrow().requests.len();
    assert_eq!(left, 10_000 - 31 - TRANSMIT_SLOTS / 2);
}

#[test]
fn more_buffers_than_there_is_room_for_are_given_back() {
    let mut bench = Bench::new(1);
    for id in 0..=RECEIVES_MAX as u32 {
        bench.ask(0, receive(id, 0));
    }
    bench.run();
    let last = reply(RECEIVES_MAX as u32, Status::Dropped, 0);
    assert_eq!(bench.answers(0), [last]);
}

#[test]
fn who_takes_no_answers_keeps_nobody_waiting() {
    let mut bench = Bench::new(2);
    bench.clients[0].ring.borrow_mut().reply_room = 1;
    for id in 0..20 {
        bench.send(0, id, &frame(OUTSIDE, address(0), 60));
    }
    bench.run();
    bench.send(1, 1, &frame(address(0), address(1), 60));
    bench.run();
    assert_eq!(bench.answers(1), [reply(1, Status::Done, 60)]);
    // All answers come when there is room.
    let mut ids = Vec::new();
    for _ in 0..20 {
        bench.run();
        ids.extend(bench.answers(0).iter().map(|answer| answer.id));
    }
    assert_eq!(ids, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_client_that_restarts_gets_nothing_of_its_last_life() {
    let mut bench = Bench::new(1);
    bench.ask(0, receive(1, 2000));
    bench.send(0, 2, &frame(OUTSIDE, address(0), 60));
    assert_eq!(bench.serve(), Next::Wait);
    bench.restart(0);
    bench.ask(0, describe(3));
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(0), [], "the device has its payload");
    bench.comes(frame(address(0), OUTSIDE, 60));
    bench.run();
    let answers = bench.answers(0);
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].id, answers[0].status), (3, Status::Done));
    assert_eq!(bench.payload(0, 2000, 4), [0; 4], "nothing was written");
}

#[test]
fn answers_of_the_new_life_survive_the_second_notice() {
    let mut bench = Bench::new(1);
    bench.clients[0].ring.borrow_mut().push_error = Some(RingError::PeerRestarted);
    bench.ask(0, describe(3));
    bench.ask(0, describe(4));
    bench.run();
    let ids: Vec<_> = bench.answers(0).iter().map(|answer| answer.id).collect();
    assert_eq!(ids, [3, 4]);
}

#[test]
fn a_device_that_keeps_a_frame_is_reset() {
    let mut bench = Bench::new(1);
    let own = frame(OUTSIDE, address(0), 60);
    bench.send(0, 1, &own);
    assert_eq!(bench.serve(), Next::Wait);
    let check = bench.server.next_check().expect("it has a frame");
    assert!(check <= PATIENCE);
    bench.now = PATIENCE;
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(0), []);
    bench.now = 2 * PATIENCE;
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(0), [reply(1, Status::Dropped, 0)]);
    assert_eq!(bench.server.next_check(), None);
    assert!(bench.device.is_running(), "it began anew");
    bench.send(0, 2, &own);
    bench.run();
    assert_eq!(bench.answers(0), [reply(2, Status::Done, 60)]);
}

#[test]
fn a_device_that_fails_again_and_again_stays_down() {
    let mut bench = Bench::new(2);
    for failure in 0..4 {
        assert!(bench.server.is_up(), "failure {failure}");
        bench.device.fail();
        bench.server.interrupted();
        assert_eq!(bench.serve(), Next::Wait);
    }
    assert!(!bench.server.is_up());
    bench.send(0, 1, &frame(OUTSIDE, address(0), 60));
    bench.ask(1, receive(2, 0));
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(0), [reply(1, Status::Dropped, 0)]);
    // They still have each other.
    bench.send(0, 3, &frame(address(1), address(0), 60));
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(1), [reply(2, Status::Done, 60)]);
}

#[test]
fn what_is_for_several_is_done_without_a_wire() {
    let mut bench = Bench::new(2);
    while bench.server.is_up() {
        bench.device.fail();
        bench.server.interrupted();
        assert_eq!(bench.serve(), Next::Wait);
    }
    bench.ask(1, receive(2, 0));
    assert_eq!(bench.serve(), Next::Wait);
    bench.send(0, 1, &frame(BROADCAST, address(0), 60));
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(1), [reply(2, Status::Done, 60)]);
    assert_eq!(bench.answers(0), [reply(1, Status::Done, 60)]);
    let counts = bench.server.counts().clients[0];
    assert_eq!((counts.sent, counts.lost), (1, 0));
}

#[test]
fn what_others_have_is_not_dropped_by_a_device_that_fails() {
    let mut bench = Bench::new(2);
    bench.ask(1, receive(2, 0));
    assert_eq!(bench.serve(), Next::Wait);
    for (id, destination) in [(1, BROADCAST), (3, OUTSIDE)] {
        bench.send(0, id, &frame(destination, address(0), 60));
        assert_eq!(bench.serve(), Next::Wait);
    }
    assert_eq!(bench.answers(1), [reply(2, Status::Done, 60)]);
    assert_eq!(bench.answers(0), [], "the device has them");
    bench.device.fail();
    bench.server.interrupted();
    assert_eq!(bench.serve(), Next::Wait);
    let dropped = reply(3, Status::Dropped, 0);
    assert_eq!(bench.answers(0), [reply(1, Status::Done, 60), dropped]);
}

#[test]
fn a_device_that_cannot_be_stopped_is_for_the_kernel() {
    let mut bench = Bench::new(1);
    let faults = virtio::model::Faults {
        never_resets: true,
        ..Default::default()
    };
    bench.device.set_faults(faults);
    bench.device.fail();
    bench.server.interrupted();
    assert_eq!(bench.serve(), Next::Restart);
    assert_eq!(bench.serve(), Next::Restart);
}

#[test]
fn what_is_no_frame_is_nothing() {
    let mut bench = Bench::new(1);
    bench.ask(0, receive(1, 0));
    bench.run();
    for length in [0, 1, 13] {
        bench.comes(vec![0xff; length]);
    }
    bench.comes(frame(address(0), OUTSIDE, 14));
    bench.run();
    assert_eq!(bench.answers(0), [reply(1, Status::Done, 14)]);
}

#[test]
fn the_wire_goes_on_for_ever() {
    let mut bench = Bench::new(1);
    for id in 0..200 {
        bench.ask(0, receive(id, 0));
        bench.run();
        bench.comes(frame(address(0), OUTSIDE, 60));
        bench.run();
        assert_eq!(bench.answers(0), [reply(id, Status::Done, 60)]);
    }
}
