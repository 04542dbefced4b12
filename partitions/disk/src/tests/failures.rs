//! Devices and clients that fail.

use cofferdam_ring::RingError;
use disk_messages::{Operation, Status};
use virtio::model::Faults;

use crate::model::*;
use virtio::{Driver as _, Next};

fn statuses(bench: &Bench, client: usize) -> std::vec::Vec<Status> {
    bench
        .answers(client)
        .iter()
        .map(|reply| reply.status)
        .collect()
}

#[test]
fn what_the_device_did_not_do_failed() {
    for answer in [1, 2, 0xff] {
        let mut bench = Bench::new(&[range(0, 8)]);
        bench.device.with(|disk| disk.answer = Some(answer));
        bench.ask(0, read(1, 0, 1, 0));
        bench.ask(0, other(2, Operation::Flush));
        bench.run();
        assert_eq!(statuses(&bench, 0), [Status::Failed; 2]);
        bench.device.with(|disk| disk.answer = None);
        bench.ask(0, read(3, 0, 1, 0));
        bench.run();
        assert_eq!(statuses(&bench, 0), [Status::Done]);
    }
}

#[test]
fn a_status_that_never_came_is_no_success() {
    let mut bench = Bench::new(&[range(0, 8)]);
    // The second request meets what the first one left.
    bench.ask(0, read(1, 0, 1, 0));
    bench.run();
    assert_eq!(statuses(&bench, 0), [Status::Done]);
    bench.ask(0, read(2, 0, 1, 0));
    bench.serve();
    assert_eq!(bench.device.take(), 1);
    bench.device.finish_unwritten(0, 513);
    bench.serve();
    assert_eq!(statuses(&bench, 0), [Status::Failed]);
}

/// Lets something happen to the device while it has two requests of client 0, and one of client 1 that comes later.
fn recovers(happen: impl FnOnce(&mut Bench)) {
    let mut bench = Bench::new(&[range(0, 8), range(8, 8)]);
    bench.ask(0, read(1, 0, 1, 0));
    bench.ask(0, read(2, 0, 1, 512));
    bench.serve();
    assert_eq!(bench.device.take(), 2);
    happen(&mut bench);
    bench.ask(1, read(3, 0, 1, 0));
    bench.serve();
    assert_eq!(statuses(&bench, 0), [Status::Failed; 2]);
    bench.run();
    assert_eq!(statuses(&bench, 1), [Status::Done]);
}

#[test]
fn a_device_that_fails_begins_anew() {
    // It hands back what it does not have.
    recovers(|bench| {
        let [_, _, used] = bench.device.queue_addresses(0);
        bench.arena.write(used + 2, &[9, 0]);
    });
    // It says so itself.
    recovers(|bench| {
        bench.device.fail();
        bench.server.interrupted();
    });
    // It does not answer.
    recovers(|bench| {
        assert_eq!(bench.server.next_check(), Some(PATIENCE / 4));
        bench.now = PATIENCE + 1;
    });
}

#[test]
fn a_device_within_its_patience_is_left_alone() {
    let mut bench = Bench::new(&[range(0, 8)]);
    assert_eq!(bench.server.next_check(), None);
    bench.ask(0, read(1, 0, 1, 0));
    for now in [0, PATIENCE / 2, PATIENCE] {
        bench.now = now;
        bench.serve();
    }
    bench.run();
    assert_eq!(statuses(&bench, 0), [Status::Done]);
    assert_eq!(bench.server.next_check(), None);
}

#[test]
fn a_device_that_fails_again_and_again_stays_down() {
    let mut bench = Bench::new(&[range(0, 8)]);
    for round in 0..10 {
        bench.ask(0, read(round, 0, 1, 0));
        bench.serve();
        if bench.device.take() == 0 {
            assert!(!bench.server.is_up());
            assert_eq!(round, 4);
            assert_eq!(statuses(&bench, 0), [Status::Failed]);
            bench.ask(0, other(1, Operation::Describe));
            bench.serve();
            assert_eq!(statuses(&bench, 0), [Status::Failed]);
            return;
        }
        let [_, _, used] = bench.device.queue_addresses(0);
        bench.arena.write(used + 2, &[9, 0]);
        bench.serve();
        assert_eq!(statuses(&bench, 0), [Status::Failed]);
    }
    panic!("it began anew ten times");
}

#[test]
fn nothing_is_answered_if_the_device_cannot_be_stopped() {
    let mut bench = Bench::new(&[range(0, 8)]);
    bench.ask(0, read(1, 0, 1, 0));
    bench.serve();
    bench.device.set_faults(Faults {
        never_resets: true,
        ..Faults::default()
    });
    bench.now = PATIENCE + 1;
    assert_eq!(bench.serve(), Next::Restart);
    assert_eq!(bench.serve(), Next::Restart);
    assert_eq!(bench.answers(0).len(), 0);
}

#[test]
fn a_device_that_cannot_be_used_fails_what_is_asked() {
    let mut bench = Bench::with(1 << 32, 256, &[range(0, 8)]);
    assert!(!bench.server.is_up());
    assert!(bench.server.start().is_err());
    bench.ask(0, other(1, Operation::Describe));
    bench.ask(0, read(2, 0, 1, 0));
    bench.run();
    assert_eq!(statuses(&bench, 0), [Status::Failed; 2]);
}

#[test]
fn a_new_life_is_served_when_the_payload_is_its_own() {
    let mut bench = Bench::new(&[range(0, 8), range(8, 8)]);
    bench.ask(0, read(1, 0, 1, 0));
    bench.ask(0, read(2, 0, 1, 512));
    bench.serve();
    assert_eq!(bench.device.take(), 2);
    bench.clients[0].restart_client();
    bench.ask(0, other(1, Operation::Describe));
    bench.ask(0, read(2, 3, 1, 512));
    assert_eq!(bench.serve(), Next::Wait);
    bench.device.finish(1);
    assert_eq!(bench.serve(), Next::Wait);
    assert_eq!(bench.answers(0).len(), 0, "the device still writes there");
    // Others go on meanwhile.
    bench.ask(1, read(5, 0, 1, 0));
    bench.serve();
    assert_eq!(bench.device.take(), 2);
    bench.device.finish(1);
    bench.serve();
    assert_eq!(statuses(&bench, 1), [Status::Done]);
    bench.device.finish(0);
    bench.run();
    let answers = bench.answers(0);
    assert_eq!(answers.len(), 2);
    assert_eq!((answers[0].id, answers[0].sectors), (1, 8));
    assert_eq!(bench.payload(0, 512, 512), [3; 512]);
}

#[test]
fn an_answer_never_reaches_the_next_life() {
    let mut bench = Bench::new(&[range(0, 8)]);
    bench.ask(0, read(1, 0, 1, 0));
    bench.serve();
    assert_eq!(bench.device.take(), 1);
    bench.device.finish(0);
    // The answer is on its way; the way back tells of the new life first.
    bench.clients[0].restart_client();
    bench.ask(0, other(9, Operation::Describe));
    bench.serve();
    assert_eq!(bench.answer(0).id, 9);
}

#[test]
fn a_restart_that_was_told_is_not_told_twice() {
    let mut bench = Bench::new(&[range(0, 8)]);
    // The way here tells of it; the way back does so when the first answer is given, and both requests are of the new life.
    bench.clients[0].restart_client();
    bench.ask(0, other(1, Operation::Describe));
    bench.ask(0, other(2, Operation::Describe));
    bench.run();
    assert_eq!(bench.answers(0).len(), 2);
}

#[test]
fn a_destroyed_ring_harms_its_client_alone() {
    for error in [RingError::Corrupt, RingError::Mismatch] {
        let mut bench = Bench::new(&[range(0, 8), range(8, 8)]);
        bench.ask(0, read(1, 0, 1, 0));
        bench.serve();
        bench.wire(0, |wire| {
            wire.pop_error = Some(error);
            wire.push_error = Some(error);
        });
        bench.ask(1, read(2, 0, 1, 0));
        bench.run();
        assert_eq!(statuses(&bench, 1), [Status::Done]);
        bench.clients[0].restart_client();
        bench.ask(0, read(3, 0, 1, 0));
        bench.run();
        assert_eq!(bench.answer(0).id, 3);
    }
}
