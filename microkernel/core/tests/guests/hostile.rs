//! A hostile guest's kernel: whatever it does, what becomes real is its own.

use cofferdam_abi::guest::{number, spr};
use cofferdam_abi::health::Exception;
use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::Simulation;
use cofferdam_tables::{TlbWrite, mas};
use proptest::prelude::*;

use super::*;

/// Whatever the guest of a partition does: what becomes real is its own memory or its register page, tagged as its own, for user level alone.
fn judge(simulation: &Simulation, partition: u8) {
    let tables = simulation.system.partitions[usize::from(partition)]
        .guest
        .unwrap();
    let tags = u32::from(tables.tag_first)..u32::from(tables.tag_first + tables.tag_count);
    for write in &simulation.kernel.machine.tlb_writes {
        let of_tlb1 = write.mas0 & mas::MAS0_TLB1 != 0;
        let place = write.mas0 >> 16 & 0xf;
        let own = u32::from(tables.tlb1_first)..u32::from(tables.tlb1_first + tables.tlb1_count);
        assert!(own.contains(&place) || !of_tlb1, "{write:x?}");
        if write.mas1 == 0 {
            continue;
        }
        assert_eq!(
            write.mas1 & 0xc000_1000,
            0x8000_1000,
            "valid, space 1: {write:x?}"
        );
        assert!(tags.contains(&(write.mas1 >> 16 & 0xff)), "{write:x?}");
        assert_eq!(
            write.mas3 & 0x15,
            0,
            "no rights for supervisor level: {write:x?}"
        );
        let code = if of_tlb1 { write.mas1 >> 8 & 0xf } else { 1 };
        let bytes = mas::size_bytes(code);
        let from = u64::from(write.mas7) << 32 | u64::from(write.mas3 & 0xffff_f000);
        let memory = u64::from(tables.memory)..=u64::from(tables.memory + tables.memory_bytes);
        let inside = memory.contains(&from) && memory.contains(&(from + bytes));
        let is_page = from == u64::from(tables.page) && bytes == 0x1000;
        assert!(inside || is_page, "{write:x?}");
        assert_eq!(from % bytes, 0, "{write:x?}");
    }
}

/// Of what stands in the array that is refilled on a miss, no two entries match one address at one level: the core would take neither.
fn judge_doubles(simulation: &mut Simulation) {
    let levels = simulation.registers(0).levels;
    let machine = &simulation.kernel.machine;
    for tags in [
        [levels.process, levels.large, levels.kernel],
        [levels.process, levels.user, 0],
    ] {
        let matched = |page: &&TlbWrite| tags.contains(&((page.mas1 >> 16) as u8));
        let mut pages: Vec<_> = machine.small.iter().flatten().filter(matched).collect();
        pages.sort_by_key(|page| page.mas2);
        for pair in pages.windows(2) {
            assert_ne!(pair[0].mas2 & !0xfff, pair[1].mas2 & !0xfff, "{pair:x?}");
        }
    }
}

/// A miss goes the short way, if it is open: only then does nothing match that the level has.
fn walk(simulation: &mut Simulation, effective: u32, offset: u32, way: u32) {
    let levels = simulation.registers(0).levels;
    let linear = simulation.system.partitions[0]
        .guest
        .unwrap()
        .paravirtual
        .linear;
    let (tag, rights) = match (effective < linear, levels.at_user_level) {
        (true, _) => (levels.process, 0x2a),
        (false, false) => (levels.kernel, 0x0a),
        (false, true) => return,
    };
    let tags = simulation.registers(0).tags;
    let pages = simulation.kernel.machine.small.iter().flatten();
    let hit = pages.into_iter().any(|page| {
        (page.mas2 ^ effective) & !0xfff == 0 && tags.contains(&((page.mas1 >> 16) as u8))
    });
    if levels.walks && !hit {
        rewritten::walk(simulation, tag, effective, offset, rights, way);
    }
}

/// What a hostile guest's kernel does.
#[derive(Clone, Debug)]
enum Hostility {
    Registers(Vec<(u32, u32)>),
    Execute(u32),
    Miss(bool, u32, u32),
    Gpr(u32, u32),
    /// The short way of misses makes a page, as the guest's page tables told it: of this address and offset, in this way.
    Walk(u32, u32, u32),
}

fn number_of_interest() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0u32),
        Just(u32::MAX),
        any::<u32>(),
        (0u32..0x20).prop_map(|page| page << 12),
        (0u32..0x40).prop_map(|page| 0x400_0000 + (page << 12)),
        (0u32..0x10, 0u32..12).prop_map(|(page, size)| 0x8000_0000 | size << 8 | page << 16),
    ]
}

fn hostility() -> impl Strategy<Value = Hostility> {
    let register = prop_oneof![
        Just(spr::MAS0),
        Just(spr::MAS1),
        Just(spr::MAS2),
        Just(spr::MAS3),
        Just(spr::MAS6),
        Just(spr::MAS7),
        Just(spr::PID),
        Just(spr::SRR0),
        Just(spr::SRR1),
        Just(spr::IVPR),
        any::<u32>().prop_map(|number| number & 0x3ff),
    ];
    let registers = proptest::collection::vec((register, number_of_interest()), 1..6);
    let word = prop_oneof![
        Just(TLBWE),
        Just(TLBWE),
        Just(TLBRE),
        Just(tlbsx(4)),
        Just(tlbivax(4)),
        Just(RFI),
        Just(mtspr(spr::MMUCSR0, 4)),
        Just(mtspr(spr::PID, 4)),
        (0u32..0x400).prop_map(|number| mtspr(number, 4)),
        (0u32..0x400).prop_map(|number| mfspr(4, number)),
        any::<u32>(),
    ];
    prop_oneof![
        3 => registers.prop_map(Hostility::Registers),
        4 => word.prop_map(Hostility::Execute),
        3 => (any::<bool>(), number_of_interest(), any::<u32>())
            .prop_map(|(fetch, address, syndrome)| Hostility::Miss(fetch, address, syndrome)),
        2 => (number_of_interest(), 0u32..BYTES, 0u32..4)
            .prop_map(|(address, offset, way)| Hostility::Walk(address, offset & !0xfff, way)),
        1 => (0u32..32, number_of_interest()).prop_map(|(number, value)| Hostility::Gpr(number, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_real_is_outside_of_the_guest(rewritten in any::<bool>(), steps in proptest::collection::vec(hostility(), 1..200)) {
        let mut simulation = if rewritten { rewritten::rewritten() } else { started() };
        for step in steps {
            if simulation.running() != Some(0) {
                simulation.advance_until_runs(0);
            }
            if !simulation.kernel.in_guest() {
                simulation.call(0, Hypercall::GuestSet, &[number::PC, 0]);
                simulation.call(0, Hypercall::GuestRun, &[]);
                continue;
            }
            match step {
                Hostility::Registers(registers) => {
                    for (number, value) in registers {
                        set(&mut simulation, number, value);
                    }
                }
                Hostility::Execute(word) => {
                    let pc = simulation.registers(0).pc;
                    if pc < BYTES && pc.is_multiple_of(4) {
                        execute(&mut simulation, word);
                    } else {
                        fault(&mut simulation, Exception::Program, pc, PRIVILEGED);
                        simulation.registers(0).pc = 0;
                    }
                }
                Hostility::Miss(fetch, address, syndrome) => {
                    let exception = if fetch {
                        Exception::InstructionTlbError
                    } else {
                        Exception::DataTlbError
                    };
                    fault(&mut simulation, exception, address, syndrome);
                }
                Hostility::Walk(effective, offset, way) => walk(&mut simulation, effective, offset, way),
                Hostility::Gpr(number, value) => simulation.registers(0).gpr[number as usize] = value,
            }
            judge(&simulation, 0);
            if simulation.kernel.in_guest() {
                judge_doubles(&mut simulation);
            }
            simulation.kernel.machine.tlb_writes.clear();
        }
    }
}

/// Two guests, each with windows of its own.
fn two() -> Simulation {
    let mut system = SystemBuilder::new();
    system.partitions(["alpha", "beta"]);
    system.guest(0, BYTES);
    system.guest(1, BYTES);
    system.schedule(&[(100_000, &[0]), (100_000, &[1])]);
    system.boot()
}

/// What a guest writes into its arrays, and an address that it then misses.
fn translation() -> impl Strategy<Value = (bool, [u32; 5], u32)> {
    let word = number_of_interest;
    let registers = [word(), word(), word(), word(), word()];
    (any::<bool>(), registers, word())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    /// Two hostile guests in turn, in any order: what is real of the one is none of the other's, nor where the other's is.
    #[test]
    fn two_guests_have_nothing_real_in_common(steps in proptest::collection::vec(translation(), 1..60)) {
        let mut simulation = two();
        let tables = [0, 1].map(|partition: usize| simulation.system.partitions[partition].guest.unwrap());
        prop_assert!(tables[0].tag_first + tables[0].tag_count <= tables[1].tag_first);
        prop_assert!(tables[1].tlb1_first + tables[1].tlb1_count <= tables[0].tlb1_first);
        for (second, registers, address) in steps {
            let partition = u8::from(second);
            if simulation.running() != Some(partition) {
                simulation.advance_until_runs(partition);
            }
            if !simulation.kernel.in_guest() {
                simulation.call(partition, Hypercall::GuestSet, &[number::PC, 0]);
                simulation.call(partition, Hypercall::GuestRun, &[]);
            }
            simulation.kernel.machine.tlb_writes.clear();
            let numbers = [spr::MAS0, spr::MAS1, spr::MAS2, spr::MAS3, spr::MAS7];
            for (number, value) in numbers.into_iter().zip(registers) {
                let at = MONITOR_PAGE + guest::register(number);
                simulation.store(partition, at, &value.to_be_bytes());
            }
            let pc = simulation.registers(partition).pc;
            if pc < BYTES && pc.is_multiple_of(4) {
                simulation.store(partition, MEMORY + pc, &TLBWE.to_be_bytes());
            }
            fault(&mut simulation, Exception::Program, pc, PRIVILEGED);
            judge(&simulation, partition);
            if simulation.running() == Some(partition) && simulation.kernel.in_guest() {
                fault(&mut simulation, Exception::DataTlbError, address, 0);
                judge(&simulation, partition);
            }
            // In the array that is refilled on a miss, each entry is of the guest whose tag it has.
            for page in simulation.kernel.machine.small.iter().flatten() {
                let tag = (page.mas1 >> 16) as u8;
                for other in &tables {
                    let tags = other.tag_first..other.tag_first + other.tag_count;
                    let own = other.memory..other.memory + other.memory_bytes;
                    let real = page.mas3 & 0xffff_f000;
                    let inside = own.contains(&real) || real == other.page;
                    prop_assert_eq!(tags.contains(&tag), inside, "{:x?}", page);
                }
            }
        }
    }
}
