//! Call channels.

use cofferdam_abi::Status;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;
use cofferdam_abi::record::PartitionState;
use cofferdam_machine::{DATA, Simulation, SystemBuilder};
use cofferdam_tables::{CapabilityKind, ChannelKind};

const SERVER: u8 = 0;
const CLIENT: u8 = 1;
const MANAGER: u8 = 2;
const DEADLINE: u64 = 500;
const CLIENT_LINE: u32 = 1 << page::LINE_FIRST_FREE;

/// A server, a client less urgent, and a manager that may restart both, in one window of 2000 ticks; then a window of
/// the client and the manager alone. The server waits for its line.
fn boot() -> Simulation {
    let mut system = SystemBuilder::new();
    system.partitions(["server", "client", "manager"]);
    system.channel(ChannelKind::Call, CLIENT, &[SERVER], 64, 1);
    system.capability(MANAGER, CapabilityKind::Partition, SERVER, 3);
    system.capability(MANAGER, CapabilityKind::Partition, CLIENT, 3);
    system.schedule(&[(2000, &[0, 1, 2]), (1000, &[1, 2])]);
    let mut simulation = system.boot();
    simulation.set_page(SERVER, page::ENABLED, u32::MAX);
    // Twice: the client's first life is told by the line as well.
    while simulation.running() == Some(SERVER) {
        wait(&mut simulation, SERVER);
    }
    simulation
}

fn wait(simulation: &mut Simulation, partition: u8) {
    simulation.set_page(partition, page::PENDING, 0);
    assert_eq!(
        simulation.call(partition, Hypercall::Wait, &[0]).status,
        None
    );
}

fn status(
    simulation: &mut Simulation,
    partition: u8,
    call: Hypercall,
    arguments: &[u32],
) -> Status {
    let outcome = simulation.call(partition, call, arguments);
    outcome.status.expect("the call does not block")
}

fn submit_and_take(simulation: &mut Simulation) {
    assert_eq!(
        simulation
            .call(CLIENT, Hypercall::Call, &[0, 0, 1, 2, 3, 4])
            .status,
        None
    );
    take(simulation);
}

fn take(simulation: &mut Simulation) {
    let taken = simulation.call(SERVER, Hypercall::Receive, &[0]);
    assert_eq!(
        (taken.status, &taken.results[..5]),
        (Some(Status::Ok), &[0, 1, 2, 3, 4][..])
    );
}

#[test]
fn a_call_is_answered() {
    let mut simulation = boot();
    submit_and_take(&mut simulation);
    assert_eq!(simulation.state(CLIENT), PartitionState::Waiting);
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::Reply,
            &[0, 0, 5, 6, 7, 8]
        ),
        Status::Ok
    );
    let answered = simulation.result(CLIENT);
    assert_eq!(
        (answered.status, &answered.results[..5]),
        (Some(Status::Ok), &[0, 5, 6, 7, 8][..])
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Reply, &[0]),
        Status::InvalidState
    );
}

#[test]
fn a_server_that_waits_is_switched_to_and_back() {
    let mut simulation = boot();
    submit_and_take(&mut simulation);
    let arguments = [0, 0, 5, 6, 7, 8];
    simulation.set_page(SERVER, page::PENDING, 0);
    assert_eq!(
        simulation
            .call(SERVER, Hypercall::ReplyReceive, &arguments)
            .status,
        None
    );
    for round in 0..3 {
        assert_eq!(simulation.running(), Some(CLIENT));
        assert_eq!(simulation.result(CLIENT).results[..5], [0, 5, 6, 7, 8]);
        let call = simulation.call(CLIENT, Hypercall::Call, &[0, 0, 9, round, 0, 0]);
        assert_eq!((call.status, simulation.running()), (None, Some(SERVER)));
        let request = simulation.result(SERVER);
        assert_eq!(
            (request.status, &request.results[..3]),
            (Some(Status::Ok), &[0, 9, round][..])
        );
        assert_eq!(
            simulation
                .call(SERVER, Hypercall::ReplyReceive, &arguments)
                .status,
            None
        );
    }
    simulation.set_page(CLIENT, page::ENABLED, 1);
    simulation.set_page(CLIENT, page::PENDING, 1);
    let call = simulation.call(CLIENT, Hypercall::Call, &arguments);
    assert_eq!(call.status, Some(Status::Interrupted), "a line is pending");
    assert_eq!(simulation.running(), Some(SERVER));
}

#[test]
fn a_call_has_a_deadline() {
    for (wanted, until) in [(0, DEADLINE), (50, 50), (u32::MAX, DEADLINE)] {
        let mut simulation = boot();
        let submitted = simulation.now();
        assert_eq!(
            simulation
                .call(CLIENT, Hypercall::Call, &[0, wanted, 1, 2, 3, 4])
                .status,
            None
        );
        take(&mut simulation);
        simulation.advance_to(submitted + until - 1);
        assert_eq!(simulation.state(CLIENT), PartitionState::Waiting);
        simulation.advance(1);
        assert_eq!(simulation.result(CLIENT).status, Some(Status::TimedOut));
        wait(&mut simulation, SERVER);
        // The server still has the old request: its reply must not answer a new one.
        assert_eq!(
            status(&mut simulation, CLIENT, Hypercall::Call, &[0]),
            Status::Again
        );
    }
}

#[test]
fn a_late_reply_is_dropped() {
    let mut simulation = boot();
    submit_and_take(&mut simulation);
    simulation.advance(DEADLINE);
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::Reply,
            &[0, 0, 5, 6, 7, 8]
        ),
        Status::TimedOut
    );
    wait(&mut simulation, SERVER);
    assert_eq!(simulation.result(CLIENT).status, Some(Status::TimedOut));
    assert_eq!(
        simulation
            .call(CLIENT, Hypercall::Call, &[0, 0, 1, 2, 3, 4])
            .status,
        None
    );
    take(&mut simulation);
}

#[test]
fn a_late_reply_to_a_client_that_did_not_wait_is_dropped_too() {
    for collected_first in [false, true] {
        let mut simulation = boot();
        let submit = [0, 50, 1, 2, 3, 4];
        simulation.call(CLIENT, Hypercall::CallSubmit, &submit);
        take(&mut simulation);
        if collected_first {
            let at = simulation.now() as u32 + 60;
            simulation.call(SERVER, Hypercall::SetTimer, &[0, at]);
            wait(&mut simulation, SERVER);
            simulation.advance(50);
            let collected = simulation.call(CLIENT, Hypercall::CallCollect, &[0]);
            assert_eq!(collected.status, Some(Status::TimedOut));
            let refused = simulation.call(CLIENT, Hypercall::CallSubmit, &submit);
            assert_eq!(refused.status, Some(Status::Again));
        }
        simulation.advance(60);
        assert_ne!(simulation.pending(CLIENT) & CLIENT_LINE, 0);
        let late = simulation.call(SERVER, Hypercall::Reply, &[0, 0]);
        assert_eq!(late.status, Some(Status::TimedOut));
        wait(&mut simulation, SERVER);
        let refused = simulation.call(CLIENT, Hypercall::CallCollect, &[0]);
        let expected = [Status::TimedOut, Status::InvalidState];
        assert_eq!(refused.status, Some(expected[usize::from(collected_first)]));
        let again = simulation.call(CLIENT, Hypercall::CallSubmit, &submit);
        assert_eq!(again.status, Some(Status::Ok));
    }
}

#[test]
fn a_server_out_of_its_window_is_not_called() {
    let mut simulation = boot();
    simulation.advance_to_window();
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::Call, &[0]),
        Status::OutOfWindow
    );
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallSubmit, &[0]),
        Status::OutOfWindow
    );
    assert_eq!(simulation.pending(SERVER), 0);
}

#[test]
fn a_call_whose_servers_window_ends_still_times_out() {
    let mut simulation = boot();
    simulation.advance(1800);
    let submitted = simulation.now();
    submit_and_take(&mut simulation);
    simulation.advance_to_window();
    assert_eq!(simulation.state(CLIENT), PartitionState::Waiting);
    simulation.advance_to(submitted + DEADLINE);
    assert_eq!(simulation.result(CLIENT).status, Some(Status::TimedOut));
    assert_eq!(simulation.running(), Some(CLIENT));
}

#[test]
fn an_interrupt_ends_the_wait_and_the_request_stands() {
    let mut simulation = boot();
    simulation.set_page(CLIENT, page::ENABLED, 1 << page::LINE_TIMER);
    let at = simulation.now() + 30;
    simulation.call(CLIENT, Hypercall::SetTimer, &[(at >> 32) as u32, at as u32]);
    submit_and_take(&mut simulation);
    simulation.advance(30);
    assert_eq!(simulation.result(CLIENT).status, Some(Status::Interrupted));
    wait(&mut simulation, SERVER);
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallCollect, &[0]),
        Status::Again
    );
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::Call, &[0]),
        Status::InvalidState
    );
}

#[test]
fn a_pending_line_submits_without_waiting() {
    let mut simulation = boot();
    simulation.set_page(CLIENT, page::ENABLED, 1);
    simulation.set_page(CLIENT, page::PENDING, 1);
    let call = simulation.call(CLIENT, Hypercall::Call, &[0, 0, 1, 2, 3, 4]);
    assert_eq!(call.status, Some(Status::Interrupted));
    take(&mut simulation);
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::Reply,
            &[0, 0, 5, 6, 7, 8]
        ),
        Status::Ok
    );
    assert_eq!(simulation.pending(CLIENT), 1 | CLIENT_LINE);
    wait(&mut simulation, SERVER);
    let reply = simulation.call(CLIENT, Hypercall::CallCollect, &[0, 0, 0]);
    assert_eq!(
        (reply.status, &reply.results[..5]),
        (Some(Status::Ok), &[0, 5, 6, 7, 8][..])
    );
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallCollect, &[0]),
        Status::InvalidState
    );
}

#[test]
fn messages_go_by_memory() {
    let mut simulation = boot();
    simulation.store(CLIENT, DATA, &[0x11; 61]);
    simulation.store(CLIENT, DATA + 0x80, &[0xee; 64]);
    let call = simulation.call(
        CLIENT,
        Hypercall::CallMessage,
        &[0, 0, DATA, 61, DATA + 0x80, 50],
    );
    assert_eq!(call.status, None);
    assert_eq!(
        simulation.call(SERVER, Hypercall::Receive, &[0]).results[0],
        61
    );
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::ReadRequest,
            &[0, DATA, 60]
        ),
        Status::Overflow
    );
    let read = simulation.call(SERVER, Hypercall::ReadRequest, &[0, DATA, 64]);
    assert_eq!((read.status, read.results[0]), (Some(Status::Ok), 61));
    assert_eq!(
        simulation.load(SERVER, DATA, 62),
        [[0x11; 61].as_slice(), &[0]].concat()
    );
    simulation.store(SERVER, DATA, &[0x22; 47]);
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::WriteReply,
            &[0, DATA, 65]
        ),
        Status::Invalid
    );
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::WriteReply,
            &[0, DATA, 47]
        ),
        Status::Ok
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Reply, &[0, 65]),
        Status::Invalid
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Reply, &[0, 47]),
        Status::Ok
    );
    let reply = simulation.result(CLIENT);
    assert_eq!((reply.status, reply.results[0]), (Some(Status::Ok), 47));
    let expected = [[0x22; 47].as_slice(), &[0xee; 17]].concat();
    assert_eq!(
        simulation.load(CLIENT, DATA + 0x80, 64),
        expected,
        "not a byte more"
    );
}

#[test]
fn a_reply_that_does_not_fit_stays_where_it_is() {
    let mut simulation = boot();
    let call = simulation.call(CLIENT, Hypercall::CallMessage, &[0, 0, DATA, 4, DATA, 8]);
    assert_eq!(call.status, None);
    simulation.call(SERVER, Hypercall::Receive, &[0]);
    simulation.store(SERVER, DATA, &[0x22; 12]);
    simulation.call(SERVER, Hypercall::WriteReply, &[0, DATA, 12]);
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Reply, &[0, 12]),
        Status::Ok
    );
    wait(&mut simulation, SERVER);
    assert_eq!(simulation.result(CLIENT).status, Some(Status::Overflow));
    let reply = simulation.call(CLIENT, Hypercall::CallCollect, &[0, DATA, 12]);
    assert_eq!((reply.status, reply.results[0]), (Some(Status::Ok), 12));
    assert_eq!(simulation.load(CLIENT, DATA, 12), [0x22; 12]);
}

#[test]
fn messages_must_be_the_callers_own() {
    let mut simulation = boot();
    let bad = [
        ([0, 0, 0, 4, DATA, 4], Status::BadAddress),
        ([0, 0, DATA, 4, 0, 4], Status::BadAddress),
        (
            [0, 0, DATA, 4, cofferdam_machine::CONSTANTS, 4],
            Status::BadAddress,
        ),
        ([0, 0, DATA, 65, DATA, 4], Status::Invalid),
        ([0, 0, DATA + 1, 4, DATA, 4], Status::Invalid),
        ([0, 0, DATA, 4, DATA, u32::MAX], Status::BadAddress),
    ];
    for (arguments, expected) in bad {
        assert_eq!(
            status(&mut simulation, CLIENT, Hypercall::CallMessage, &arguments),
            expected
        );
    }
    assert_eq!(simulation.pending(SERVER), 0, "nothing was submitted");
}

#[test]
fn a_server_that_restarts_tells_its_client() {
    for taken in [false, true] {
        let mut simulation = boot();
        assert_eq!(
            simulation
                .call(CLIENT, Hypercall::Call, &[0, 0, 1, 2, 3, 4])
                .status,
            None
        );
        if taken {
            take(&mut simulation);
        }
        simulation.call(SERVER, Hypercall::SelfControl, &[1]);
        assert_eq!(
            simulation.result(CLIENT).status,
            Some(Status::PeerRestarted)
        );
        assert_eq!(simulation.account(SERVER).epoch.get(), 2);
        assert_eq!(
            status(&mut simulation, SERVER, Hypercall::Receive, &[0]),
            Status::Again
        );
        assert_eq!(
            status(&mut simulation, SERVER, Hypercall::Reply, &[0]),
            Status::InvalidState
        );
    }
}

#[test]
fn a_server_that_is_stopped_is_down() {
    let mut simulation = boot();
    simulation.call(CLIENT, Hypercall::Wait, &[0]);
    assert_eq!(
        status(
            &mut simulation,
            MANAGER,
            Hypercall::PartitionControl,
            &[0, 0]
        ),
        Status::Ok
    );
    assert_eq!(simulation.state(SERVER), PartitionState::Stopped);
    assert_eq!(
        status(
            &mut simulation,
            MANAGER,
            Hypercall::PartitionControl,
            &[1, 2]
        ),
        Status::Ok
    );
    assert_eq!(simulation.running(), Some(CLIENT));
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::Call, &[0]),
        Status::PeerDown
    );
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallCollect, &[0]),
        Status::InvalidState
    );
}

#[test]
fn a_client_that_restarts_abandons_its_request() {
    let mut simulation = boot();
    simulation.call(CLIENT, Hypercall::CallMessage, &[0, 0, DATA, 4, DATA, 64]);
    simulation.call(SERVER, Hypercall::Receive, &[0]);
    simulation.call(SERVER, Hypercall::WriteReply, &[0, DATA, 64]);
    wait(&mut simulation, SERVER);
    simulation.call(MANAGER, Hypercall::PartitionControl, &[1, 1]);
    // The server is told of the new life, and answers the old one later.
    let at = simulation.now() as u32 + 10;
    simulation.call(SERVER, Hypercall::SetTimer, &[0, at]);
    wait(&mut simulation, SERVER);
    let refused = simulation.call(CLIENT, Hypercall::Call, &[0]);
    assert_eq!(refused.status, Some(Status::Again));
    simulation.store(CLIENT, DATA, &[0xee; 0x200]);
    simulation.advance(10);
    let late = simulation.call(SERVER, Hypercall::Reply, &[0, 64]);
    assert_eq!(late.status, Some(Status::TimedOut));
    assert_eq!(simulation.load(CLIENT, DATA, 0x200), [0xee; 0x200]);
    wait(&mut simulation, SERVER);
    let call = simulation.call(CLIENT, Hypercall::Call, &[0, 0, 1, 2, 3, 4]);
    assert_eq!(call.status, None);
}

#[test]
fn each_end_forgets_a_request_when_the_other_restarts() {
    let mut simulation = boot();
    simulation.set_page(SERVER, page::ENABLED, 0);
    simulation.call(CLIENT, Hypercall::CallMessage, &[0, 0, DATA, 4, DATA, 64]);
    // Nobody but the manager wants the processor.
    simulation.call(MANAGER, Hypercall::PartitionControl, &[1, 2]);
    assert_eq!(simulation.running(), Some(CLIENT));
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallCollect, &[0]),
        Status::InvalidState
    );
    simulation.call(CLIENT, Hypercall::CallMessage, &[0, 0, DATA, 4, DATA, 64]);
    simulation.call(MANAGER, Hypercall::PartitionControl, &[0, 2]);
    assert_eq!(
        simulation.result(CLIENT).status,
        Some(Status::PeerRestarted)
    );
}

#[test]
fn a_second_request_wants_the_first_to_be_over() {
    let mut simulation = boot();
    simulation.set_page(SERVER, page::ENABLED, 0);
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallSubmit, &[0]),
        Status::Ok
    );
    for call in [Hypercall::Call, Hypercall::CallSubmit] {
        assert_eq!(
            status(&mut simulation, CLIENT, call, &[0]),
            Status::InvalidState
        );
    }
    let message = [0, 0, DATA, 4, DATA, 4];
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallMessage, &message),
        Status::InvalidState
    );
    assert_eq!(
        status(&mut simulation, CLIENT, Hypercall::CallCollect, &[0]),
        Status::Again
    );
}

#[test]
fn nothing_taken_is_nothing_to_read_or_answer() {
    let mut simulation = boot();
    submit_and_take(&mut simulation);
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Receive, &[0]),
        Status::InvalidState
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Reply, &[0]),
        Status::Ok
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::Receive, &[0]),
        Status::Again
    );
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::ReadRequest,
            &[0, DATA, 64]
        ),
        Status::InvalidState
    );
    assert_eq!(
        status(
            &mut simulation,
            SERVER,
            Hypercall::WriteReply,
            &[0, DATA, 4]
        ),
        Status::InvalidState
    );
    assert_eq!(
        status(&mut simulation, SERVER, Hypercall::ReplyReceive, &[0, 0]),
        Status::InvalidState
    );
}
