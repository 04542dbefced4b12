//! Tables with as many records of each kind as the kernel has slots for, as far as one system can have so many of all of them.

use anyhow::{Context, Result};
use cofferdam_abi::limits;
use cofferdam_tables::{
    Capability, CapabilityKind, Channel, ChannelKind, End, Interrupt, NO_LINE, Partition, Rank,
    Record, TlbWrite, mas,
};

/// Interrupts that no device of the board raises.
const SOURCES: u16 = 48;

/// Counts records of a kind.
macro_rules! count {
    ($records:expr, $kind:ident) => {
        (($records.iter()).filter(|record| matches!(record, Record::$kind(_)))).count()
    };
}

/// The records of `flight`, filled up with partitions that never start, and with what those have; so many ranks.
pub fn of_flight(records: &[Record], number: usize) -> Result<Vec<Record>> {
    let place = |is_one: fn(&Record) -> bool| {
        let place = records.iter().position(is_one);
        place.context("a kind of record is missing")
    };
    let channel = place(|record| matches!(record, Record::Channel(_)))?;
    let interrupt = place(|record| matches!(record, Record::Interrupt(_)))?;
    let schedule = place(|record| matches!(record, Record::Schedule(_)))?;
    let mut all = records[..channel].to_vec();
    all.extend(partitions(records, number)?);
    all.extend_from_slice(&records[channel..interrupt]);
    all.extend(channels(records)?);
    all.extend_from_slice(&records[interrupt..schedule]);
    all.extend(interrupts(records)?);
    all.extend(ranks(records, number));
    all.extend_from_slice(&records[schedule..]);
    all.extend(schedules(records)?);
    Ok(all)
}

/// Whose rank this is.
fn owner(records: &[Record], rank: usize) -> u8 {
    let own = count!(records, Partition);
    (own + rank % (limits::PARTITIONS - own)) as u8
}

fn partitions(records: &[Record], number: usize) -> Result<Vec<Record>> {
    let (start, model) = (records.iter().enumerate())
        .find_map(|(place, record)| match record {
            Record::Partition(own) => Some((place, own)),
            _ => None,
        })
        .context("there is no partition")?;
    let own = count!(records, Partition);
    let own_ranks = count!(records, Rank);
    let region = &records[start + 1];
    let copy = (records.iter()).find(|record| matches!(record, Record::Copy(_)));
    let copy = copy.context("there is no copy")?;
    let mut all = Vec::new();
    for index in own..limits::PARTITIONS {
        let ranks = (own_ranks..number).filter(|rank| owner(records, *rank) == index as u8);
        all.push(Record::Partition(Partition {
            pid: index as u8 + 1,
            ranks: ranks.fold(0, |set, rank| set | 0x8000_0000 >> rank),
            autostart: false,
            ..*model
        }));
        // The last one has all that is left.
        let last = index + 1 == limits::PARTITIONS;
        let more = |number: usize| if last { number } else { 1 };
        let others = limits::PARTITIONS - own - 1;
        let regions = limits::REGIONS - count!(records, Region) - others;
        all.extend(std::iter::repeat_n(region.clone(), more(regions)));
        let copies = limits::COPIES - count!(records, Copy) - others;
        all.extend(std::iter::repeat_n(copy.clone(), more(copies)));
        let empty = Record::Capability(Capability {
            kind: CapabilityKind::Empty,
            object: 0,
            rights: 0,
        });
        let capabilities = limits::CAPABILITIES - count!(records, Capability) - others;
        all.extend(std::iter::repeat_n(empty, more(capabilities)));
    }
    Ok(all)
}

/// Channels with one destination between partitions that there were not, and the last with as many as are left.
fn channels(records: &[Record]) -> Result<Vec<Record>> {
    let model = (records.iter()).find_map(|record| match record {
        Record::Channel(own) if own.kind == ChannelKind::Sampling => Some(own),
        _ => None,
    });
    let model = model.context("there is no sampling channel")?;
    let end = |rank| {
        Record::End(End {
            partition: owner(records, rank),
            line: NO_LINE,
        })
    };
    let more = limits::CHANNELS - count!(records, Channel);
    let mut all = Vec::new();
    for number in 0..more {
        all.push(Record::Channel(Channel { ..*model }));
        all.extend([end(number), end(number + 1)]);
    }
    let left = limits::CHANNEL_ENDS - count!(records, End) - 2 * more;
    all.extend((0..left).map(end));
    Ok(all)
}

fn interrupts(records: &[Record]) -> Result<Vec<Record>> {
    let model = (records.iter()).find_map(|record| match record {
        Record::Interrupt(own) => Some(*own),
        _ => None,
    });
    let model = model.context("there is no interrupt")?;
    let more = limits::INTERRUPTS - count!(records, Interrupt);
    let all = (0..more as u16).map(|number| {
        Record::Interrupt(Interrupt {
            source: SOURCES + number,
            owner: owner(records, number.into()),
            line: (number % limits::LINES as u16) as u8,
            level: number % 2 == 0,
            high: number % 4 < 2,
            ..model
        })
    });
    Ok(all.collect())
}

fn ranks(records: &[Record], number: usize) -> impl Iterator<Item = Record> {
    let ranks = count!(records, Rank)..number;
    ranks.map(|rank| {
        Record::Rank(Rank {
            partition: owner(records, rank),
            budget_ticks: 0,
        })
    })
}

/// Schedules of one window, and the last with as many as are left, in which the last one has all the writes that are left.
fn schedules(records: &[Record]) -> Result<Vec<Record>> {
    let first = (records.iter()).find_map(|record| match record {
        Record::Window(own) => Some(*own),
        _ => None,
    });
    let first = first.context("there is no window")?;
    let more = limits::SCHEDULES - count!(records, Schedule);
    let left = limits::WINDOWS - count!(records, Window) - (more - 1);
    let mut all = Vec::new();
    for number in 0..more {
        let windows = if number + 1 < more { 1 } else { left };
        all.push(Record::Schedule(cofferdam_tables::Schedule {
            name: [0; limits::NAME_BYTES],
            major_frame_ticks: first.length_ticks * windows as u32,
        }));
        for window in 0..windows as u32 {
            all.push(Record::Window(cofferdam_tables::Window {
                start_ticks: window * first.length_ticks,
                ..first
            }));
        }
    }
    let empty = Record::TlbWrite(TlbWrite {
        mas0: mas::mas0_tlb1(limits::TLB1_ENTRIES as u32 - 1),
        mas1: 0,
        mas2: 0,
        mas3: 0,
        mas7: 0,
    });
    let writes = limits::TLB_WRITES - count!(records, TlbWrite);
    all.extend(std::iter::repeat_n(empty, writes));
    Ok(all)
}
