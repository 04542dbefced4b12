//! Devices on the bus: where they are, and what they reach by themselves.

use cofferdam_abi::space;
use cofferdam_model::{Board, Dma, System, show_bytes};

use super::{Findings, Rule, rule};
use crate::arena;

pub(super) static RULES: &[&Rule] = &[
    &BOARD_BUS,
    &BUS_SLOT,
    &DMA_BUS,
    &DMA_TRUSTED,
    &DMA_MEMORY,
    &DMA_ARENA,
    &CHANNEL_PAYLOAD,
    &DISK_RANGE,
    &DISK_MEDIUM,
];

const PAGE: u64 = 0x1000;
const SECTOR: u64 = 512;
/// Of virtio devices, in the lower half of a function's first word (virtio 1.2, section 4.1.2).
const VIRTIO_VENDOR: u64 = 0x1af4;

rule! {
    /// The board's bus and what is on it fit each other: the window for devices' memory is a power of two and not where the DMA arena
    /// is, and a function has a slot, a base register and a size that there are. A virtio device can be asked whether it keeps to the window.
    BOARD_BUS = "BOARD-BUS", bus;
}

fn bus(_: &System, board: &Board, findings: &mut Findings) {
    let mut wrong = |place, message: String, hint: &str| {
        findings.push(BOARD_BUS.violation(place, message).hint(hint));
    };
    if let Some(bus) = &board.bus {
        let arena = u64::from(space::ARENA)..u64::from(space::ARENA) + u64::from(space::ARENA_SIZE);
        let end = bus.memory_address.saturating_add(bus.memory_bytes);
        if !bus.memory_bytes.is_power_of_two() || bus.memory_bytes < PAGE {
            let message = "the bus's memory is no power of two from 4K on".to_string();
            wrong(
                bus.place("memory_size"),
                message,
                "write \"512M\", for example",
            );
        } else if !bus.memory_address.is_multiple_of(bus.memory_bytes)
            || !bus.memory_physical.is_multiple_of(bus.memory_bytes)
            || bus.memory_physical.saturating_add(bus.memory_bytes) > 1 << 36
        {
            let message = "the bus's memory is not aligned to its size, or beyond 2^36".to_string();
            let hint = "a window of the bus begins at a multiple of its size";
            wrong(bus.place("memory_physical"), message, hint);
        } else if bus.memory_address < arena.end && arena.start < end || end > 1 << 32 {
            let message =
                "the bus's memory lies where the DMA arena is, or beyond 2^32".to_string();
            let hint = "on the bus, the arena has the 256M from 0x8000_0000 on";
            wrong(bus.place("memory_address"), message, hint);
        }
        if bus.registers_offset.saturating_add(PAGE) > board.devices_bytes
            || !bus.registers_offset.is_multiple_of(PAGE)
        {
            let message = "the bus's registers are no page of the block of devices".to_string();
            let hint = "an offset counts from `devices_physical`";
            wrong(bus.place("registers_offset"), message, hint);
        }
    }
    for device in &board.devices {
        let Some(function) = &device.function else {
            continue;
        };
        let place = device.place("function");
        let fits = (1..32).contains(&function.slot)
            && function.base_register <= 5
            && function.identity <= u64::from(u32::MAX)
            && function.bytes.is_power_of_two()
            && function.bytes >= 16
            && (function.virtio_access).is_none_or(|at| (0x40..=0xec).contains(&at) && at % 4 == 0);
        if board.bus.is_none() {
            let message = format!("`{}` is on a bus, and the board has none", device.name);
            wrong(place, message, "add `[bus]`");
        } else if !fits {
            let message = format!("`{}` has a function that there is not", device.name);
            let hint = "a slot is 1 to 31, a base register 0 to 5, a size a power of two from 16 on, `virtio_access` a word from 0x40 on";
            wrong(place, message, hint);
        } else if function.identity & 0xffff == VIRTIO_VENDOR && function.virtio_access.is_none() {
            let message = format!(
                "`{}` is a virtio device, and nothing says where it can be asked whether it keeps to the bus's window",
                device.name
            );
            let hint = "`virtio_access` is where its VIRTIO_PCI_CAP_PCI_CFG capability begins in its configuration space";
            wrong(place, message, hint);
        }
    }
}

rule! {
    /// No two devices in use are in one slot of the bus.
    BUS_SLOT = "BUS-SLOT", slot;
}

fn slot(system: &System, board: &Board, findings: &mut Findings) {
    let slots: Vec<_> = (system.devices.iter())
        .filter_map(|device| Some((device, board.device(&device.name)?.function?.slot)))
        .collect();
    for (index, (device, slot)) in slots.iter().enumerate() {
        if let Some((other, _)) = slots[..index].iter().find(|(_, other)| other == slot) {
            let message = format!(
                "`{}` and `{}` are both in slot {slot}",
                device.name, other.name
            );
            let violation = BUS_SLOT.violation(device.name.span, message);
            findings.push(
                violation
                    .also(other.name.span, "in this slot")
                    .hint("use one of them"),
            );
        }
    }
}

rule! {
    /// Only a device on the bus reaches memory by itself.
    DMA_BUS = "DMA-BUS", on_bus;
}

fn on_bus(system: &System, board: &Board, findings: &mut Findings) {
    for device in &system.devices {
        let on_bus = board
            .device(&device.name)
            .is_none_or(|one| one.function.is_some());
        let of_bus = (*device.dma != Dma::None).then_some(device.dma.span);
        let of_bus = of_bus.or(device.dma_memory_bytes.as_ref().map(|bytes| bytes.span));
        if let Some(place) = of_bus.filter(|_| !on_bus) {
            let message = format!(
                "`{}` is not on the bus, and reaches no memory by itself",
                device.name
            );
            findings.push(
                DMA_BUS
                    .violation(place, message)
                    .hint("remove `dma` and `dma_memory`"),
            );
        }
    }
}

rule! {
    /// A device that is trusted with all of memory is named.
    ///
    /// This is a warning: the system is built. Nothing proves then that the device keeps to the arena: whoever owns it may be able to have
    /// it read and write everybody's memory, and the kernel's.
    DMA_TRUSTED = "DMA-TRUSTED", trusted;
}

fn trusted(system: &System, _: &Board, findings: &mut Findings) {
    for device in &system.devices {
        if *device.dma == Dma::Trusted {
            let message = format!(
                "`{}` is trusted with all memory of the machine",
                device.name
            );
            let violation = DMA_TRUSTED.violation(device.dma.span, message);
            let hint = "write `dma = \"arena\"`: a device that offers to keep to the bus's window needs no trust";
            findings.push(violation.warning().hint(hint));
        }
    }
}

rule! {
    /// Memory in the arena is whole pages, and belongs to a device that reaches the arena.
    DMA_MEMORY = "DMA-MEMORY", memory;
}

fn memory(system: &System, _: &Board, findings: &mut Findings) {
    for (index, device) in system.devices.iter().enumerate() {
        let Some(bytes) = &device.dma_memory_bytes else {
            continue;
        };
        let (message, hint) = if !arena::is_master(system, index) {
            let message = format!(
                "`{}` does not reach the memory that it is given",
                device.name
            );
            (message, "add `dma = \"arena\"`, or remove `dma_memory`")
        } else if **bytes == 0 || !bytes.is_multiple_of(PAGE) {
            let message = format!("the memory of `{}` is not whole pages", device.name);
            (
                message,
                "write a multiple of 4K; \"16K\" and \"64K\" lose nothing",
            )
        } else {
            continue;
        };
        findings.push(DMA_MEMORY.violation(bytes.span, message).hint(hint));
    }
}

rule! {
    /// All pieces of the DMA arena fit the 256M that it can have.
    DMA_ARENA = "DMA-ARENA", size;
}

fn size(system: &System, _: &Board, findings: &mut Findings) {
    let pieces = arena::pieces(system);
    let bytes = arena::bytes(&pieces);
    if let Some(largest) = pieces.first()
        && bytes > u64::from(space::ARENA_SIZE)
    {
        let place = match largest.of {
            arena::Use::Device(device) => &system.devices[device].name,
            arena::Use::Payload(channel) => &system.channels[channel].name,
        };
        let message = format!(
            "the DMA arena would be {}, and can be 256M",
            show_bytes(bytes)
        );
        let violation = DMA_ARENA
            .violation(place.span, message)
            .label("the largest piece");
        findings.push(violation.hint("ask for less `dma_memory` and `payload`"));
    }
}

rule! {
    /// A payload is whole pages, of a ring with replies, one end of which owns a device that reaches the arena.
    ///
    /// It lies in the arena so that the device can read and write it without a copy.
    CHANNEL_PAYLOAD = "CHANNEL-PAYLOAD", payload;
}

fn payload(system: &System, _: &Board, findings: &mut Findings) {
    for (index, channel) in system.channels.iter().enumerate() {
        let Some(bytes) = &channel.payload_bytes else {
            continue;
        };
        let (message, hint) = if !arena::may_have_payload(system, index) {
            let message = format!("`{}` cannot have a payload", channel.name);
            let hint = "a payload is of a `ring` with a `reply`, one end of which owns a device with `dma = \"arena\"`";
            (message, hint)
        } else if **bytes == 0 || !bytes.is_multiple_of(PAGE) {
            let message = format!("the payload of `{}` is not whole pages", channel.name);
            (
                message,
                "write a multiple of 4K; \"64K\" and \"256K\" lose nothing",
            )
        } else {
            continue;
        };
        findings.push(CHANNEL_PAYLOAD.violation(bytes.span, message).hint(hint));
    }
}

rule! {
    /// The part of a disk that a channel is for is whole sectors, and one that may be written is nobody else's.
    ///
    /// It belongs to a ring with a payload. Two clients of one driver may read the same sectors if neither may write them. Where one client of an array
    /// has a part, each has, for the driver finds them in the order of the array.
    DISK_RANGE = "DISK-RANGE", range;
}

fn range(system: &System, _: &Board, findings: &mut Findings) {
    let parts: Vec<_> = (system.channels.iter())
        .filter_map(|channel| {
            let disk = channel.disk.as_ref()?;
            let end = disk.from_bytes.saturating_add(*disk.bytes);
            Some((channel, disk, *disk.from_bytes..end))
        })
        .collect();
    let array = |channel: &cofferdam_model::Channel| {
        let end = channel.to.first()?;
        Some((end.partition.value.clone(), end.array.clone()?))
    };
    for channel in system.channels.iter().filter(|one| one.disk.is_none()) {
        let mut others = parts.iter().map(|(other, ..)| other);
        let other = others.find(|other| array(channel).is_some() && array(other) == array(channel));
        if let Some(other) = other {
            let message = format!("`{}` has no part of the disk", channel.name);
            let violation = DISK_RANGE.violation(channel.name.span, message);
            let hint =
                "add `disk = { from = \"0\", size = \"1M\" }`, for example, or use another port";
            findings.push(
                violation
                    .also(other.name.span, "of the same array, and has one")
                    .hint(hint),
            );
        }
    }
    for (index, (channel, disk, own)) in parts.iter().enumerate() {
        let whole = own.start.is_multiple_of(SECTOR) && disk.bytes.is_multiple_of(SECTOR);
        if channel.payload_bytes.is_none() {
            let message = format!("`{}` is for a disk, and has no payload", channel.name);
            let violation = DISK_RANGE.violation(disk.bytes.span, message);
            findings.push(violation.hint("add `payload = \"64K\"`, for example, or remove `disk`"));
        } else if !whole || own.is_empty() {
            let message = format!(
                "the part of the disk for `{}` is not whole sectors",
                channel.name
            );
            let violation = DISK_RANGE.violation(disk.bytes.span, message);
            findings.push(violation.hint("write multiples of 512"));
        }
        let server = |of: &cofferdam_model::Channel| {
            let end = of.to.first().map(|end| end.partition.value.clone());
            end.unwrap_or_default()
        };
        for (other, other_disk, theirs) in &parts[..index] {
            let shared = own.start < theirs.end && theirs.start < own.end;
            let written = !disk.read_only || !other_disk.read_only;
            if server(channel) == server(other) && shared && written {
                let message = format!(
                    "`{}` and `{}` have the same sectors",
                    channel.name, other.name
                );
                let violation = DISK_RANGE.violation(disk.from_bytes.span, message);
                let hint = "give each its own, or let both be `read_only = true`";
                findings.push(
                    violation
                        .also(other_disk.from_bytes.span, "the other part")
                        .hint(hint),
                );
            }
        }
    }
}

rule! {
    /// A disk's medium is whole sectors, and belongs to a device that has one.
    DISK_MEDIUM = "DISK-MEDIUM", medium;
}

fn medium(system: &System, board: &Board, findings: &mut Findings) {
    for device in &system.devices {
        let emulator = board
            .device(&device.name)
            .and_then(|one| one.emulator.as_deref());
        let has_one = emulator.is_some_and(|text| text.contains("drive="));
        let (place, message, hint) = match &device.medium_bytes {
            Some(bytes) if !has_one => {
                let message = format!("`{}` has no medium", device.name);
                (bytes.span, message, "remove `medium`")
            }
            Some(bytes) if **bytes == 0 || !bytes.is_multiple_of(SECTOR) => {
                let message = format!("the medium of `{}` is not whole sectors", device.name);
                (bytes.span, message, "write a multiple of 512")
            }
            None if has_one => {
                let message = format!("nothing says how large the medium of `{}` is", device.name);
                (
                    device.name.span,
                    message,
                    "add `medium = \"64M\"`, for example",
                )
            }
            _ => continue,
        };
        findings.push(DISK_MEDIUM.violation(place, message).hint(hint));
    }
}
