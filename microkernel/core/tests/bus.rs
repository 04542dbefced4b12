//! Devices on the bus: out while their owners live, off otherwise, and in reach of the arena alone.

use cofferdam_abi::health::{Action, Error};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_abi::record::PartitionState;
use cofferdam_core::{BootFailure, Configuration};
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::{ChannelKind, Function, Record, RegionKind, Step};

const DRIVER: u8 = 0;
const OTHER: u8 = 1;
/// Slot 1, and slot 2.
const FIRST: u8 = 8;
const SECOND: u8 = 16;
const IDENTITY: u8 = 0;
const COMMAND: u8 = 4;
const MASTER: u32 = 6;

fn steps(identity: u32) -> Vec<Step> {
    let step = |at_end, register, mask, value| Step {
        at_end,
        register,
        mask,
        value,
    };
    vec![
        step(false, IDENTITY, u32::MAX, identity),
        step(false, COMMAND, 0, MASTER),
        step(true, COMMAND, 0, 0),
    ]
}

/// A driver with two functions, and another partition, each with a window. Something the matter with a function is logged.
fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    system.partitions(["driver", "other"]);
    system.bus(0x1_0000);
    for (number, identity) in [(FIRST, 11), (SECOND, 22)] {
        let function = (Function { number }, steps(identity));
        system.partitions[usize::from(DRIVER)]
            .functions
            .push(function);
    }
    system.own(DRIVER).actions[Error::DeviceUnfit as usize] = Action::Log as u8;
    system.schedule(&[(100, &[0]), (100, &[1])]);
    system
}

/// The epoch of the driver, as a client of its ring has it.
fn epoch(simulation: &mut Simulation) -> u32 {
    let outcome = simulation.call(OTHER, Hypercall::ChannelStatus, &[0]);
    outcome.results[0]
}

/// Starts it on a bus with these functions there.
fn start(system: SystemBuilder, there: &[(u8, u32)]) -> Simulation {
    let mut simulation = system.load();
    let machine = &mut simulation.kernel.machine;
    machine.now = 1000;
    for (number, identity) in there {
        machine.bus_words.insert((*number, IDENTITY), *identity);
    }
    simulation.kernel.start();
    simulation.settle();
    simulation.advance_to_window();
    simulation
}

/// What the kernel says to tables.
fn load(tables: &[u8]) -> Result<(), BootFailure> {
    let mut configuration = Box::new(Configuration::EMPTY);
    configuration.load(tables)
}

fn taken(simulation: &mut Simulation) -> Vec<(u8, u8, u32)> {
    std::mem::take(&mut simulation.kernel.machine.bus_writes)
}

#[test]
fn functions_are_out_while_their_owner_lives() {
    let mut simulation = start(system(), &[(FIRST, 11), (SECOND, 22)]);
    assert!(
        simulation.kernel.machine.bus.is_some(),
        "the kernel took the bus over"
    );
    assert_eq!(
        taken(&mut simulation),
        [(FIRST, COMMAND, MASTER), (SECOND, COMMAND, MASTER)]
    );
    assert_eq!(simulation.health().len(), 0);
    // A restart takes them back before it lets them out again.
    simulation.call(DRIVER, Hypercall::SelfControl, &[1]);
    simulation.settle();
    let expected = [(SECOND, 0), (FIRST, 0), (FIRST, MASTER), (SECOND, MASTER)];
    assert_eq!(
        taken(&mut simulation),
        expected.map(|(number, value)| (number, COMMAND, value))
    );
    // A stop takes them back.
    simulation.call(DRIVER, Hypercall::SelfControl, &[0]);
    simulation.settle();
    assert_eq!(simulation.state(DRIVER), PartitionState::Stopped);
    assert_eq!(
        taken(&mut simulation),
        [(SECOND, COMMAND, 0), (FIRST, COMMAND, 0)]
    );
}

/// A boundary comes first: what the owner's end has left to do waits for the owner's next window, and all of it comes before anything of the next life.
#[test]
fn a_boundary_between_an_end_and_the_loss_of_the_bus_puts_it_off() {
    for (restart, after) in [
        (false, vec![(FIRST, 0)]),
        (true, vec![(FIRST, 0), (FIRST, MASTER), (SECOND, MASTER)]),
    ] {
        let mut system = system();
        system.channel(ChannelKind::Ring, OTHER, &[DRIVER], 8, 2);
        let mut simulation = start(system, &[(FIRST, 11), (SECOND, 22)]);
        taken(&mut simulation);
        simulation.advance_until_runs(OTHER);
        simulation.advance_until_runs(DRIVER);
        // The first chore goes past the end of the window, which is 100 ticks long.
        simulation.advance(50);
        simulation.prepare_ticks = 60;
        simulation.call(DRIVER, Hypercall::SelfControl, &[u32::from(restart)]);
        simulation.settle();
        assert_eq!(taken(&mut simulation), [(SECOND, COMMAND, 0)]);
        simulation.prepare_ticks = 0;
        simulation.advance_until_runs(OTHER);
        assert_eq!(
            taken(&mut simulation),
            [],
            "the first is still a master while others run"
        );
        // Of a stopped one nobody may think that it is gone; the next life's number is known as soon as that is on its way.
        assert_eq!(epoch(&mut simulation), if restart { 2 } else { 1 });
        let state = simulation.state(DRIVER);
        assert!(state != PartitionState::Ready, "{state:?}");
        simulation.advance_to_window();
        simulation.settle();
        let after = after
            .iter()
            .map(|(number, value)| (*number, COMMAND, *value));
        assert_eq!(taken(&mut simulation), after.collect::<Vec<_>>());
        let running = restart.then_some(DRIVER);
        assert_eq!(simulation.running(), running);
        simulation.advance_until_runs(OTHER);
        assert_eq!(epoch(&mut simulation), if restart { 2 } else { 0 });
    }
}

#[test]
fn a_function_that_is_another_stays_off_and_its_owner_learns_of_it() {
    // Another device in the first slot, the second is empty.
    let mut simulation = start(system(), &[(FIRST, 33)]);
    assert_eq!(taken(&mut simulation), []);
    let events = simulation.health();
    let all: Vec<_> = events
        .iter()
        .map(|one| (one.error, one.detail.get()))
        .collect();
    let unfit = Error::DeviceUnfit as u8;
    assert_eq!(all, [(unfit, u32::from(FIRST)), (unfit, u32::from(SECOND))]);
    assert_eq!(
        simulation.running(),
        Some(DRIVER),
        "its table says that it goes on"
    );
    // With another action, that follows.
    let mut system = system();
    system.own(DRIVER).actions[Error::DeviceUnfit as usize] = Action::Stop as u8;
    let mut simulation = start(system, &[(FIRST, 33), (SECOND, 22)]);
    assert_eq!(simulation.state(DRIVER), PartitionState::Stopped);
    assert_eq!(
        taken(&mut simulation),
        [(SECOND, COMMAND, 0), (FIRST, COMMAND, 0)],
        "the second was never let out, and is taken back all the same"
    );
}

#[test]
fn what_devices_would_reach_besides_the_arena_is_refused() {
    assert_eq!(load(&system().bytes()), Ok(()));
    let refused = |change: fn(&mut SystemBuilder)| {
        let mut system = system();
        change(&mut system);
        assert_eq!(load(&system.bytes()), Err(BootFailure::Bus));
    };
    fn bus(system: &mut SystemBuilder) -> &mut cofferdam_tables::Bus {
        system.bus.as_mut().unwrap()
    }
    // An arena over somebody's memory, outside of RAM, not aligned, or smaller than a page.
    refused(|system| bus(system).arena_log2 = 18);
    refused(|system| bus(system).arena = 0x10_0000);
    refused(|system| bus(system).arena -= 0x1000);
    refused(|system| bus(system).arena_log2 = 11);
    refused(|system| bus(system).arena_log2 = 40);
    refused(|system| {
        let arena = bus(system).arena;
        let regions = &mut system.partitions[usize::from(OTHER)].regions;
        let data = regions
            .iter_mut()
            .find(|one| one.kind == RegionKind::Private);
        data.unwrap().physical = arena.into();
    });
    refused(|system| {
        let arena = bus(system).arena;
        system.own(OTHER).page_physical = arena;
    });
    // A window onto nothing, registers outside of the device block.
    refused(|system| bus(system).memory_log2 = 0);
    refused(|system| bus(system).registers_offset = 0x10_0000);
    // The controller itself as a function, one function for two, one without a bus.
    refused(|system| system.partitions[0].functions[0].0.number = 0);
    refused(|system| system.partitions[0].functions[0].0.number = SECOND);
    refused(|system| system.bus = None);
}

/// The kernel keeps nothing of a ring, so that it does not matter where that would be: where nothing else is stored, it is where the arena begins.
#[test]
fn messages_in_the_arena_are_refused_but_for_those_of_a_ring() {
    for (kind, expected) in [
        (ChannelKind::Queuing, Err(BootFailure::Bus)),
        (ChannelKind::Ring, Ok(())),
    ] {
        let mut system = system();
        system.channel(kind, DRIVER, &[OTHER], 32, 1);
        let arena = system.bus.as_ref().unwrap().arena;
        system.channels[0].0.store = arena;
        assert_eq!(load(&system.bytes()), expected);
    }
}

#[test]
fn an_arena_for_nobody_is_none() {
    let mut system = system();
    system.bus.as_mut().unwrap().arena_log2 = 0;
    assert_eq!(load(&system.bytes()), Ok(()));
}

#[test]
fn steps_and_functions_have_their_places() {
    let mut records = system().records();
    let step = records
        .iter()
        .position(|one| matches!(one, Record::Function(_)))
        .unwrap();
    records.remove(step);
    records.remove(
        records
            .iter()
            .position(|one| matches!(one, Record::Function(_)))
            .unwrap(),
    );
    let bytes = SystemBuilder::encode(&records);
    assert_eq!(load(&bytes), Err(BootFailure::Misplaced));
    let mut records = system().records();
    records.insert(2, Record::Bus(system().bus.unwrap()));
    let bytes = SystemBuilder::encode(&records);
    assert_eq!(load(&bytes), Err(BootFailure::Misplaced));
}
