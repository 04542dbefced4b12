//! Device interrupts, virtual lines, and how they reach a partition.

use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall, VENDOR};
use cofferdam_abi::page;
use cofferdam_abi::record::PartitionState;
use cofferdam_machine::{Simulation, SystemBuilder, TEXT};
use cofferdam_tables::ChannelKind;

const DRIVER: u8 = 0;
const OTHER: u8 = 1;
const HANDLER: u32 = TEXT + 0x800;

/// A driver with a device, and another partition, each with a window; the device may interrupt as `preempt` says in
/// the other's. Then a window in which nothing may come. Slot 0 is the device, slot 1 a signal.
fn system(preempt: bool) -> (SystemBuilder, u32) {
    let mut system = SystemBuilder::new();
    system.partitions(["driver", "other"]);
    let (_, slot, line) = system.interrupt(DRIVER);
    assert_eq!(slot, 0);
    system.channel(ChannelKind::Signal, OTHER, &[DRIVER], 0, 1);
    let both: &[u8] = if preempt { &[0, 1] } else { &[1] };
    system.schedule(&[(100, &[0]), (100, both), (100, &[1])]);
    if !preempt {
        system.let_interrupts(0, 1, &[]);
    }
    system.let_interrupts(0, 2, &[]);
    (system, line)
}

/// The driver waits for its device.
fn boot(system: SystemBuilder, line: u32) -> Simulation {
    let mut simulation = system.boot();
    simulation.set_page(DRIVER, page::ENABLED, line);
    assert_eq!(simulation.call(DRIVER, Hypercall::Wait, &[0]).status, None);
    simulation
}

/// Serves the device, and waits for it again.
fn serve(simulation: &mut Simulation) {
    simulation.device_is_content(0);
    simulation.set_page(DRIVER, page::PENDING, 0);
    assert_eq!(simulation.call(DRIVER, Hypercall::Wait, &[1]).status, None);
}

#[test]
fn an_interrupt_ends_the_drivers_wait() {
    let (system, line) = system(false);
    let mut simulation = boot(system, line);
    simulation.device_asks(0);
    assert_eq!(simulation.running(), Some(DRIVER));
    let wait = simulation.result(DRIVER);
    assert_eq!((wait.status, wait.results[0]), (Some(Status::Ok), line));
    // It is held back until it is acknowledged: a level that stays does not storm.
    assert!(!simulation.kernel.machine.device_is_due());
    serve(&mut simulation);
    assert!(simulation.kernel.machine.enabled.contains(&0));
    assert_eq!(simulation.running(), None);
}

#[test]
fn an_interrupt_pends_until_the_window() {
    let (system, line) = system(false);
    let mut simulation = boot(system, line);
    simulation.advance_until_runs(OTHER);
    simulation.device_asks(0);
    assert_eq!(simulation.running(), Some(OTHER));
    simulation.advance_to_window();
    assert_eq!(simulation.pending(DRIVER) & line, 0);
    simulation.advance_to_window();
    assert_eq!(simulation.running(), Some(DRIVER));
    assert_eq!(simulation.now(), simulation.start_tick() + 300);
}

#[test]
fn an_interrupt_preempts_where_it_may() {
    let (system, line) = system(true);
    let mut simulation = boot(system, line);
    simulation.advance_until_runs(OTHER);
    simulation.advance(20);
    simulation.device_asks(0);
    assert_eq!(simulation.running(), Some(DRIVER));
    serve(&mut simulation);
    assert_eq!(simulation.running(), Some(OTHER));
    simulation.advance_to_window();
    simulation.device_asks(0);
    assert_eq!(simulation.running(), Some(OTHER), "not in that window");
}

#[test]
fn an_acknowledgement_outside_the_window_opens_nothing() {
    let mut system = SystemBuilder::new();
    system.partition("driver");
    system.rank(DRIVER, 0);
    let (index, slot, line) = system.interrupt(DRIVER);
    system.schedule(&[(100, &[0]), (100, &[0])]);
    system.let_interrupts(0, 1, &[]);
    let mut simulation = boot(system, line);
    simulation.device_asks(index);
    // The driver serves it, and has not said so when a window begins in which it may not come.
    simulation.set_page(DRIVER, page::PENDING, 0);
    simulation.advance_to_window();
    assert_eq!(simulation.running(), Some(DRIVER));
    let served = simulation.call(DRIVER, Hypercall::InterruptAcknowledge, &[slot]);
    assert_eq!(served.status, Some(Status::Ok));
    assert!(simulation.kernel.machine.enabled.is_empty());
    simulation.advance(50);
    assert_eq!(simulation.pending(DRIVER), 0, "the device asks in vain");
    // The next window is open to it, and its owner has served the last one.
    simulation.advance_to_window();
    assert_eq!(simulation.pending(DRIVER), line);
}

#[test]
fn the_slot_of_an_acknowledgement_is_checked() {
    let (system, line) = system(false);
    let mut simulation = boot(system, line);
    simulation.device_asks(0);
    for slot in [2, 3, 100, u32::MAX] {
        let wait = simulation.call(DRIVER, Hypercall::Wait, &[slot]);
        assert_eq!(wait.status, Some(Status::NoCapability), "{slot}");
    }
}

#[test]
fn a_storm_is_masked_and_reported() {
    let (mut system, line) = system(false);
    (
        system.interrupts[0].storm_max,
        system.interrupts[0].storm_ticks,
    ) = (3, 1000);
    system.own(DRIVER).actions[Error::InterruptStorm as usize] = Action::Log as u8;
    let mut simulation = boot(system, line);
    for count in 0..3 {
        simulation.device_asks(0);
        assert_eq!(simulation.running(), Some(DRIVER));
        assert!(simulation.health().is_empty(), "{count}");
        serve(&mut simulation);
    }
    simulation.device_asks(0);
    assert_eq!(simulation.health()[0].error, Error::InterruptStorm as u8);
    serve(&mut simulation);
    let storm = simulation.now();
    while simulation.now() < storm + 1000 {
        assert!(simulation.kernel.machine.enabled.is_empty());
        simulation.advance_to_window();
    }
    for _ in 0..3 {
        simulation.advance_to_window();
    }
    simulation.advance_to(
        (simulation.now() - simulation.start_tick()).next_multiple_of(300)
            + simulation.start_tick(),
    );
    assert!(
        simulation.kernel.machine.enabled.contains(&0),
        "it may come again"
    );
}

#[test]
fn the_largest_limit_of_a_storm_is_counted() {
    let (mut system, line) = system(false);
    (
        system.interrupts[0].storm_max,
        system.interrupts[0].storm_ticks,
    ) = (u16::MAX, u32::MAX);
    system.own(DRIVER).actions[Error::InterruptStorm as usize] = Action::Log as u8;
    let mut simulation = boot(system, line);
    for _ in 0..u16::MAX {
        simulation.device_asks(0);
        serve(&mut simulation);
    }
    assert!(simulation.health().is_empty());
    simulation.device_asks(0);
    assert_eq!(simulation.health().len(), 1);
}

#[test]
fn a_drivers_death_silences_its_device() {
    let (system, line) = system(false);
    let mut simulation = boot(system, line);
    simulation.device_asks(0);
    simulation.call(DRIVER, Hypercall::SelfControl, &[0]);
    simulation.device_asks(0);
    simulation.advance(10_000);
    assert!(simulation.kernel.machine.enabled.is_empty());
    assert_eq!(simulation.state(DRIVER), PartitionState::Stopped);
    assert!(simulation.health().is_empty());
}

#[test]
fn a_handler_is_entered_when_interrupts_are_enabled() {
    let (system, line) = system(false);
    let mut simulation = system.boot();
    simulation.set_page(DRIVER, page::ENABLED, line);
    simulation.set_page(DRIVER, page::VECTORS + 4 * 4, HANDLER);
    simulation.registers(DRIVER).pc = TEXT + 0x10;
    simulation.device_asks(0);
    assert_eq!(
        simulation.registers(DRIVER).pc,
        TEXT + 0x10,
        "not while they are disabled"
    );
    simulation.set_page(DRIVER, page::MSR, page::MSR_EE);
    let delivered = simulation.call(DRIVER, Hypercall::Deliver, &[]);
    assert_eq!(delivered.status, Some(Status::Ok));
    assert_eq!(simulation.registers(DRIVER).pc, HANDLER);
    assert_eq!(simulation.page(DRIVER, page::SRR0), TEXT + 0x14);
    assert_eq!(simulation.page(DRIVER, page::SRR1), page::MSR_EE);
    assert_eq!(simulation.page(DRIVER, page::MSR), 0);
    // The line is still pending: a return enters it anew.
    simulation.return_from_interrupt();
    assert_eq!(simulation.registers(DRIVER).pc, HANDLER);
    simulation.set_page(DRIVER, page::PENDING, 0);
    simulation.return_from_interrupt();
    assert_eq!(simulation.registers(DRIVER).pc, TEXT + 0x14);
    simulation.call(DRIVER, Hypercall::InterruptAcknowledge, &[0]);
    assert_eq!(
        simulation.registers(DRIVER).pc,
        HANDLER,
        "the device asks still"
    );
}

#[test]
fn a_wait_ends_by_enabled_lines_alone() {
    let (system, line) = system(true);
    let mut simulation = boot(system, line);
    simulation.advance_until_runs(OTHER);
    assert_eq!(
        simulation.call(OTHER, Hypercall::Signal, &[0]).status,
        Some(Status::Ok)
    );
    assert_ne!(simulation.pending(DRIVER), 0);
    assert_eq!(simulation.state(DRIVER), PartitionState::Waiting);
    simulation.device_asks(0);
    assert_eq!(
        simulation.result(DRIVER).results[0],
        line,
        "the signal's line is not told"
    );
}

#[test]
fn a_wait_with_a_line_pending_does_not_block() {
    let (system, line) = system(false);
    let mut simulation = system.boot();
    simulation.set_page(DRIVER, page::ENABLED, line | 1);
    simulation.set_page(DRIVER, page::PENDING, u32::MAX);
    let wait = simulation.call(DRIVER, Hypercall::Wait, &[0]);
    assert_eq!((wait.status, wait.results[0]), (Some(Status::Ok), line | 1));
}

#[test]
fn the_idle_call_of_epapr_waits() {
    let (system, line) = system(false);
    let mut simulation = system.boot();
    simulation.set_page(DRIVER, page::ENABLED, line);
    assert_eq!(
        simulation
            .call_token(DRIVER, EPAPR_IDLE_TOKEN, &[55])
            .status,
        None
    );
    simulation.device_asks(0);
    assert_eq!(simulation.result(DRIVER).status, Some(Status::Ok));
}

#[test]
fn other_tokens_are_unimplemented() {
    let (system, _) = system(false);
    let mut simulation = system.boot();
    let last = Hypercall::ALL.len() as u32;
    for token in [
        0,
        1,
        (VENDOR << 16) | last,
        (VENDOR << 16) | 0xffff,
        (VENDOR + 1) << 16,
        u32::MAX,
        0x0001_0011,
    ] {
        let refused = simulation.call_token(DRIVER, token, &[]);
        assert_eq!(refused.status, Some(Status::Unimplemented), "{token:#x}");
    }
}
