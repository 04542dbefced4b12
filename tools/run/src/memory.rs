//! What the machine's memory shows apart from the record.

use anyhow::{Context, Result};
use cofferdam_compile::plan::{PartitionPlan, RegionKind};
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
