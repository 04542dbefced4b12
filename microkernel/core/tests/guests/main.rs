//! A guest: its instructions, exceptions and translations.

use cofferdam_abi::guest::{self, Exit, MEMORY, MONITOR_PAGE, number, spr};
use cofferdam_abi::health::{Error, Exception};
use cofferdam_abi::hypercall::{EPAPR_IDLE_TOKEN, Hypercall};
use cofferdam_abi::{Status, page};
use cofferdam_core::Fault;
use cofferdam_machine::{Simulation, SystemBuilder};
use cofferdam_tables::TlbWrite;

mod foreseen;
mod hostile;
mod rewritten;

const BYTES: u32 = 0x1_0000;
const PRIVILEGED: u32 = 0x0400_0000;

fn system() -> SystemBuilder {
    let mut system = SystemBuilder::new();
    system.partitions(["linux", "other"]);
    system.guest(0, BYTES);
    system.schedule(&[(100_000, &[0]), (1000, &[1])]);
    system
}

/// The guest is before its first instruction.
fn started() -> Simulation {
    let mut simulation = system().boot();
    simulation.advance_until_runs(0);
    simulation.call(0, Hypercall::GuestRun, &[]);
    simulation
}

fn mfspr(to: u32, number: u32) -> u32 {
    31 << 26 | to << 21 | (number & 31) << 16 | (number >> 5) << 11 | 339 << 1
}

fn mtspr(number: u32, from: u32) -> u32 {
    31 << 26 | from << 21 | (number & 31) << 16 | (number >> 5) << 11 | 467 << 1
}

const RFI: u32 = 19 << 26 | 50 << 1;
const TLBWE: u32 = 31 << 26 | 978 << 1;
const TLBRE: u32 = 31 << 26 | 946 << 1;
const WRTEEI_1: u32 = 31 << 26 | 0x8000 | 163 << 1;

fn tlbsx(b: u32) -> u32 {
    31 << 26 | b << 11 | 914 << 1
}

fn tlbivax(b: u32) -> u32 {
    31 << 26 | b << 11 | 786 << 1
}

fn set(simulation: &mut Simulation, number: u32, value: u32) {
    simulation.store(
        0,
        MONITOR_PAGE + guest::register(number),
        &value.to_be_bytes(),
    );
}

fn get(simulation: &Simulation, number: u32) -> u32 {
    let bytes = simulation.load(0, MONITOR_PAGE + guest::register(number), 4);
    u32::from_be_bytes(bytes.try_into().unwrap())
}

/// The guest's kernel, which runs where memory is mapped one to one, comes to this instruction.
fn execute(simulation: &mut Simulation, word: u32) {
    let pc = simulation.registers(0).pc;
    simulation.store(0, MEMORY + pc, &word.to_be_bytes());
    simulation.fault(Fault {
        exception: Exception::Program,
        error: Error::PrivilegedInstruction,
        address: pc,
        syndrome: PRIVILEGED,
    });
}

fn fault(simulation: &mut Simulation, exception: Exception, address: u32, syndrome: u32) {
    simulation.fault(Fault {
        exception,
        error: Error::MemoryViolation,
        address,
        syndrome,
    });
}

/// Has the guest's kernel write a translation.
fn map(simulation: &mut Simulation, mas0: u32, mas1: u32, mas2: u32, mas3: u32, mas7: u32) {
    for (number, value) in [
        (spr::MAS0, mas0),
        (spr::MAS1, mas1),
        (spr::MAS2, mas2),
        (spr::MAS3, mas3),
        (spr::MAS7, mas7),
    ] {
        set(simulation, number, value);
    }
    execute(simulation, TLBWE);
}

fn last_write(simulation: &Simulation) -> TlbWrite {
    *simulation.kernel.machine.tlb_writes.last().unwrap()
}

#[test]
fn a_guest_begins_where_its_memory_does() {
    let mut simulation = started();
    assert_eq!(simulation.registers(0).pc, 0);
    assert_eq!(get(&simulation, spr::PVR), 0x8021_0030);
    assert_ne!(simulation.registers(0).tags[1], 0, "its kernel's level");
}

#[test]
fn without_a_guest_there_is_none_to_run() {
    let mut simulation = system().boot();
    simulation.advance_until_runs(1);
    for call in [
        Hypercall::GuestRun,
        Hypercall::GuestGet,
        Hypercall::GuestSet,
    ] {
        assert_eq!(
            simulation.call(1, call, &[0, 0]).status,
            Some(Status::NoCapability)
        );
    }
}

#[test]
fn a_call_of_the_guests_is_the_monitors() {
    let mut simulation = started();
    simulation.registers(0).gpr[11] = 0x0001_0001;
    simulation.registers(0).gpr[5] = 77;
    fault(&mut simulation, Exception::SystemCall, 0, 0);
    let told = simulation.result(0);
    assert_eq!(told.status, Some(Status::Ok));
    assert_eq!(told.results[..2], [Exit::Hypercall as u32, 0x0001_0001]);
    let got = simulation.call(0, Hypercall::GuestGet, &[5]);
    assert_eq!(got.results[0], 77);
    assert_eq!(
        simulation.call(0, Hypercall::GuestSet, &[3, 12]).status,
        Some(Status::Ok)
    );
    let beyond = simulation.call(0, Hypercall::GuestSet, &[number::COUNT, 0]);
    assert_eq!(beyond.status, Some(Status::Invalid));
    simulation.call(0, Hypercall::GuestRun, &[]);
    assert_eq!(simulation.registers(0).gpr[3], 12);
}

#[test]
fn registers_are_words_of_the_page() {
    let mut simulation = started();
    simulation.registers(0).gpr[7] = 0x1234;
    execute(&mut simulation, mtspr(272, 7));
    assert_eq!(get(&simulation, 272), 0x1234);
    execute(&mut simulation, mfspr(8, 272));
    assert_eq!(simulation.registers(0).gpr[8], 0x1234);
    assert_eq!(simulation.registers(0).pc, 8);
}

#[test]
fn what_the_kernel_does_not_know_is_the_monitors() {
    let mut simulation = started();
    execute(&mut simulation, mfspr(3, spr::EPR));
    let told = simulation.result(0);
    assert_eq!(
        told.results[..2],
        [Exit::Instruction as u32, mfspr(3, spr::EPR)]
    );
    assert_eq!(
        simulation
            .call(0, Hypercall::GuestGet, &[number::PC])
            .results[0],
        0
    );
}

#[test]
fn a_translation_becomes_real_and_is_found_again() {
    let mut simulation = started();
    let block = simulation.system.partitions[0].guest.unwrap().memory;
    map(
        &mut simulation,
        0x0002_0000,
        0x8000_0100,
        0xc000_5000,
        0x3015,
        0,
    );
    let real = last_write(&simulation);
    assert_eq!(real.mas0, 0x0002_0000, "the same way");
    assert_eq!(real.mas2 & !0xfff, 0xc000_5000);
    assert_eq!(real.mas3 & !0xfff, block + 0x3000);
    assert_eq!(
        real.mas3 & 0x3f,
        0x2a,
        "the rights of its kernel, as user rights"
    );
    simulation.registers(0).gpr[4] = 0xc000_5123;
    set(&mut simulation, spr::MAS6, 0);
    execute(&mut simulation, tlbsx(4));
    assert_eq!(get(&simulation, spr::MAS1), 0x8000_0100);
    assert_eq!(get(&simulation, spr::MAS3), 0x3015);
    execute(&mut simulation, tlbivax(4));
    let real = &simulation.kernel.machine.small;
    assert!(real.iter().all(Option::is_none), "the real one is gone");
    execute(&mut simulation, tlbsx(4));
    assert_eq!(get(&simulation, spr::MAS1) & 0x8000_0000, 0);
}

#[test]
fn a_miss_that_the_guest_has_no_answer_for_is_its_own() {
    let mut simulation = started();
    set(&mut simulation, spr::IVPR, 0x0000_0000);
    set(&mut simulation, spr::IVOR0 + 13, 0x900);
    set(&mut simulation, spr::MAS4, 0x100);
    set(&mut simulation, spr::PID, 5);
    fault(
        &mut simulation,
        Exception::DataTlbError,
        0x4000_0123,
        0x0080_0000,
    );
    assert_eq!(simulation.registers(0).pc, 0x900);
    assert_eq!(get(&simulation, spr::DEAR), 0x4000_0123);
    assert_eq!(get(&simulation, spr::ESR), 0x0080_0000);
    assert_eq!(get(&simulation, spr::MAS1), 0x8005_0100);
    assert_eq!(get(&simulation, spr::MAS2), 0x4000_0000);
}

#[test]
fn what_is_no_memory_is_a_device() {
    let mut simulation = started();
    map(
        &mut simulation,
        0,
        0x8000_0100,
        0x3000_0000,
        0xe000_0015,
        0xf,
    );
    fault(&mut simulation, Exception::DataTlbError, 0x3000_0004, 0);
    let told = simulation.result(0);
    assert_eq!(told.results[0], Exit::Access as u32);
    assert_eq!(told.results[2..4], [0xf, 0xe000_0004]);
}

#[test]
fn the_levels_have_tags_of_their_own() {
    let mut simulation = started();
    let kernel = simulation.registers(0).tags;
    set(&mut simulation, spr::SRR0, 0x100);
    set(&mut simulation, spr::SRR1, 0x4000);
    execute(&mut simulation, RFI);
    let user = simulation.registers(0).tags;
    assert_eq!(user[0], kernel[0], "of the process");
    assert_ne!(user[1], kernel[1]);
    assert_eq!(user[2], 0);
    set(&mut simulation, spr::IVOR0 + 8, 0x700);
    fault(&mut simulation, Exception::SystemCall, 0, 0);
    assert_eq!(simulation.registers(0).tags, kernel);
    assert_eq!(simulation.registers(0).pc, 0x700);
    assert_eq!(get(&simulation, spr::SRR1), 0x4000);
}

#[test]
fn the_decrementer_interrupts_when_the_guest_lets_it() {
    let mut simulation = started();
    set(&mut simulation, spr::IVOR0 + 10, 0xb00);
    set(&mut simulation, spr::TCR, 0x0400_0000);
    simulation.registers(0).gpr[4] = 500;
    execute(&mut simulation, mtspr(spr::DEC, 4));
    simulation.advance(600);
    assert_eq!(simulation.registers(0).pc, 4, "not yet");
    assert_eq!(get(&simulation, spr::TSR), 0x0800_0000);
    execute(&mut simulation, WRTEEI_1);
    assert_eq!(simulation.registers(0).pc, 0xb00);
    assert_eq!(get(&simulation, spr::SRR0), 8);
}

#[test]
fn an_idle_guest_waits_for_its_decrementer() {
    let mut simulation = started();
    set(&mut simulation, spr::IVOR0 + 10, 0xb00);
    set(&mut simulation, spr::TCR, 0x0400_0000);
    set(&mut simulation, 0, 0x8000);
    simulation.registers(0).gpr[4] = 500;
    execute(&mut simulation, mtspr(spr::DEC, 4));
    simulation.registers(0).gpr[11] = EPAPR_IDLE_TOKEN;
    fault(&mut simulation, Exception::SystemCall, 0, 0);
    assert_eq!(simulation.running(), None);
    assert_eq!(
        simulation.account(0).guest_idle_ticks.get(),
        0,
        "it still does"
    );
    simulation.advance(600);
    let idled = simulation.account(0).guest_idle_ticks.get();
    assert!((400..=600).contains(&idled), "{idled}");
    assert_eq!(simulation.running(), Some(0));
    assert_eq!(simulation.registers(0).pc, 0xb00);
}

/// A monitor that has an interrupt, which is a line of its partition, before its guest runs.
fn with_interrupt() -> (Simulation, u8, u32) {
    let mut system = system();
    let (interrupt, _, line) = system.interrupt(0);
    system.let_interrupts(0, 0, &[interrupt]);
    let mut simulation = system.boot();
    simulation.advance_until_runs(0);
    (simulation, interrupt, line)
}

#[test]
fn a_line_brings_the_monitor_back() {
    let (mut simulation, interrupt, line) = with_interrupt();
    simulation.set_page(0, page::ENABLED, line);
    simulation.call(0, Hypercall::GuestRun, &[]);
    simulation.device_asks(interrupt);
    let told = simulation.result(0);
    assert_eq!(told.results[..2], [Exit::Lines as u32, line]);
}

#[test]
fn what_was_carried_out_for_a_guest_is_done_though_a_line_brings_its_monitor_back_at_once() {
    let (mut simulation, interrupt, line) = with_interrupt();
    simulation.call(0, Hypercall::GuestRun, &[]);
    execute(&mut simulation, mfspr(3, spr::EPR));
    simulation.set_page(0, page::ENABLED, line);
    simulation.device_asks(interrupt);
    let told = simulation.call(0, Hypercall::GuestRun, &[4, 3, 77]);
    assert_eq!(told.results[..2], [Exit::Lines as u32, line]);
    simulation.set_page(0, page::ENABLED, 0);
    simulation.call(0, Hypercall::GuestRun, &[]);
    assert_eq!(simulation.registers(0).pc, 4, "it is not carried out twice");
    assert_eq!(simulation.registers(0).gpr[3], 77);
}

#[test]
fn a_guest_that_is_started_again_has_nothing_of_its_last_life() {
    let mut simulation = started();
    set(&mut simulation, spr::IVOR0 + 4, 0x500);
    for offset in [guest::MSR, guest::EXTERNAL] {
        simulation.store(0, MONITOR_PAGE + offset, &0x8000u32.to_be_bytes());
    }
    simulation.registers(0).gpr[11] = 1;
    fault(&mut simulation, Exception::SystemCall, 0, 0);
    let before = simulation.kernel.machine.emptied;
    simulation.call(0, Hypercall::SelfControl, &[2]);
    simulation.advance_until_runs(0);
    let emptied = simulation.kernel.machine.emptied;
    assert_ne!(emptied, before, "its tags are used again");
    simulation.call(0, Hypercall::GuestRun, &[]);
    assert_eq!(simulation.registers(0).pc, 0);
    assert_eq!(get(&simulation, 0), 0);
}
