//! Damage to the compiled tables of an image, and what the kernel has to say about it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use cofferdam_abi::space;
use cofferdam_core::Configuration;
use cofferdam_tables::{Header, seal};
use fastrand::Rng;
use object::BigEndian;
use object::elf::FileHeader32;
use object::read::elf::{FileHeader, ProgramHeader};
use zerocopy::{FromBytes, IntoBytes};

/// One way to damage tables.
pub struct Damage {
    /// Its name.
    pub name: &'static str,
    /// The number of the boot failure to be expected (`BootFailure::text` of the kernel's core has the words).
    pub reason: u32,
    /// Does it: changes the header, or the records behind it.
    harm: fn(&mut Header, &mut [u8]),
    /// Whether the checksum is made right again.
    sealed: bool,
}

const fn damage(
    name: &'static str,
    reason: u32,
    sealed: bool,
    harm: fn(&mut Header, &mut [u8]),
) -> Damage {
    Damage {
        name,
        reason,
        harm,
        sealed,
    }
}

/// All that are tried on the machine. Each bit flipped, one at a time, is tried on the host, where it is quick.
pub const DAMAGES: &[Damage] = &[
    damage("longer than there is room", 1, false, |header, _| {
        header.length = u32::MAX.into();
    }),
    damage("erased", 2, false, |header, records| {
        header.as_mut_bytes().fill(0xff);
        records.fill(0xff);
    }),
    damage("another version", 3, false, |header, _| {
        header.version = (header.version.get() + 1).into();
    }),
    damage("another ABI", 4, false, |header, _| {
        header.abi_version = (header.abi_version.get() + 1).into();
    }),
    damage("a flipped bit", 5, false, |_, records| {
        let middle = records.len() / 2;
        records[middle] ^= 0x10;
    }),
    damage("a flipped bit of the checksum", 5, false, |header, _| {
        header.crc = (header.crc.get() ^ 1).into();
    }),
    damage("nonsense under a right checksum", 6, true, |_, records| {
        records.fill(0xff);
    }),
    damage("a record too few", 6, true, |header, _| {
        header.count = (header.count.get() - 1).into();
    }),
    damage("nothing but a head", 9, true, |header, _| {
        header.count = 0.into();
        header.length = 0.into();
    }),
];

/// The image with damaged tables.
pub fn apply(damage: &Damage, mut image: Vec<u8>) -> Result<Vec<u8>> {
    let range = tables(&image)?;
    let tables = image.get_mut(range).context("the image is truncated")?;
    let (header, records) = tables.split_at_mut(size_of::<Header>());
    let mut damaged = Header::read_from_bytes(header)
        .ok()
        .context("the tables have no head")?;
    (damage.harm)(&mut damaged, records);
    if damage.sealed {
        let length = damaged.length.get() as usize;
        let records = records.get(..length).context("the tables are truncated")?;
        damaged = seal(records, damaged.count.get());
    }
    header.copy_from_slice(damaged.as_bytes());
    Ok(image)
}

/// Tables that somebody made, under a right checksum, and what the kernel has to say about them.
#[derive(Clone)]
pub struct Mutant {
    /// What was made of them.
    pub name: String,
    /// The number of the boot failure.
    pub reason: u32,
    /// They themselves.
    tables: Vec<u8>,
}

impl Mutant {
    /// The image with them.
    pub fn apply(&self, mut image: Vec<u8>) -> Result<Vec<u8>> {
        let start = tables(&image)?.start;
        let place = image
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..self.tables.len()));
        place
            .context("the image is truncated")?
            .copy_from_slice(&self.tables);
        Ok(image)
    }
}

/// So many times more are made than are wanted: the kernel takes some of them, and a third at most are refused for one reason, as long as others are there.
const TRIES: u64 = 20;

/// Makes tables out of those of an image.
struct Maker {
    /// How many bytes of records there is room for.
    room: usize,
    /// The records as they are, each as its bytes.
    records: Vec<Vec<u8>>,
    configuration: Box<Configuration>,
}

impl Maker {
    fn new(image: &[u8]) -> Result<Self> {
        let tables = tables_of(image)?;
        let (_, records) = cofferdam_tables::open(&tables)
            .map_err(|error| anyhow::anyhow!("the tables have no head: {error:?}"))?;
        let records = records.map(|record| {
            let record = record.ok().context("the tables are malformed")?;
            postcard::to_stdvec(&record).context("a record is not one")
        });
        Ok(Self {
            room: tables.len() - size_of::<Header>(),
            records: records.collect::<Result<_>>()?,
            configuration: Box::new(Configuration::EMPTY),
        })
    }

    /// Tables of other records, if the kernel's own code refuses them: it says so on the host.
    fn refused(&mut self, name: String, mut body: Vec<u8>, number: u32) -> Option<Mutant> {
        body.truncate(self.room);
        let mut bytes = seal(&body, number).as_bytes().to_vec();
        bytes.extend(body);
        *self.configuration = Configuration::EMPTY;
        let reason = self.configuration.load(&bytes).err()?.number();
        Some(Mutant {
            name,
            reason,
            tables: bytes,
        })
    }
}

/// Mutants of the tables of an image that are refused.
pub fn mutants(image: &[u8], count: usize) -> Result<Vec<Mutant>> {
    let mut maker = Maker::new(image)?;
    let mut of_reason = BTreeMap::<u32, usize>::new();
    let (mut all, mut others) = (Vec::new(), Vec::new());
    for seed in 0..count as u64 * TRIES {
        let (body, number) = mutated(&maker.records, maker.room, &mut Rng::with_seed(seed));
        let Some(mutant) = maker.refused(format!("number {seed}"), body, number) else {
            continue;
        };
        let so_far = of_reason.entry(mutant.reason).or_default();
        if *so_far < count / 3 {
            *so_far += 1;
            all.push(mutant);
        } else {
            others.push(mutant);
        }
    }
    all.extend(others);
    all.truncate(count);
    ensure!(all.len() == count, "there are {} mutants alone", all.len());
    Ok(all)
}

/// The tables cut off behind each byte of a record of each kind.
pub fn cut(image: &[u8]) -> Result<Vec<Mutant>> {
    let mut maker = Maker::new(image)?;
    // The kind is the first byte (postcard writes the number of an enumeration's variant first).
    let mut longest = BTreeMap::<u8, usize>::new();
    for (place, record) in maker.records.iter().enumerate() {
        let kind = record.first().copied().unwrap_or_default();
        let so_far = longest.entry(kind).or_insert(place);
        if record.len() > maker.records[*so_far].len() {
            *so_far = place;
        }
    }
    let mut all = Vec::new();
    for (kind, place) in longest {
        let before = maker.records[..place].concat();
        let record = maker.records[place].clone();
        for length in 0..record.len() {
            let body = [&before[..], &record[..length]].concat();
            let name = format!("cut off behind {length} bytes of a record of kind {kind}");
            all.extend(maker.refused(name, body, place as u32 + 1));
        }
    }
    Ok(all)
}

/// The records with something changed, and how many the head says that there are.
fn mutated(records: &[Vec<u8>], room: usize, rng: &mut Rng) -> (Vec<u8>, u32) {
    let mut records = records.to_vec();
    let one = rng.usize(..records.len());
    let other = rng.usize(..records.len());
    let mut missing = 0;
    match rng.u8(..16) {
        0 => _ = records.remove(one),
        1 => records.swap(one, other),
        2 => records[other] = records[one].clone(),
        3 => {
            // As many of one as there is room for.
            records.truncate(other + 1);
            let copy = records[one.min(other)].clone();
            let used: usize = records.iter().map(Vec::len).sum();
            let more = (room - used) / copy.len();
            records.extend(std::iter::repeat_n(copy, more));
        }
        4 => {
            let shorter = rng.usize(..records[one].len());
            records[one].truncate(shorter);
            records.truncate(one + 1);
        }
        5 => missing = rng.u32(1..4),
        _ => {
            for _ in 0..rng.u8(1..3) {
                let record = &mut records[one];
                let place = rng.usize(..record.len());
                record[place] = match rng.u8(..5) {
                    0 => 0,
                    1 => 0x7f,
                    2 => 0xff,
                    3 => record[place].wrapping_add(1),
                    _ => rng.u8(..),
                };
            }
        }
    }
    let number = (records.len() as u32).wrapping_sub(missing);
    (records.concat(), number)
}

/// How many bits the tables of an image have.
pub fn bits(image: &[u8]) -> Result<usize> {
    Ok(tables(image)?.len() * 8)
}

/// The image with one bit of its tables flipped.
pub fn flip(mut image: Vec<u8>, bit: usize) -> Result<Vec<u8>> {
    let start = tables(&image)?.start;
    let byte = image
        .get_mut(start + bit / 8)
        .context("the image is truncated")?;
    *byte ^= 0x80 >> (bit % 8);
    Ok(image)
}

/// The tables of an image.
pub fn tables_of(image: &[u8]) -> Result<Vec<u8>> {
    let range = tables(image)?;
    let tables = image.get(range).context("the image is truncated")?;
    Ok(tables.to_vec())
}

/// Where the tables lie in the file.
fn tables(image: &[u8]) -> Result<std::ops::Range<usize>> {
    let header = FileHeader32::<BigEndian>::parse(image).context("the image is no ELF")?;
    let segment = header
        .program_headers(BigEndian, image)
        .context("the image has no segments")?
        .iter()
        .find(|segment| segment.p_paddr(BigEndian) == space::kernel::TABLES)
        .context("the image has no tables")?;
    let (offset, size) = segment.file_range(BigEndian);
    Ok(offset as usize..(offset + size) as usize)
}
