//! Accesses to devices that the monitor has foreseen.

use cofferdam_abi::guest::{EXTERNAL, Exit, FORESEEN, MEMORY, MONITOR_PAGE, foreseen, number};
use cofferdam_abi::health::Exception;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::Simulation;

use super::{fault, map, started};

/// A device's page: where the guest has it, and its guest-physical address.
const EFFECTIVE: u32 = 0x3000_0000;
const DEVICE: u32 = 0xe000_0000;
/// ESR\[ST\].
const STORE: u32 = 0x0080_0000;

// With r5 as the register that they name first.
const LWZ: u32 = 32 << 26 | 5 << 21;
const STW: u32 = 36 << 26 | 5 << 21;
const LWZX: u32 = 31 << 26 | 5 << 21 | 23 << 1;
const STWX: u32 = 31 << 26 | 5 << 21 | 151 << 1;
const LWBRX: u32 = 31 << 26 | 5 << 21 | 534 << 1;
const STWBRX: u32 = 31 << 26 | 5 << 21 | 662 << 1;
const LHZ: u32 = 40 << 26 | 5 << 21;
const STWU: u32 = 37 << 26 | 5 << 21;

/// A guest that has a device, of which it and its kernel may read and write the registers.
fn with_device() -> Simulation {
    let mut simulation = started();
    map(&mut simulation, 0, 0x8000_0100, EFFECTIVE, DEVICE | 0x3f, 0);
    simulation
}

fn word(simulation: &Simulation, offset: u32) -> u32 {
    let bytes = simulation.load(0, MONITOR_PAGE + offset, 4);
    u32::from_be_bytes(bytes.try_into().unwrap())
}

fn set_word(simulation: &mut Simulation, offset: u32, value: u32) {
    simulation.store(0, MONITOR_PAGE + offset, &value.to_be_bytes());
}

/// Foresees an access to the register at an offset.
fn foresee(simulation: &mut Simulation, place: u32, offset: u32, kind: u32, value: u32) {
    let at = FORESEEN + foreseen::BYTES * place;
    set_word(simulation, at, (DEVICE + offset) | kind);
    set_word(simulation, at + 4, value);
}

/// Which places have something.
fn open(simulation: &Simulation) -> Vec<u32> {
    let places = 0..foreseen::PLACES;
    let open = |place: &u32| word(simulation, FORESEEN + foreseen::BYTES * place) != 0;
    places.filter(open).collect()
}

/// The guest comes to this instruction, which accesses the register at an offset. Whether it goes on behind it.
fn goes_on(simulation: &mut Simulation, instruction: u32, offset: u32) -> bool {
    let pc = simulation.registers(0).pc;
    simulation.store(0, MEMORY + pc, &instruction.to_be_bytes());
    let is_store = matches!(instruction, STW | STWX | STWBRX | STWU);
    let syndrome = if is_store { STORE } else { 0 };
    fault(
        simulation,
        Exception::DataTlbError,
        EFFECTIVE + offset,
        syndrome,
    );
    if simulation.kernel.in_guest() {
        assert_eq!(simulation.registers(0).pc, pc + 4);
        return true;
    }
    let told = simulation.result(0);
    assert_eq!(told.results[..2], [Exit::Access as u32, instruction]);
    assert_eq!(told.results[3], DEVICE + offset);
    let at = simulation.call(0, Hypercall::GuestGet, &[number::PC]);
    assert_eq!(at.results[0], pc, "it stands where it was");
    simulation.call(0, Hypercall::GuestRun, &[4, number::COUNT, 0]);
    false
}

#[test]
fn a_load_gives_what_was_foreseen_as_often_as_it_comes() {
    let mut simulation = with_device();
    foresee(&mut simulation, 0, 0x60, foreseen::LOAD, 0x0100_0000);
    for (load, value) in [
        (LWZ, 0x0100_0000),
        (LWZX, 0x0100_0000),
        (LWBRX, 1),
        (LWBRX, 1),
    ] {
        simulation.registers(0).gpr[5] = 77;
        assert!(goes_on(&mut simulation, load, 0x60));
        assert_eq!(simulation.registers(0).gpr[5], value);
    }
    assert_eq!(open(&simulation), [0]);
}

#[test]
fn a_store_comes_once_and_takes_with_it_what_stood_before() {
    for (store, stored) in [(STW, 0x0100_0000), (STWX, 0x0100_0000), (STWBRX, 1)] {
        let mut simulation = with_device();
        foresee(&mut simulation, 0, 0x60, foreseen::LOAD, 7);
        foresee(&mut simulation, 1, 0x64, foreseen::STORE, 0x0100_0000);
        foresee(&mut simulation, 2, 0xb0, foreseen::STORE, 0);
        simulation.registers(0).gpr[5] = stored;
        assert!(goes_on(&mut simulation, store, 0x64));
        assert_eq!(open(&simulation), [2]);
        assert!(!goes_on(&mut simulation, store, 0x64), "once");
        assert!(!goes_on(&mut simulation, LWZ, 0x60), "no longer so");
        simulation.registers(0).gpr[5] = 0;
        assert!(goes_on(&mut simulation, STW, 0xb0));
        assert_eq!(open(&simulation), []);
    }
}

#[test]
fn stores_come_in_their_order_and_loads_before_them() {
    let mut simulation = with_device();
    foresee(&mut simulation, 0, 0x64, foreseen::STORE, 0);
    foresee(&mut simulation, 1, 0x60, foreseen::LOAD, 7);
    foresee(&mut simulation, 2, 0xb0, foreseen::STORE, 0);
    assert!(!goes_on(&mut simulation, STW, 0xb0), "not its turn");
    assert!(!goes_on(&mut simulation, LWZ, 0x60), "behind a store");
    assert_eq!(open(&simulation), [0, 1, 2]);
    assert!(goes_on(&mut simulation, STW, 0x64));
    assert!(goes_on(&mut simulation, LWZ, 0x60));
    simulation.registers(0).gpr[5] = 0;
    assert!(goes_on(&mut simulation, STW, 0xb0));
}

#[test]
fn whatever_is_not_just_so_is_the_monitors() {
    let mut simulation = with_device();
    foresee(&mut simulation, 0, 0x60, foreseen::LOAD, 7);
    foresee(&mut simulation, 1, 0x64, foreseen::STORE, 1);
    assert!(
        !goes_on(&mut simulation, LWZ, 0x64),
        "a load where a store was foreseen"
    );
    assert!(
        !goes_on(&mut simulation, STW, 0x60),
        "a store where a load was"
    );
    assert!(!goes_on(&mut simulation, LHZ, 0x60), "half a word");
    assert!(!goes_on(&mut simulation, LWZ, 0x61), "not aligned");
    assert!(!goes_on(&mut simulation, LWZ, 0x160), "another register");
    simulation.registers(0).gpr[5] = 2;
    assert!(!goes_on(&mut simulation, STW, 0x64), "another value");
    simulation.registers(0).gpr[5] = 1;
    assert!(
        !goes_on(&mut simulation, STWU, 0x64),
        "an instruction that does more"
    );
    set_word(&mut simulation, EXTERNAL, 1);
    assert!(
        !goes_on(&mut simulation, STW, 0x64),
        "an interrupt is asserted"
    );
    set_word(&mut simulation, EXTERNAL, 0);
    assert_eq!(open(&simulation), [0, 1]);
    assert!(goes_on(&mut simulation, STW, 0x64));
}

#[test]
fn a_page_that_may_not_be_written_is_not() {
    let mut simulation = started();
    map(&mut simulation, 0, 0x8000_0100, EFFECTIVE, DEVICE | 0x03, 0);
    foresee(&mut simulation, 0, 0x64, foreseen::STORE, 0);
    fault(
        &mut simulation,
        Exception::DataTlbError,
        EFFECTIVE + 0x64,
        STORE,
    );
    assert!(simulation.kernel.in_guest(), "its own exception");
    assert_eq!(open(&simulation), [0]);
}

#[test]
fn a_device_beyond_4_gib_is_none_that_was_foreseen() {
    let mut simulation = started();
    map(
        &mut simulation,
        0,
        0x8000_0100,
        EFFECTIVE,
        DEVICE | 0x3f,
        0xf,
    );
    foresee(&mut simulation, 0, 0x60, foreseen::LOAD, 7);
    let pc = simulation.registers(0).pc;
    simulation.store(0, MEMORY + pc, &LWZ.to_be_bytes());
    fault(
        &mut simulation,
        Exception::DataTlbError,
        EFFECTIVE + 0x60,
        0,
    );
    assert_eq!(simulation.result(0).results[2..4], [0xf, DEVICE + 0x60]);
}
