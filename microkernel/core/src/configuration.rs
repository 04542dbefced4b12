//! The compiled configuration, decoded once at boot into slots of fixed size.
//!
//! Everything that a later lookup relies on is checked here, so that no path of a running kernel has to: indices
//! are in range, physical addresses lie in RAM that the kernel maps, windows follow one another. The build
//! made these tables and checked far more; what is checked here is what the kernel's own soundness needs.

mod soundness;

use cofferdam_abi::health::{self, PARTITION_ERRORS};
use cofferdam_abi::limits;
use cofferdam_tables::{
    Board, Bus, Capability, CapabilityKind, Channel, ChannelKind, Copy, End, Function, Guest,
    Interrupt, Module, NO_LINE, Paravirtual, Partition, RamBlock, Rank, Record, Region, Schedule,
    Step, TlbWrite, Window,
};
use heapless::Vec;

use crate::boot_failure::BootFailure;
use crate::kernel::NOBODY;
use crate::table::bit;

/// A run of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    start: u16,
    end: u16,
}

impl Range {
    fn empty_at(length: usize) -> Self {
        Self {
            start: length as u16,
            end: length as u16,
        }
    }

    /// The part of `table` that this names.
    #[inline(always)]
    pub(crate) fn of<T>(self, table: &[T]) -> &[T] {
        table
            .get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or_default()
    }

    /// The index in the table of element `offset`, if there is one.
    pub(crate) fn index(self, offset: u32) -> Option<usize> {
        let index = usize::from(self.start).checked_add(offset as usize)?;
        (index < usize::from(self.end)).then_some(index)
    }

    pub(crate) fn len(self) -> usize {
        usize::from(self.end - self.start)
    }
}

pub(crate) struct PartitionTables {
    pub(crate) own: Partition,
    pub(crate) regions: Range,
    pub(crate) copies: Range,
    pub(crate) capabilities: Range,
    pub(crate) functions: Range,
    /// The index of its guest, or [`NOBODY`].
    pub(crate) guest: u8,
}

/// Stands where there is no guest.
static NO_GUEST: Guest = Guest {
    memory: 0,
    memory_bytes: 0,
    page: 0,
    translations: 0,
    tag_first: 0,
    tag_count: 0,
    tlb1_first: 0,
    tlb1_count: 0,
    paravirtual: Paravirtual {
        stubs: 0,
        enabling_stubs: 0,
        stubs_end: 0,
        linear: 0,
        kernel_table: 0,
        process_table: 0,
    },
};

pub(crate) struct FunctionTables {
    pub(crate) own: Function,
    pub(crate) steps: Range,
}

pub(crate) struct ChannelTables {
    pub(crate) own: Channel,
    pub(crate) ends: Range,
    /// No destination has a line.
    pub(crate) quiet: bool,
}

pub(crate) struct ScheduleTables {
    pub(crate) own: Schedule,
    pub(crate) writes: Range,
    pub(crate) windows: Range,
}

pub(crate) struct WindowTables {
    pub(crate) own: Window,
    pub(crate) writes: Range,
}

/// Everything that the tables say.
pub struct Configuration {
    pub(crate) board: Board,
    pub(crate) module: Module,
    pub(crate) ram_blocks: Vec<RamBlock, { limits::RAM_BLOCKS }>,
    pub(crate) bus: Option<Bus>,
    pub(crate) functions: Vec<FunctionTables, { limits::FUNCTIONS }>,
    pub(crate) steps: Vec<Step, { limits::STEPS }>,
    pub(crate) partitions: Vec<PartitionTables, { limits::PARTITIONS }>,
    pub(crate) guests: Vec<Guest, { limits::GUESTS }>,
    pub(crate) regions: Vec<Region, { limits::REGIONS }>,
    pub(crate) copies: Vec<Copy, { limits::COPIES }>,
    pub(crate) capabilities: Vec<Capability, { limits::CAPABILITIES }>,
    pub(crate) channels: Vec<ChannelTables, { limits::CHANNELS }>,
    pub(crate) ends: Vec<End, { limits::CHANNEL_ENDS }>,
    /// The call channels: the ranks of each one's client, a set, and its index.
    pub(crate) call_channels: Vec<(u32, u8), { limits::CHANNELS }>,
    pub(crate) interrupts: Vec<Interrupt, { limits::INTERRUPTS }>,
    pub(crate) ranks: Vec<Rank, { limits::RANKS }>,
    pub(crate) schedules: Vec<ScheduleTables, { limits::SCHEDULES }>,
    pub(crate) windows: Vec<WindowTables, { limits::WINDOWS }>,
    pub(crate) tlb_writes: Vec<TlbWrite, { limits::TLB_WRITES }>,
    pub(crate) crc: u32,
}

/// What the last record belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Nothing,
    Partition,
    Channel,
    Schedule,
    Window,
}

fn push<T, const N: usize>(table: &mut Vec<T, N>, item: T) -> Result<(), BootFailure> {
    table.push(item).map_err(|_| BootFailure::TooMany)
}

impl Configuration {
    /// A configuration that holds nothing.
    pub const EMPTY: Self = Self {
        board: Board {
            devices_physical: 0,
            interrupt_controller_offset: 0,
            uart_offset: 0,
            reset_offset: 0,
            reset_value: 0,
            timebase_hz: 0,
        },
        module: Module {
            guard_ticks: 0,
            initial_schedule: 0,
            actions: [0; 4],
            switch_schedule: 0,
        },
        ram_blocks: Vec::new(),
        bus: None,
        functions: Vec::new(),
        steps: Vec::new(),
        partitions: Vec::new(),
        guests: Vec::new(),
        regions: Vec::new(),
        copies: Vec::new(),
        capabilities: Vec::new(),
        channels: Vec::new(),
        ends: Vec::new(),
        call_channels: Vec::new(),
        interrupts: Vec::new(),
        ranks: Vec::new(),
        schedules: Vec::new(),
        windows: Vec::new(),
        tlb_writes: Vec::new(),
        crc: 0,
    };

    /// Fills an empty configuration from compiled tables.
    ///
    /// # Errors
    /// [`BootFailure`]: what was read so far must not be used.
    pub fn load(&mut self, tables: &[u8]) -> Result<(), BootFailure> {
        let (header, records) = cofferdam_tables::open(tables).map_err(BootFailure::Header)?;
        self.crc = header.crc.get();
        let mut owner = Owner::Nothing;
        let (mut board, mut module) = (false, false);
        for record in records {
            let record = record.map_err(|_| BootFailure::Malformed)?;
            match record {
                Record::Board(_) if board => return Err(BootFailure::Misplaced),
                Record::Board(own) => (self.board, board) = (own, true),
                Record::Module(_) if module => return Err(BootFailure::Misplaced),
                Record::Module(own) => (self.module, module) = (own, true),
                record => owner = self.add(owner, record)?,
            }
        }
        if !board || !module || self.partitions.is_empty() || self.schedules.is_empty() {
            return Err(BootFailure::Missing);
        }
        self.check_references()?;
        self.list_calls()?;
        self.check_board()?;
        self.check_guests()?;
        self.check_memory()?;
        self.check_bus()?;
        self.check_time()
    }

    /// The channels that a partition is an end of: a set in two words.
    pub(crate) fn channels_of(&self, partition: u8) -> [u32; 2] {
        const { assert!(limits::CHANNELS <= 64) };
        let mut set = [0; 2];
        for (index, tables) in self.channels.iter().enumerate() {
            let ends = tables.ends.of(&self.ends);
            if ends.iter().any(|end| end.partition == partition) {
                set[index / 32 % 2] |= bit(index as u8 % 32);
            }
        }
        set
    }

    /// The board's facts.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The blocks of RAM that the kernel maps.
    pub fn ram_blocks(&self) -> &[RamBlock] {
        &self.ram_blocks
    }

    /// The action for a module-level error, counted from the first of these.
    pub fn module_action(&self, error: usize) -> Option<health::Action> {
        self.module
            .actions
            .get(error)
            .copied()
            .and_then(health::Action::from_number)
    }

    /// Puts a record into its table, and says what the next one may belong to.
    fn add(&mut self, owner: Owner, record: Record) -> Result<Owner, BootFailure> {
        match record {
            Record::Board(_) | Record::Module(_) => return Err(BootFailure::Misplaced),
            Record::RamBlock(own) => push(&mut self.ram_blocks, own)?,
            #[cfg(feature = "bus")]
            Record::Bus(own) if self.bus.is_none() => self.bus = Some(own),
            Record::Interrupt(own) => push(&mut self.interrupts, own)?,
            Record::Rank(own) => push(&mut self.ranks, own)?,
            Record::Partition(own) => {
                let partition = PartitionTables {
                    own,
                    regions: Range::empty_at(self.regions.len()),
                    copies: Range::empty_at(self.copies.len()),
                    capabilities: Range::empty_at(self.capabilities.len()),
                    functions: Range::empty_at(self.functions.len()),
                    guest: NOBODY,
                };
                push(&mut self.partitions, partition)?;
                return Ok(Owner::Partition);
            }
            Record::Channel(own) => {
                let ends = Range::empty_at(self.ends.len());
                push(
                    &mut self.channels,
                    ChannelTables {
                        own,
                        ends,
                        quiet: true,
                    },
                )?;
                return Ok(Owner::Channel);
            }
            Record::Schedule(own) => {
                let schedule = ScheduleTables {
                    own,
                    writes: Range::empty_at(self.tlb_writes.len()),
                    windows: Range::empty_at(self.windows.len()),
                };
                push(&mut self.schedules, schedule)?;
                return Ok(Owner::Schedule);
            }
            record => return self.add_to_last(owner, record),
        }
        Ok(Owner::Nothing)
    }

    /// Puts a record that belongs to another into its table.
    fn add_to_last(&mut self, owner: Owner, record: Record) -> Result<Owner, BootFailure> {
        let partition = self
            .partitions
            .last_mut()
            .filter(|_| owner == Owner::Partition);
        let channel = self.channels.last_mut().filter(|_| owner == Owner::Channel);
        let in_schedule = matches!(owner, Owner::Schedule | Owner::Window);
        let schedule = self.schedules.last_mut().filter(|_| in_schedule);
        match (record, partition, channel, schedule) {
            (Record::Guest(own), Some(partition), ..) if partition.guest == NOBODY => {
                partition.guest = self.guests.len() as u8;
                push(&mut self.guests, own)?;
            }
            (Record::Region(own), Some(partition), ..) => {
                push(&mut self.regions, own)?;
                partition.regions.end += 1;
            }
            (Record::Copy(own), Some(partition), ..) => {
                push(&mut self.copies, own)?;
                partition.copies.end += 1;
            }
            (Record::Capability(own), Some(partition), ..) => {
                push(&mut self.capabilities, own)?;
                partition.capabilities.end += 1;
            }
            #[cfg(feature = "bus")]
            (Record::Function(own), Some(partition), ..) => {
                let steps = Range::empty_at(self.steps.len());
                push(&mut self.functions, FunctionTables { own, steps })?;
                partition.functions.end += 1;
            }
            #[cfg(feature = "bus")]
            (Record::Step(own), Some(partition), ..) if partition.functions.len() != 0 => {
                push(&mut self.steps, own)?;
                if let Some(function) = self.functions.last_mut() {
                    function.steps.end += 1;
                }
            }
            (Record::End(own), _, Some(channel), _) => {
                push(&mut self.ends, own)?;
                let destination = channel.ends.len() != 0;
                channel.quiet &= !destination || own.line == NO_LINE;
                channel.ends.end += 1;
            }
            (Record::Window(own), .., Some(schedule)) => {
                let writes = Range::empty_at(self.tlb_writes.len());
                push(&mut self.windows, WindowTables { own, writes })?;
                schedule.windows.end += 1;
                return Ok(Owner::Window);
            }
            (Record::TlbWrite(own), .., Some(schedule)) => {
                push(&mut self.tlb_writes, own)?;
                match self.windows.last_mut().filter(|_| owner == Owner::Window) {
                    Some(window) => window.writes.end += 1,
                    None => schedule.writes.end += 1,
                }
            }
            _ => return Err(BootFailure::Misplaced),
        }
        Ok(owner)
    }

    /// Every index names something that there is.
    fn check_references(&self) -> Result<(), BootFailure> {
        let require = |holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(BootFailure::Dangling)
            }
        };
        let partition = |index: u8| usize::from(index) < self.partitions.len();
        let schedule = |index: u8| usize::from(index) < self.schedules.len();
        let line = |line: u8| usize::from(line) < limits::LINES;
        let ranks = set_below(self.ranks.len());

        require(schedule(self.module.initial_schedule) && schedule(self.module.switch_schedule))?;
        for action in self.module.actions {
            require(health::Action::from_number(action).is_some())?;
        }
        for tables in &self.partitions {
            let own = &tables.own;
            require(own.pid != 0 && schedule(own.switch_schedule))?;
            for action in own.actions {
                require(health::Action::from_number(action).is_some())?;
            }
        }
        const { assert!(health::Error::ALL.len() == PARTITION_ERRORS + 4) };
        for (index, tables) in self.partitions.iter().enumerate() {
            for capability in tables.capabilities.of(&self.capabilities) {
                require(self.capability_fits(index as u8, capability))?;
            }
        }
        for channel in &self.channels {
            let ends = channel.ends.of(&self.ends);
            require(
                ends.len() >= 2 && (channel.own.kind == ChannelKind::Sampling || ends.len() == 2),
            )?;
            for end in ends {
                require(partition(end.partition) && (end.line == NO_LINE || line(end.line)))?;
            }
        }
        for interrupt in &self.interrupts {
            require(partition(interrupt.owner) && line(interrupt.line))?;
        }
        // A partition and its ranks must agree, or one that does not want the processor would get it.
        for rank in &self.ranks {
            require(partition(rank.partition))?;
        }
        for (index, tables) in self.partitions.iter().enumerate() {
            let its = |rank: &Rank| usize::from(rank.partition) == index;
            let set = self.ranks.iter().zip(0..).filter(|(rank, _)| its(rank));
            require(tables.own.ranks == set.fold(0, |set, (_, rank)| set | bit(rank)))?;
        }
        for window in &self.windows {
            let own = &window.own;
            require(own.eligible & !ranks == 0)?;
            require(own.releases & !set_below(self.partitions.len()) == 0)?;
            require(own.interrupts & !set_below(self.interrupts.len()) == 0)?;
        }
        Ok(())
    }

    /// Whether the object is of the capability's kind, and the partition is what that says it is: the right end of the
    /// channel, the interrupt's owner.
    fn capability_fits(&self, partition: u8, capability: &Capability) -> bool {
        use CapabilityKind as Kind;
        let object = usize::from(capability.object);
        let (kind, first_end, other_end) = match capability.kind {
            Kind::Empty | Kind::Schedule | Kind::HealthLog => return true,
            Kind::Partition => return object < self.partitions.len(),
            Kind::Interrupt => {
                let interrupt = self.interrupts.get(object);
                return interrupt.is_some_and(|interrupt| interrupt.owner == partition);
            }
            Kind::SamplingSource => (ChannelKind::Sampling, true, false),
            Kind::SamplingDestination => (ChannelKind::Sampling, false, true),
            Kind::QueuingSource => (ChannelKind::Queuing, true, false),
            Kind::QueuingDestination => (ChannelKind::Queuing, false, true),
            Kind::CallClient => (ChannelKind::Call, true, false),
            Kind::CallServer => (ChannelKind::Call, false, true),
            Kind::Signal => (ChannelKind::Signal, true, true),
        };
        let Some(channel) = self.channels.get(object) else {
            return false;
        };
        let rings = kind == ChannelKind::Signal && channel.own.kind == ChannelKind::Ring;
        let mut ends = channel.ends.of(&self.ends).iter().enumerate();
        (channel.own.kind == kind || rings)
            && ends.any(|(place, end)| {
                end.partition == partition && if place == 0 { first_end } else { other_end }
            })
    }

    /// Lists the call channels, for a timer has to look at these alone.
    fn list_calls(&mut self) -> Result<(), BootFailure> {
        for (index, channel) in self.channels.iter().enumerate() {
            let client = channel
                .ends
                .of(&self.ends)
                .first()
                .filter(|_| channel.own.kind == ChannelKind::Call);
            if let Some(client) = client {
                let tables = self.partitions.get(usize::from(client.partition));
                let ranks = tables.map_or(0, |tables| tables.own.ranks);
                push(&mut self.call_channels, (ranks, index as u8))?;
            }
        }
        Ok(())
    }

    /// The tables of a guest.
    pub(crate) fn guest(&self, index: usize) -> &Guest {
        self.guests.get(index).unwrap_or(&NO_GUEST)
    }
}

/// The set of the elements below `count`.
fn set_below(count: usize) -> u32 {
    !(u32::MAX.checked_shr(count as u32).unwrap_or(0))
}
