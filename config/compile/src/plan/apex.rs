//! The stacks and memory blocks of a partition with ARINC 653 services.
//!
//! Each stack hangs from a fixed address: its number alone says where its upper end is, and a pinned one, which is a power of four, grows
//! downwards by what it has too much. What is left below it, up to the stack before, is mapped by nobody: that is its guard.

use cofferdam_abi::space;
use cofferdam_model::Apex;

use super::{RegionKind, RegionPlan};

/// The regions, in the order of their addresses. [`place`] puts the stacks where they belong when their sizes are known.
pub(super) fn regions(apex: &Apex) -> Vec<RegionPlan> {
    let stacks = apex.numbered_stacks().map(|(number, bytes)| {
        let name = match number {
            0 => "exception stack".to_string(),
            1 => "error handler stack".to_string(),
            _ => format!("process stack {}", number - 2),
        };
        RegionPlan::new(RegionKind::Stack, &name, space::stack_top(number), **bytes)
    });
    let blocks = (0..).zip(&apex.memory_blocks).map(|(place, block)| {
        let (kind, bytes) = (RegionKind::MemoryBlock, *block.bytes);
        RegionPlan::new(kind, &block.name, block_address(place), bytes)
    });
    stacks.chain(blocks).collect()
}

/// The address of a memory block.
pub fn block_address(place: u32) -> u32 {
    space::MEMORY_BLOCKS + place * space::STRIDE
}

/// Hangs a stack, whose address is its upper end so far, from there.
pub(super) fn place(stack: &mut RegionPlan) {
    stack.effective -= stack.bytes as u32;
    stack.guard_bytes = Some(u64::from(space::STACK_STRIDE) - stack.bytes);
}
