//! Partitions that the file puts at a physical address.
//!
//! Judged twice: on the file, where a block is known to hold the partition's memory at least, and on the plan, where it has its
//! final size.

use std::ops::Range;

use cofferdam_abi::space::kernel;
use cofferdam_model::{Board, Diagnostic, Spanned, System, show_bytes};

use super::{Findings, Rule, rule};
use crate::residency;

pub(super) static RULES: &[&Rule] = &[&PLACE_ALIGNMENT, &PLACE_RAM, &PLACE_OVERLAP];

/// What lies at a partition's `place`.
#[derive(Clone, Debug)]
pub struct Block {
    /// Whose it is.
    pub partition: usize,
    /// From where to where.
    pub physical: Range<u64>,
    /// What the largest of its regions has to be a multiple of.
    pub alignment: u64,
}

const PAGE: u64 = 0x1000;

/// The blocks of a system, as far as they are known before its programs are built.
fn blocks(system: &System) -> Vec<Block> {
    let pinned = residency::pinned(system);
    let partitions = system.partitions.iter().enumerate();
    partitions
        .filter_map(|(index, partition)| {
            let at = **partition.place.as_ref()?;
            let (bytes, alignment) = if pinned[index] {
                let entry = residency::entry_bytes(*partition.memory_bytes);
                (entry, entry)
            } else {
                (*partition.memory_bytes, PAGE)
            };
            Some(Block {
                partition: index,
                physical: at..at.saturating_add(bytes),
                alignment,
            })
        })
        .collect()
}

/// Every rule of places, for blocks of their final size.
pub fn judge(system: &System, blocks: &[Block]) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    judge_alignment(system, blocks, &mut findings);
    judge_ram(system, blocks, &mut findings);
    judge_overlap(system, blocks, &mut findings);
    findings.list
}

/// Where the file says it, which is there for each block.
fn place<'s>(system: &'s System, block: &Block) -> Option<(&'s Spanned<String>, &'s Spanned<u64>)> {
    let partition = &system.partitions[block.partition];
    Some((&partition.name, partition.place.as_ref()?))
}

rule! {
    /// A `place` is a multiple of the size of the partition's largest region.
    ///
    /// A region of a pinned partition is one entry of TLB1, a power of four, and lies at a multiple of its size. Of one with
    /// `tlb = "refill"` it is a whole number of pages of 4K. Text and constants count as well, once they are built.
    PLACE_ALIGNMENT = "PLACE-ALIGNMENT", alignment;
}

fn alignment(system: &System, _: &Board, findings: &mut Findings) {
    judge_alignment(system, &blocks(system), findings);
}

fn judge_alignment(system: &System, blocks: &[Block], findings: &mut Findings) {
    for block in blocks {
        let Some((name, place)) = place(system, block) else {
            continue;
        };
        if !place.is_multiple_of(block.alignment) {
            let alignment = show_bytes(block.alignment);
            let message = format!("the place of `{name}` is no multiple of {alignment}");
            let below = **place - **place % block.alignment;
            let hint = format!(
                "its largest region takes {alignment}: write {below:#x} or {:#x}",
                below.saturating_add(block.alignment),
            );
            findings.push(PLACE_ALIGNMENT.violation(place.span, message).hint(hint));
        }
    }
}

rule! {
    /// What a partition has at its `place` lies within the RAM that partitions can have.
    PLACE_RAM = "PLACE-RAM", ram;
}

fn ram(system: &System, _: &Board, findings: &mut Findings) {
    judge_ram(system, &blocks(system), findings);
}

fn judge_ram(system: &System, blocks: &[Block], findings: &mut Findings) {
    let end = residency::memory_end(system);
    for block in blocks {
        let Some((name, place)) = place(system, block) else {
            continue;
        };
        if block.physical.end > end {
            let message = format!(
                "`{name}` reaches to {:#x}, and the memory of partitions ends at {end:#x}",
                block.physical.end,
            );
            let bytes = show_bytes(block.physical.end - block.physical.start);
            let hint = format!("it takes {bytes}: place it lower, or give the machine more `ram`");
            let violation = PLACE_RAM.violation(place.span, message);
            findings.push(violation.also(system.ram_bytes.span, "the RAM").hint(hint));
        }
    }
}

rule! {
    /// Partitions with a `place` lie apart from each other, and behind the kernel's memory.
    ///
    /// Everything else gets what they leave: the build chooses the places of the other partitions, of rings and of messages.
    PLACE_OVERLAP = "PLACE-OVERLAP", overlap;
}

fn overlap(system: &System, _: &Board, findings: &mut Findings) {
    judge_overlap(system, &blocks(system), findings);
}

fn judge_overlap(system: &System, blocks: &[Block], findings: &mut Findings) {
    let kernel_end = u64::from(kernel::END);
    for (index, block) in blocks.iter().enumerate() {
        let Some((name, at)) = place(system, block) else {
            continue;
        };
        if block.physical.start < kernel_end {
            let message = format!("`{name}` would lie in the kernel's memory");
            let hint = format!(
                "the first {} are the kernel's: place it at {kernel_end:#x} or higher",
                show_bytes(kernel_end)
            );
            findings.push(PLACE_OVERLAP.violation(at.span, message).hint(hint));
        }
        for other in &blocks[..index] {
            let Some((other_name, other_at)) = place(system, other) else {
                continue;
            };
            let apart = block.physical.end <= other.physical.start
                || other.physical.end <= block.physical.start;
            if !apart {
                let message = format!("`{name}` and `{other_name}` would lie on each other");
                let label = format!("up to {:#x} for `{other_name}`", other.physical.end);
                let hint = format!(
                    "`{name}` takes {}: place it at {:#x} or higher, or below the other",
                    show_bytes(block.physical.end - block.physical.start),
                    other.physical.end.next_multiple_of(block.alignment),
                );
                let violation = PLACE_OVERLAP.violation(at.span, message);
                findings.push(violation.also(other_at.span, label).hint(hint));
            }
        }
    }
}
