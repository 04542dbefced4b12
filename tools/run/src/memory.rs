//! What the machine's memory shows apart from the record.

use std::ops::Range;

use anyhow::{Context, Result};
use cofferdam_abi::guest::tlb::TLB0_BYTES;
use cofferdam_abi::space::kernel;
use cofferdam_compile::plan::{PartitionPlan, Plan, RegionKind};
use cofferdam_qemu::Memory;
use object::BigEndian;
use object::elf::{FileHeader32, PF_W, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// The most of a partition's stack that was ever in use, in bytes: the kernel clears it before the partition starts, so
/// the lowest word that is not zero has been written. Since the partition's last cold start.
pub(crate) fn stack_high_water(memory: &Memory, partition: &PartitionPlan) -> Result<u32> {
    let Some(data) = partition
        .regions
        .iter()
        .find(|region| region.kind == RegionKind::Data)
    else {
        return Ok(0);
    };
    let room = partition.stack_top.saturating_sub(partition.stack_bottom);
    let bottom = data.physical + u64::from(partition.stack_bottom.saturating_sub(data.effective));
    let mut stack = vec![0; room as usize];
    memory
        .read(bottom, &mut stack)
        .with_context(|| format!("the stack of {} cannot be read", partition.name))?;
    let untouched = stack.iter().take_while(|&&byte| byte == 0).count() as u32 & !3;
    Ok(room - untouched)
}

/// The physical addresses, one for each part of the image that nobody may write, at which the memory differs from it.
pub(crate) fn changed_constants(memory: &Memory, image: &[u8]) -> Result<Vec<u64>> {
    let header = FileHeader32::<BigEndian>::parse(image).context("the image is no ELF")?;
    let segments = header
        .program_headers(BigEndian, image)
        .context("the image has no segments")?;
    let mut changed = Vec::new();
    for segment in segments {
        let writable = segment.p_flags(BigEndian).0 & PF_W.0 != 0;
        if segment.p_type(BigEndian) != PT_LOAD || writable {
            continue;
        }
        let content = segment
            .data(BigEndian, image)
            .map_err(|()| anyhow::anyhow!("the image is truncated"))?;
        let address = u64::from(segment.p_paddr(BigEndian));
        let mut now = vec![0; content.len()];
        memory.read(address, &mut now)?;
        let difference = content
            .iter()
            .zip(&now)
            .position(|(one, other)| one != other);
        changed.extend(difference.map(|offset| address + offset as u64));
    }
    Ok(changed)
}

/// A page: the smallest piece that has an owner.
const PAGE: usize = 0x1000;
/// How a device tree begins (Devicetree Specification 0.3, section 5.2): QEMU puts one into memory that nobody has.
const DEVICE_TREE: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];

/// The physical address of each page of RAM that the plan gives to nobody, and in which something stands: it was empty when the machine began,
/// and neither the kernel nor a partition has any business there.
pub(crate) fn not_empty(memory: &Memory, image: &[u8], plan: &Plan) -> Result<Vec<u64>> {
    let mut taken = taken(image, plan)?;
    taken.sort_by_key(|range| range.start);
    let mut found = Vec::new();
    let mut page = [0; PAGE];
    let mut taken = taken.into_iter().peekable();
    for address in (0..plan.ram_bytes).step_by(PAGE) {
        while taken.next_if(|range| range.end <= address).is_some() {}
        if (taken.peek()).is_some_and(|range| range.start < address + PAGE as u64) {
            continue;
        }
        memory.read(address, &mut page)?;
        if page != [0; PAGE] && !page.starts_with(&DEVICE_TREE) {
            found.push(address);
        }
    }
    Ok(found)
}

/// The pieces of RAM that somebody has.
fn taken(image: &[u8], plan: &Plan) -> Result<Vec<Range<u64>>> {
    let header = FileHeader32::<BigEndian>::parse(image).context("the image is no ELF")?;
    let segments = header
        .program_headers(BigEndian, image)
        .context("the image has no segments")?;
    let piece = |start: u64, bytes: u64| start..start.saturating_add(bytes);
    let mut taken = vec![
        piece(kernel::DATA.into(), kernel::DATA_SIZE.into()),
        piece(kernel::RECORD.into(), kernel::RECORD_SIZE.into()),
    ];
    let loaded = segments.iter().map(|segment| {
        let start = u64::from(segment.p_paddr(BigEndian));
        piece(start, segment.p_memsz(BigEndian).into())
    });
    taken.extend(loaded);
    for partition in &plan.partitions {
        let regions = partition.regions.iter();
        taken.extend(regions.map(|region| piece(region.physical, region.bytes)));
        let copies = partition.copies.iter();
        taken.extend(copies.map(|copy| piece(copy.from_physical, copy.bytes)));
        let guest = partition.guest.iter();
        taken.extend(guest.map(|guest| piece(guest.translations_physical, TLB0_BYTES.into())));
    }
    let channels = plan.channels.iter();
    taken.extend(channels.map(|one| piece(one.store_physical, one.store_bytes)));
    let arena = plan.bus.iter();
    taken.extend(arena.map(|bus| piece(bus.arena_physical, bus.arena_bytes)));
    Ok(taken)
}
