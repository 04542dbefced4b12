//! From a file and programs to an image whose tables can be read.

mod common;

use cofferdam_compile::compile;
use cofferdam_compile::guest::Content;
use cofferdam_tables::Record;
use common::*;

fn records(tables: &[u8]) -> Vec<Record> {
    let (_, records) = cofferdam_tables::open(tables).unwrap();
    records.map(|record| record.unwrap()).collect()
}

#[test]
fn a_system_with_one_of_everything_compiles_to_tables_that_can_be_read() {
    let checked = checked(EVERYTHING);
    let image = compile(&checked, &kernel(), &programs(&checked), &[])
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let records = records(&image.tables);
    let count = |of: fn(&Record) -> bool| records.iter().filter(|record| of(record)).count();
    assert!(matches!(
        records[..2],
        [Record::Board(_), Record::Module(_)]
    ));
    assert_eq!(count(|one| matches!(one, Record::Partition(_))), 4);
    assert_eq!(count(|one| matches!(one, Record::Channel(_))), 6);
    assert_eq!(count(|one| matches!(one, Record::End(_))), 13);
    assert_eq!(count(|one| matches!(one, Record::Schedule(_))), 2);
    assert_eq!(count(|one| matches!(one, Record::Window(_))), 6);
    assert_eq!(count(|one| matches!(one, Record::Interrupt(_))), 1);
    let plan = serde_json::to_value(&image.plan).unwrap();
    assert_eq!(plan["partitions"][0]["regions"][2]["asked_bytes"], 0x1_0000);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let build = || {
        let checked = checked(EVERYTHING);
        compile(&checked, &kernel(), &programs(&checked), &[])
            .unwrap()
            .bytes
    };
    assert_eq!(build(), build());
}

#[test]
fn the_image_is_an_elf_whose_segments_do_not_overlap() {
    let checked = checked(EVERYTHING);
    let image = compile(&checked, &kernel(), &programs(&checked), &[]).unwrap();
    let elf = cofferdam_check::program::read(&image.bytes).unwrap();
    assert_eq!(elf.entry, cofferdam_abi::space::kernel::TEXT);
    for (one, next) in elf.segments.iter().zip(&elf.segments[1..]) {
        assert!(one.end() <= u64::from(next.address));
    }
    let holds_tables = |segment: &cofferdam_check::program::Segment| {
        segment.address == cofferdam_abi::space::kernel::TABLES && segment.content == image.tables
    };
    assert!(elf.segments.iter().any(holds_tables));
}

/// What the rule offers is a size that a file can have, and that the plan has a place for.
#[test]
fn a_guests_memory_can_have_each_size_that_is_offered() {
    for size in cofferdam_check::rules::GUEST_MEMORY_SIZES {
        let text = include_str!("../../../systems/linux/system.toml").replace(
            "memory       = \"64M\"",
            &format!(
                "memory = \"{}\"\nkernel = \"own\"",
                cofferdam_model::show_bytes(size)
            ),
        );
        let checked = checked(&text);
        let guests = [("linux".to_owned(), Content::default())];
        let image = compile(&checked, &kernel(), &programs(&checked), &guests)
            .unwrap_or_else(|wrong| panic!("{wrong}"));
        let plans = image.plan.partitions.iter();
        let memory: Vec<_> = plans.filter_map(|one| one.guest.as_ref()).collect();
        assert_eq!(memory[0].memory_bytes, size);
        assert!(memory[0].memory_physical.is_multiple_of(size));
    }
}
