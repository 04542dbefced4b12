//! Windows, budgets, timers, schedules, releases.

use cofferdam_abi::Status;
use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::{STOP_REQUEST, State};
use cofferdam_abi::{limits, page};
use cofferdam_core::{Configuration, Kernel, Record};
use cofferdam_machine::{FakeMachine, Processor, Simulation, SystemBuilder};
use cofferdam_tables::{CapabilityKind, TlbWrite, mas};
use zerocopy::FromZeros;

const A: u8 = 0;
const B: u8 = 1;
const GUARD: u64 = 10;

fn two() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    system.partitions(["a", "b"]);
    system
}

fn set_timer(simulation: &mut Simulation, partition: u8, at: u64) {
    let set = simulation.call(
        partition,
        Hypercall::SetTimer,
        &[(at >> 32) as u32, at as u32],
    );
    assert_eq!(set.status, Some(Status::Ok));
}

fn tlb_write(entry: u32) -> TlbWrite {
    TlbWrite {
        // What tells one from another is the page.
        mas0: mas::mas0_tlb1(limits::KERNEL_TLB1_ENTRIES as u32 + 1),
        mas1: 0,
        mas2: entry << 12,
        mas3: 0,
        mas7: 0,
    }
}

/// Where windows began, from the start of the first.
fn starts(simulation: &Simulation) -> Vec<u64> {
    let waits = &simulation.kernel.machine.waits;
    assert!(waits.iter().all(|(at, now)| at == now));
    waits
        .iter()
        .map(|(at, _)| at - simulation.start_tick())
        .collect()
}

#[test]
fn windows_begin_on_their_ticks_whoever_runs() {
    let mut system = two();
    system.schedule(&[(100, &[0]), (50, &[]), (200, &[1])]);
    let mut simulation = system.boot();
    let start = simulation.start_tick();
    for (offset, who) in [
        (0, Some(A)),
        (89, Some(A)),
        (90, None),
        (140, Some(B)),
        (339, Some(B)),
        (340, Some(A)),
    ] {
        simulation.advance_to(start + offset);
        assert_eq!(simulation.running(), who, "at {offset}");
    }
    assert_eq!(starts(&simulation), [0, 100, 150, 350]);
}

#[test]
fn the_most_urgent_of_a_group_runs() {
    let mut system = two();
    system.schedule(&[(1000, &[0, 1])]);
    let mut simulation = system.boot();
    assert_eq!(simulation.running(), Some(A));
    simulation.set_page(A, page::ENABLED, 1);
    let at = simulation.now() + 100;
    set_timer(&mut simulation, A, at);
    simulation.call(A, Hypercall::Wait, &[0]);
    assert_eq!(simulation.running(), Some(B));
    simulation.advance_to(at - 1);
    assert_eq!(simulation.running(), Some(B));
    simulation.advance(1);
    assert_eq!(
        simulation.running(),
        Some(A),
        "the timer is exact to the tick"
    );
    assert_eq!(simulation.result(A).results[0], 1);
}

#[test]
fn the_timer_of_somebody_without_a_part_in_the_window_waits_for_the_next() {
    let mut system = two();
    system.schedule(&[(1000, &[0]), (1000, &[1])]);
    let mut simulation = system.boot();
    let at = simulation.now() + 1500;
    set_timer(&mut simulation, A, at);
    simulation.advance_until_runs(B);
    let entries = simulation.kernel.machine.timer;
    assert_eq!(
        entries,
        Some(simulation.start_tick() + 2000 - GUARD),
        "nothing interrupts b"
    );
    simulation.advance_to(at + 100);
    assert_eq!(simulation.pending(A), 0);
    simulation.advance_to_window();
    simulation.advance(1);
    assert_eq!(simulation.pending(A), 1 << page::LINE_TIMER);
}

#[test]
fn a_timer_can_be_set_back_and_set_to_the_past() {
    let mut system = two();
    system.schedule(&[(10_000, &[0])]);
    let mut simulation = system.boot();
    let now = simulation.now();
    set_timer(&mut simulation, A, now + 100);
    set_timer(&mut simulation, A, u64::MAX);
    simulation.advance(200);
    assert_eq!(simulation.pending(A), 0);
    set_timer(&mut simulation, A, now + 300);
    set_timer(&mut simulation, A, now + 500);
    simulation.advance_to(now + 499);
    assert_eq!(simulation.pending(A), 0);
    simulation.advance(1);
    assert_eq!(simulation.pending(A), 1);
    simulation.set_page(A, page::PENDING, 0);
    set_timer(&mut simulation, A, 0);
    simulation.advance(1);
    assert_eq!(
        simulation.pending(A),
        1,
        "at once, as far as the hardware can"
    );
}

#[test]
fn a_timer_far_away_does_not_come_early() {
    let mut system = two();
    system.schedule(&[(1000, &[0])]);
    let mut simulation = system.boot();
    let now = simulation.now();
    for far in [1 << 31, 1 << 32, (1 << 32) + 100, 1 << 63] {
        set_timer(&mut simulation, A, now + far);
        simulation.advance(3000);
        assert_eq!(simulation.pending(A), 0, "{far:#x}");
    }
}

#[test]
fn a_background_partition_takes_slack_and_its_budget_at_once() {
    let mut system = SystemBuilder::new();
    let [background, a] = ["background", "a"].map(|name| system.partition(name));
    system.rank(background, 40);
    system.rank(a, 0);
    system.rank(background, 0);
    system.schedule(&[(200, &[0, 1, 2]), (200, &[0])]);
    let mut simulation = system.boot();
    let start = simulation.start_tick();
    // It spins: first its budget, then it has to wait for a.
    for (offset, who) in [
        (0, Some(background)),
        (39, Some(background)),
        (40, Some(a)),
        (189, Some(a)),
    ] {
        simulation.advance_to(start + offset);
        assert_eq!(simulation.running(), who, "at {offset}");
    }
    // The budget is that of a window, and without it the window has nobody.
    for (offset, who) in [
        (190, Some(background)),
        (239, Some(background)),
        (240, None),
    ] {
        simulation.advance_to(start + offset);
        assert_eq!(simulation.running(), who, "at {offset}");
    }
    // Below a group it runs for as long as that waits.
    simulation.advance_to(start + 440);
    assert_eq!(simulation.running(), Some(a));
    simulation.call(a, Hypercall::Wait, &[0]);
    assert_eq!(simulation.running(), Some(background));
    simulation.advance_to(start + 589);
    assert_eq!(simulation.running(), Some(background));
    simulation.advance_to(start + 600);
    let account = simulation.account(background);
    assert_eq!(account.cpu_ticks.get(), 40 + 40 + 40 + 150);
    assert_eq!(account.worst_window_used_ticks.get(), 190);
    assert_eq!(simulation.account(a).cpu_ticks.get(), 150);
}

#[test]
fn a_timer_set_on_the_way_does_not_lengthen_a_budget() {
    let mut system = SystemBuilder::new();
    let [a, b] = ["a", "b"].map(|name| system.partition(name));
    system.rank(a, 50);
    system.rank(b, 0);
    system.schedule(&[(1000, &[0, 1])]);
    let mut simulation = system.boot();
    let start = simulation.now();
    for (elapsed, timer) in [(10, 400), (20, 300), (40, 200)] {
        simulation.advance_to(start + elapsed);
        set_timer(&mut simulation, a, start + timer);
    }
    simulation.advance_to(start + 49);
    assert_eq!(simulation.running(), Some(a));
    simulation.advance_to(start + 50);
    assert_eq!(simulation.running(), Some(b));
}

#[test]
fn a_budget_is_spent_in_parts() {
    let mut system = SystemBuilder::new();
    let [background, a] = ["background", "a"].map(|name| system.partition(name));
    system.rank(background, 40);
    system.rank(a, 0);
    system.schedule(&[(400, &[0, 1])]);
    let mut simulation = system.boot();
    simulation.set_page(background, page::ENABLED, 1);
    for part in 0..4 {
        simulation.advance(10);
        if part == 3 {
            break;
        }
        simulation.set_page(background, page::PENDING, 0);
        let at = simulation.now() + 20;
        set_timer(&mut simulation, background, at);
        simulation.call(background, Hypercall::Wait, &[0]);
        assert_eq!(simulation.running(), Some(a));
        simulation.advance(20);
        assert_eq!(simulation.running(), Some(background));
    }
    assert_eq!(simulation.running(), Some(a), "40 ticks are used up");
}

#[test]
fn schedules_change_at_the_end_of_a_frame() {
    let mut system = two();
    let set = system.capability(A, CapabilityKind::Schedule, 0, 1);
    let see = system.capability(B, CapabilityKind::Schedule, 0, 0);
    system.schedule(&[(100, &[0]), (100, &[1])]);
    system.schedule(&[(50, &[1]), (70, &[0])]);
    for schedule in 0..2u32 {
        system.schedules[schedule as usize]
            .writes
            .push(tlb_write(100 * (schedule + 1)));
        for window in 0..2u32 {
            let writes = &mut system.schedules[schedule as usize].windows[window as usize].1;
            writes.push(tlb_write(100 * (schedule + 1) + window + 1));
        }
    }
    let mut simulation = system.boot();
    assert_eq!(
        simulation.call(A, Hypercall::ScheduleSet, &[set, 2]).status,
        Some(Status::Invalid)
    );
    assert_eq!(
        simulation.call(A, Hypercall::ScheduleSet, &[set, 1]).status,
        Some(Status::Ok)
    );
    let status = simulation.call(A, Hypercall::ScheduleStatus, &[set]);
    assert_eq!(
        (status.status, &status.results[..4]),
        (Some(Status::Ok), &[0, 1, 0, 0][..])
    );
    simulation.advance_to_window();
    let refused = simulation.call(B, Hypercall::ScheduleSet, &[see, 0]);
    assert_eq!(refused.status, Some(Status::NotPermitted));
    simulation.advance_to_window();
    assert_eq!(simulation.running(), Some(B));
    let status = simulation.call(B, Hypercall::ScheduleStatus, &[see]);
    let (began, _) = *simulation.kernel.machine.waits.last().expect("a window");
    let [frames @ .., upper, lower] = [2, 3, 4, 5].map(|index| status.results[index]);
    assert_eq!((&status.results[..2], frames), (&[1, 1][..], [0, 1]));
    assert_eq!((u64::from(upper) << 32) | u64::from(lower), began);
    for _ in 0..3 {
        simulation.advance_to_window();
    }
    assert_eq!(starts(&simulation), [0, 100, 200, 250, 320, 370]);
    // From nothing, then what differs from one window to the next.
    let writes = simulation
        .kernel
        .machine
        .tlb_writes
        .iter()
        .map(|write| write.mas2 >> 12);
    assert_eq!(writes.collect::<Vec<_>>(), [100, 102, 200, 202, 201, 202]);
}

#[test]
fn releases_are_counted_and_judged() {
    let mut system = two();
    system.own(A).deadline_ticks = 60;
    system.own(A).actions[Error::DeadlineMissed as usize] = Action::Log as u8;
    system.schedule(&[(100, &[0]), (100, &[1])]);
    system.release(0, 0, &[A]);
    let mut simulation = system.boot();
    assert_eq!(
        simulation.account(A).releases.get(),
        0,
        "it is not up yet when the first window begins"
    );
    assert_eq!(
        simulation.call(A, Hypercall::Complete, &[]).status,
        Some(Status::InvalidState)
    );
    let frame = |simulation: &mut Simulation, count: u32| {
        simulation.advance_to_window();
        simulation.advance_to_window();
        assert_eq!(simulation.page(A, page::RELEASES), count);
        assert_eq!(
            simulation.page(A, page::RELEASE + 4),
            simulation.now() as u32
        );
        assert_eq!(simulation.pending(A), 1 << page::LINE_RELEASE);
    };
    frame(&mut simulation, 1);
    simulation.advance(60);
    assert_eq!(
        simulation.call(A, Hypercall::Complete, &[]).status,
        Some(Status::Ok)
    );
    assert_eq!(
        simulation.call(A, Hypercall::Complete, &[]).status,
        Some(Status::InvalidState)
    );
    frame(&mut simulation, 2);
    simulation.advance(61);
    assert_eq!(
        simulation.call(A, Hypercall::Complete, &[]).status,
        Some(Status::Ok)
    );
    frame(&mut simulation, 3);
    frame(&mut simulation, 4);
    // The health monitor hears of it right behind the tick.
    simulation.advance(1);
    let account = simulation.account(A);
    let counts = [
        account.releases,
        account.completions,
        account.deadlines_missed,
    ];
    assert_eq!(counts.map(|count| count.get()), [4, 1, 2]);
    assert_eq!(account.response_max_ticks.get(), 61);
    assert_eq!(
        (
            account.jitter_min_ticks.get(),
            account.jitter_max_ticks.get()
        ),
        (0, 0)
    );
    assert_eq!(account.errors[Error::DeadlineMissed as usize].get(), 2);
}

#[test]
fn a_late_window_is_an_error_of_the_module() {
    let mut system = two();
    system.schedule(&[(100, &[0]), (100, &[1])]);
    let mut simulation = system.boot();
    // Something held the processor for longer than the guard.
    simulation.kernel.machine.now += 105;
    simulation.advance(1);
    assert_eq!(simulation.record().header.late_windows.get(), 1);
    let health = simulation.health();
    assert_eq!(health.len(), 1);
    assert_eq!(health[0].error, Error::WindowLate as u8);
    let (at, now) = simulation.kernel.machine.waits[1];
    assert_eq!(now - at, 5);
    // The next one is on its tick again.
    simulation.advance_to_window();
    assert_eq!(simulation.now(), simulation.start_tick() + 200);
    assert_eq!(simulation.record().header.jitter_max_ticks.get(), 5);
}

#[test]
fn a_late_window_may_halt_the_machine() {
    let mut system = two();
    system.module.actions[2] = Action::Halt as u8;
    system.schedule(&[(100, &[0])]);
    let mut simulation = system.boot();
    simulation.kernel.machine.now += 150;
    simulation.advance(1);
    assert_eq!(simulation.processor, Processor::Halted);
    assert_eq!(simulation.record().header.state.get(), State::Halted as u16);
    assert_eq!(
        simulation.record().header.reason.get(),
        Error::WindowLate as u32
    );
}

#[test]
fn the_host_can_have_the_machine_stop() {
    let mut system = two();
    system.schedule(&[(100, &[0]), (100, &[1])]);
    let mut simulation = system.boot();
    simulation.record().header.stop_request = STOP_REQUEST.into();
    simulation.record().header.stop_at = 500.into();
    simulation.advance(10_000);
    assert_eq!(simulation.processor, Processor::Halted);
    let header = &simulation.record().header;
    assert_eq!(header.state.get(), State::Stopped as u16);
    assert_eq!(header.major_frames.get(), 3);
    assert_eq!(simulation.now() - simulation.start_tick(), 600 - GUARD);
    let charged = [A, B].map(|partition| simulation.account(partition).cpu_ticks.get());
    assert_eq!(charged, [270, 270]);
}

#[test]
fn processor_time_is_told_to_the_tick() {
    let mut system = two();
    system.schedule(&[(100, &[0]), (100, &[1])]);
    let mut simulation = system.boot();
    simulation.advance(33);
    assert_eq!(
        simulation.call(A, Hypercall::ProcessorTime, &[]).results[..2],
        [0, 33]
    );
    simulation.advance(200);
    assert_eq!(
        simulation.call(A, Hypercall::ProcessorTime, &[]).results[..2],
        [0, 90 + 33]
    );
}

#[test]
fn a_reset_begins_the_account_of_releases_anew() {
    let mut system = SystemBuilder::new();
    system.partitions(["a"]);
    system.schedule(&[(100, &[0])]);
    let configuration = Box::leak(Box::new(Configuration::EMPTY));
    assert_eq!(configuration.load(&system.bytes()), Ok(()));
    let record = Box::leak(Record::new_box_zeroed().unwrap());
    // What a life of the module before left: it need not have begun at the same moment between two ticks.
    record.partitions[0].jitter_min_ticks = 3.into();
    record.partitions[0].jitter_max_ticks = 3.into();
    record.partitions[0].releases = 7.into();
    let mut kernel = Kernel::new(FakeMachine::new(0), configuration, record);
    let account = kernel.record().partitions[0];
    assert_eq!(account.jitter_min_ticks, u32::MAX);
    assert_eq!(account.jitter_max_ticks, 0);
    assert_eq!(account.releases, 7);
}
