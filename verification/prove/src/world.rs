//! Everything that statements are about, in one place.

use crate::Prover;
use crate::declared::Declared;
use crate::facts::Facts;
use crate::image::Image;
use crate::numbers::{
    FRAME, TLB1_ENTRIES, TLB1_OF_GUEST, TLB1_OF_KERNEL, entry_bytes, kernel, place,
};
use crate::program::Program;
use crate::records::{Region, RegionKind, TlbWrite};
use crate::start::{Start, start};
use crate::tables::{PartitionTables, Tables};

/// What TLB1 holds: an entry at each place, as it was written.
pub(crate) type State = [Option<TlbWrite>; TLB1_ENTRIES as usize];

/// See the module.
pub(crate) struct World<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) image: &'a Image<'a>,
    pub(crate) tables: &'a Tables,
    pub(crate) declared: &'a Declared,
    pub(crate) facts: &'a Facts,
    pub(crate) kernel: Option<&'a Program>,
    programs: &'a [(String, Program)],
    pub(crate) start: Start,
    /// TLB1 in each window of each schedule.
    pub(crate) states: Vec<Vec<State>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(
        prover: &'a Prover,
        bytes: &'a [u8],
        image: &'a Image<'a>,
        tables: &'a Tables,
    ) -> Self {
        Self {
            bytes,
            image,
            tables,
            declared: &prover.declared,
            facts: &prover.facts,
            kernel: prover.kernel.as_ref(),
            programs: &prover.programs,
            start: start(image),
            states: states(tables),
        }
    }

    /// The program of a partition, if it was given.
    pub(crate) fn program(&self, partition: usize) -> Option<&'a Program> {
        let name = &self.declared.partitions.get(partition)?.name;
        self.programs
            .iter()
            .find(|(of, _)| of == name)
            .map(|(_, program)| program)
    }

    /// Whether programs were given.
    pub(crate) fn has_programs(&self) -> bool {
        !self.programs.is_empty()
    }

    /// A partition's name, for messages.
    pub(crate) fn name(&self, partition: usize) -> &'a str {
        let declared = self.declared.partitions.get(partition);
        declared.map_or("a partition that is not declared", |one| one.name.as_str())
    }

    /// Declared partitions beside those of the tables.
    pub(crate) fn partitions(
        &self,
    ) -> impl Iterator<
        Item = (
            usize,
            &'a PartitionTables,
            &'a crate::declared::DeclaredPartition,
        ),
    > {
        let pairs = self.tables.partitions.iter().zip(&self.declared.partitions);
        pairs
            .enumerate()
            .map(|(index, (tables, declared))| (index, tables, declared))
    }

    /// Whether a partition has entries in TLB1.
    pub(crate) fn is_pinned(&self, partition: usize) -> bool {
        let pid = partition as u32 + 1;
        let states = self.states.iter().flatten();
        states
            .flat_map(|state| state.iter().flatten())
            .any(|entry| entry.mas1 >> 16 & 0xff == pid)
    }

    /// The first place of TLB1 that partitions have, and the one behind the last.
    pub(crate) fn places(&self) -> std::ops::Range<u32> {
        let first = TLB1_OF_KERNEL + self.tables.blocks.len() as u32;
        let guests = self.declared.guests() as u32 * TLB1_OF_GUEST;
        first..TLB1_ENTRIES.saturating_sub(guests).max(first)
    }

    /// The bytes of RAM that a ring takes: from its messages and places (`ipc/ring/src/geometry.rs` has its layout).
    pub(crate) fn ring_bytes(&self, channel: usize) -> Option<u64> {
        let declared = self.declared.channels.get(channel)?;
        let own = &self.tables.channels.get(channel)?.own;
        let one = |message: u32| {
            let slots = declared
                .depth
                .checked_mul(4 + u64::from(message).next_multiple_of(4))?;
            slots.checked_add(96)?.checked_next_multiple_of(32)
        };
        let back = if declared.replies {
            one(own.reply_bytes)?
        } else {
            0
        };
        one(own.message_bytes)?.checked_add(back)
    }

    /// The arena's pieces: the device or channel whose it is, where it is in the arena, how large; the largest first.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let devices = self.declared.devices.iter().enumerate();
        let devices =
            devices.filter_map(|(index, one)| Some((PieceOf::Device(index), one.dma_memory?)));
        let channels = self.declared.channels.iter().enumerate();
        let channels =
            channels.filter_map(|(index, one)| Some((PieceOf::Payload(index), one.payload?)));
        let mut pieces: Vec<_> = devices
            .chain(channels)
            .map(|(of, asked)| Piece {
                of,
                bytes: entry_bytes(asked),
                offset: 0,
            })
            .collect();
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.bytes));
        let mut offset = 0u64;
        for piece in &mut pieces {
            piece.offset = offset;
            offset = offset.saturating_add(piece.bytes);
        }
        pieces
    }

    /// Who has a piece: its device's owner, or both ends of its channel.
    pub(crate) fn holders(&self, piece: &Piece) -> Vec<usize> {
        match piece.of {
            PieceOf::Device(index) => {
                let device = self.declared.devices.get(index);
                device
                    .and_then(|one| self.declared.owner(&one.name))
                    .into_iter()
                    .collect()
            }
            PieceOf::Payload(index) => {
                let channel = self.declared.channels.get(index);
                let ends = channel.into_iter().flat_map(|one| &one.ends);
                ends.map(|end| end.partition).collect()
            }
        }
    }

    /// The size of the arena: a power of two; 0: there is none.
    pub(crate) fn arena_bytes(&self) -> u64 {
        match self
            .pieces()
            .iter()
            .fold(0u64, |sum, piece| sum.saturating_add(piece.bytes))
        {
            0 => 0,
            sum => sum.checked_next_power_of_two().unwrap_or(u64::MAX),
        }
    }

    /// The functions on the bus that are in use: the declared device, its owner, and where its registers are, from the bus's memory on. The
    /// largest first.
    pub(crate) fn functions(&self) -> Vec<(usize, usize, u64)> {
        let mut all: Vec<_> = (self.declared.devices.iter().enumerate())
            .filter_map(|(index, device)| {
                let function = self.facts.device(&device.name)?.function.as_ref()?;
                let owner = self.declared.owner(&device.name)?;
                Some((function.bytes.max(FRAME), index, owner))
            })
            .collect();
        all.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
        let mut at = 0u64;
        let mut placed = Vec::new();
        for (bytes, index, owner) in all {
            placed.push((index, owner, at));
            at = at.saturating_add(bytes);
        }
        placed
    }

    /// The devices with an interrupt that somebody owns: the declared device, and its owner.
    pub(crate) fn interrupting(&self) -> Vec<(usize, usize)> {
        let all = self.declared.devices.iter().enumerate();
        all.filter_map(|(index, device)| {
            self.facts.device(&device.name)?.interrupt?;
            Some((index, self.declared.owner(&device.name)?))
        })
        .collect()
    }

    /// Where the memory ends that anybody has in RAM.
    pub(crate) fn used_end(&self) -> u64 {
        let mut end = kernel::END;
        let mut use_until = |until: u64| end = end.max(until);
        for partition in &self.tables.partitions {
            let in_ram = partition
                .regions
                .iter()
                .filter(|one| one.kind != RegionKind::Device);
            in_ram.for_each(|one| use_until(one.end()));
            partition
                .copies
                .iter()
                .for_each(|one| use_until(u64::from(one.from) + u64::from(one.length)));
            if let Some(guest) = &partition.guest {
                use_until(
                    u64::from(guest.translations) + u64::from(crate::numbers::GUEST_TRANSLATIONS),
                );
            }
        }
        for (index, channel) in self.tables.channels.iter().enumerate() {
            use_until(
                self.store_bytes(index)
                    .saturating_add(channel.own.store.into()),
            );
        }
        if let Some(bus) = &self.tables.bus {
            use_until(self.arena_bytes().saturating_add(bus.arena.into()));
        }
        end.checked_next_multiple_of(FRAME).unwrap_or(u64::MAX)
    }

    /// The bytes that the kernel keeps of a channel.
    pub(crate) fn store_bytes(&self, channel: usize) -> u64 {
        use crate::records::ChannelKind as Kind;
        let own = &self.tables.channels[channel].own;
        let words = |bytes: u32| u64::from(bytes).next_multiple_of(4);
        match own.kind {
            Kind::Sampling => words(own.message_bytes),
            Kind::Queuing => u64::from(own.depth).saturating_mul(4 + words(own.message_bytes)),
            Kind::Call => words(own.message_bytes) + words(own.reply_bytes),
            Kind::Ring | Kind::Signal => 0,
        }
    }
}

/// What a piece of the arena is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceOf {
    /// The owner's of this device.
    Device(usize),
    /// Both ends' of this channel.
    Payload(usize),
}

/// A piece of the arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) of: PieceOf,
    pub(crate) bytes: u64,
    pub(crate) offset: u64,
}

impl Piece {
    /// Its effective address, which is its address on the bus.
    pub(crate) fn address(&self) -> u32 {
        place::ARENA.saturating_add(self.offset as u32)
    }
}

/// The region at an effective address.
pub(crate) fn region_at(partition: &PartitionTables, effective: u32) -> Option<&Region> {
    partition
        .regions
        .iter()
        .find(|region| region.effective == effective)
}

/// TLB1 in each window: the writes of the schedule, then those of each window behind the first.
pub(crate) fn states(tables: &Tables) -> Vec<Vec<State>> {
    let put = |state: &mut State, write: &TlbWrite| {
        let place = &mut state[(write.mas0 >> 16 & 15) as usize];
        *place = (write.mas1 != 0).then(|| write.clone());
    };
    let of_schedule = |schedule: &crate::tables::ScheduleTables| {
        let mut state: State = Default::default();
        schedule
            .writes
            .iter()
            .for_each(|write| put(&mut state, write));
        let mut all = Vec::new();
        for (place, window) in schedule.windows.iter().enumerate() {
            if place != 0 {
                window
                    .writes
                    .iter()
                    .for_each(|write| put(&mut state, write));
            }
            all.push(state.clone());
        }
        all
    };
    tables.schedules.iter().map(of_schedule).collect()
}
