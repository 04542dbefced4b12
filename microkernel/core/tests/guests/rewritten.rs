//! A guest whose kernel was rewritten beforehand: its stubs, its returns, and pages that the short way of misses has made.

use cofferdam_abi::guest::{self, ASKS, Exit, MEMORY, MONITOR_PAGE, SCRATCH, spr, stub};
use cofferdam_abi::health::{Error, Exception};
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_core::{Fault, Machine};
use cofferdam_machine::Simulation;
use cofferdam_tables::{Paravirtual, TlbWrite, mas};

use super::{WRTEEI_1, execute, fault, get, map, mtspr, set, system, tlbsx};

const LINEAR: u32 = 0xc000_0000;
/// Where the stubs are in memory: one that disables, one that enables.
const STUBS: u32 = 0x2000;
const ENABLING: u32 = STUBS + 0x20;
/// Behind the instruction that the enabling one stands for.
const BACK: u32 = 0x1004;
const TRAP: u32 = 0x0200_0000;
const KERNEL_CODE: u32 = LINEAR + 0x1000;

pub fn rewritten() -> Simulation {
    let mut system = system();
    system.paravirtual(
        0,
        Paravirtual {
            stubs: LINEAR + STUBS,
            enabling_stubs: LINEAR + ENABLING,
            stubs_end: LINEAR + ENABLING + stub::ENABLING_BYTES,
            linear: LINEAR,
            kernel_table: LINEAR + 0x4000,
            process_table: 0x10,
        },
    );
    let mut simulation = system.boot();
    simulation.advance_until_runs(0);
    let back = (BACK.wrapping_sub(ENABLING + stub::BRANCH)) & 0x03ff_fffc | 18 << 26;
    for (offset, word) in [
        // lwz 11, SCRATCH(0)
        (stub::RESTORE, 0x8160_f000 | SCRATCH),
        (stub::BRANCH, back),
    ] {
        simulation.store(0, MEMORY + ENABLING + offset, &word.to_be_bytes());
    }
    simulation.call(0, Hypercall::GuestRun, &[]);
    set(&mut simulation, spr::IVPR, LINEAR);
    set(&mut simulation, spr::IVOR0 + 10, 0xb00);
    set(&mut simulation, spr::TCR, 0x0400_0000);
    simulation
}

fn set_word(simulation: &mut Simulation, offset: u32, value: u32) {
    simulation.store(0, MONITOR_PAGE + offset, &value.to_be_bytes());
}

fn word(simulation: &Simulation, offset: u32) -> u32 {
    u32::from_be_bytes(
        simulation
            .load(0, MONITOR_PAGE + offset, 4)
            .try_into()
            .unwrap(),
    )
}

/// The decrementer fires while the guest's kernel, with interrupts as given, stands there.
fn fires_at(simulation: &mut Simulation, pc: u32, enabled: bool) {
    simulation.registers(0).gpr[4] = 500;
    simulation.registers(0).pc = 0;
    execute(simulation, mtspr(spr::DEC, 4));
    set_word(simulation, guest::MSR, if enabled { 0x8000 } else { 0 });
    set_word(simulation, SCRATCH, 0x5c7a);
    simulation.registers(0).pc = pc;
    simulation.registers(0).gpr[11] = 0xdead;
    simulation.advance(600);
}

#[test]
fn an_interrupt_finds_the_stub_at_its_end_finished() {
    for offset in [stub::CHECK, stub::TRAP, stub::RESTORE] {
        let mut simulation = rewritten();
        fires_at(&mut simulation, LINEAR + ENABLING + offset, true);
        assert_eq!(simulation.registers(0).pc, LINEAR + 0xb00, "{offset}");
        assert_eq!(get(&simulation, spr::SRR0), LINEAR + BACK, "{offset}");
        assert_eq!(simulation.registers(0).gpr[11], 0x5c7a, "{offset}");
    }
    let mut simulation = rewritten();
    fires_at(&mut simulation, LINEAR + ENABLING + stub::BRANCH, true);
    assert_eq!(get(&simulation, spr::SRR0), LINEAR + BACK);
    assert_eq!(
        simulation.registers(0).gpr[11],
        0xdead,
        "it was loaded already"
    );
}

#[test]
fn an_interrupt_waits_for_the_first_part_of_a_stub() {
    for pc in [STUBS, STUBS + 8, STUBS + 0x14, ENABLING, ENABLING + 12] {
        let mut simulation = rewritten();
        fires_at(&mut simulation, LINEAR + pc, true);
        assert_eq!(simulation.registers(0).pc, LINEAR + pc);
        assert_eq!(
            word(&simulation, ASKS),
            1,
            "it will see that one is pending"
        );
    }
}

#[test]
fn elsewhere_an_interrupt_comes_at_once() {
    for pc in [STUBS - 4, ENABLING + stub::ENABLING_BYTES] {
        let mut simulation = rewritten();
        fires_at(&mut simulation, LINEAR + pc, true);
        assert_eq!(simulation.registers(0).pc, LINEAR + 0xb00);
        assert_eq!(get(&simulation, spr::SRR0), LINEAR + pc);
    }
}

fn trap(simulation: &mut Simulation) {
    let address = simulation.registers(0).pc;
    simulation.fault(Fault {
        exception: Exception::Program,
        error: Error::Trap,
        address,
        syndrome: TRAP,
    });
}

#[test]
fn the_trap_of_a_stub_delivers_what_is_pending() {
    for enabled in [false, true] {
        let mut simulation = rewritten();
        fires_at(&mut simulation, KERNEL_CODE, false);
        assert_eq!(simulation.registers(0).pc, KERNEL_CODE);
        set_word(
            &mut simulation,
            guest::MSR,
            if enabled { 0x8000 } else { 0 },
        );
        simulation.registers(0).pc = LINEAR + ENABLING + stub::TRAP;
        trap(&mut simulation);
        assert_eq!(simulation.registers(0).gpr[11], 0x5c7a);
        if enabled {
            assert_eq!(simulation.registers(0).pc, LINEAR + 0xb00);
            assert_eq!(get(&simulation, spr::SRR0), LINEAR + BACK);
        } else {
            assert_eq!(simulation.registers(0).pc, LINEAR + BACK);
        }
    }
}

#[test]
fn any_other_trap_is_the_guests_own() {
    let mut simulation = rewritten();
    set(&mut simulation, spr::IVOR0 + 6, 0x700);
    for pc in [KERNEL_CODE, LINEAR + ENABLING] {
        simulation.registers(0).pc = pc;
        trap(&mut simulation);
        assert_eq!(simulation.registers(0).pc, LINEAR + 0x700);
        assert_eq!(get(&simulation, spr::SRR0), pc);
        assert_eq!(get(&simulation, spr::ESR), TRAP);
    }
}

#[test]
fn a_stub_that_takes_the_state_has_the_kernel_set_another_one() {
    let mut simulation = rewritten();
    let back = BACK.wrapping_sub(STUBS + stub::STATE_BRANCH) & 0x03ff_fffc | 18 << 26;
    for (offset, word) in [
        // rlwimi 11, 7, 0, 16, 16; lwz 11, SCRATCH(0)
        (stub::STATE_SOURCE, 0x50eb_0420),
        (stub::STATE_RESTORE, 0x8160_f000 | SCRATCH),
        (stub::STATE_BRANCH, back),
    ] {
        simulation.store(0, MEMORY + STUBS + offset, &word.to_be_bytes());
    }
    for state in [0x0002_1000, 0x8000] {
        fires_at(&mut simulation, KERNEL_CODE, false);
        simulation.registers(0).gpr[7] = state;
        simulation.registers(0).pc = LINEAR + STUBS + stub::STATE_TRAP;
        trap(&mut simulation);
        assert_eq!(simulation.registers(0).gpr[11], 0x5c7a);
        if state & 0x8000 == 0 {
            assert_eq!(simulation.registers(0).pc, LINEAR + BACK);
            assert_eq!(word(&simulation, guest::MSR), state);
        } else {
            assert_eq!(simulation.registers(0).pc, LINEAR + 0xb00);
            assert_eq!(get(&simulation, spr::SRR1), state);
        }
    }
}

#[test]
fn a_word_of_the_page_says_whether_an_interrupt_is_pending() {
    let mut simulation = rewritten();
    assert_eq!(word(&simulation, ASKS), 0);
    fires_at(&mut simulation, 0, false);
    assert_eq!(word(&simulation, ASKS), 1);
    simulation.registers(0).gpr[4] = 0x0800_0000;
    execute(&mut simulation, mtspr(spr::TSR, 4));
    assert_eq!(word(&simulation, ASKS), 0);
}

#[test]
fn an_instruction_of_the_spe_is_a_return() {
    let mut simulation = rewritten();
    set(&mut simulation, spr::SRR0, 0x1234);
    set(&mut simulation, spr::SRR1, 0x4000);
    fault(&mut simulation, Exception::SpeUnavailable, 0, 0);
    assert_eq!(simulation.registers(0).pc, 0x1234);
    assert!(simulation.registers(0).levels.at_user_level);
    set(&mut simulation, 528, 0x2000);
    fault(&mut simulation, Exception::SpeUnavailable, 0, 0);
    assert_eq!(
        simulation.registers(0).pc,
        LINEAR + 0x2000,
        "a process's own"
    );
}

#[test]
fn a_kernel_that_was_not_rewritten_has_no_such_return() {
    let mut simulation = super::started();
    set(&mut simulation, spr::SRR0, 0x1234);
    set(&mut simulation, 528, 0x2000);
    fault(&mut simulation, Exception::SpeUnavailable, 0, 0);
    assert_eq!(simulation.registers(0).pc, 0x2000);
}

/// As the short way of misses makes a page: where the hardware says.
pub fn walk(
    simulation: &mut Simulation,
    tag: u8,
    effective: u32,
    offset: u32,
    rights: u32,
    way: u32,
) {
    let block = simulation.system.partitions[0].guest.unwrap().memory;
    simulation.kernel.machine.write_tlb(&[TlbWrite {
        mas0: way << 16,
        mas1: mas::mas1_partition(tag, 1),
        mas2: effective & !0xfff,
        mas3: (block + offset) | rights,
        mas7: 0,
    }]);
}

#[test]
fn what_the_hardware_could_hit_the_guest_finds_and_can_invalidate() {
    let mut simulation = rewritten();
    set(&mut simulation, spr::PID, 7);
    simulation.registers(0).gpr[4] = 7;
    execute(&mut simulation, mtspr(spr::PID, 4));
    let levels = simulation.registers(0).levels;
    assert!(levels.short && levels.walks && !levels.at_user_level);
    for (tag, effective, process, rights, told) in [
        (levels.process, 0x1000_5000, 7, 0x2a, 0x3f),
        (levels.process, 0x1000_6000, 7, 0x02, 0x03),
        (levels.kernel, 0xd000_5000, 0, 0x0a, 0x05),
    ] {
        walk(&mut simulation, tag, effective, 0x3000, rights, 2);
        set(&mut simulation, spr::MAS6, process << 16);
        simulation.registers(0).gpr[4] = effective + 0x123;
        execute(&mut simulation, tlbsx(4));
        assert_eq!(get(&simulation, spr::MAS1), 0x8000_0100 | process << 16);
        assert_eq!(get(&simulation, spr::MAS3), 0x3000 | told);
        let mas0 = get(&simulation, spr::MAS0);
        assert_eq!(mas0 & 0xf_0000, 0x2_0000);
        map(
            &mut simulation,
            mas0,
            0x0000_0100,
            effective,
            0x3000 | told,
            0,
        );
        let real = &simulation.kernel.machine.small;
        assert!(real.iter().all(Option::is_none), "{effective:#x}");
    }
    walk(
        &mut simulation,
        levels.process,
        0x1000_5000,
        0x3000,
        0x2a,
        2,
    );
    set(&mut simulation, spr::MAS6, 8 << 16);
    simulation.registers(0).gpr[4] = 0x1000_5000;
    execute(&mut simulation, tlbsx(4));
    assert_eq!(
        get(&simulation, spr::MAS1) & 0x8000_0000,
        0,
        "of another process"
    );
}

#[test]
fn an_access_from_a_page_that_was_walked_has_its_instruction() {
    let mut simulation = rewritten();
    set(&mut simulation, spr::PID, 7);
    simulation.registers(0).gpr[4] = 7;
    execute(&mut simulation, mtspr(spr::PID, 4));
    map(&mut simulation, 0, 0x8007_0100, 0x3000_0000, 0xe000_003f, 0);
    let tag = simulation.registers(0).levels.process;
    walk(&mut simulation, tag, 0x1000_5000, 0x3000, 0x2a, 2);
    // lwz 3,4(4)
    simulation.store(0, MEMORY + 0x3010, &0x8064_0004u32.to_be_bytes());
    simulation.registers(0).pc = 0x1000_5010;
    fault(&mut simulation, Exception::DataTlbError, 0x3000_0004, 0);
    let told = simulation.result(0);
    assert_eq!(
        told.results[..4],
        [Exit::Access as u32, 0x8064_0004, 0, 0xe000_0004]
    );
}

/// Code of a module: a page of the kernel's behind the image of memory.
fn in_a_module(word: u32) -> Simulation {
    let mut simulation = rewritten();
    simulation.registers(0).gpr[4] = 0;
    execute(&mut simulation, mtspr(spr::PID, 4));
    map(&mut simulation, 0, 0x8000_0100, 0xd300_0000, 0xe000_003f, 0);
    let tag = simulation.registers(0).levels.kernel;
    walk(&mut simulation, tag, 0xd000_5000, 0x3000, 0x2a, 2);
    simulation.store(0, MEMORY + 0x3010, &word.to_be_bytes());
    simulation.registers(0).pc = 0xd000_5010;
    simulation
}

#[test]
fn an_access_from_a_module_has_its_instruction() {
    // lwz 3,4(4)
    let mut simulation = in_a_module(0x8064_0004);
    fault(&mut simulation, Exception::DataTlbError, 0xd300_0004, 0);
    let told = simulation.result(0);
    assert_eq!(
        told.results[..4],
        [Exit::Access as u32, 0x8064_0004, 0, 0xe000_0004]
    );
}

#[test]
fn a_privileged_instruction_of_a_module_is_carried_out() {
    let mut simulation = in_a_module(WRTEEI_1);
    simulation.fault(Fault {
        exception: Exception::Program,
        error: Error::PrivilegedInstruction,
        address: 0xd000_5010,
        syndrome: super::PRIVILEGED,
    });
    assert_eq!(simulation.registers(0).pc, 0xd000_5014);
    assert_eq!(word(&simulation, guest::MSR) & 0x8000, 0x8000);
}

#[test]
fn pages_of_another_shape_end_the_walking_until_a_flush() {
    let mut simulation = rewritten();
    set(&mut simulation, spr::PID, 7);
    for (mas1, effective, rights) in [
        (0x8007_0100, 0xd000_5000, 0x3f),
        (0x8000_0100, 0x1000_5000, 0x15),
        (0x8007_0100, 0x1000_5000, 0x15),
    ] {
        let tag = simulation.registers(0).levels.process;
        walk(&mut simulation, tag, effective, 0x3000, 0x2a, 3);
        map(&mut simulation, 0, mas1, effective, 0x3000 | rights, 0);
        if mas1 == 0x8007_0100 && rights == 0x15 {
            fault(&mut simulation, Exception::DataTlbError, effective, 0);
        }
        assert!(!simulation.registers(0).levels.walks, "{effective:#x}");
        let here = simulation.kernel.machine.small.iter().flatten();
        let same = here.filter(|page| page.mas2 & !0xfff == effective);
        assert_eq!(same.count(), 1, "no double");
        simulation.registers(0).gpr[4] = 4;
        execute(&mut simulation, mtspr(spr::MMUCSR0, 4));
        assert!(simulation.registers(0).levels.walks);
    }
}
