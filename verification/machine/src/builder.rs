//! Compiled tables for small systems.

use cofferdam_abi::health::{Action, PARTITION_ERRORS};
use cofferdam_abi::{guest, limits, page, space};
use cofferdam_core::Configuration;
use cofferdam_tables::{
    Board, Bus, Capability, CapabilityKind, Channel, ChannelKind, Copy, End, Function, Guest,
    Interrupt, Module, NO_LINE, Paravirtual, Partition, RamBlock, Rank, Record, Region, RegionKind,
    Rights, Schedule, Step, TlbWrite, Window,
};
use zerocopy::IntoBytes;

use crate::machine::FakeMachine;
use crate::simulation::Simulation;

/// Where each partition's text lies: effective.
pub const TEXT: u32 = space::TEXT;
/// Where each partition's constants lie: effective.
pub const CONSTANTS: u32 = space::CONSTANTS;
/// Where each partition's data lies: effective.
pub const DATA: u32 = space::DATA;
/// How much of it each has.
pub const DATA_BYTES: u32 = 0x2000;
/// 256 KiB, as a code of `mas::size_bytes`.
const RAM_CODE: u8 = 4;
const RAM_BYTES: u32 = 0x4_0000;
/// What a partition starts at in its text.
const ENTRY: u32 = TEXT + 0x100;

/// A partition and what belongs to it.
#[derive(Clone, Debug)]
pub struct PartitionRecords {
    /// The partition.
    pub own: Partition,
    /// Its guest.
    pub guest: Option<Guest>,
    /// Its regions: text, constants, data, register page, and what a test adds.
    pub regions: Vec<Region>,
    /// Its pristine copies.
    pub copies: Vec<Copy>,
    /// Its capabilities.
    pub capabilities: Vec<Capability>,
    /// Its functions on the bus, with their steps.
    pub functions: Vec<(Function, Vec<Step>)>,
    next_line: u8,
}

/// A schedule and what belongs to it.
#[derive(Clone, Debug)]
pub struct ScheduleRecords {
    /// The schedule.
    pub own: Schedule,
    /// What its first window needs in TLB1, from nothing.
    pub writes: Vec<TlbWrite>,
    /// Its windows, each with what it needs besides the one before.
    pub windows: Vec<(Window, Vec<TlbWrite>)>,
}

/// What a channel gave to its ends, source first.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The channel's index.
    pub channel: u8,
    /// Slots.
    pub slots: Vec<u32>,
    /// Lines, as masks.
    pub lines: Vec<u32>,
}

/// A system in the making. Everything in it may be changed before it is built.
#[derive(Clone, Debug)]
pub struct SystemBuilder {
    /// The board.
    pub board: Board,
    /// The module.
    pub module: Module,
    /// The blocks of RAM.
    pub ram_blocks: Vec<RamBlock>,
    /// The bus of devices.
    pub bus: Option<Bus>,
    /// The partitions.
    pub partitions: Vec<PartitionRecords>,
    /// The channels with their ends.
    pub channels: Vec<(Channel, Vec<End>)>,
    /// The device interrupts.
    pub interrupts: Vec<Interrupt>,
    /// The ranks, the most urgent first.
    pub ranks: Vec<Rank>,
    /// The schedules.
    pub schedules: Vec<ScheduleRecords>,
    free: u32,
}

/// A name as the tables hold it.
fn name(text: &str) -> [u8; limits::NAME_BYTES] {
    let mut name = [0; limits::NAME_BYTES];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// A set of ranks or interrupts as a word.
fn set(elements: &[u8]) -> u32 {
    elements
        .iter()
        .fold(0, |set, element| set | 0x8000_0000 >> element)
}

impl Default for SystemBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemBuilder {
    /// A system without partitions: a guard of 10 ticks, module errors are logged.
    pub fn new() -> Self {
        Self {
            board: Board {
                devices_physical: 0xf_e000_0000,
                interrupt_controller_offset: 0x4_0000,
                uart_offset: 0x4500,
                reset_offset: 0xe_00b0,
                reset_value: 2,
                timebase_hz: 400_000_000,
            },
            module: Module {
                guard_ticks: 10,
                initial_schedule: 0,
                actions: [Action::Log as u8; 4],
                switch_schedule: 0,
            },
            ram_blocks: vec![RamBlock {
                physical: space::kernel::END,
                size_code: RAM_CODE,
            }],
            bus: None,
            partitions: Vec::new(),
            channels: Vec::new(),
            interrupts: Vec::new(),
            ranks: Vec::new(),
            schedules: Vec::new(),
            free: space::kernel::END,
        }
    }

    /// Gives a partition a guest with so much memory, which the monitor has at [`guest::MEMORY`].
    pub fn guest(&mut self, partition: u8, bytes: u32) {
        let before = self.partitions.iter().filter(|one| one.guest.is_some());
        let number = before.count() as u8;
        let memory = self.allocate(bytes);
        let page = self.allocate(0x1000);
        let translations = self.allocate(guest::tlb::TLB0_BYTES);
        let records = &mut self.partitions[usize::from(partition)];
        records.guest = Some(Guest {
            memory,
            memory_bytes: bytes,
            page,
            translations,
            tag_first: 100 + 40 * number,
            tag_count: 40,
            tlb1_first: 14 - 2 * number,
            tlb1_count: 2,
            paravirtual: Paravirtual::default(),
        });
        for (effective, physical, length) in [
            (guest::MEMORY, memory, bytes),
            (guest::MONITOR_PAGE, page, 0x1000),
        ] {
            records.regions.push(Region {
                effective,
                physical: physical.into(),
                length,
                rights: Rights::READ_WRITE,
                kind: RegionKind::Private,
            });
        }
    }

    /// The guest of a partition was rewritten like that.
    pub fn paravirtual(&mut self, partition: u8, paravirtual: Paravirtual) {
        let records = &mut self.partitions[usize::from(partition)];
        if let Some(guest) = &mut records.guest {
            guest.paravirtual = paravirtual;
        }
    }

    /// Gives the system a bus with an arena of so many bytes, a power of two, which lies at the end of RAM.
    pub fn bus(&mut self, arena_bytes: u32) {
        self.bus = Some(Bus {
            registers_offset: 0x8000,
            memory_physical: 0xc_0000_0000,
            memory_address: 0xe000_0000,
            memory_log2: 29,
            arena: space::kernel::END + RAM_BYTES - arena_bytes,
            arena_log2: arena_bytes.trailing_zeros() as u8,
        });
    }

    /// Takes whole pages of RAM.
    pub fn allocate(&mut self, length: u32) -> u32 {
        let physical = self.free;
        self.free += length.next_multiple_of(0x1000);
        assert!(self.free <= space::kernel::END + RAM_BYTES, "RAM is full");
        physical
    }

    /// Adds a partition with text, constants, data and register page, whose errors restart it cold. Give it a rank.
    pub fn partition(&mut self, text: &str) -> u8 {
        let index = self.partitions.len() as u8;
        let mut region = |effective, length, rights, kind| Region {
            effective,
            physical: u64::from(self.allocate(length)),
            length,
            rights,
            kind,
        };
        let regions = vec![
            region(TEXT, 0x1000, Rights::READ_EXECUTE, RegionKind::Image),
            region(CONSTANTS, 0x1000, Rights::READ, RegionKind::Image),
            region(DATA, DATA_BYTES, Rights::READ_WRITE, RegionKind::Private),
            region(
                page::ADDRESS,
                page::SIZE,
                Rights::READ_WRITE,
                RegionKind::Private,
            ),
        ];
        let own = Partition {
            name: name(text),
            pid: index + 1,
            entry: ENTRY,
            stack_top: DATA + 0x400,
            stack_bottom: DATA,
            stack_guard: 0x1000,
            page_physical: regions[3].physical as u32,
            ranks: 0,
            period_ticks: 0,
            deadline_ticks: 0,
            autostart: true,
            actions: [Action::RestartCold as u8; PARTITION_ERRORS],
            switch_schedule: 0,
            restart_max: 0,
            restart_per_ticks: 1_000_000,
            back_off_ticks: 0,
        };
        self.partitions.push(PartitionRecords {
            own,
            guest: None,
            regions,
            copies: Vec::new(),
            capabilities: Vec::new(),
            functions: Vec::new(),
            next_line: page::LINE_FIRST_FREE as u8,
        });
        index
    }

    /// Adds partitions, each with one rank, the first the most urgent.
    pub fn partitions<const N: usize>(&mut self, names: [&str; N]) -> [u8; N] {
        names.map(|name| {
            let partition = self.partition(name);
            self.rank(partition, 0);
            partition
        })
    }

    /// Adds the next rank.
    pub fn rank(&mut self, partition: u8, budget_ticks: u32) -> u8 {
        let rank = self.ranks.len() as u8;
        self.ranks.push(Rank {
            partition,
            budget_ticks,
        });
        self.partitions[usize::from(partition)].own.ranks |= set(&[rank]);
        rank
    }

    /// Gives a partition its next slot.
    pub fn capability(
        &mut self,
        partition: u8,
        kind: CapabilityKind,
        object: u8,
        rights: u8,
    ) -> u32 {
        let slots = &mut self.partitions[usize::from(partition)].capabilities;
        slots.push(Capability {
            kind,
            object,
            rights,
        });
        slots.len() as u32 - 1
    }

    fn line(&mut self, partition: u8) -> u8 {
        let next = &mut self.partitions[usize::from(partition)].next_line;
        *next += 1;
        *next - 1
    }

    /// Adds a channel, with slots and lines for its ends. `bytes` is its largest message, and reply.
    pub fn channel(
        &mut self,
        kind: ChannelKind,
        source: u8,
        destinations: &[u8],
        bytes: u32,
        depth: u32,
    ) -> Ports {
        use CapabilityKind as Kind;
        let channel = self.channels.len() as u8;
        let (at_source, at_destination) = match kind {
            ChannelKind::Sampling => (Kind::SamplingSource, Kind::SamplingDestination),
            ChannelKind::Queuing => (Kind::QueuingSource, Kind::QueuingDestination),
            ChannelKind::Call => (Kind::CallClient, Kind::CallServer),
            ChannelKind::Ring | ChannelKind::Signal => (Kind::Signal, Kind::Signal),
        };
        let call = kind == ChannelKind::Call;
        let own = Channel {
            name: name(&format!("channel_{channel}")),
            kind,
            message_bytes: bytes,
            reply_bytes: if call { bytes } else { 0 },
            depth,
            store: self.allocate((bytes.next_multiple_of(4) + 4) * depth + bytes),
            refresh_ticks: 0,
            deadline_ticks: if call { 500 } else { 0 },
        };
        let mut ports = Ports {
            channel,
            slots: Vec::new(),
            lines: Vec::new(),
        };
        let mut ends = Vec::new();
        for (index, partition) in [source].iter().chain(destinations).copied().enumerate() {
            let kind = if index == 0 {
                at_source
            } else {
                at_destination
            };
            let slot = self.capability(partition, kind, channel, 0);
            let line = self.line(partition);
            ends.push(End { partition, line });
            ports.slots.push(slot);
            ports.lines.push(1 << line);
        }
        self.channels.push((own, ends));
        ports
    }

    /// Takes the lines of a channel away.
    pub fn silent(&mut self, ports: &Ports) {
        for end in &mut self.channels[usize::from(ports.channel)].1 {
            end.line = NO_LINE;
        }
    }

    /// Adds a level-sensitive device interrupt: its index, the owner's slot and line mask.
    pub fn interrupt(&mut self, owner: u8) -> (u8, u32, u32) {
        let index = self.interrupts.len() as u8;
        let line = self.line(owner);
        self.interrupts.push(Interrupt {
            source: 26 + u16::from(index),
            level: true,
            high: true,
            owner,
            line,
            storm_max: 0,
            storm_ticks: 0,
        });
        let slot = self.capability(owner, CapabilityKind::Interrupt, index, 0);
        (index, slot, 1 << line)
    }

    /// Adds a schedule of windows: length in ticks, and the ranks that may run. All device interrupts may come.
    pub fn schedule(&mut self, windows: &[(u32, &[u8])]) -> u8 {
        let mut start_ticks = 0;
        let windows = windows.iter().map(|(length_ticks, ranks)| {
            let window = Window {
                start_ticks,
                length_ticks: *length_ticks,
                eligible: set(ranks),
                releases: 0,
                interrupts: set(&(0..self.interrupts.len() as u8).collect::<Vec<_>>()),
            };
            start_ticks += length_ticks;
            (window, Vec::new())
        });
        let windows: Vec<_> = windows.collect();
        let index = self.schedules.len() as u8;
        let own = Schedule {
            name: name(&format!("schedule_{index}")),
            major_frame_ticks: start_ticks,
        };
        self.schedules.push(ScheduleRecords {
            own,
            writes: Vec::new(),
            windows,
        });
        index
    }

    /// A window of a schedule.
    pub fn window(&mut self, schedule: u8, window: usize) -> &mut Window {
        &mut self.schedules[usize::from(schedule)].windows[window].0
    }

    /// Releases partitions where a window begins.
    pub fn release(&mut self, schedule: u8, window: usize, partitions: &[u8]) {
        self.window(schedule, window).releases = set(partitions);
    }

    /// Says which device interrupts may come in a window.
    pub fn let_interrupts(&mut self, schedule: u8, window: usize, interrupts: &[u8]) {
        self.window(schedule, window).interrupts = set(interrupts);
    }

    /// What the tables say of a partition itself.
    pub fn own(&mut self, partition: u8) -> &mut Partition {
        &mut self.partitions[usize::from(partition)].own
    }

    /// The records, in their order.
    pub fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Board(self.board), Record::Module(self.module)];
        records.extend(self.ram_blocks.iter().copied().map(Record::RamBlock));
        records.extend(self.bus.map(Record::Bus));
        for partition in &self.partitions {
            records.push(Record::Partition(partition.own));
            records.extend(partition.guest.map(Record::Guest));
            records.extend(partition.regions.iter().copied().map(Record::Region));
            records.extend(partition.copies.iter().copied().map(Record::Copy));
            records.extend(
                partition
                    .capabilities
                    .iter()
                    .copied()
                    .map(Record::Capability),
            );
            for (function, steps) in &partition.functions {
                records.push(Record::Function(*function));
                records.extend(steps.iter().copied().map(Record::Step));
            }
        }
        for (channel, ends) in &self.channels {
            records.push(Record::Channel(*channel));
            records.extend(ends.iter().copied().map(Record::End));
        }
        records.extend(self.interrupts.iter().copied().map(Record::Interrupt));
        records.extend(self.ranks.iter().copied().map(Record::Rank));
        for ScheduleRecords {
            own,
            writes,
            windows,
        } in &self.schedules
        {
            records.push(Record::Schedule(*own));
            records.extend(writes.iter().copied().map(Record::TlbWrite));
            for (window, writes) in windows {
                records.push(Record::Window(*window));
                records.extend(writes.iter().copied().map(Record::TlbWrite));
            }
        }
        records
    }

    /// Records as the build writes them.
    pub fn encode(records: &[Record]) -> Vec<u8> {
        let mut body = Vec::new();
        for record in records {
            body.extend(postcard::to_allocvec(record).expect("a record can be encoded"));
        }
        let mut bytes = cofferdam_tables::seal(&body, records.len() as u32)
            .as_bytes()
            .to_vec();
        bytes.extend(body);
        bytes
    }

    /// The compiled tables.
    pub fn bytes(&self) -> Vec<u8> {
        Self::encode(&self.records())
    }

    /// Boots the system: every partition stands at its entry, and the first window has begun.
    pub fn boot(self) -> Simulation {
        self.boot_at(1000)
    }

    /// As [`SystemBuilder::boot`], when the timebase has come so far.
    pub fn boot_at(self, now: u64) -> Simulation {
        let mut simulation = self.load();
        simulation.kernel.machine.now = now;
        simulation.kernel.start();
        simulation.settle();
        simulation.advance_to_window();
        simulation
    }

    /// The system with its tables loaded, before its start.
    pub fn load(self) -> Simulation {
        let configuration = Box::leak(Box::new(Configuration::EMPTY));
        let loaded = configuration.load(&self.bytes());
        assert_eq!(loaded, Ok(()), "the tables of the test");
        Simulation::new(FakeMachine::new(RAM_BYTES as usize), configuration, self)
    }
}
