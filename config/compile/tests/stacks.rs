//! Stacks of ARINC 653 processes: where they lie, and what is around them.

mod common;

use cofferdam_abi::space;
use cofferdam_compile::compile;
use cofferdam_compile::plan::{PartitionPlan, RegionKind, RegionPlan};
use cofferdam_tables::{Record, RegionKind as KernelKind};
use common::*;

const APEX: &str = include_str!("apex.toml");

fn plan() -> (cofferdam_compile::Plan, Vec<u8>) {
    let checked = checked(APEX);
    let image = compile(&checked, &kernel(), &programs(&checked), &[]);
    let image = image.unwrap_or_else(|wrong| panic!("{wrong}"));
    (image.plan, image.tables)
}

fn own(partition: &PartitionPlan) -> Vec<&RegionPlan> {
    let of_services =
        |region: &&RegionPlan| matches!(region.kind, RegionKind::Stack | RegionKind::MemoryBlock);
    partition.regions.iter().filter(of_services).collect()
}

#[test]
fn each_stack_hangs_from_its_address_with_nothing_below_it() {
    let (plan, _) = plan();
    let shown = |partition: usize| -> Vec<_> {
        let all = own(&plan.partitions[partition]).into_iter();
        all.map(|one| (one.name.clone(), one.effective, one.bytes, one.guard_bytes))
            .collect()
    };
    let one = |name: &str, address, bytes, guard| (name.to_string(), address, bytes, guard);
    assert_eq!(
        shown(0),
        [
            one("exception stack", 0x5006_e000, 0x2000, Some(0x6_e000)),
            one("error handler stack", 0x500d_e000, 0x2000, Some(0x6_e000)),
            one("process stack 0", 0x5014_e000, 0x2000, Some(0x6_e000)),
            one("process stack 1", 0x501b_d000, 0x3000, Some(0x6_d000)),
            one("process stack 2", 0x5022_f000, 0x1000, Some(0x6_f000)),
            one("nav", 0x5800_0000, 0x1000, None),
            one("log", 0x5901_0000, 0x2000, None),
        ]
    );
    // Of a pinned one 12K are an entry of 16K, and the upper end stays where it is.
    assert_eq!(
        shown(1),
        [
            one("exception stack", 0x5006_f000, 0x1000, Some(0x6_f000)),
            one("process stack 0", 0x5014_c000, 0x4000, Some(0x6_c000)),
            one("process stack 1", 0x501b_f000, 0x1000, Some(0x6_f000)),
        ]
    );
    assert!(own(&plan.partitions[2]).is_empty());
}

#[test]
fn between_two_stacks_is_at_least_as_much_nothing_as_the_largest_stack() {
    for partition in &plan().0.partitions {
        let stacks = partition.regions.iter();
        let stacks = stacks.filter(|region| region.kind == RegionKind::Stack);
        for stack in stacks {
            let guard = stack.guard_bytes.unwrap();
            assert!(guard >= 384 << 10);
            let below = u64::from(stack.effective) - guard..u64::from(stack.effective);
            for other in &partition.regions {
                let (start, end) = (
                    u64::from(other.effective),
                    u64::from(other.effective) + other.bytes,
                );
                assert!(
                    end <= below.start || below.end <= start,
                    "{} in the guard of {}",
                    other.name,
                    stack.name
                );
            }
            assert!(stack.effective >= space::STACKS && stack.effective < space::STACKS_END);
        }
    }
}

#[test]
fn a_cold_start_clears_stacks_and_memory_blocks() {
    let (plan, tables) = plan();
    let (_, records) = cofferdam_tables::open(&tables).unwrap();
    let regions: Vec<_> = records
        .filter_map(|record| match record.unwrap() {
            Record::Region(region) => Some(region),
            _ => None,
        })
        .collect();
    for planned in plan.partitions.iter().flat_map(own) {
        let mut found = regions.iter();
        let found = found.find(|one| one.physical == planned.physical).unwrap();
        // It is the private regions that a cold start clears.
        assert_eq!(found.kind, KernelKind::Private);
        assert_eq!(u64::from(found.length), planned.bytes);
        assert!(found.rights.write() && !found.rights.execute());
    }
}
