//! What a failure leaves behind, and what it must not leave to itself.

use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error, Exception};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page;
use cofferdam_abi::record::PartitionState;
use cofferdam_core::Fault;
use cofferdam_machine::{DATA, Simulation, SystemBuilder};
use cofferdam_tables::{CapabilityKind, ChannelKind};

const STORE: Fault = Fault {
    exception: Exception::DataStorage,
    error: Error::MemoryViolation,
    address: 0x5000_0000,
    syndrome: 0x80_0000,
};

/// Two partitions with a window each, the first with a deadline; it runs for the first time.
fn with_a_deadline(action: Action) -> SystemBuilder {
    let mut system = SystemBuilder::new();
    system.partitions(["worker", "other"]);
    system.schedule(&[(1000, &[0]), (1000, &[1])]);
    system.release(0, 0, &[0]);
    let own = system.own(0);
    own.deadline_ticks = 500;
    own.actions[Error::DeadlineMissed as usize] = action as u8;
    system
}

/// The worker waits for a line that nobody raises.
fn hang(simulation: &mut Simulation) {
    simulation.set_page(0, page::ENABLED, 1 << 9);
    let outcome = simulation.call(0, Hypercall::Wait, &[0]);
    assert_eq!(outcome.status, None, "it waits");
}

#[test]
fn one_restart_too_many_leaves_the_failure_in_the_crash_record() {
    let mut system = SystemBuilder::new();
    system.partitions(["worker", "other"]);
    system.schedule(&[(1000, &[0, 1])]);
    let own = system.own(0);
    own.actions[Error::MemoryViolation as usize] = Action::RestartCold as u8;
    own.actions[Error::RestartLimit as usize] = Action::Stop as u8;
    (own.restart_max, own.restart_per_ticks) = (1, 100_000);
    let mut simulation = system.boot();
    simulation.fault(STORE);
    simulation.fault(STORE);
    assert_eq!(simulation.state(0), PartitionState::Stopped);
    let crash = simulation.record().crashes[0];
    assert_eq!(crash.error, Error::MemoryViolation as u8);
    assert_eq!(crash.exception, Exception::DataStorage as u32);
    assert_eq!(crash.dear, STORE.address);
    assert_eq!(crash.count, 2);
    let last = *simulation.health().last().expect("an entry");
    assert_eq!(last.error, Error::RestartLimit as u8);
}

#[test]
fn a_crash_record_is_ones_own_however_much_others_log() {
    let mut system = with_a_deadline(Action::RestartCold);
    system.own(1).actions[Error::ApplicationError as usize] = Action::Log as u8;
    // The second window releases the worker, which has no part in it: what there is to do waits.
    system.release(0, 1, &[0]);
    let mut simulation = system.boot();
    simulation.advance_until_runs(0);
    simulation.advance(1000);
    simulation.advance_until_runs(1);
    simulation.advance(2000);
    simulation.advance_until_runs(1);
    assert_ne!(simulation.account(0).deadlines_missed, 0);
    for _ in 0..300 {
        simulation.call(1, Hypercall::HealthRaise, &[0xdead]);
    }
    simulation.advance(2000);
    let crash = simulation.record().crashes[0];
    assert_eq!(crash.partition, 0);
    assert_eq!(crash.error, Error::DeadlineMissed as u8);
    assert_ne!(crash.esr, 0xdead);
}

#[test]
fn a_partition_that_hangs_and_misses_its_deadline_is_restarted() {
    let mut simulation = with_a_deadline(Action::RestartCold).boot();
    simulation.advance_until_runs(0);
    simulation.advance(2000);
    simulation.advance_until_runs(0);
    let before = simulation.account(0);
    hang(&mut simulation);
    simulation.advance(10_000);
    let after = simulation.account(0);
    assert!(after.deadlines_missed > before.deadlines_missed);
    assert!(after.restarts > before.restarts);
}

#[test]
fn where_it_hung_is_written_down() {
    let mut simulation = with_a_deadline(Action::Stop).boot();
    simulation.advance_until_runs(0);
    simulation.advance(2000);
    simulation.advance_until_runs(0);
    // A handler of interrupts that the release would enter.
    let vector = page::VECTORS + 4 * Exception::ExternalInput as u32;
    simulation.set_page(0, vector, 0x1234_5678);
    simulation.set_page(0, page::MSR, page::MSR_EE);
    simulation.set_page(0, page::ENABLED, 1 << page::LINE_RELEASE);
    let pc = simulation.registers(0).pc;
    simulation.advance(4000);
    assert_eq!(simulation.state(0), PartitionState::Stopped);
    assert_eq!(simulation.record().crashes[0].pc, pc);
}

#[test]
fn a_server_whose_life_is_over_serves_nobody() {
    let mut system = SystemBuilder::new();
    let [server, client] = system.partitions(["server", "client"]);
    system.channel(ChannelKind::Call, client, &[server], 64, 1);
    system.schedule(&[(2000, &[server, client])]);
    system.release(0, 0, &[server]);
    system.own(server).deadline_ticks = 500;
    system.own(server).actions[Error::DeadlineMissed as usize] = Action::Stop as u8;
    let mut simulation = system.boot();
    simulation.advance_until_runs(server);
    simulation.advance(2000);
    simulation.advance_until_runs(server);
    simulation.set_page(server, page::PENDING, 0);
    // A request, so that the server can answer it and then wait for the next; the release is never complete.
    simulation.set_page(server, page::ENABLED, 1);
    let soon = simulation.now() as u32 + 300;
    simulation.call(server, Hypercall::SetTimer, &[0, soon]);
    simulation.call(server, Hypercall::Wait, &[0]);
    simulation.call(client, Hypercall::CallSubmit, &[0, 0, 1, 2, 3, 4]);
    simulation.advance_until_runs(server);
    simulation.set_page(server, page::PENDING, 0);
    let taken = simulation.call(server, Hypercall::Receive, &[0]);
    assert_eq!(taken.status, Some(Status::Ok));
    simulation.call(server, Hypercall::ReplyReceive, &[0, 0, 0, 0, 0, 0]);
    assert_eq!(simulation.running(), Some(client), "the server waits");
    simulation.call(client, Hypercall::CallCollect, &[0, 0, 0]);
    simulation.advance(2000);
    assert_eq!(simulation.state(server), PartitionState::Stopped);
    let asked = simulation.call(client, Hypercall::Call, &[0, 0, 5, 6, 7, 8]);
    assert_eq!(asked.status, Some(Status::PeerDown));
}

#[test]
fn an_exception_that_switches_the_schedule_happens_once() {
    let mut system = SystemBuilder::new();
    system.partitions(["worker", "other"]);
    system.schedule(&[(1000, &[0, 1])]);
    system.schedule(&[(1000, &[1])]);
    let own = system.own(0);
    own.actions[Error::MemoryViolation as usize] = Action::SwitchSchedule as u8;
    own.switch_schedule = 1;
    let mut simulation = system.boot();
    let pc = simulation.registers(0).pc;
    simulation.fault(STORE);
    assert_eq!(simulation.registers(0).pc, pc + 4);
    simulation.advance(2000);
    assert_eq!(simulation.record().header.schedule, 1);
}

/// A worker whose health monitor may restart it once, and a manager in its window with rights over it: slots 0 and 1.
fn with_a_manager() -> Simulation {
    let mut system = SystemBuilder::new();
    let [worker, manager] = system.partitions(["worker", "manager"]);
    system.capability(manager, CapabilityKind::HealthLog, 0, 0);
    system.capability(manager, CapabilityKind::Partition, worker, 3);
    system.schedule(&[(1000, &[0, 1])]);
    let own = system.own(worker);
    own.actions[Error::RestartLimit as usize] = Action::Stop as u8;
    (own.restart_max, own.restart_per_ticks) = (1, 1_000_000);
    system.own(manager).actions[Error::ApplicationError as usize] = Action::Log as u8;
    system.boot()
}

#[test]
fn a_restart_that_is_ordered_is_not_counted() {
    let mut simulation = with_a_manager();
    for action in [1, 2, 1, 2] {
        simulation.call(0, Hypercall::SelfControl, &[action]);
        simulation.call(0, Hypercall::Wait, &[0]);
        let ordered = simulation.call(1, Hypercall::PartitionControl, &[1, action]);
        assert_eq!(ordered.status, Some(Status::Ok));
    }
    // The one that counts, and then the one that is too many.
    simulation.fault(STORE);
    assert_eq!(simulation.state(0), PartitionState::Ready);
    assert_eq!(simulation.account(0).restarts, 9);
    simulation.fault(STORE);
    assert_eq!(simulation.state(0), PartitionState::Stopped);
}

#[test]
fn a_reader_goes_on_where_its_last_life_was() {
    let mut simulation = with_a_manager();
    simulation.call(0, Hypercall::Wait, &[0]);
    for detail in [1, 2] {
        simulation.call(1, Hypercall::HealthRaise, &[detail]);
    }
    let read = |simulation: &mut Simulation| {
        let read = simulation.call(1, Hypercall::HealthRead, &[0, DATA]);
        let entry = simulation.load(1, DATA, 64);
        (read.status, entry[27])
    };
    assert_eq!(read(&mut simulation), (Some(Status::Ok), 1));
    simulation.call(1, Hypercall::SelfControl, &[1]);
    assert_eq!(read(&mut simulation), (Some(Status::Ok), 2));
    assert_eq!(read(&mut simulation).0, Some(Status::Again));
}

#[test]
fn a_release_ends_with_the_life_that_it_was_in() {
    let mut simulation = with_a_deadline(Action::Log).boot();
    simulation.advance(2000);
    simulation.advance_until_runs(0);
    assert_eq!(simulation.page(0, page::RELEASES), 1);
    simulation.call(0, Hypercall::SelfControl, &[2]);
    let complete = simulation.call(0, Hypercall::Complete, &[]);
    assert_eq!(complete.status, Some(Status::InvalidState));
}
