//! Starts, restarts, and what the health monitor does.

use cofferdam_abi::health::{Action, Error, Exception, PARTITION_ERRORS};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::page::{self, StartReason};
use cofferdam_abi::record::{CRASH_MAGIC, PartitionState, State};
use cofferdam_abi::{Status, limits};
use cofferdam_core::Fault;
use cofferdam_machine::{CONSTANTS, DATA, DATA_BYTES, Processor, Simulation, SystemBuilder, TEXT};
use cofferdam_tables::{CapabilityKind, Copy};

const A: u8 = 0;
const MANAGER: u8 = 1;

const STORE: Fault = Fault {
    exception: Exception::DataStorage,
    error: Error::MemoryViolation,
    address: 0x5000_0000,
    syndrome: 0x80_0000,
};

/// A partition, and below it a manager that reads the log and may do everything with it: slots 0 and 1.
fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    system.partitions(["a", "manager"]);
    system.capability(MANAGER, CapabilityKind::HealthLog, 0, 0);
    system.capability(MANAGER, CapabilityKind::Partition, A, 3);
    system.schedule(&[(1000, &[0, 1]), (1000, &[1])]);
    system.schedule(&[(500, &[1])]);
    system
}

fn with_action(error: Error, action: Action) -> Simulation {
    let mut system = system();
    system.own(A).actions[error as usize] = action as u8;
    system.own(A).switch_schedule = 1;
    system.boot()
}

fn raise(simulation: &mut Simulation) {
    simulation.call(A, Hypercall::HealthRaise, &[77]);
}

#[test]
fn a_cold_start_clears_and_fills_memory() {
    let mut system = system();
    let pristine = system.allocate(0x300);
    let to = system.partitions[0].regions[2].physical as u32 + 0x400;
    system.partitions[0].copies.push(Copy {
        from: pristine,
        to,
        length: 0x300,
    });
    let mut simulation = system.load();
    simulation
        .kernel
        .machine
        .bytes_mut(pristine, 0x300)
        .fill(0x77);
    simulation.kernel.start();
    simulation.settle();
    simulation.advance_to_window();
    let expected = [
        vec![0; 0x400],
        vec![0x77; 0x300],
        vec![0; DATA_BYTES as usize - 0x700],
    ]
    .concat();
    assert_eq!(simulation.load(A, DATA, DATA_BYTES), expected);
    assert_eq!(
        simulation.load(A, TEXT, 8),
        [0xa5; 8],
        "text is the image's"
    );
    assert_eq!(simulation.load(A, CONSTANTS, 8), [0xa5; 8]);
    simulation.store(A, DATA, &[1; 64]);
    simulation.store(A, DATA + 0x400, &[1; 64]);
    simulation.registers(A).gpr[20] = 99;
    simulation.call(A, Hypercall::SelfControl, &[1]);
    assert_eq!(simulation.load(A, DATA, DATA_BYTES), expected);
    assert_eq!(
        simulation.registers(A).gpr[20],
        0,
        "registers are no channel to the next life"
    );
    assert_eq!(simulation.registers(A).gpr[1], DATA + 0x400);
    assert_eq!(simulation.registers(A).pc, TEXT + 0x100);
}

#[test]
fn a_warm_start_keeps_memory() {
    let mut simulation = system().boot();
    simulation.store(A, DATA, &[1; 64]);
    simulation.set_page(A, page::MSR, page::MSR_EE);
    simulation.set_page(A, page::VECTORS + 16, TEXT);
    simulation.call(A, Hypercall::SelfControl, &[2]);
    assert_eq!(simulation.load(A, DATA, 64), [1; 64]);
    assert_eq!(simulation.page(A, page::MSR), 0);
    assert_eq!(simulation.page(A, page::VECTORS + 16), 0);
    assert_eq!(simulation.page(A, page::EPOCH), 2);
    assert_eq!(
        simulation.page(A, page::START_REASON),
        StartReason::Warm as u32
    );
    assert_eq!(simulation.account(A).restarts.get(), 1);
}

#[test]
fn preparation_runs_in_the_partitions_own_windows() {
    let mut system = system();
    system.schedules.clear();
    system.schedule(&[(100, &[0]), (100, &[1])]);
    let mut simulation = system.load();
    simulation.prepare_ticks = 90;
    simulation.kernel.start();
    simulation.settle();
    simulation.advance_until_runs(A);
    assert!(
        simulation.kernel.machine.waits.len() > 3,
        "it took several windows"
    );
    assert!(
        simulation
            .kernel
            .machine
            .waits
            .iter()
            .all(|(at, now)| at == now)
    );
    let window = (simulation.now() - simulation.start_tick()) / 100;
    assert_eq!(window % 2, 0);
}

#[test]
fn a_partition_tells_its_start() {
    let mut simulation = system().boot();
    assert_eq!(
        simulation.page(A, page::START_REASON),
        StartReason::Power as u32
    );
    assert_eq!(simulation.page(A, page::EPOCH), 1);
    assert_eq!(simulation.page(A, page::PARTITION), u32::from(A));
    assert_eq!(simulation.page(A, page::TIMEBASE_HZ), 400_000_000);
    let version = simulation.call(A, Hypercall::Version, &[]);
    assert_eq!(
        version.results[..2],
        [u32::from(cofferdam_abi::ABI_VERSION), 400_000_000]
    );
}

#[test]
fn a_partition_that_is_not_to_start_does_not() {
    let mut system = system();
    system.own(A).autostart = false;
    let mut simulation = system.boot();
    assert_eq!(simulation.state(A), PartitionState::Stopped);
    assert_eq!(simulation.running(), Some(MANAGER));
    let started = simulation.call(MANAGER, Hypercall::PartitionControl, &[1, 1]);
    assert_eq!(started.status, Some(Status::Ok));
    assert_eq!(simulation.running(), Some(A));
    assert_eq!(simulation.account(A).epoch.get(), 1);
}

#[test]
fn partition_control_wants_the_right() {
    for (rights, stop, restart) in [
        (0, Status::NotPermitted, Status::NotPermitted),
        (1, Status::Ok, Status::NotPermitted),
        (2, Status::NotPermitted, Status::Ok),
    ] {
        for (action, expected) in [
            (0, stop),
            (1, restart),
            (2, restart),
            (3, Status::Invalid),
            (256, Status::Invalid),
        ] {
            let mut system = system();
            let slot = system.capability(MANAGER, CapabilityKind::Partition, A, rights);
            let mut simulation = system.boot();
            simulation.advance_until_runs(MANAGER);
            let outcome = simulation.call(MANAGER, Hypercall::PartitionControl, &[slot, action]);
            assert_eq!(
                outcome.status,
                Some(expected),
                "rights {rights}, action {action}"
            );
            let stopped = simulation.state(A) == PartitionState::Stopped;
            assert_eq!(stopped, action == 0 && expected == Status::Ok);
        }
    }
}

#[test]
fn partition_status_tells_all() {
    let mut simulation = with_action(Error::ApplicationError, Action::Log);
    simulation.advance(100);
    raise(&mut simulation);
    simulation.call(A, Hypercall::SelfControl, &[2]);
    simulation.call(A, Hypercall::Wait, &[0]);
    let status = simulation.call(MANAGER, Hypercall::PartitionStatus, &[1]);
    assert_eq!(status.status, Some(Status::Ok));
    assert_eq!(
        status.results[..6],
        [PartitionState::Waiting as u32, 2, 0, 100, 1, 1]
    );
}

#[test]
fn self_control_checks_its_argument() {
    let mut simulation = system().boot();
    for action in [3, 255, 0x100, u32::MAX] {
        assert_eq!(
            simulation.call(A, Hypercall::SelfControl, &[action]).status,
            Some(Status::Invalid)
        );
    }
    simulation.call(A, Hypercall::SelfControl, &[0]);
    assert_eq!(simulation.state(A), PartitionState::Stopped);
    simulation.advance(100_000);
    assert_eq!(simulation.account(A).epoch.get(), 1);
}

#[test]
fn every_action_is_done() {
    for action in Action::ALL.iter().copied() {
        let mut simulation = with_action(Error::ApplicationError, action);
        simulation.store(A, DATA, &[1; 4]);
        raise(&mut simulation);
        let logged = simulation.health();
        assert_eq!(
            logged.len(),
            usize::from(action != Action::Ignore),
            "{action:?}"
        );
        if let Some(entry) = logged.first() {
            assert_eq!(
                (entry.error, entry.action),
                (Error::ApplicationError as u8, action as u8)
            );
            assert_eq!(
                (entry.detail.get(), entry.partition.get()),
                (77, u16::from(A))
            );
        }
        let crash = simulation.record().crashes[usize::from(A)];
        let goes_on = matches!(action, Action::Ignore | Action::Log);
        assert_eq!(crash.magic == CRASH_MAGIC, !goes_on, "{action:?}");
        let account = simulation.account(A);
        assert_eq!(account.errors[Error::ApplicationError as usize].get(), 1);
        assert_eq!(account.health_events.get(), 1);
        let kept = simulation.load(A, DATA, 4) == [1; 4];
        let reason = simulation.page(A, page::START_REASON);
        match action {
            Action::Ignore | Action::Log | Action::SwitchSchedule => {
                assert_eq!((simulation.running(), account.epoch.get()), (Some(A), 1));
            }
            Action::Reflect | Action::RestartCold => {
                assert_eq!(
                    (account.epoch.get(), kept, reason),
                    (2, false, StartReason::HealthCold as u32)
                );
            }
            Action::RestartWarm => {
                assert_eq!(
                    (account.epoch.get(), kept, reason),
                    (2, true, StartReason::HealthWarm as u32)
                );
            }
            Action::Stop => assert_eq!(simulation.state(A), PartitionState::Stopped),
            Action::Halt => {
                assert_eq!(simulation.processor, Processor::Halted);
                let header = &simulation.record().header;
                assert_eq!(header.state.get(), State::Halted as u16);
                assert_eq!(header.reason.get(), Error::ApplicationError as u32);
            }
            Action::Reset => assert_eq!(simulation.kernel.machine.resets, 1),
        }
        simulation.advance(2000);
        let schedule = simulation.record().header.schedule.get();
        assert_eq!(
            schedule,
            u32::from(action == Action::SwitchSchedule),
            "{action:?}"
        );
    }
}

#[test]
fn an_exception_goes_to_whoever_asked_for_it() {
    let mut simulation = system().boot();
    simulation.set_page(
        A,
        page::VECTORS + 4 * Exception::DataStorage as u32,
        TEXT + 0x40,
    );
    simulation.set_page(A, page::MSR, page::MSR_EE | 5);
    simulation.registers(A).pc = TEXT + 0x200;
    simulation.fault(STORE);
    assert_eq!(simulation.registers(A).pc, TEXT + 0x40);
    let page = [page::SRR0, page::SRR1, page::MSR, page::DEAR, page::ESR]
        .map(|word| simulation.page(A, word));
    assert_eq!(
        page,
        [
            TEXT + 0x200,
            page::MSR_EE | 5,
            5,
            STORE.address,
            STORE.syndrome
        ]
    );
    assert!(simulation.health().is_empty());
    simulation.return_from_interrupt();
    assert_eq!(simulation.registers(A).pc, TEXT + 0x200);
    assert_eq!(simulation.page(A, page::MSR), page::MSR_EE | 5);
}

#[test]
fn an_exception_that_is_only_logged_is_stepped_over() {
    for action in [Action::Ignore, Action::Log] {
        let mut simulation = with_action(Error::MemoryViolation, action);
        simulation.registers(A).pc = TEXT + 0x200;
        simulation.registers(A).link = TEXT + 0x300;
        simulation.fault(STORE);
        assert_eq!(simulation.registers(A).pc, TEXT + 0x204);
        let fetch = Fault {
            exception: Exception::InstructionStorage,
            ..STORE
        };
        simulation.fault(fetch);
        assert_eq!(
            simulation.registers(A).pc,
            TEXT + 0x300,
            "a fetch goes back to its caller"
        );
    }
}

#[test]
fn just_below_the_stack_is_an_overflow() {
    for (address, error) in [
        (DATA - 1, Error::StackOverflow),
        (DATA - 0x1000, Error::StackOverflow),
        (DATA - 0x1001, Error::MemoryViolation),
        (DATA, Error::MemoryViolation),
        (0, Error::MemoryViolation),
        (u32::MAX, Error::MemoryViolation),
    ] {
        let mut simulation = system().boot();
        simulation.fault(Fault { address, ..STORE });
        assert_eq!(simulation.health()[0].error, error as u8, "{address:#x}");
    }
}

#[test]
fn a_miss_is_refilled_from_the_partitions_own_regions() {
    let mut simulation = system().boot();
    let miss = |exception, address| Fault {
        exception,
        address,
        ..STORE
    };
    simulation.fault(miss(Exception::DataTlbError, DATA + 0x1234));
    simulation.fault(miss(Exception::InstructionTlbError, TEXT + 0x20));
    simulation.fault(miss(Exception::DataTlbError, page::ADDRESS + 8));
    let pid = A + 1;
    let pages = [DATA + 0x1000, TEXT, page::ADDRESS].map(|page| (pid, page));
    assert_eq!(simulation.kernel.machine.refills, pages);
    assert!(simulation.health().is_empty());
    for fault in [
        miss(Exception::DataTlbError, DATA + DATA_BYTES),
        miss(Exception::InstructionTlbError, DATA),
        miss(Exception::InstructionTlbError, 0),
    ] {
        simulation.fault(fault);
        assert_eq!(simulation.kernel.machine.refills.len(), 3);
    }
    assert_eq!(simulation.health().len(), 3);
}

#[test]
fn a_crash_is_written_down() {
    let mut simulation = with_action(Error::MemoryViolation, Action::Stop);
    // Two frames: the back chain, and in the caller's frame the place that it was called from.
    let frames = [
        (DATA + 0x100, DATA + 0x200, 0),
        (DATA + 0x200, DATA + 0x300, TEXT + 8),
        (DATA + 0x300, 0, TEXT + 16),
    ];
    for (frame, chain, link) in frames {
        simulation.store(A, frame, &chain.to_be_bytes());
        simulation.store(A, frame + 4, &link.to_be_bytes());
    }
    let registers = simulation.registers(A);
    (registers.gpr[1], registers.gpr[31], registers.pc) = (DATA + 0x100, 31, TEXT + 0x200);
    simulation.fault(STORE);
    let crash = simulation.record().crashes[usize::from(A)];
    assert_eq!(crash.magic.get(), CRASH_MAGIC);
    assert_eq!(
        (crash.error, crash.action),
        (Error::MemoryViolation as u8, Action::Stop as u8)
    );
    assert_eq!(
        (crash.pc.get(), crash.gpr[31].get(), crash.dear.get()),
        (TEXT + 0x200, 31, STORE.address)
    );
    assert_eq!(
        crash.backtrace.map(|place| place.get())[..3],
        [TEXT + 8, TEXT + 16, 0]
    );
    assert_eq!((crash.epoch.get(), crash.count.get()), (1, 1));
}

#[test]
fn a_wild_stack_pointer_makes_no_backtrace() {
    for stack in [
        0,
        2,
        DATA - 4,
        DATA + 1,
        DATA + DATA_BYTES - 4,
        u32::MAX - 3,
        u32::MAX,
    ] {
        let mut simulation = with_action(Error::MemoryViolation, Action::Stop);
        simulation.store(A, DATA + DATA_BYTES - 4, &[0xff; 4]);
        simulation.registers(A).gpr[1] = stack;
        simulation.fault(STORE);
        let crash = simulation.record().crashes[usize::from(A)];
        assert_eq!(
            crash.backtrace.map(|place| place.get()),
            [0; 8],
            "{stack:#x}"
        );
    }
}

#[test]
fn restarts_wait_longer_and_longer_and_then_end() {
    let mut system = system();
    let own = system.own(A);
    (own.back_off_ticks, own.restart_max, own.restart_per_ticks) = (20, 5, 100_000);
    own.actions[Error::RestartLimit as usize] = Action::Stop as u8;
    let mut simulation = system.boot();
    for (restart, wait) in [20, 40, 80, 160, 160].into_iter().enumerate() {
        let failed = simulation.now();
        raise(&mut simulation);
        assert_eq!(simulation.state(A), PartitionState::Delayed);
        assert_eq!(simulation.running(), Some(MANAGER));
        simulation.advance_to(failed + wait - 1);
        assert_eq!(simulation.state(A), PartitionState::Delayed);
        simulation.advance(1);
        assert_eq!(simulation.running(), Some(A), "restart {restart}");
    }
    raise(&mut simulation);
    assert_eq!(simulation.state(A), PartitionState::Stopped);
    let errors = simulation.account(A).errors;
    assert_eq!(errors[Error::ApplicationError as usize].get(), 6);
    assert_eq!(errors[Error::RestartLimit as usize].get(), 1);
    simulation.advance(1_000_000);
    assert_eq!(simulation.account(A).restarts.get(), 5);
}

#[test]
fn a_limit_is_within_a_time() {
    let mut system = system();
    let own = system.own(A);
    (own.restart_max, own.restart_per_ticks) = (2, 5000);
    let mut simulation = system.boot();
    for _ in 0..6 {
        raise(&mut simulation);
        raise(&mut simulation);
        simulation.advance(6000);
        simulation.advance_until_runs(A);
    }
    assert_eq!(simulation.account(A).restarts.get(), 12);
}

#[test]
fn a_delayed_start_can_be_cut_short_or_called_off() {
    for action in [0, 1] {
        let mut system = system();
        system.own(A).back_off_ticks = 500;
        let mut simulation = system.boot();
        raise(&mut simulation);
        simulation.call(MANAGER, Hypercall::PartitionControl, &[1, action]);
        assert_eq!(simulation.running(), Some([MANAGER, A][action as usize]));
        simulation.advance(10_000);
        assert_eq!(
            simulation.account(A).epoch.get(),
            1 + action,
            "the delayed start did not come as well"
        );
    }
}

#[test]
fn the_log_is_read_in_order_and_keeps_the_last() {
    let mut simulation = with_action(Error::ApplicationError, Action::Log);
    let read = |simulation: &mut Simulation| {
        let outcome = simulation.call(MANAGER, Hypercall::HealthRead, &[0, DATA]);
        (outcome.status == Some(Status::Ok)).then(|| {
            let entry = simulation.load(MANAGER, DATA, 64);
            u32::from_be_bytes(entry[8..12].try_into().unwrap())
        })
    };
    let extra = 5;
    for _ in 0..limits::HEALTH_RECORDS + extra {
        raise(&mut simulation);
    }
    simulation.call(A, Hypercall::Wait, &[0]);
    for address in [0, TEXT, CONSTANTS, DATA + DATA_BYTES - 60] {
        let refused = simulation.call(MANAGER, Hypercall::HealthRead, &[0, address]);
        assert_eq!(refused.status, Some(Status::BadAddress));
    }
    for expected in extra..limits::HEALTH_RECORDS + extra {
        assert_eq!(read(&mut simulation), Some(expected as u32));
    }
    assert_eq!(read(&mut simulation), None);
}

#[test]
fn a_reader_that_slept_very_long_goes_on_with_the_oldest_entry() {
    let mut simulation = with_action(Error::ApplicationError, Action::Log);
    raise(&mut simulation);
    simulation.record().header.health = 0xf000_0000.into();
    raise(&mut simulation);
    simulation.call(A, Hypercall::Wait, &[0]);
    let read = simulation.call(MANAGER, Hypercall::HealthRead, &[0, DATA]);
    assert_eq!(read.status, Some(Status::Ok));
}

#[test]
fn errors_are_counted_without_wrapping() {
    let mut simulation = with_action(Error::ApplicationError, Action::Ignore);
    for _ in 0..0x1_0010 {
        raise(&mut simulation);
    }
    assert_eq!(
        simulation.account(A).errors[Error::ApplicationError as usize].get(),
        u16::MAX
    );
    assert_eq!(PARTITION_ERRORS, simulation.system.own(A).actions.len());
}

#[test]
fn marks_are_kept_in_order() {
    let mut simulation = system().boot();
    for mark in 0..limits::MARKS as u32 + 3 {
        assert_eq!(
            simulation.call(A, Hypercall::Mark, &[mark, !mark]).status,
            Some(Status::Ok)
        );
    }
    let marks = simulation.marks();
    assert_eq!(marks.len(), limits::MARKS);
    assert_eq!(marks[0].identifier.get(), 3);
    assert_eq!(marks[0].value.get(), !3);
    assert_eq!(marks[0].partition.get(), u32::from(A));
}

#[test]
fn a_partition_raises_what_it_could_have_caused() {
    for error in Error::ALL.iter().copied() {
        let mut system = system();
        for action in &mut system.own(A).actions {
            *action = Action::Log as u8;
        }
        let mut simulation = system.boot();
        let kind = error as u32 + 1;
        let outcome = simulation.call(A, Hypercall::HealthRaise, &[0x1234, kind]);
        let own = error as u8 <= Error::ApplicationError as u8;
        let status = if own { Status::Ok } else { Status::Invalid };
        assert_eq!(outcome.status, Some(status), "{error:?}");
        let log = simulation.health();
        assert_eq!(log.len(), usize::from(own), "{error:?}");
        if let Some(entry) = log.first() {
            assert_eq!((entry.error, entry.detail.get()), (error as u8, 0x1234));
        }
    }
    let mut simulation = system().boot();
    for kind in [Error::ALL.len() as u32 + 1, u32::MAX] {
        let outcome = simulation.call(A, Hypercall::HealthRaise, &[0, kind]);
        assert_eq!(outcome.status, Some(Status::Invalid), "{kind}");
    }
}
