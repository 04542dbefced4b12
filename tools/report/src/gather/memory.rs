//! Physical memory: what the image puts where, and who reaches it.

use anyhow::{Context, Result};
use cofferdam_abi::space::kernel;
use cofferdam_build::{Plan, RegionPlan};
use cofferdam_compile::plan::RegionKind;
use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};
use object::{BigEndian, elf};

use super::name;
use crate::data::{Piece, Region};

/// A region as the partition sees it.
pub(super) fn region(plan: &RegionPlan) -> Region {
    let kind = kind(plan);
    let name = match plan.kind {
        RegionKind::GuestPage => plan.name.clone(),
        _ if plan.name == kind => kind,
        _ => format!("{kind} {}", plan.name),
    };
    Region {
        name,
        rights: plan.rights.to_owned(),
        effective: plan.effective,
        physical: plan.physical,
        bytes: plan.bytes,
        guard_bytes: plan.guard_bytes,
    }
}

/// The word of the plan's JSON form, so that both say the same.
fn kind(plan: &RegionPlan) -> String {
    let word = serde_json::to_value(plan.kind).ok();
    let word = word.as_ref().and_then(|word| word.as_str());
    word.unwrap_or_default().to_owned()
}

/// Every piece of physical memory that somebody reaches or that the kernel keeps, in the order of addresses.
pub(super) fn pieces(plan: &Plan, image: &[u8]) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for partition in &plan.partitions {
        for region in &partition.regions {
            let described = self::region(region);
            let same = pieces.iter_mut().find(|one: &&mut Piece| {
                (one.physical, one.bytes) == (region.physical, region.bytes)
            });
            match same {
                Some(same) => same.holders.push(partition.name.clone()),
                None => pieces.push(Piece {
                    physical: region.physical,
                    bytes: region.bytes,
                    holders: vec![partition.name.clone()],
                    what: described.name,
                    rights: described.rights,
                }),
            }
        }
    }
    pieces.extend(kept_for_partitions(plan));
    pieces.extend(kernel_pieces(image, &pieces)?);
    pieces.sort_by_key(|piece| (piece.physical, piece.bytes));
    Ok(pieces)
}

fn of_kernel(physical: u64, bytes: u64, what: String) -> Piece {
    Piece {
        physical,
        bytes,
        holders: Vec::new(),
        what,
        rights: String::new(),
    }
}

/// What the kernel keeps for partitions.
fn kept_for_partitions(plan: &Plan) -> Vec<Piece> {
    let stores = plan.channels.iter().filter(|one| one.store_bytes > 0);
    let stores = stores.map(|one| {
        let what = format!("messages of channel {}", one.name);
        of_kernel(one.store_physical, one.store_bytes, what)
    });
    let copies = plan.partitions.iter().enumerate().flat_map(|(index, one)| {
        let copies = one.copies.iter();
        copies.map(move |copy| {
            let what = format!("pristine copy for {}", name(plan, index));
            of_kernel(copy.from_physical, copy.bytes, what)
        })
    });
    stores.chain(copies).collect()
}

/// What the image has besides: the kernel itself.
fn kernel_pieces(image: &[u8], others: &[Piece]) -> Result<Vec<Piece>> {
    let file: ElfFile32<'_, BigEndian> =
        ElfFile32::parse(image).context("the image cannot be read")?;
    let endian = file.endian();
    let headers = file.elf_header().program_headers(endian, image);
    let headers = headers.context("the image cannot be read")?;
    let mut pieces = Vec::new();
    for header in headers
        .iter()
        .filter(|one| one.p_type(endian) == elf::PT_LOAD)
    {
        let physical = u64::from(header.p_paddr(endian));
        let bytes = u64::from(header.p_memsz(endian));
        let known = |one: &Piece| (one.physical..one.physical + one.bytes).contains(&physical);
        if others.iter().any(known) {
            continue;
        }
        let flags = header.p_flags(endian).0;
        let what = match (flags & elf::PF_X.0 != 0, flags & elf::PF_W.0 != 0) {
            (true, _) => "text",
            (false, true) => "data",
            (false, false) => "constants and tables",
        };
        pieces.push(of_kernel(physical, bytes, what.to_owned()));
    }
    let record = (u64::from(kernel::RECORD), u64::from(kernel::RECORD_SIZE));
    pieces.push(of_kernel(record.0, record.1, "record".to_owned()));
    Ok(pieces)
}
