//! Who is in TLB1 when: what of a window's partitions stays translated while the window lasts.

use cofferdam_abi::limits;
use cofferdam_abi::space::kernel;
use cofferdam_model::{ChannelKind, Span, Spanned, System, Tlb, Window};

use crate::arena;

/// The regions that every partition has: text, constants, data and the register page.
pub const REGIONS_OF_EACH: usize = 4;

/// The size of the entry of TLB1 that holds `bytes`: a power of four from 4 KiB on.
pub fn entry_bytes(bytes: u64) -> u64 {
    let mut entry = 0x1000;
    while entry < bytes {
        entry *= 4;
    }
    entry
}

/// How many entries a partition takes while it is resident: one for each of its regions.
pub fn entries(system: &System, partition: usize) -> usize {
    let name = &system.partitions[partition].name;
    let is_end = |ring: &&cofferdam_model::Channel| {
        let kind = ring.kind.as_ref().map(|kind| kind.value);
        kind == Some(ChannelKind::Ring) && ring.ends().any(|end| *end.partition == **name)
    };
    let rings = system.channels.iter().filter(is_end).count();
    let pieces = arena::pieces(system);
    let in_arena = (pieces.iter()).filter(|piece| arena::has(system, partition, piece));
    let apex = system.partitions[partition].apex.as_ref();
    let in_apex = apex.map_or(0, |apex| {
        apex.numbered_stacks().count() + apex.memory_blocks.len()
    });
    REGIONS_OF_EACH
        + system.partitions[partition].devices.len()
        + rings
        + in_arena.count()
        + in_apex
}

/// The blocks that map the memory of partitions for the kernel, at most: the size of each and its physical address.
pub fn ram_blocks(from: u64, end: u64) -> Vec<(u64, u64)> {
    let mut blocks = Vec::new();
    let mut at = from;
    while at < end && blocks.len() < limits::RAM_BLOCKS {
        // The smallest that reaches the end, or the largest that is aligned here.
        let mut size = 0x1000;
        while at + size < end && at.is_multiple_of(size * 4) {
            size *= 4;
        }
        blocks.push((at, size));
        at += size;
    }
    blocks
}

/// The physical address behind the memory that partitions can get.
pub fn memory_end(system: &System) -> u64 {
    let blocks = ram_blocks(u64::from(kernel::END), *system.ram_bytes);
    let end = blocks.last().map_or(0, |(at, size)| at + size);
    end.min(*system.ram_bytes)
}

/// How many entries of TLB1 a guest has for good: its register page, and its large pages.
pub const PLACES_OF_A_GUEST: usize = cofferdam_abi::guest::PLACES as usize;

/// How many entries of TLB1 all guests have for good.
pub fn entries_of_guests(system: &System) -> usize {
    let guests = system.partitions.iter().filter(|one| one.guest.is_some());
    let left = limits::TLB1_ENTRIES - entries_of_kernel(system);
    (guests.count() * PLACES_OF_A_GUEST).min(left)
}

fn entries_of_kernel(system: &System) -> usize {
    let blocks = ram_blocks(u64::from(kernel::END), *system.ram_bytes);
    limits::KERNEL_TLB1_ENTRIES + blocks.len()
}

/// How many entries of TLB1 are left for partitions.
pub fn budget(system: &System) -> usize {
    limits::TLB1_ENTRIES - entries_of_kernel(system) - entries_of_guests(system)
}

/// The partitions that may run in a window: its group, then the background's members.
pub fn eligible(system: &System, window: &Window) -> Vec<usize> {
    let group = window.group.iter();
    let mut all: Vec<_> = group
        .filter_map(|name| system.partition_index(name))
        .collect();
    for (index, partition) in system.partitions.iter().enumerate() {
        if partition.background.is_some() && !all.contains(&index) {
            all.push(index);
        }
    }
    all
}

/// Which partitions are pinned: those that say so or have a deadline, then those of the others that fit, in the order of the file.
pub fn pinned(system: &System) -> Vec<bool> {
    let mut pinned: Vec<_> = system
        .partitions
        .iter()
        .map(|partition| match &partition.tlb {
            Some(tlb) => **tlb == Tlb::Pinned,
            None => partition.deadline_ticks.is_some(),
        })
        .collect();
    for (index, partition) in system.partitions.iter().enumerate() {
        // What monitors a guest waits for it, and may miss.
        if partition.tlb.is_none() && !pinned[index] && partition.guest.is_none() {
            pinned[index] = true;
            let crowded = crowded_windows(system, &pinned, |crowd| crowd.contains(&index))
                .next()
                .is_some();
            pinned[index] = !crowded;
        }
    }
    pinned
}

/// The windows in which the pinned partitions take more entries than there are, with how many they take.
pub fn crowded_windows<'s>(
    system: &'s System,
    pinned: &'s [bool],
    of_interest: impl Fn(&[usize]) -> bool + 's,
) -> impl Iterator<Item = (Span, Vec<usize>, usize)> + 's {
    let windows = system
        .schedules
        .iter()
        .flat_map(|schedule| &schedule.windows);
    windows.filter_map(move |window| {
        let mut resident = eligible(system, window);
        resident.retain(|partition| pinned[*partition]);
        let needed = resident.iter().map(|one| entries(system, *one)).sum();
        let crowded = needed > budget(system) && of_interest(&resident);
        crowded.then_some((window.span, resident, needed))
    })
}

/// The bytes of a partition's memory that are mapped but not asked for, because an entry is a power of four.
pub fn memory_waste(memory: &Spanned<u64>) -> u64 {
    entry_bytes(**memory) - **memory
}
