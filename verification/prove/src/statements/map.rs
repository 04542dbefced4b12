//! The kernel's own map: what its start writes to TLB1, and the blocks of RAM of the tables.

use super::Statement;
use crate::image::{EXECUTE, WRITE};
use crate::numbers::{FRAME, kernel, size_of_code};
use crate::world::World;

const VALID_PROTECTED: u32 = 0xc000_0000;
const SIZE_256K: u32 = 4 << 8;
const COHERENT: u32 = 4;
/// Supervisor level's rights in MAS3.
const READ: u32 = 1;
const READ_WRITE: u32 = 1 | 4;
const READ_EXECUTE: u32 = 1 | 0x10;
/// Supervisor level, address space 0, interrupts off; machine checks come (EREF, table 2-5).
const STATE: u32 = 0x1000;
const VECTORS: u32 = 63;
const VECTOR_OFFSETS: [u32; 20] = [
    400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 528, 529, 530,
    531,
];

/// What the kernel maps for itself.
pub(super) fn kernel_map(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "kernel-map",
        "carried out, the kernel's first instructions map its text, constants, data and record for supervisor level alone, each with its rights and none writable and executable, and nothing else",
    );
    let start = &world.start;
    statement.require(start.target.is_some(), || {
        format!(
            "the start has an instruction that it should not have, at {:#x}",
            start.at
        )
    });
    let wanted = [
        ("text", kernel::TEXT, READ_EXECUTE),
        ("constants", kernel::CONSTANTS, READ),
        ("data", kernel::DATA, READ_WRITE),
        ("record", kernel::RECORD, READ_WRITE),
    ];
    for (place, (what, address, rights)) in (0u32..).zip(wanted) {
        let address = address as u32;
        let entry = start.entries.get(&place).copied().unwrap_or_default();
        let words = [
            VALID_PROTECTED | SIZE_256K,
            address | COHERENT,
            address | rights,
            0,
        ];
        statement.equal(entry, words, || {
            format!("the entry of TLB1 for the kernel's {what}")
        });
    }
    for place in wanted.len() as u32..16 {
        // One that was never written may be the loader's, which maps everything.
        let entry = start.entries.get(&place).copied();
        let gone = entry.is_some_and(|words| words[0] & 0x8000_0000 == 0);
        statement.require(gone, || {
            format!("entry {place} of TLB1 is not taken away from the loader")
        });
    }
    statement.require(start.emptied, || "TLB0 is not emptied".to_owned());
    statement.equal(start.state, STATE, || {
        "the machine state of the kernel".to_owned()
    });
    let register = |number: u32| start.registers.get(&number).copied();
    let text = world.image.at(kernel::TEXT);
    let in_text =
        |address: u64| text.is_some_and(|text| (text.physical..text.end()).contains(&address));
    for number in VECTOR_OFFSETS {
        let vector = register(VECTORS)
            .zip(register(number))
            .map(|(base, offset)| u64::from(base & 0xffff_0000) | u64::from(offset & 0xfff0));
        statement.require(vector.is_some_and(in_text), || {
            format!("the vector of register {number} is not in the kernel's text")
        });
    }
    let goes_on = start.target.is_some_and(|target| in_text(target.into()));
    statement.require(goes_on, || {
        "the start goes on outside of the kernel's text".to_owned()
    });
    let data = kernel::DATA..kernel::DATA + kernel::MAPPING;
    statement.require(data.contains(&start.stack.into()), || {
        format!("the kernel's stack is at {:#x}", start.stack)
    });
    for segment in world
        .image
        .segments
        .iter()
        .filter(|one| one.physical < kernel::END)
    {
        let (write, execute) = (segment.flags & WRITE != 0, segment.flags & EXECUTE != 0);
        let rights = match (write, execute) {
            (false, true) => READ_EXECUTE,
            (true, false) => READ_WRITE,
            (false, false) => READ,
            (true, true) => u32::MAX,
        };
        let inside = wanted.iter().any(|(_, address, mapped)| {
            *mapped == rights
                && segment.physical >= *address
                && segment.end() <= address + kernel::MAPPING
        });
        statement.require(inside, || {
            format!(
                "the segment at {:#x} is not in a mapping with its rights",
                segment.physical
            )
        });
    }
    statement
}

/// The kernel's mapping of RAM.
pub(super) fn window_onto_ram(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "kernel-window",
        "the kernel's mapping of RAM holds all that partitions have and nothing of the kernel, begins behind it, has no hole, ends in RAM, and could not be smaller; no address is mapped twice",
    );
    let used_end = world.used_end();
    let mut at = kernel::END;
    let blocks = &world.tables.blocks;
    for (index, block) in blocks.iter().enumerate() {
        let (physical, bytes) = (
            u64::from(block.physical),
            size_of_code(block.size_code.into()),
        );
        statement.require((1..=10).contains(&block.size_code), || {
            format!("block {index} has no size")
        });
        statement.equal(physical, at, || format!("where block {index} begins"));
        statement.require(physical.is_multiple_of(bytes), || {
            format!("block {index} is not aligned to its size")
        });
        // A smaller one in its place would not do: it would not reach the end.
        let needed = physical.saturating_add(bytes / 4) < used_end || bytes == FRAME;
        statement.require(needed, || {
            format!("block {index} is larger than it has to be")
        });
        at = physical.saturating_add(bytes);
    }
    statement.require(at >= used_end, || {
        format!("the mapping ends at {at:#x}, and partitions have memory up to {used_end:#x}")
    });
    statement.require(at <= world.declared.ram_bytes, || {
        format!("the mapping ends at {at:#x}, beyond the RAM")
    });
    statement.require(kernel::RAM.saturating_add(at) <= kernel::DEVICES, || {
        "the mapping of RAM meets that of the devices".to_owned()
    });
    let ram = world.declared.ram_bytes;
    let multiple = world.facts.ram_multiple.max(1);
    statement.require(ram.is_multiple_of(multiple), || {
        format!("the machine cannot have {ram:#x} bytes of RAM")
    });
    statement
}
