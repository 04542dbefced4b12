//! What holds for every system: it compiles to tables that can be read, that hold together, and that no flipped bit survives.

mod common;

use cofferdam_abi::limits;
use cofferdam_check::check_text;
use cofferdam_compile::compile;
use cofferdam_compile::plan::RegionKind;
use cofferdam_tables::{Record, TlbWrite};
use common::*;
use proptest::prelude::*;
use std::fmt::Write;

/// A system with this many partitions, of these groups of windows, and of these channels.
fn describe(
    partitions: &[(u32, bool, Option<bool>)],
    windows: &[Vec<usize>],
    channels: &[(usize, usize, usize)],
) -> String {
    let mut text = EVERYTHING[..EVERYTHING.find("[partition.flight]").unwrap()].to_string();
    let count = partitions.len();
    for (index, (pages, refill, background)) in partitions.iter().enumerate() {
        let memory = pages * 4;
        let tlb = if *refill { "tlb = \"refill\"" } else { "" };
        let background = match background {
            None => String::new(),
            Some(true) => format!(
                "background = {{ priority = {}, budget = \"50us\" }}",
                index + 1
            ),
            Some(false) => format!("background = {{ priority = {} }}", index + 1),
        };
        writeln!(
            text,
            "[partition.p{index}]\ncrate = \"p\"\nstack = \"2K\"\nmemory = \"{memory}K\"\n{tlb}\n{background}"
        )
        .unwrap();
    }
    let frame = windows.len() + count;
    let list = |group: &[usize]| {
        group
            .iter()
            .map(|one| format!("\"p{one}\""))
            .collect::<Vec<_>>()
            .join(", ")
    };
    writeln!(
        text,
        "[schedule.s]\ninitial = true\nmajor_frame = \"{frame}ms\"\nwindows = ["
    )
    .unwrap();
    for at in 0..frame {
        // A window for each partition first, so that none is idle.
        let group = match windows.get(at.wrapping_sub(count)) {
            None => vec![at],
            Some(window) => {
                let mut group: Vec<_> = window.iter().map(|one| one % count).collect();
                let mut seen = Vec::new();
                group.retain(|one| {
                    !seen.contains(one) && {
                        seen.push(*one);
                        true
                    }
                });
                group
            }
        };
        writeln!(
            text,
            "  {{ at = \"{at}ms\", length = \"1ms\", group = [{}] }},",
            list(&group)
        )
        .unwrap();
    }
    writeln!(text, "]").unwrap();
    for (index, (kind, from, to)) in channels.iter().enumerate() {
        let (from, to) = (from % count, to % count);
        if from == to {
            continue;
        }
        let keys = [
            "kind = \"sampling\"\ntype = \"bytes(40)\"",
            "kind = \"queuing\"\ntype = \"bytes(33)\"\ndepth = 7",
            "kind = \"call\"\ntype = \"bytes(8)\"\nreply = \"bytes(5)\"\ndeadline = \"1ms\"",
            "kind = \"ring\"\ntype = \"bytes(100)\"\ndepth = 8",
            "kind = \"signal\"",
        ][kind % 5];
        writeln!(
            text,
            "[channel.c{index}]\n{keys}\nfrom = \"p{from}.x{index}\"\nto = \"p{to}.x{index}\""
        )
        .unwrap();
    }
    text
}

fn records(tables: &[u8]) -> Vec<Record> {
    let (_, records) = cofferdam_tables::open(tables).unwrap();
    records.map(|record| record.unwrap()).collect()
}

/// Follows the writes of a schedule through two frames: no two valid entries may match the same access.
fn follow_tlb(records: &[Record]) {
    let mut entries = [TlbWrite {
        mas0: 0,
        mas1: 0,
        mas2: 0,
        mas3: 0,
        mas7: 0,
    }; limits::TLB1_ENTRIES];
    let mut entry_writes = Vec::new();
    let mut windows: Vec<Vec<TlbWrite>> = Vec::new();
    for record in records {
        match record {
            Record::Window(_) => windows.push(Vec::new()),
            Record::TlbWrite(write) => match windows.last_mut() {
                None => entry_writes.push(*write),
                Some(window) => window.push(*write),
            },
            _ => {}
        }
    }
    let mut apply = |writes: &[TlbWrite]| {
        for write in writes {
            entries[(write.mas0 >> 16 & 0xf) as usize] = *write;
        }
        let valid: Vec<_> = entries.iter().filter(|entry| entry.mas1 != 0).collect();
        for (index, one) in valid.iter().enumerate() {
            for other in &valid[..index] {
                let same_pid = one.mas1 & 0xff_0000 == other.mas1 & 0xff_0000;
                let range = |entry: &TlbWrite| {
                    let start = u64::from(entry.mas2 & !0xfff);
                    start..start + (1024 << (2 * (entry.mas1 >> 8 & 0xf)))
                };
                let (one, other) = (range(one), range(other));
                assert!(!same_pid || one.end <= other.start || other.end <= one.start);
            }
        }
        entries
    };
    let start = apply(&entry_writes);
    for window in windows.iter().skip(1) {
        apply(window);
    }
    // The second frame begins with what the first began with.
    assert_eq!(apply(&windows[0]), start);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn every_system_that_passes_compiles_to_tables_that_hold_together(
        partitions in prop::collection::vec((1..40u32, any::<bool>(), prop::option::weighted(0.2, any::<bool>())), 1..7),
        windows in prop::collection::vec(prop::collection::vec(0..8usize, 0..3), 0..6),
        channels in prop::collection::vec((0..5usize, 0..8usize, 0..8usize), 0..12),
    ) {
        let text = describe(&partitions, &windows, &channels);
        // What a rule refuses is not the compiler's to handle; most of these pass.
        let Ok(checked) = check_text("system.toml", &text) else { return Ok(()) };
        let image = match compile(&checked, &kernel(), &programs(&checked), &[]) {
            Ok(image) => image,
            Err(diagnostics) => {
                let by_limits = |id| ["LIMIT-TABLES", "MEMORY-TOTAL", "PROGRAM-MEMORY"].contains(&id);
                prop_assert!(diagnostics.list.iter().all(|one| by_limits(one.rule.id)), "{}", diagnostics);
                return Ok(());
            }
        };
        let records = records(&image.tables);
        let count = records.iter().filter(|one| matches!(one, Record::Partition(_))).count();
        prop_assert_eq!(count, partitions.len());
        follow_tlb(&records);
        for record in &records {
            if let Record::Region(region) = record {
                prop_assert!(region.physical % 0x1000 == 0 && region.length % 0x1000 == 0);
                prop_assert!(!(region.rights.write() && region.rights.execute()));
            }
        }
        let again = compile(&checked, &kernel(), &programs(&checked), &[]).unwrap();
        prop_assert_eq!(image.bytes, again.bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_partition_is_where_its_place_is_and_everything_else_is_not(
        partitions in prop::collection::vec((1..40u32, any::<bool>(), Just(None)), 1..6),
        places in prop::collection::vec(prop::option::of(0..64u64), 6),
        channels in prop::collection::vec((0..5usize, 0..8usize, 0..8usize), 0..6),
    ) {
        let mut text = describe(&partitions, &[], &channels);
        for (index, place) in places.iter().enumerate().take(partitions.len()) {
            if let Some(place) = place {
                // Multiples of the largest entry that 160K can need, from the end of the kernel's memory on.
                let place = u64::from(cofferdam_abi::space::kernel::END) + place * (256 << 10);
                let header = format!("[partition.p{index}]\n");
                text = text.replace(&header, &format!("{header}place = {place:#x}\n"));
            }
        }
        let Ok(checked) = check_text("system.toml", &text) else { return Ok(()) };
        let plan = match compile(&checked, &kernel(), &programs(&checked), &[]) {
            Ok(image) => image.plan,
            Err(wrong) => {
                let by_size = |id: &str| id.starts_with("PLACE-") || ["MEMORY-TOTAL", "PROGRAM-MEMORY"].contains(&id);
                prop_assert!(wrong.list.iter().all(|one| by_size(one.rule.id)), "{}", wrong);
                return Ok(());
            }
        };
        let mut taken = Vec::new();
        for (partition, described) in plan.partitions.iter().zip(&checked.system.partitions) {
            let regions = partition.regions.iter().filter(|region| region.kind != RegionKind::Ring);
            let regions = regions.map(|region| region.physical..region.physical + region.bytes);
            let copies = partition.copies.iter();
            let copies = copies.map(|copy| copy.from_physical..copy.from_physical + copy.bytes);
            let own: Vec<_> = regions.chain(copies).collect();
            if let Some(place) = &described.place {
                prop_assert_eq!(own.iter().map(|range| range.start).min(), Some(**place));
            }
            taken.extend(own);
        }
        for ring in plan.channels.iter().filter(|channel| channel.kind == "ring") {
            let mut regions = plan.partitions.iter().flat_map(|one| &one.regions);
            let region = regions.find(|region| region.kind == RegionKind::Ring && region.name == ring.name);
            let region = region.unwrap();
            taken.push(region.physical..region.physical + region.bytes);
        }
        let stores = plan.channels.iter().filter(|channel| channel.store_bytes > 0);
        taken.extend(stores.map(|one| one.store_physical..one.store_physical + one.store_bytes));
        taken.sort_by_key(|range| range.start);
        for (one, next) in taken.iter().zip(&taken[1..]) {
            prop_assert!(one.end <= next.start, "{:x?} and {:x?}", one, next);
        }
    }
}

#[test]
fn no_flipped_bit_of_the_tables_is_accepted() {
    let checked = checked(EVERYTHING);
    let tables = compile(&checked, &kernel(), &programs(&checked), &[])
        .unwrap()
        .tables;
    for bit in 0..tables.len() * 8 {
        let mut flipped = tables.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(cofferdam_tables::open(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn no_truncated_tables_are_accepted() {
    let checked = checked(EVERYTHING);
    let tables = compile(&checked, &kernel(), &programs(&checked), &[])
        .unwrap()
        .tables;
    for length in 0..tables.len() {
        assert!(
            cofferdam_tables::open(&tables[..length]).is_err(),
            "{length} bytes"
        );
    }
}
