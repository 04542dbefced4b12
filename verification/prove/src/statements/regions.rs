//! Each partition has the regions that the file gives it, at their places, of their sizes, with their rights.

use super::Statement;
use crate::numbers::{FRAME, entry_bytes, place};
use crate::records::{Region, RegionKind};
use crate::world::{World, region_at};

const R: u8 = 1;
const RW: u8 = 3;
const RX: u8 = 5;

/// A region that a partition has to have.
struct Expected {
    what: String,
    effective: u32,
    bytes: u64,
    /// Where it has to be, if anything says so.
    physical: Option<u64>,
    rights: u8,
    kind: RegionKind,
}

impl Expected {
    fn anywhere(what: &str, effective: u32, bytes: u64, rights: u8, kind: RegionKind) -> Self {
        Self {
            what: what.to_owned(),
            effective,
            bytes,
            physical: None,
            rights,
            kind,
        }
    }
}

/// The region of a ring at one of its ends.
pub(super) fn ring_region<'a>(world: &World<'a>, channel: usize, end: usize) -> Option<&'a Region> {
    let partition = world
        .declared
        .channels
        .get(channel)?
        .ends
        .get(end)?
        .partition;
    let rings = world.declared.rings_of(partition);
    let place = rings.iter().position(|one| *one == channel)?;
    let effective = place::RINGS.checked_add((place as u32).checked_mul(place::STRIDE)?)?;
    region_at(world.tables.partitions.get(partition)?, effective)
}

/// The regions of a partition, in their order.
fn expected(world: &World<'_>, index: usize) -> Vec<Expected> {
    let (tables, declared) = (
        &world.tables.partitions[index],
        &world.declared.partitions[index],
    );
    let pinned = world.is_pinned(index);
    let size = |asked: u64| match pinned {
        true => entry_bytes(asked),
        false => asked.checked_next_multiple_of(FRAME).unwrap_or(u64::MAX),
    };
    let mut all = Vec::new();
    let mut put = |what: &str, effective, bytes, rights, kind| {
        all.push(Expected::anywhere(what, effective, bytes, rights, kind));
    };
    // How large a program is, its ELF says, or else the file itself.
    let loaded = |effective: u32| {
        let region = region_at(tables, effective)?;
        let program = world
            .program(index)
            .and_then(|program| program.part(effective.into()));
        let content = world
            .image
            .at(region.physical)
            .map_or(0, |one| one.content.len() as u64);
        Some(program.map_or(content, |part| part.bytes))
    };
    put(
        "text",
        place::TEXT,
        size(loaded(place::TEXT).unwrap_or(0)),
        RX,
        RegionKind::Image,
    );
    if let Some(bytes) = loaded(place::CONSTANTS) {
        put(
            "constants",
            place::CONSTANTS,
            size(bytes),
            R,
            RegionKind::Image,
        );
    }
    put(
        "data",
        place::DATA,
        size(declared.memory_bytes),
        RW,
        RegionKind::Private,
    );
    put("register page", place::PAGE, FRAME, RW, RegionKind::Private);
    if let Some(bytes) = declared.guest_bytes {
        put("guest", place::GUEST, bytes, RW, RegionKind::Private);
        put(
            "guest's register page",
            place::GUEST_PAGE,
            FRAME,
            RW,
            RegionKind::Private,
        );
    }
    for (number, asked) in &declared.stacks {
        let top = place::STACKS.saturating_add((number + 1).saturating_mul(place::STACK_STRIDE));
        let bytes = size(*asked);
        let effective = top.wrapping_sub(bytes as u32);
        put(
            &format!("stack {number}"),
            effective,
            bytes,
            RW,
            RegionKind::Private,
        );
    }
    for (number, asked) in declared.blocks.iter().enumerate() {
        let effective =
            place::MEMORY_BLOCKS.wrapping_add((number as u32).wrapping_mul(place::STRIDE));
        put(
            &format!("memory block {number}"),
            effective,
            size(*asked),
            RW,
            RegionKind::Private,
        );
    }
    for (number, channel) in world.declared.rings_of(index).into_iter().enumerate() {
        let effective = place::RINGS.wrapping_add((number as u32).wrapping_mul(place::STRIDE));
        let bytes = entry_bytes(world.ring_bytes(channel).unwrap_or(u64::MAX));
        let what = format!("ring {}", world.declared.channels[channel].name);
        let other = ring_region(world, channel, 0);
        all.push(Expected {
            physical: other.map(|region| region.physical),
            ..Expected::anywhere(&what, effective, bytes, RW, RegionKind::Shared)
        });
    }
    let arena = world.tables.bus.as_ref().map_or(0, |bus| bus.arena.into());
    for piece in world.pieces() {
        if world.holders(&piece).contains(&index) {
            all.push(Expected {
                what: "piece of the arena".to_owned(),
                effective: piece.address(),
                bytes: piece.bytes,
                physical: Some(piece.offset.saturating_add(arena)),
                rights: RW,
                kind: RegionKind::Shared,
            });
        }
    }
    all.extend(devices(world, index));
    all
}

fn devices(world: &World<'_>, index: usize) -> Vec<Expected> {
    let functions = world.functions();
    let devices = world.declared.partitions[index].devices.iter().enumerate();
    let found = devices.filter_map(|(number, name)| {
        let device = world.facts.device(name)?;
        let on_bus = functions
            .iter()
            .find(|(of, ..)| world.declared.devices[*of].name == *name);
        let (physical, bytes) = match (&device.function, on_bus, &world.facts.bus) {
            (Some(function), Some((.., offset)), Some(bus)) => {
                (bus.memory_physical.saturating_add(*offset), function.bytes)
            }
            _ => {
                let (start, bytes) = device.registers?;
                (start & !(FRAME - 1), bytes)
            }
        };
        Some(Expected {
            what: format!("device {name}"),
            effective: place::DEVICES.wrapping_add((number as u32).wrapping_mul(place::STRIDE)),
            bytes: entry_bytes(bytes),
            physical: Some(physical),
            rights: RW,
            kind: RegionKind::Device,
        })
    });
    found.collect()
}

/// See the module.
pub(super) fn declared(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "regions-declared",
        "each partition has the memory regions that follow from the file, at their effective addresses, of their sizes, with their rights, and no other",
    );
    let counts = (
        world.tables.partitions.len(),
        world.declared.partitions.len(),
    );
    statement.equal(counts.0, counts.1, || "the number of partitions".to_owned());
    for (index, tables, declared) in world.partitions() {
        let name = &declared.name;
        let expected = expected(world, index);
        statement.equal(tables.regions.len(), expected.len(), || {
            format!("the number of regions of {name}")
        });
        for (region, expected) in tables.regions.iter().zip(&expected) {
            let what = || format!("the {} of {name}", expected.what);
            let found = (
                region.effective,
                u64::from(region.length),
                region.rights,
                region.kind,
            );
            let wanted = (
                expected.effective,
                expected.bytes,
                expected.rights,
                expected.kind,
            );
            statement.equal(found, wanted, || {
                format!("{}: effective address, length, rights, kind", what())
            });
            let physical = expected.physical.unwrap_or(region.physical);
            statement.equal(region.physical, physical, || {
                format!("the physical address of {}", what())
            });
            statement.require(region.physical.is_multiple_of(FRAME), || {
                format!("{} begins within a page", what())
            });
        }
        for (place, region) in tables.regions.iter().enumerate() {
            let last = region
                .effective
                .checked_add(region.length.saturating_sub(1));
            for other in &tables.regions[..place] {
                let end = |one: &Region| u64::from(one.effective) + u64::from(one.length);
                let apart =
                    end(region) <= other.effective.into() || end(other) <= region.effective.into();
                statement.require(apart && last.is_some(), || {
                    format!(
                        "the regions {:#x} and {:#x} of {name} meet",
                        region.effective, other.effective
                    )
                });
                let elsewhere = !region.meets(other.physical, other.length.into());
                statement.require(elsewhere, || {
                    format!(
                        "the regions {:#x} and {:#x} of {name} are one memory",
                        region.effective, other.effective
                    )
                });
            }
        }
        placed(world, index, &mut statement);
    }
    statement
}

/// A partition that has a place in the file has all that is its own there, without a hole.
fn placed(world: &World<'_>, index: usize, statement: &mut Statement) {
    let (tables, declared) = (
        &world.tables.partitions[index],
        &world.declared.partitions[index],
    );
    let Some(start) = declared.place else {
        return;
    };
    let own = (tables.regions.iter())
        .filter(|region| matches!(region.kind, RegionKind::Image | RegionKind::Private))
        .map(|region| (region.physical, u64::from(region.length)));
    let copies = tables
        .copies
        .iter()
        .map(|copy| (u64::from(copy.from), u64::from(copy.length)));
    let guests = (tables.guest.iter()).map(|guest| {
        (
            u64::from(guest.translations),
            u64::from(crate::numbers::GUEST_TRANSLATIONS),
        )
    });
    let mut all: Vec<_> = own.chain(copies).chain(guests).collect();
    all.sort();
    let mut at = start;
    for (physical, bytes) in all {
        statement.equal(physical, at, || {
            format!(
                "where the next of {} lies, from its place on",
                declared.name
            )
        });
        at = physical
            .saturating_add(bytes)
            .checked_next_multiple_of(FRAME)
            .unwrap_or(u64::MAX);
    }
}
