//! The board's facts in the tables, and the bus.

use super::Statement;
use crate::declared::Dma;
use crate::facts::FunctionFacts;
use crate::numbers::{FRAME, kernel, place};
use crate::records::Step;
use crate::world::World;

/// The board's facts.
pub(super) fn facts(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "board",
        "what the tables say of the board is what its file says, and the kernel's own devices lie in the block that it maps",
    );
    let (board, facts) = (&world.tables.board, world.facts);
    let found = [
        board.devices_physical,
        board.interrupt_controller_offset.into(),
        board.uart_offset.into(),
        board.reset_offset.into(),
        board.reset_value.into(),
        board.timebase_hz.into(),
    ];
    let wanted = [
        facts.devices_physical,
        facts.interrupt_controller_offset,
        facts.uart_offset,
        facts.reset_offset,
        facts.reset_value,
        facts.timebase_hz,
    ];
    let names = [
        "device block",
        "interrupt controller",
        "UART",
        "reset register",
        "reset value",
        "timebase",
    ];
    for ((found, wanted), name) in found.into_iter().zip(wanted).zip(names) {
        statement.equal(found, wanted, || format!("the {name}"));
    }
    statement.equal(facts.devices_bytes, kernel::DEVICES_SIZE, || {
        "the size of the device block".to_owned()
    });
    for (name, offset, bytes) in [
        (
            "interrupt controller",
            facts.interrupt_controller_offset,
            0x4_0000,
        ),
        ("UART", facts.uart_offset, 8),
        ("reset register", facts.reset_offset, 4),
    ] {
        let inside = offset.saturating_add(bytes) <= kernel::DEVICES_SIZE;
        statement.require(inside, || format!("the {name} is not in the device block"));
    }
    let block = facts.devices_physical.is_multiple_of(kernel::DEVICES_SIZE);
    statement.require(
        block && facts.devices_physical >= world.declared.ram_bytes,
        || "the device block is not aligned to its size, or in RAM".to_owned(),
    );
    statement
}

/// The bus: what devices reach by themselves.
pub(super) fn dma(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "dma",
        "the one window by which devices reach memory leads to the DMA arena exactly, each function in use is at its slot and its address, is let out and taken back as its declared DMA asks, and belongs to its device's owner; no other function is let out",
    );
    let functions = world.functions();
    let found: usize = world
        .tables
        .partitions
        .iter()
        .map(|one| one.functions.len())
        .sum();
    statement.equal(found, functions.len(), || {
        "the number of functions on the bus".to_owned()
    });
    let (Some(bus), Some(facts), false) =
        (&world.tables.bus, &world.facts.bus, functions.is_empty())
    else {
        let none = world.tables.bus.is_none() && functions.is_empty();
        statement.require(none, || {
            "whether there is a bus is not as declared".to_owned()
        });
        return statement;
    };
    let log2 = |bytes: u64| bytes.checked_ilog2().unwrap_or(0) as u8;
    let found = (
        u64::from(bus.registers_offset),
        bus.memory_physical,
        u64::from(bus.memory_address),
        bus.memory_log2,
    );
    let wanted = (
        facts.registers_offset,
        facts.memory_physical,
        facts.memory_address,
        log2(facts.memory_bytes),
    );
    statement.equal(found, wanted, || {
        "the bus's controller and memory".to_owned()
    });
    let arena = world.arena_bytes();
    statement.equal(bus.arena_log2, log2(arena), || {
        "the size of the arena".to_owned()
    });
    statement.require(
        arena == 0 || u64::from(bus.arena).is_multiple_of(arena),
        || format!("the arena at {:#x} is not aligned to its size", bus.arena),
    );
    statement.require(arena != 0 || bus.arena == 0, || {
        "there is no arena, and it has a place".to_owned()
    });
    let (start, end) = (u64::from(bus.arena), arena.saturating_add(bus.arena.into()));
    statement.require(
        arena == 0 || start >= kernel::END && end <= world.declared.ram_bytes,
        || format!("the arena at {start:#x} is not in partitions' memory"),
    );
    let pieces = world.pieces();
    let frames = (start..end).step_by(FRAME as usize);
    for frame in frames.filter(|_| end <= world.declared.ram_bytes) {
        for (partition, tables) in world.tables.partitions.iter().enumerate() {
            let reaching = tables
                .regions
                .iter()
                .any(|region| region.meets(frame, FRAME));
            let piece = (pieces.iter()).find(|piece| {
                (piece.offset..piece.offset.saturating_add(piece.bytes)).contains(&(frame - start))
            });
            let holder = piece.is_some_and(|piece| world.holders(piece).contains(&partition));
            statement.require(reaching == holder, || {
                format!(
                    "the frame {frame:#x} of the arena is not as declared for {}",
                    world.name(partition)
                )
            });
        }
    }
    statement.equal(
        facts.memory_address.saturating_add(facts.memory_bytes) <= 1 << 32,
        true,
        || "whether the bus's memory is in 32 bits".to_owned(),
    );
    let arena_on_bus = u64::from(place::ARENA)..arena.saturating_add(place::ARENA.into());
    let apart = arena_on_bus.end <= facts.memory_address
        || facts.memory_address.saturating_add(facts.memory_bytes) <= arena_on_bus.start;
    statement.require(apart, || {
        "the arena and the devices' memory meet on the bus".to_owned()
    });
    for (owner, tables) in world.tables.partitions.iter().enumerate() {
        let own: Vec<_> = functions
            .iter()
            .filter(|(_, one, _)| *one == owner)
            .collect();
        statement.equal(tables.functions.len(), own.len(), || {
            format!("the functions of {}", world.name(owner))
        });
        for ((function, steps), (device, _, offset)) in tables.functions.iter().zip(own) {
            let declared = &world.declared.devices[*device];
            let Some(on_board) = world
                .facts
                .device(&declared.name)
                .and_then(|one| one.function.as_ref())
            else {
                continue;
            };
            statement.equal(u64::from(function.number), 8 * on_board.slot, || {
                format!("the number of {}", declared.name)
            });
            let wanted = steps_of(
                on_board,
                declared.dma,
                facts.memory_address.saturating_add(*offset) as u32,
            );
            statement.equal(steps.len(), wanted.len(), || {
                format!("the number of steps of {}", declared.name)
            });
            for (number, (step, wanted)) in steps.iter().zip(&wanted).enumerate() {
                statement.equal(step, wanted, || {
                    format!("step {number} of {}", declared.name)
                });
            }
        }
    }
    statement
}

/// What is done with a function at the beginning and at the end of its owner's life (`docs/image.md`): identity, off, base address; of a
/// virtio device its capability, a reset, and unless it is trusted that it keeps to the window; then on, as a master only with DMA. At
/// the end off, and reset.
fn steps_of(function: &FunctionFacts, dma: Dma, address: u32) -> Vec<Step> {
    const COMMAND: u8 = 4;
    const MEMORY: u32 = 2;
    const MASTER: u32 = 4;
    const ACCESS_PLATFORM: u32 = 2;
    let mut steps = Vec::new();
    let mut put = |at_end, register, mask, value| {
        steps.push(Step {
            at_end,
            register,
            mask,
            value,
        });
    };
    let base = function.base_register.wrapping_mul(4).wrapping_add(0x10);
    put(false, 0, u32::MAX, function.identity);
    put(false, COMMAND, 0, 0);
    put(false, base, 0, address);
    if let Some(at) = function.virtio_access {
        let register = |offset: u8| at.wrapping_add(offset);
        put(false, base.wrapping_add(4), 0, 0);
        put(false, at, 0xff00_00ff, 0x0500_0009);
        // Status is the byte at 0x14; writing 0 resets.
        for (offset, value) in [(8, 0x14), (12, 1), (16, 0)] {
            put(false, register(offset), 0, value);
        }
        if dma != Dma::Trusted {
            // The second word of features is selected, and read.
            for (offset, value) in [(8, 0), (12, 4), (16, 1), (8, 4), (12, 4)] {
                put(false, register(offset), 0, value);
            }
            put(false, register(16), ACCESS_PLATFORM, ACCESS_PLATFORM);
        }
    }
    let master = if dma == Dma::None { 0 } else { MASTER };
    put(false, COMMAND, 0, MEMORY | master);
    put(true, COMMAND, 0, 0);
    if let Some(at) = function.virtio_access {
        for (offset, value) in [(8, 0x14), (12, 1), (16, 0)] {
            put(true, at.wrapping_add(offset), 0, value);
        }
    }
    steps
}
