//! What the kernel's own soundness needs of tables whose records were read: memory in RAM that it maps, devices in the block that it maps, windows
//! that follow one another.

use cofferdam_abi::{guest, limits, space};
use cofferdam_tables::{ChannelKind, Guest, RamBlock, RegionKind, mas};

use super::Configuration;
use crate::boot_failure::BootFailure;
use crate::bus::BUS;
use crate::guest::GUESTS;

/// A guest needs so many tags at least: enough for more than one process.
const FEWEST_TAGS: usize = 16;

/// The registers of the interrupt controller, and how many sources they are for (MPIC: 0x20 bytes each, from 0x1_0000 on).
const CONTROLLER_SIZE: u32 = 0x4_0000;
const CONTROLLER_SOURCES: u16 = 256;
/// The registers of a 16550.
const UART_SIZE: u32 = 8;
/// The registers of the bus's controller.
const BUS_SIZE: u32 = 0x1000;
/// The first function that is not the bus's own controller.
const FIRST_FUNCTION: u8 = 8;

impl Configuration {
    /// A guest has memory and tags to itself, and places of TLB1 behind the kernel's.
    pub(super) fn check_guests(&self) -> Result<(), BootFailure> {
        if !GUESTS {
            // No record of one was read: to this kernel it is damage.
            return Ok(());
        }
        let kept = (limits::KERNEL_TLB1_ENTRIES + self.ram_blocks.len()) as u32;
        let tags = |guest: &Guest| {
            let first = u32::from(guest.tag_first);
            first..first + u32::from(guest.tag_count)
        };
        for (index, guest) in self.guests.iter().enumerate() {
            let memory = guest.memory_bytes <= guest::MEMORY_MAX
                && guest.memory_bytes.is_multiple_of(0x1000)
                && self.in_ram(u64::from(guest.memory), guest.memory_bytes, 0x1000)
                && self.in_ram(u64::from(guest.page), 0x1000, 0x1000)
                && self.in_ram(u64::from(guest.translations), guest::tlb::TLB0_BYTES, 0x10);
            let first = u32::from(guest.tlb1_first);
            let places = first >= kept
                && u32::from(guest.tlb1_count) == guest::PLACES
                && first + u32::from(guest.tlb1_count) <= limits::TLB1_ENTRIES as u32;
            let own = tags(guest);
            let apart = |other: &Guest| {
                let other = tags(other);
                other.end <= own.start || own.end <= other.start
            };
            let tagged = own.start != 0
                && own.end <= 0x100
                && own.len() >= FEWEST_TAGS
                && (self.guests.iter().take(index)).all(apart)
                && !(self.partitions.iter())
                    .any(|partition| own.contains(&u32::from(partition.own.pid)));
            if !(memory && places && tagged) {
                return Err(BootFailure::Guest);
            }
        }
        Ok(())
    }

    /// The devices that the kernel itself uses lie in the block that it maps.
    pub(super) fn check_board(&self) -> Result<(), BootFailure> {
        let inside = |offset: u32, length: u32| {
            offset.is_multiple_of(4) && offset <= space::kernel::DEVICES_SIZE - length
        };
        let board = &self.board;
        let whole = inside(board.interrupt_controller_offset, CONTROLLER_SIZE)
            && inside(board.uart_offset, UART_SIZE)
            && inside(board.reset_offset, 4)
            && (self.interrupts.iter()).all(|one| one.source < CONTROLLER_SOURCES);
        if whole {
            Ok(())
        } else {
            Err(BootFailure::Board)
        }
    }

    /// Every physical address lies in RAM that the kernel maps, so that no access of its own can fault.
    pub(super) fn check_memory(&self) -> Result<(), BootFailure> {
        let require = |holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(BootFailure::Memory)
            }
        };
        for (index, block) in self.ram_blocks.iter().enumerate() {
            require((1..=LARGEST_BLOCK).contains(&block.size_code))?;
            let size = block_bytes(block);
            // No address may be mapped twice: hardware calls that a machine check.
            for other in self.ram_blocks.iter().take(index) {
                let apart = u64::from(block.physical) + size <= u64::from(other.physical)
                    || u64::from(other.physical) + block_bytes(other) <= u64::from(block.physical);
                require(apart)?;
            }
            require(u64::from(block.physical) & (size - 1) == 0)?;
            require(block.physical >= space::kernel::END)?;
            require(
                u64::from(block.physical) + size
                    <= u64::from(space::kernel::DEVICES - space::kernel::RAM),
            )?;
        }
        let kept = limits::KERNEL_TLB1_ENTRIES + self.ram_blocks.len();
        for write in &self.tlb_writes {
            require(mas::is_partitions(write, kept as u32))?;
        }
        for tables in &self.partitions {
            require(self.in_ram(u64::from(tables.own.page_physical), 0x1000, 0x1000))?;
            for region in tables.regions.of(&self.regions) {
                let whole = region.effective % 0x1000 == 0
                    && region.length % 0x1000 == 0
                    && region.length != 0;
                require(whole && region.effective.checked_add(region.length - 1).is_some())?;
                let device = region.kind == RegionKind::Device;
                require(device || self.in_ram(region.physical, region.length, 0x1000))?;
                require(!(region.rights.write() && region.rights.execute()))?;
            }
            for copy in tables.copies.of(&self.copies) {
                require(self.in_ram(u64::from(copy.from), copy.length, 4))?;
                require(self.in_ram(u64::from(copy.to), copy.length, 4))?;
                require(copy.length % 4 == 0)?;
            }
        }
        for channel in &self.channels {
            let own = &channel.own;
            require(own.depth != 0 && own.depth <= limits::QUEUE_DEPTH)?;
            if matches!(own.kind, ChannelKind::Ring | ChannelKind::Signal) {
                // The kernel keeps no message of it, and copies none: it may be longer than what the kernel would copy.
                continue;
            }
            require(
                own.message_bytes <= limits::MESSAGE_BYTES
                    && own.reply_bytes <= limits::MESSAGE_BYTES,
            )?;
            let stored = (own.message_bytes.next_multiple_of(4) + 4) * own.depth + own.reply_bytes;
            require(self.in_ram(u64::from(own.store), stored, 4))?;
        }
        Ok(())
    }

    /// The devices on the bus reach the arena alone, and there is nothing in it but memory that is theirs to share.
    pub(super) fn check_bus(&self) -> Result<(), BootFailure> {
        if !BUS {
            // No record of it was read: to this kernel it is damage.
            return Ok(());
        }
        let Some(bus) = &self.bus else {
            // Without a bus there are no functions on it.
            let none = self.functions.is_empty();
            return if none { Ok(()) } else { Err(BootFailure::Bus) };
        };
        let bytes = match bus.arena_log2 {
            0 => 0,
            log2 => 1u32.checked_shl(u32::from(log2)).unwrap_or(1),
        };
        let (start, end) = (
            u64::from(bus.arena),
            u64::from(bus.arena) + u64::from(bytes),
        );
        let outside = |physical: u32, length: u32| {
            u64::from(physical) + u64::from(length) <= start || u64::from(physical) >= end
        };
        let alone = (self.partitions.iter()).all(|partition| {
            outside(partition.own.page_physical, 0x1000)
                && (partition.regions.of(&self.regions).iter()).all(|region| {
                    matches!(region.kind, RegionKind::Shared | RegionKind::Device)
                        || outside(region.physical as u32, region.length)
                })
                && (partition.copies.of(&self.copies).iter())
                    .all(|copy| outside(copy.from, copy.length))
        }) && (self.guests.iter())
            .all(|guest| outside(guest.translations, guest::tlb::TLB0_BYTES))
            && (self.channels.iter()).all(|channel| {
                // Of a ring or a signal the kernel stores nothing, wherever that would be.
                let own = &channel.own;
                matches!(own.kind, ChannelKind::Ring | ChannelKind::Signal)
                    || outside(own.store, own.message_bytes.wrapping_mul(own.depth))
            });
        let whole = bus.registers_offset.is_multiple_of(BUS_SIZE)
            && bus.registers_offset <= space::kernel::DEVICES_SIZE - BUS_SIZE
            && (12..=32).contains(&bus.memory_log2)
            && (bytes == 0 || bytes >= 0x1000 && self.in_ram(start, bytes, u64::from(bytes)));
        let apart = self.functions.iter().enumerate().all(|(index, one)| {
            let others = self.functions.iter().take(index);
            one.own.number >= FIRST_FUNCTION
                && others
                    .into_iter()
                    .all(|other| other.own.number != one.own.number)
        });
        if whole && alone && apart {
            Ok(())
        } else {
            Err(BootFailure::Bus)
        }
    }

    /// Whether `length` bytes from `physical`, aligned to `alignment`, a power of two, lie in one block.
    fn in_ram(&self, physical: u64, length: u32, alignment: u64) -> bool {
        physical & (alignment - 1) == 0
            && self.ram_blocks.iter().any(|block| {
                let start = u64::from(block.physical);
                let end = start + block_bytes(block);
                physical >= start && physical < end && u64::from(length) <= end - physical
            })
    }

    /// Windows follow one another and fill the frame, with room for the guard.
    pub(super) fn check_time(&self) -> Result<(), BootFailure> {
        if self
            .channels
            .iter()
            .any(|channel| channel.own.deadline_ticks > limits::TICKS)
        {
            return Err(BootFailure::Time);
        }
        for schedule in &self.schedules {
            let windows = schedule.windows.of(&self.windows);
            let mut at = 0u32;
            for window in windows {
                let own = &window.own;
                if own.start_ticks != at
                    || own.length_ticks <= self.module.guard_ticks
                    || own.length_ticks > limits::TICKS
                {
                    return Err(BootFailure::Time);
                }
                at = at.checked_add(own.length_ticks).ok_or(BootFailure::Time)?;
            }
            if windows.is_empty() || at != schedule.own.major_frame_ticks {
                return Err(BootFailure::Time);
            }
        }
        Ok(())
    }
}

/// The largest block of RAM, as a code of [`mas::size_bytes`]: 1 GiB.
const LARGEST_BLOCK: u8 = 10;

fn block_bytes(block: &RamBlock) -> u64 {
    mas::size_bytes(u32::from(block.size_code.min(LARGEST_BLOCK)))
}
