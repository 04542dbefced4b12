//! Tables in which one thing is not what it has to be, each with the failure that the kernel has to name.
//!
//! They are made from tables of `flight`, whose records they count on.

use cofferdam_abi::{limits, space};
use cofferdam_core::BootFailure::{
    self, Board, Dangling, InterruptController, Malformed, Memory, Missing, Time,
};
use cofferdam_tables::{CapabilityKind, ChannelKind, Record, RegionKind, Rights, TlbWrite, mas};

/// One thing that is wrong.
pub struct Change {
    /// What.
    pub name: &'static str,
    /// What the kernel has to say.
    pub failure: BootFailure,
    /// Makes it so. `None`: the record is missing that is to be changed.
    pub make: fn(&mut Vec<Record>) -> Option<()>,
}

/// Changes a record: the one of its kind that has this number.
macro_rules! in_record {
    ($name:literal, $failure:expr, $kind:ident $number:literal, $make:expr) => {
        Change {
            name: $name,
            failure: $failure,
            make: |records| {
                let make: fn(&mut cofferdam_tables::$kind) = $make;
                let mut all = records.iter_mut().filter_map(|record| match record {
                    Record::$kind(own) => Some(own),
                    _ => None,
                });
                all.nth($number).map(make)
            },
        }
    };
}

/// Changes the records as a whole.
pub(super) const fn of_all(
    name: &'static str,
    failure: BootFailure,
    make: fn(&mut Vec<Record>) -> Option<()>,
) -> Change {
    Change {
        name,
        failure,
        make,
    }
}

/// Changes the first record of this kind.
macro_rules! change_first {
    ($records:ident, $kind:ident, $make:expr) => {
        ($records.iter_mut())
            .find_map(|record| match record {
                Record::$kind(own) => Some(own),
                _ => None,
            })
            .map($make)
    };
}

/// Where the first record of this kind stands.
macro_rules! first {
    ($records:ident, $kind:ident) => {
        $records
            .iter()
            .position(|record| matches!(record, Record::$kind(_)))
    };
}

/// Puts a copy of the first block of RAM, changed, behind it.
pub(super) fn another_block(
    records: &mut Vec<Record>,
    make: fn(&mut cofferdam_tables::RamBlock),
) -> Option<()> {
    let place = first!(records, RamBlock)?;
    let mut other = records[place].clone();
    if let Record::RamBlock(own) = &mut other {
        make(own);
    }
    records.insert(place + 1, other);
    Some(())
}

/// What names something is found wrong before the things themselves are.
fn without_capabilities(records: &mut Vec<Record>) {
    records.retain(|record| !matches!(record, Record::Capability(_)));
}

/// What is wrong with time is found last.
pub(super) fn longer_frame(records: &mut [Record]) -> Option<()> {
    change_first!(records, Schedule, |own| own.major_frame_ticks += 1)
}

pub(super) fn without_regions_of_the_first(records: &mut Vec<Record>) -> Option<()> {
    let start = first!(records, Partition)? + 1;
    let is_region = |record: &&Record| matches!(record, Record::Region(_));
    let number = records[start..].iter().take_while(is_region).count();
    records.drain(start..start + number);
    Some(())
}

/// Takes all ranks away, and the first partitions know that.
fn no_ranks(records: &mut Vec<Record>, partitions: usize) -> Option<()> {
    records.retain(|record| !matches!(record, Record::Rank(_)));
    let all = records.iter_mut().filter_map(|record| match record {
        Record::Partition(own) => Some(own),
        _ => None,
    });
    all.take(partitions).for_each(|own| own.ranks = 0);
    Some(())
}

/// Where the last block of RAM ends.
pub(super) fn end_of_ram(records: &[Record]) -> Option<u32> {
    records.iter().rev().find_map(|record| match record {
        Record::RamBlock(own) => Some(own.physical + mas::size_bytes(own.size_code.into()) as u32),
        _ => None,
    })
}

/// A block of 1 GiB.
pub(super) const TO_4_GIB: (u32, u8) = (0xc000_0000, 10);
/// Where no RAM is.
pub(super) const NOWHERE: u32 = 0x9000_0000;
/// More than any table has of anything, and than there are actions.
pub(super) const NONE: u8 = 99;

/// What is wrong in tables of `flight`.
pub const OF_FLIGHT: &[Change] = &[
    of_all("no board", Missing, |all| {
        all.get(..1).is_some().then(|| all.remove(0)).map(drop)
    }),
    of_all("no module", Missing, |all| {
        all.get(..2).is_some().then(|| all.remove(1)).map(drop)
    }),
    of_all("no partition, and nothing behind", Missing, |all| {
        let place = first!(all, Partition)?;
        all.truncate(place);
        Some(())
    }),
    of_all("no schedule, and nothing behind", Missing, |all| {
        let place = first!(all, Schedule)?;
        all.truncate(place);
        Some(())
    }),
    // What a record names.
    in_record!("a first schedule that there is not", Dangling, Module 0, |own| own.initial_schedule = NONE),
    in_record!("a module's schedule that there is not", Dangling, Module 0, |own| own.switch_schedule = NONE),
    in_record!("the kernel's PID", Dangling, Partition 1, |own| own.pid = 0),
    in_record!("a partition's schedule that there is not", Dangling, Partition 0, |own| own.switch_schedule = NONE),
    in_record!("a rank more than there is", Dangling, Partition 0, |own| own.ranks |= 1),
    in_record!("a partition without its rank", Dangling, Partition 4, |own| own.ranks = 0),
    of_all("no ranks but in partitions", Dangling, |all| {
        no_ranks(all, 1)
    }),
    of_all("no ranks but in windows", Dangling, |all| {
        no_ranks(all, limits::PARTITIONS)
    }),
    of_all("one rank alone", Dangling, |all| {
        let place = first!(all, Rank)?;
        all.drain(place + 1..place + 5);
        Some(())
    }),
    of_all("a rank that is gone", Dangling, |all| {
        let place = first!(all, Rank)?;
        all.remove(place + 4);
        Some(())
    }),
    in_record!("a rank of nobody", Dangling, Rank 0, |own| own.partition = NONE),
    in_record!("a rank of another", Dangling, Rank 4, |own| own.partition = 1),
    of_all("an interrupt of nobody", Dangling, |all| {
        without_capabilities(all);
        change_first!(all, Interrupt, |own| own.owner = NONE)
    }),
    in_record!("an interrupt on no line", Dangling, Interrupt 0, |own| own.line = 32),
    in_record!("an interrupt of another", Dangling, Interrupt 0, |own| own.owner = 0),
    of_all("an end of nobody", Dangling, |all| {
        without_capabilities(all);
        change_first!(all, End, |own| own.partition = NONE)
    }),
    in_record!("an end on no line", Dangling, End 1, |own| own.line = 32),
    of_all("a channel with one end", Dangling, |all| {
        without_capabilities(all);
        let place = first!(all, End)?;
        all.drain(place + 1..place + 3);
        Some(())
    }),
    of_all("a capability for a channel without ends", Dangling, |all| {
        let place = first!(all, End)?;
        all.drain(place..place + 3);
        Some(())
    }),
    of_all("a queue with three ends", Dangling, |all| {
        let place = all.iter().position(
            |record| matches!(record, Record::Channel(own) if own.kind == ChannelKind::Queuing),
        )?;
        let end = all[place + 1].clone();
        all.insert(place + 1, end);
        Some(())
    }),
    in_record!("a rank in a window that there is not", Dangling, Window 0, |own| own.eligible |= 1),
    in_record!("a release of nobody", Dangling, Window 3, |own| own.releases |= 1),
    in_record!("an interrupt in a window that there is not", Dangling, Window 1, |own| own.interrupts |= 1),
    // Capabilities: channel 0 is a sampling channel from partition 1 to 0, channel 2 a queue from 0 to 2, channel 7 one from 2 to 0, and
    // channel 11 is for calls from 2 to 3. The first three are those of partition 0.
    in_record!("a capability for no channel", Dangling, Capability 0, |own| own.object = NONE),
    in_record!("a doorbell of no channel", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::Signal, NONE)),
    in_record!("a capability for no partition", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::Partition, NONE)),
    in_record!("a capability for no interrupt", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::Interrupt, NONE)),
    in_record!("a capability for another's interrupt", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::Interrupt, 0)),
    in_record!("a queue as a sampling channel", Dangling, Capability 0, |own| own.object = 2),
    in_record!("calls as a sampling channel", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::SamplingSource, 11)),
    in_record!("a sampling channel as a queue to send on", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::QueuingSource, 0)),
    in_record!("a sampling channel as a queue to receive from", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::QueuingDestination, 0)),
    in_record!("a sampling channel as one for calls", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::CallClient, 0)),
    in_record!("a sampling channel as one to serve", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::CallServer, 0)),
    in_record!("a sampling channel as a doorbell", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::Signal, 0)),
    in_record!("a destination as the source", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::SamplingSource, 0)),
    in_record!("a source as a destination", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::SamplingDestination, 1)),
    in_record!("a receiver as the sender", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::QueuingSource, 7)),
    in_record!("a sender as the receiver", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::QueuingDestination, 2)),
    in_record!("somebody else's calls", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::CallClient, 11)),
    in_record!("somebody else's service", Dangling, Capability 0, |own| (own.kind, own.object) = (CapabilityKind::CallServer, 11)),
    // Devices.
    in_record!("an interrupt controller at half a word", Board, Board 0, |own| own.interrupt_controller_offset += 2),
    in_record!("an interrupt controller that ends behind the devices", Board, Board 0, |own| own.interrupt_controller_offset = space::kernel::DEVICES_SIZE - 0x3_f000),
    in_record!("a UART at half a word", Board, Board 0, |own| own.uart_offset += 2),
    in_record!("a UART that ends behind the devices", Board, Board 0, |own| own.uart_offset = space::kernel::DEVICES_SIZE - 4),
    in_record!("a reset register at half a word", Board, Board 0, |own| own.reset_offset += 2),
    in_record!("a reset register behind the devices", Board, Board 0, |own| own.reset_offset = space::kernel::DEVICES_SIZE),
    in_record!("a source that the controller lacks", Board, Interrupt 0, |own| own.source = 256),
    // Memory: the kernel's blocks, the partitions', and the channels'.
    in_record!("a block of no size", Memory, RamBlock 0, |own| own.size_code = 0),
    in_record!("a block larger than there are", Memory, RamBlock 0, |own| own.size_code = 11),
    in_record!("a block at half its size", Memory, RamBlock 0, |own| own.physical += 0x8_0000),
    in_record!("a block of the kernel's memory", Memory, RamBlock 0, |own| own.physical = 0),
    in_record!("a block behind the kernel's room", Memory, RamBlock 0, |own| (own.physical, own.size_code) = (0x8000_0000, 10)),
    of_all("a block twice", Memory, |all| another_block(all, |_| ())),
    of_all("a second block in the first one", Memory, |all| {
        another_block(all, |own| {
            (own.physical, own.size_code) = (own.physical + 0x1000, 1)
        })
    }),
    // The partitions' entries of TLB1 begin one further behind then.
    of_all("a second block behind the first one", Memory, |all| {
        another_block(all, |own| own.physical += 0x1000_0000)
    }),
    of_all("a second block before the first one", Memory, |all| {
        another_block(all, |own| own.physical += 0x1000_0000)?;
        let place = first!(all, RamBlock)?;
        all.swap(place, place + 1);
        Some(())
    }),
    of_all("no block", Memory, |all| {
        let place = first!(all, RamBlock)?;
        all.remove(place);
        Some(())
    }),
    of_all("a page behind two blocks", Memory, |all| {
        another_block(all, |own| own.physical += 0x1000_0000)?;
        all.retain(|record| !matches!(record, Record::TlbWrite(_)));
        change_first!(all, Partition, |own| own.page_physical = NOWHERE)
    }),
    in_record!("a block up to 4 GiB", Memory, RamBlock 0, |own| (own.physical, own.size_code) = TO_4_GIB),
    of_all("a second block up to 4 GiB", Memory, |all| {
        another_block(all, |own| (own.physical, own.size_code) = TO_4_GIB)
    }),
    of_all("a second block in one up to 4 GiB", Memory, |all| {
        change_first!(all, RamBlock, |own| (own.physical, own.size_code) =
            TO_4_GIB)?;
        another_block(all, |own| {
            (own.physical, own.size_code) = (own.physical + 0x1000, 1)
        })
    }),
    of_all("a block up to 4 GiB before the others", Memory, |all| {
        another_block(all, |own| (own.physical, own.size_code) = TO_4_GIB)?;
        let place = first!(all, RamBlock)?;
        all.swap(place, place + 1);
        Some(())
    }),
    in_record!("a page at half a page", Memory, Partition 0, |own| own.page_physical += 0x800),
    in_record!("a page in the kernel", Memory, Partition 0, |own| own.page_physical = space::kernel::DATA),
    in_record!("a page behind all RAM", Memory, Partition 0, |own| own.page_physical = NOWHERE),
    in_record!("a region at half a page", Memory, Region 0, |own| own.effective += 0x800),
    in_record!("a region of half a page", Memory, Region 0, |own| own.length += 0x800),
    in_record!("a region of nothing", Memory, Region 0, |own| own.length = 0),
    in_record!("a region round the end", Memory, Region 0, |own| own.effective = 0xffff_f000),
    in_record!("a region of no RAM", Memory, Region 0, |own| own.physical = NOWHERE.into()),
    in_record!("a region of RAM at half a page", Memory, Region 0, |own| own.physical += 0x800),
    in_record!("a region above 4 GiB", Memory, Region 0, |own| own.physical += 1 << 32),
    in_record!("a region that ends behind RAM", Memory, Region 0, |own| own.length = 0x4000_0000),
    in_record!("a region written and executed", Memory, Region 0, |own| own.rights = Rights(7)),
    in_record!("a copy from nowhere", Memory, Copy 0, |own| own.from = NOWHERE),
    in_record!("a copy to nowhere", Memory, Copy 0, |own| own.to = NOWHERE),
    in_record!("a copy from half a word", Memory, Copy 0, |own| own.from += 2),
    in_record!("a copy to half a word", Memory, Copy 0, |own| own.to += 2),
    in_record!("a copy of more than RAM", Memory, Copy 0, |own| own.length = 0x4000_0000),
    of_all("a copy to more than RAM", Memory, |all| {
        let end = end_of_ram(all)?;
        change_first!(all, Copy, |own| (own.to, own.length) = (end - 4, 8))
    }),
    of_all("messages that end behind RAM", Memory, |all| {
        let end = end_of_ram(all)?;
        change_first!(all, Channel, |own| own.store = end - 4)
    }),
    in_record!("a copy of half a word", Memory, Copy 0, |own| own.length += 2),
    in_record!("a queue without places", Memory, Channel 2, |own| own.depth = 0),
    in_record!("a queue too deep", Memory, Channel 2, |own| own.depth = limits::QUEUE_DEPTH + 1),
    in_record!("a message too long", Memory, Channel 0, |own| own.message_bytes = limits::MESSAGE_BYTES + 1),
    in_record!("a reply too long", Memory, Channel 11, |own| own.reply_bytes = limits::MESSAGE_BYTES + 1),
    in_record!("messages kept nowhere", Memory, Channel 0, |own| own.store = NOWHERE),
    in_record!("messages kept at half a word", Memory, Channel 0, |own| own.store += 2),
    // Entries of TLB1.
    in_record!("an entry of the kernel's", Memory, TlbWrite 0, |own| own.mas0 = mas::mas0_tlb1(5)),
    in_record!("an entry of the other array", Memory, TlbWrite 0, |own| own.mas0 &= !mas::MAS0_TLB1),
    in_record!("an entry that is none", Memory, TlbWrite 0, |own| own.mas0 |= 1),
    in_record!("an entry of half validity", Memory, TlbWrite 0, |own| own.mas1 &= !mas::MAS1_VALID),
    in_record!("an entry in the kernel's space", Memory, TlbWrite 0, |own| own.mas1 &= !mas::MAS1_SPACE_1),
    in_record!("an entry that is protected", Memory, TlbWrite 0, |own| own.mas1 |= mas::MAS1_PROTECT),
    in_record!("an entry for everybody", Memory, TlbWrite 0, |own| own.mas1 &= !0x00ff_0000),
    in_record!("an entry for the supervisor to read", Memory, TlbWrite 0, |own| own.mas3 |= mas::MAS3_SUPERVISOR_READ),
    in_record!("an entry for the supervisor to execute", Memory, TlbWrite 0, |own| own.mas3 |= mas::MAS3_SUPERVISOR_EXECUTE),
    in_record!("an entry written and executed", Memory, TlbWrite 0, |own| own.mas3 |= mas::MAS3_USER_EXECUTE | mas::MAS3_USER_WRITE),
    of_all(
        "an entry that is empty, and a region of nothing",
        Memory,
        |all| {
            let empty = TlbWrite {
                mas0: mas::mas0_tlb1(15),
                mas1: 0,
                mas2: 0,
                mas3: 0,
                mas7: 0,
            };
            let place = first!(all, TlbWrite)?;
            all.insert(place, Record::TlbWrite(empty));
            let region = first!(all, Region)?;
            if let Record::Region(own) = &mut all[region] {
                own.length = 0;
            }
            Some(())
        },
    ),
    // Time.
    in_record!("a call longer than can be timed", Time, Channel 11, |own| own.deadline_ticks = limits::TICKS + 1),
    in_record!("a window before its time", Time, Window 1, |own| own.start_ticks -= 1),
    in_record!("a window as short as the guard", Time, Module 0, |own| own.guard_ticks = 800_000),
    in_record!("a window longer than can be timed", Time, Window 0, |own| own.length_ticks = limits::TICKS + 1),
    in_record!("a frame longer than its windows", Time, Schedule 0, |own| own.major_frame_ticks += 1),
    of_all(
        "a partition without regions, and a frame longer than its windows",
        Time,
        |all| {
            without_regions_of_the_first(all)?;
            longer_frame(all)
        },
    ),
    of_all("windows longer than time", Time, |all| {
        let windows = all.iter_mut().filter_map(|record| match record {
            Record::Window(own) => Some(own),
            _ => None,
        });
        for (window, place) in windows.zip(0..) {
            (window.start_ticks, window.length_ticks) = (place * limits::TICKS, limits::TICKS);
        }
        Some(())
    }),
    of_all("a schedule without windows", Time, |all| {
        let schedule = all[first!(all, Schedule)?].clone();
        all.push(schedule);
        Some(())
    }),
];

/// What only the machine finds. At the registers of a window of the bus's controller the bit stays that an interrupt controller would take back at the end of its reset.
pub const ON_THE_MACHINE: &[Change] = &[
    in_record!("an interrupt controller that stays in its reset", InterruptController, Board 0, |own| own.interrupt_controller_offset = 0x8c30 - 0x1020),
];

/// Numbers of 16 bits, each with another in its place: what the change changes is where there will be none.
pub const NUMBERS_16: &[Change] = &[
    in_record!("the limit of restarts", Malformed, Partition 2, |own| own.restart_max ^= 1),
    in_record!("the source of an interrupt", Malformed, Interrupt 0, |own| own.source ^= 1),
    in_record!("the storm of an interrupt", Malformed, Interrupt 0, |own| own.storm_max ^= 1),
];

/// The same of 32 bits: one function reads all that are no kinds.
pub const NUMBERS_32: &[Change] = &[
    in_record!("the place of the interrupt controller", Malformed, Board 0, |own| own.interrupt_controller_offset ^= 1),
    of_all("the kind of a record", Malformed, |all| {
        all.swap(0, 1);
        Some(())
    }),
    in_record!("the kind of a region", Malformed, Region 0, |own| own.kind = RegionKind::Device),
    in_record!("the kind of a capability", Malformed, Capability 0, |own| own.kind = CapabilityKind::Empty),
    in_record!("the kind of a channel", Malformed, Channel 0, |own| own.kind = ChannelKind::Signal),
];

/// The same of 64 bits.
pub const NUMBERS_64: &[Change] = &[
    in_record!("the address of the devices", Malformed, Board 0, |own| own.devices_physical ^= 1),
    in_record!("the time of restarts", Malformed, Partition 2, |own| own.restart_per_ticks ^= 1),
    in_record!("the memory of a region", Malformed, Region 0, |own| own.physical ^= 1),
    in_record!("the age of a channel", Malformed, Channel 0, |own| own.refresh_ticks ^= 1),
];

/// The same of the bus.
pub const NUMBERS_64_OF_THE_BUS: &[Change] =
    &[in_record!("the memory of the devices", Malformed, Bus 0, |own| own.memory_physical ^= 1)];

/// What is so or not.
pub const ALTERNATIVES: &[Change] = &[
    in_record!("the start of a partition", Malformed, Partition 0, |own| own.autostart ^= true),
    in_record!("the level of an interrupt", Malformed, Interrupt 0, |own| own.level ^= true),
    in_record!("the edge of an interrupt", Malformed, Interrupt 0, |own| own.high ^= true),
];

/// The same of the bus.
pub const ALTERNATIVES_OF_THE_BUS: &[Change] =
    &[in_record!("the end of a device", Malformed, Step 0, |own| own.at_end ^= true)];
