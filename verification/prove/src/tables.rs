//! The compiled tables as a whole: their head, and the records in their places.

use crate::Refusal;
use crate::numbers::{ABI_VERSION, limit};
use crate::records::*;
use crate::values::Reader;

/// "CFTB".
const MAGIC: u32 = 0x4346_5442;
/// The version of the format that is decoded here.
const VERSION: u16 = 2;
/// The bytes of the head.
pub const HEAD: usize = 20;

/// A partition, and what belongs to it.
#[derive(Clone, Debug)]
pub struct PartitionTables {
    /// Its record.
    pub own: Partition,
    /// Its guest.
    pub guest: Option<Guest>,
    /// Its regions.
    pub regions: Vec<Region>,
    /// Its pristine copies.
    pub copies: Vec<Copy>,
    /// Its capabilities by their slots.
    pub capabilities: Vec<Capability>,
    /// Its functions on the bus, each with its steps.
    pub functions: Vec<(Function, Vec<Step>)>,
}

/// A channel, and its ends.
#[derive(Clone, Debug)]
pub struct ChannelTables {
    /// Its record.
    pub own: Channel,
    /// The source first.
    pub ends: Vec<End>,
}

/// A window, and what is written to TLB1 when it begins.
#[derive(Clone, Debug)]
pub struct WindowTables {
    /// Its record.
    pub own: Window,
    /// What differs from the window before.
    pub writes: Vec<TlbWrite>,
}

/// A schedule, and its windows.
#[derive(Clone, Debug)]
pub struct ScheduleTables {
    /// Its record.
    pub own: Schedule,
    /// What its first window needs from nothing.
    pub writes: Vec<TlbWrite>,
    /// In the order of time.
    pub windows: Vec<WindowTables>,
}

/// All of the tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The board's facts.
    pub board: Board,
    /// What concerns the module.
    pub module: Module,
    /// The kernel's mapping of RAM.
    pub blocks: Vec<RamBlock>,
    /// The bus.
    pub bus: Option<Bus>,
    /// In the order of their indices.
    pub partitions: Vec<PartitionTables>,
    /// In the order of their indices.
    pub channels: Vec<ChannelTables>,
    /// In the order of their indices.
    pub interrupts: Vec<Interrupt>,
    /// The most urgent first.
    pub ranks: Vec<Rank>,
    /// In the order of their indices.
    pub schedules: Vec<ScheduleTables>,
    /// How many records there are.
    pub records: usize,
}

/// CRC-32 as in IEEE 802.3.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// The records in the bytes of the tables, whose head and checksum are right: the count, and the bytes.
pub fn open(bytes: &[u8]) -> Result<(u32, &[u8]), Refusal> {
    let (head, records) = bytes
        .split_at_checked(HEAD)
        .ok_or_else(|| Refusal::new("the tables are cut off: there is no whole head"))?;
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let half = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    if word(0) != MAGIC {
        return Err(Refusal::new("there are no tables where they belong"));
    }
    if half(4) != VERSION {
        let what = format!(
            "the tables have format {}, and this command knows {VERSION}: use the tool of the version that built the image",
            half(4)
        );
        return Err(Refusal::new(what));
    }
    if half(6) != ABI_VERSION {
        let what = format!("the tables are for version {} of the kernel's ABI", half(6));
        return Err(Refusal::new(what));
    }
    if word(8) as usize != records.len() {
        let what = format!(
            "the tables say that they have {} bytes of records, and have {}",
            word(8),
            records.len()
        );
        return Err(Refusal::new(what));
    }
    if word(16) != crc32(&[&head[..16], records]) {
        return Err(Refusal::new("the checksum of the tables is wrong"));
    }
    Ok((word(12), records))
}

impl Tables {
    /// Decodes tables.
    ///
    /// # Errors
    /// If they are damaged, or not in the order and the numbers that the kernel takes.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let (count, bytes) = open(bytes)?;
        let mut reader = Reader::new(bytes);
        let mut records = Vec::new();
        for number in 0..count {
            let (at, mut ahead) = (bytes.len() - reader.left(), reader.clone());
            records.push(Record::read(&mut reader).map_err(|refusal| {
                let kind = ahead
                    .number(32)
                    .ok()
                    .and_then(|kind| RECORDS.get(kind as usize));
                let kind = kind.map_or(String::new(), |(name, _)| format!(", a {name}"));
                Refusal::new(format!(
                    "record {number} of the tables{kind}, at byte {at} of {}: {refusal}",
                    bytes.len()
                ))
            })?);
        }
        if reader.left() != 0 {
            return Err(Refusal::new(
                "there are bytes behind the tables' last record",
            ));
        }
        let tables = Assembly { records, at: 0 }.tables()?;
        tables.within_limits()?;
        Ok(tables)
    }

    fn within_limits(&self) -> Result<(), Refusal> {
        let of_partitions = |count: fn(&PartitionTables) -> usize| -> usize {
            self.partitions.iter().map(count).sum()
        };
        let windows = self.schedules.iter().flat_map(|one| &one.windows);
        let writes = windows.clone().map(|one| one.writes.len()).sum::<usize>()
            + self
                .schedules
                .iter()
                .map(|one| one.writes.len())
                .sum::<usize>();
        let ends = self.channels.iter().map(|one| one.ends.len()).sum();
        let steps = of_partitions(|one| one.functions.iter().map(|(_, steps)| steps.len()).sum());
        for (what, count, most) in [
            ("partitions", self.partitions.len(), limit::PARTITIONS),
            (
                "guests",
                of_partitions(|one| one.guest.iter().count()),
                limit::GUESTS,
            ),
            (
                "regions",
                of_partitions(|one| one.regions.len()),
                limit::REGIONS,
            ),
            (
                "copies",
                of_partitions(|one| one.copies.len()),
                limit::COPIES,
            ),
            (
                "capabilities",
                of_partitions(|one| one.capabilities.len()),
                limit::CAPABILITIES,
            ),
            (
                "functions",
                of_partitions(|one| one.functions.len()),
                limit::FUNCTIONS,
            ),
            ("steps", steps, limit::STEPS),
            ("blocks of RAM", self.blocks.len(), limit::RAM_BLOCKS),
            ("channels", self.channels.len(), limit::CHANNELS),
            ("ends of channels", ends, limit::CHANNEL_ENDS),
            ("interrupts", self.interrupts.len(), limit::INTERRUPTS),
            ("ranks", self.ranks.len(), limit::RANKS),
            ("schedules", self.schedules.len(), limit::SCHEDULES),
            ("windows", windows.count(), limit::WINDOWS),
            ("writes to TLB1", writes, limit::TLB_WRITES),
        ] {
            if count > most {
                let text =
                    format!("the tables have {count} {what}, and the kernel has room for {most}");
                return Err(Refusal::new(text));
            }
        }
        Ok(())
    }
}

/// Records on their way to their places.
struct Assembly {
    records: Vec<Record>,
    at: usize,
}

/// Takes the next record if it is one of these.
macro_rules! take {
    ($from:expr, $kind:ident) => {
        match $from.records.get($from.at) {
            Some(Record::$kind(record)) => {
                let record = record.clone();
                $from.at += 1;
                Some(record)
            }
            _ => None,
        }
    };
}

/// Takes as many as there are.
macro_rules! take_all {
    ($from:expr, $kind:ident) => {{
        let mut all = Vec::new();
        while let Some(record) = take!($from, $kind) {
            all.push(record);
        }
        all
    }};
}

impl Assembly {
    fn tables(mut self) -> Result<Tables, Refusal> {
        let missing = |what| Refusal::new(format!("the tables lack {what} at its place"));
        let board = take!(self, Board).ok_or_else(|| missing("the board"))?;
        let module = take!(self, Module).ok_or_else(|| missing("the module"))?;
        let blocks = take_all!(self, RamBlock);
        let bus = take!(self, Bus);
        let mut partitions = Vec::new();
        while let Some(own) = take!(self, Partition) {
            let guest = take!(self, Guest);
            let regions = take_all!(self, Region);
            let copies = take_all!(self, Copy);
            let capabilities = take_all!(self, Capability);
            let mut functions = Vec::new();
            while let Some(function) = take!(self, Function) {
                functions.push((function, take_all!(self, Step)));
            }
            partitions.push(PartitionTables {
                own,
                guest,
                regions,
                copies,
                capabilities,
                functions,
            });
        }
        let mut channels = Vec::new();
        while let Some(own) = take!(self, Channel) {
            let ends = take_all!(self, End);
            channels.push(ChannelTables { own, ends });
        }
        let interrupts = take_all!(self, Interrupt);
        let ranks = take_all!(self, Rank);
        let mut schedules = Vec::new();
        while let Some(own) = take!(self, Schedule) {
            let writes = take_all!(self, TlbWrite);
            let mut windows = Vec::new();
            while let Some(own) = take!(self, Window) {
                let writes = take_all!(self, TlbWrite);
                windows.push(WindowTables { own, writes });
            }
            schedules.push(ScheduleTables {
                own,
                writes,
                windows,
            });
        }
        if self.at != self.records.len() {
            let what = format!(
                "record {} of the tables stands where it does not belong",
                self.at
            );
            return Err(Refusal::new(what));
        }
        if partitions.is_empty() {
            return Err(missing("a partition"));
        }
        if schedules.is_empty() {
            return Err(missing("a schedule"));
        }
        Ok(Tables {
            board,
            module,
            blocks,
            bus,
            partitions,
            channels,
            interrupts,
            ranks,
            schedules,
            records: self.records.len(),
        })
    }
}

/// A name as the tables have it: padded with zeros.
pub fn name(text: &str) -> [u8; 16] {
    let mut padded = [0; 16];
    for (to, from) in padded.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
    }
}
