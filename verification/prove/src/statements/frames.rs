//! Who reaches which page frame, one by one: through regions, through entries of TLB1, from a guest, and from the bus.

use std::collections::BTreeMap;

use super::Statement;
use crate::numbers::{FRAME, GUEST_TRANSLATIONS, entry_bytes, kernel, size_of_code};
use crate::records::{ChannelKind, RegionKind};
use crate::world::World;

/// Who reaches a frame: sets of partitions, partition 0 the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    readers: u32,
    writers: u32,
    executors: u32,
}

impl Reach {
    fn all(self) -> u32 {
        self.readers | self.writers | self.executors
    }
}

/// The frames that anybody reaches.
struct Frames {
    ram: Vec<Reach>,
    elsewhere: BTreeMap<u64, Reach>,
    /// What is mapped where there is nothing to map.
    outside: Vec<String>,
}

/// A mapping by which partitions reach memory.
struct Mapping {
    partition: usize,
    physical: u64,
    bytes: u64,
    rights: [bool; 3],
    what: String,
}

/// Every mapping of every partition.
fn mappings(world: &World<'_>) -> Vec<Mapping> {
    let mut all = Vec::new();
    for (partition, tables) in world.tables.partitions.iter().enumerate() {
        for region in &tables.regions {
            all.push(Mapping {
                partition,
                physical: region.physical,
                bytes: region.length.into(),
                rights: [
                    region.read_right(),
                    region.write_right(),
                    region.execute_right(),
                ],
                what: format!(
                    "the region {:#x} of {}",
                    region.effective,
                    world.name(partition)
                ),
            });
        }
        // What a guest's kernel writes into its translations becomes real inside of its block alone, with every right.
        if let Some(guest) = &tables.guest {
            all.push(Mapping {
                partition,
                physical: guest.memory.into(),
                bytes: guest.memory_bytes.into(),
                rights: [true, true, false],
                what: format!("the memory of the guest of {}", world.name(partition)),
            });
            all.push(Mapping {
                partition,
                physical: guest.page.into(),
                bytes: FRAME,
                rights: [true, true, false],
                what: format!(
                    "the register page of the guest of {}",
                    world.name(partition)
                ),
            });
        }
    }
    let schedules = world.tables.schedules.iter();
    let windows = schedules.clone().flat_map(|one| &one.windows);
    let writes = (schedules.flat_map(|one| &one.writes)).chain(windows.flat_map(|one| &one.writes));
    for write in writes.filter(|write| write.mas1 != 0) {
        let partition = (write.mas1 >> 16 & 0xff) as usize;
        all.push(Mapping {
            // PID 0 matches everybody's accesses: it is nobody's here, and refused by the statement about translations.
            partition: partition.saturating_sub(1).min(31),
            physical: u64::from(write.mas7) << 32 | u64::from(write.mas3 & 0xffff_f000),
            bytes: size_of_code(write.mas1 >> 8 & 15),
            rights: [
                write.mas3 & 3 != 0,
                write.mas3 & 0xc != 0,
                write.mas3 & 0x30 != 0,
            ],
            what: format!("an entry of TLB1 for {:#x}", write.mas2 & 0xffff_f000),
        });
    }
    all
}

impl Frames {
    fn of(world: &World<'_>, mappings: &[Mapping]) -> Self {
        let ram_frames = (world.declared.ram_bytes / FRAME) as usize;
        let mut frames = Self {
            ram: vec![Reach::default(); ram_frames],
            elsewhere: BTreeMap::new(),
            outside: Vec::new(),
        };
        for mapping in mappings {
            let end = mapping.physical.checked_add(mapping.bytes);
            let in_ram = end.is_some_and(|end| end <= world.declared.ram_bytes);
            let in_devices = end.is_some_and(|end| in_devices(world, mapping.physical, end));
            if !in_ram && !in_devices {
                frames.outside.push(format!(
                    "{} is at {:#x}, where the board has neither RAM nor devices",
                    mapping.what, mapping.physical
                ));
                continue;
            }
            let first = mapping.physical / FRAME;
            for frame in first..(mapping.physical + mapping.bytes).div_ceil(FRAME) {
                let reach = match usize::try_from(frame)
                    .ok()
                    .filter(|frame| *frame < ram_frames)
                {
                    Some(frame) => &mut frames.ram[frame],
                    None => frames.elsewhere.entry(frame).or_default(),
                };
                let bit = 1u32 << mapping.partition;
                let [read, write, execute] = mapping.rights;
                reach.readers |= if read { bit } else { 0 };
                reach.writers |= if write { bit } else { 0 };
                reach.executors |= if execute { bit } else { 0 };
            }
        }
        frames
    }

    /// Every frame of RAM, and those of devices that anybody reaches.
    fn iter(&self) -> impl Iterator<Item = (u64, Reach)> {
        let ram = (0..).zip(self.ram.iter().copied());
        ram.chain(self.elsewhere.iter().map(|(frame, reach)| (*frame, *reach)))
    }
}

/// Whether a mapping leads to devices, and is not larger than any of them.
fn in_devices(world: &World<'_>, start: u64, end: u64) -> bool {
    let sizes = world.facts.devices.iter().map(|device| {
        let on_bus = device
            .function
            .as_ref()
            .map_or(0, |function| function.bytes);
        entry_bytes(device.registers.map_or(on_bus, |(_, bytes)| bytes))
    });
    if end - start > sizes.max().unwrap_or(0) {
        return false;
    }
    let block = world.facts.devices_physical;
    let in_block = start >= block && end <= block.saturating_add(world.facts.devices_bytes);
    let bus = world.facts.bus.as_ref();
    let on_bus = bus.is_some_and(|bus| {
        start >= bus.memory_physical && end <= bus.memory_physical.saturating_add(bus.memory_bytes)
    });
    in_block || on_bus
}

/// Memory that is declared to be shared: a range, and the set of its holders.
fn shared(world: &World<'_>) -> Vec<(std::ops::Range<u64>, u32, String)> {
    let mut all = Vec::new();
    for (index, channel) in world.declared.channels.iter().enumerate() {
        if channel.kind != ChannelKind::Ring {
            continue;
        }
        let set = channel
            .ends
            .iter()
            .fold(0, |set, end| set | 1u32 << end.partition.min(31));
        if let Some(region) = super::regions::ring_region(world, index, 0) {
            let range = region.physical..region.end();
            all.push((range, set, format!("the ring {}", channel.name)));
        }
    }
    if let Some(bus) = &world.tables.bus {
        for piece in world.pieces() {
            let start = u64::from(bus.arena).saturating_add(piece.offset);
            let set = world
                .holders(&piece)
                .iter()
                .fold(0, |set, one| set | 1u32 << (*one).min(31));
            all.push((
                start..start.saturating_add(piece.bytes),
                set,
                "a piece of the arena".to_owned(),
            ));
        }
    }
    all
}

fn names(world: &World<'_>, set: u32) -> String {
    let names: Vec<_> = (0..32)
        .filter(|index| set >> index & 1 != 0)
        .map(|index| world.name(index))
        .collect();
    names.join(", ")
}

pub(super) fn all(world: &World<'_>) -> Vec<Statement> {
    let mappings = mappings(world);
    let frames = Frames::of(world, &mappings);
    vec![
        apart(world, &frames),
        write_or_execute(world, &frames, &mappings),
        kernels_own(world, &frames),
        devices(world, &frames),
    ]
}

/// No frame is reached by two but by what is declared.
fn apart(world: &World<'_>, frames: &Frames) -> Statement {
    let mut statement = Statement::new(
        "frames-apart",
        "no page frame is reached by two partitions, but a ring's by its two ends and a piece of the DMA arena by those who have it",
    );
    for outside in &frames.outside {
        statement.require(false, || outside.clone());
    }
    let shared = shared(world);
    for (frame, reach) in frames.iter() {
        let set = reach.all();
        let declared = shared
            .iter()
            .find(|(range, ..)| range.contains(&(frame * FRAME)));
        let holds = match declared {
            Some((_, holders, _)) => set == *holders,
            None => set.count_ones() <= 1,
        };
        statement.require(holds, || {
            let what = declared.map_or("which nothing shares", |(.., what)| what.as_str());
            format!(
                "the frame {:#x} is reached by {}: {what}",
                frame * FRAME,
                names(world, set)
            )
        });
    }
    statement
}

/// No frame is writable and executable.
fn write_or_execute(world: &World<'_>, frames: &Frames, mappings: &[Mapping]) -> Statement {
    let mut statement = Statement::new(
        "write-xor-execute",
        "no page frame is written by one mapping of a partition and executed by the same or another",
    );
    for mapping in mappings {
        let [_, write, execute] = mapping.rights;
        statement.require(!(write && execute), || {
            format!("{} is writable and executable", mapping.what)
        });
    }
    for (frame, reach) in frames.iter() {
        statement.require(reach.writers == 0 || reach.executors == 0, || {
            let (writers, executors) = (names(world, reach.writers), names(world, reach.executors));
            format!(
                "the frame {:#x} is written by {writers} and executed by {executors}",
                frame * FRAME
            )
        });
    }
    statement
}

/// The kernel's frames are reached by nobody.
fn kernels_own(world: &World<'_>, frames: &Frames) -> Statement {
    let mut statement = Statement::new(
        "kernel-frames",
        "no page frame of the kernel's is reached by a partition: below its end, its channels' messages, guests' translations, pristine copies, the hole in the arena",
    );
    let mut own: Vec<(u64, u64, String)> = vec![(0, kernel::END, "the kernel's memory".to_owned())];
    for (index, channel) in world.tables.channels.iter().enumerate() {
        let bytes = world.store_bytes(index);
        if bytes != 0 {
            own.push((
                channel.own.store.into(),
                bytes,
                format!("the messages of channel {index}"),
            ));
        }
    }
    for (partition, tables) in world.tables.partitions.iter().enumerate() {
        let name = world.name(partition);
        for copy in &tables.copies {
            own.push((
                copy.from.into(),
                copy.length.into(),
                format!("a pristine copy of {name}"),
            ));
        }
        if let Some(guest) = &tables.guest {
            let what = format!("the translations of the guest of {name}");
            own.push((guest.translations.into(), GUEST_TRANSLATIONS.into(), what));
        }
    }
    for (place, (start, bytes, what)) in own.iter().enumerate() {
        let end = start.saturating_add(*bytes);
        let in_ram = end <= world.declared.ram_bytes;
        statement.require(in_ram, || format!("{what} at {start:#x} is not in RAM"));
        let frames_of = start / FRAME..end.div_ceil(FRAME);
        for frame in frames_of.filter(|_| in_ram) {
            let reach = usize::try_from(frame)
                .ok()
                .and_then(|frame| frames.ram.get(frame));
            let set = reach.copied().unwrap_or_default().all();
            statement.require(set == 0, || {
                format!("{what} at {start:#x} is reached by {}", names(world, set))
            });
        }
        for (other_start, other_bytes, other) in &own[..place] {
            let apart = end <= *other_start || other_start.saturating_add(*other_bytes) <= *start;
            statement.require(apart, || format!("{what} at {start:#x} meets {other}"));
        }
    }
    if let Some(bus) = &world.tables.bus {
        let arena = u64::from(bus.arena)..world.arena_bytes().saturating_add(bus.arena.into());
        for (start, bytes, what) in &own {
            let apart = start.saturating_add(*bytes) <= arena.start || arena.end <= *start;
            statement.require(apart || arena.is_empty(), || {
                format!("{what} at {start:#x} is in the arena, which devices reach")
            });
        }
    }
    statement
}

/// Devices are reached by their owners.
fn devices(world: &World<'_>, frames: &Frames) -> Statement {
    let mut statement = Statement::new(
        "devices-owned",
        "each page frame of device registers is reached by the owner of a device in it alone, and none of the interrupt controller, the reset register and the bus's controller by anybody",
    );
    let facts = world.facts;
    // Who may reach a frame, by the file: the owner of a device whose registers are in it.
    let mut owners: BTreeMap<u64, u32> = BTreeMap::new();
    let mut own = |owner: usize, start: u64, bytes: u64| {
        for frame in start / FRAME..start.saturating_add(bytes).div_ceil(FRAME) {
            *owners.entry(frame).or_default() |= 1 << owner.min(31);
        }
    };
    for (owner, declared) in world.declared.partitions.iter().enumerate() {
        for name in &declared.devices {
            let registers = facts.device(name).and_then(|device| device.registers);
            if let Some((start, bytes)) =
                registers.filter(|(_, bytes)| *bytes <= facts.devices_bytes)
            {
                own(owner, start, bytes);
            }
        }
    }
    for (index, owner, offset) in world.functions() {
        let device = facts.device(&world.declared.devices[index].name);
        let bytes = device
            .and_then(|one| one.function.as_ref())
            .map_or(0, |one| one.bytes);
        if let Some(bus) = facts.bus.as_ref().filter(|bus| bytes <= bus.memory_bytes) {
            own(owner, bus.memory_physical.saturating_add(offset), bytes);
        }
    }
    for (frame, reach) in &frames.elsewhere {
        let allowed = owners.get(frame).copied().unwrap_or_default();
        let set = reach.all();
        statement.require(set & !allowed == 0, || {
            format!(
                "the registers at {:#x} are reached by {}",
                frame * FRAME,
                names(world, set & !allowed)
            )
        });
        statement.require(reach.executors == 0, || {
            format!("the registers at {:#x} are executable", frame * FRAME)
        });
    }
    for (frame, allowed) in &owners {
        let set = frames
            .elsewhere
            .get(frame)
            .copied()
            .unwrap_or_default()
            .all();
        statement.require(set == *allowed, || {
            format!(
                "the registers at {:#x} are to be reached by {}",
                frame * FRAME,
                names(world, *allowed)
            )
        });
    }
    let block = facts.devices_physical;
    let mut kernels = vec![
        (
            facts.interrupt_controller_offset,
            0x4_0000,
            "interrupt controller",
        ),
        (facts.reset_offset, 4, "reset register"),
    ];
    if let Some(bus) = &facts.bus {
        kernels.push((bus.registers_offset, 0x1000, "bus's controller"));
    }
    for (offset, bytes, what) in kernels {
        let start = block.saturating_add(offset);
        for frame in start / FRAME..start.saturating_add(bytes).div_ceil(FRAME) {
            let set = frames
                .elsewhere
                .get(&frame)
                .copied()
                .unwrap_or_default()
                .all();
            statement.require(set == 0, || {
                format!("the {what} is reached by {}", names(world, set))
            });
        }
    }
    // Nothing but a device's region leads to registers, and such a one to nothing else.
    for (partition, tables) in world.tables.partitions.iter().enumerate() {
        for region in &tables.regions {
            let registers = region.physical >= world.declared.ram_bytes;
            statement.require(registers == (region.kind == RegionKind::Device), || {
                format!(
                    "the region {:#x} of {} is of the wrong kind",
                    region.effective,
                    world.name(partition)
                )
            });
        }
    }
    statement
}
