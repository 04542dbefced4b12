//! TLB1 in every window: what partitions have there.

use super::Statement;
use crate::numbers::{entry_bytes, size_of_code};
use crate::records::{RegionKind, TlbWrite};
use crate::world::{State, World};

const VALID: u32 = 0x8000_0000;
const SPACE_1: u32 = 0x1000;
const DEVICE: u32 = 0x8 | 0x2;
const COHERENT: u32 = 0x4;
const TLB1: u32 = 0x1000_0000;

/// The words of a region's entry, but for its place.
fn words(partition: usize, region: &crate::records::Region) -> [u32; 4] {
    let code = (1..12).find(|code| size_of_code(*code) >= entry_bytes(region.length.into()));
    let attributes = match region.kind {
        RegionKind::Device => DEVICE,
        _ => COHERENT,
    };
    // The rights of user level in MAS3: read 2, write 8, execute 0x20. Supervisor level has none.
    let right = |has: bool, bit: u32| if has { bit } else { 0 };
    let rights = right(region.read_right(), 2)
        | right(region.write_right(), 8)
        | right(region.execute_right(), 0x20);
    [
        VALID | SPACE_1 | (partition as u32 + 1) << 16 | code.unwrap_or(0) << 8,
        region.effective | attributes,
        region.physical as u32 | rights,
        (region.physical >> 32) as u32,
    ]
}

fn found(write: &TlbWrite) -> [u32; 4] {
    [write.mas1, write.mas2, write.mas3, write.mas7]
}

fn place_of(write: &TlbWrite) -> u32 {
    write.mas0 >> 16 & 15
}

/// Each entry is a region's, and no more.
pub(super) fn exact(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "translations",
        "every entry of TLB1 that a window loads is one region of one partition exactly, tagged with that partition's PID, in address space 1, without rights for supervisor level, at a place of partitions; none is there twice; each window writes what differs from the one before and no more, the first from the last",
    );
    let places = world.places();
    let all = |partition: usize, write: &TlbWrite| {
        let regions = world
            .tables
            .partitions
            .get(partition)
            .map(|one| &one.regions);
        regions
            .into_iter()
            .flatten()
            .any(|region| words(partition, region) == found(write))
    };
    for (number, schedule) in world.tables.schedules.iter().enumerate() {
        let windows = schedule.windows.iter().flat_map(|one| &one.writes);
        for write in schedule.writes.iter().chain(windows) {
            let place = place_of(write);
            let whole = write.mas0 == TLB1 | place << 16 && places.contains(&place);
            statement.require(whole, || {
                format!(
                    "a write to TLB1 is for {:#x}, no place of partitions",
                    write.mas0
                )
            });
            let empty = found(write) == [0; 4];
            let partition = ((write.mas1 >> 16 & 0xff) as usize).wrapping_sub(1);
            statement.require(empty || all(partition, write), || {
                format!(
                    "the entry for {:#x} with {:#x} is no region's",
                    write.mas2, write.mas1
                )
            });
        }
        // A schedule begins from nothing known: it writes every place.
        let written: Vec<_> = schedule.writes.iter().map(place_of).collect();
        statement.equal(written, places.clone().collect(), || {
            format!("the places that schedule {number} writes when it begins")
        });
        let states = &world.states[number];
        let before = states.last().into_iter().chain(states);
        for (window, ((from, to), tables)) in before.zip(states).zip(&schedule.windows).enumerate()
        {
            let held = |state: &State| state.clone().map(|one| one.map(|one| found(&one)));
            let (from, to) = (held(from), held(to));
            let differing: Vec<_> = (0u32..)
                .zip(from.iter().zip(&to))
                .filter(|(_, (one, other))| one != other)
                .collect();
            let differing: Vec<_> = differing.into_iter().map(|(place, _)| place).collect();
            let written: Vec<_> = tables.writes.iter().map(place_of).collect();
            statement.equal(written, differing, || {
                format!("the places that window {window} of schedule {number} writes, beside what differs from the window before")
            });
            // Of the first window this says that the second frame finds what the first one did.
            let right = tables.writes.iter().all(|write| {
                to[place_of(write) as usize] == (write.mas1 != 0).then(|| found(write))
            });
            statement.require(right, || {
                format!("what window {window} of schedule {number} writes is not what it needs")
            });
        }
        for (window, state) in world.states[number].iter().enumerate() {
            let held: Vec<_> = state.iter().flatten().map(found).collect();
            for (place, entry) in held.iter().enumerate() {
                statement.require(!held[..place].contains(entry), || {
                    format!("an entry is twice in TLB1 in window {window} of schedule {number}")
                });
            }
        }
    }
    statement
}

/// Who is resident.
pub(super) fn residents(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "residents",
        "a partition that the file pins, or that has a deadline, has all its regions in TLB1 in each window in which it may run; any other has either all of them there in each such window, or never one",
    );
    let ranks = &world.tables.ranks;
    for (index, tables, declared) in world.partitions() {
        let pinned = world.is_pinned(index);
        if let Some(wanted) = declared.pinned {
            statement.equal(pinned, wanted, || {
                format!("whether {} is pinned", declared.name)
            });
        }
        if !pinned {
            continue;
        }
        for (schedule, states) in world.tables.schedules.iter().zip(&world.states) {
            for (window, state) in schedule.windows.iter().zip(states) {
                let eligible = (ranks.iter().enumerate()).any(|(place, rank)| {
                    usize::from(rank.partition) == index
                        && window.own.eligible << place & 0x8000_0000 != 0
                });
                for region in tables.regions.iter().filter(|_| eligible) {
                    let wanted = words(index, region);
                    let there = state.iter().flatten().any(|entry| found(entry) == wanted);
                    statement.require(there, || {
                        format!(
                            "the region {:#x} of {} is not in TLB1 in the window at {} ticks",
                            region.effective, declared.name, window.own.start_ticks
                        )
                    });
                }
            }
        }
    }
    statement
}
