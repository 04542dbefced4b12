//! Damage to the compiled tables of an image, and what the kernel has to say about it.

#[macro_use]
mod changes;
mod full;
mod mutants;
mod needs;

use std::ops::Range;

use anyhow::{Context, Result};
use cofferdam_abi::space;
use cofferdam_tables::{Header, Record, seal};
use object::BigEndian;
use object::elf::FileHeader32;
use object::read::elf::{FileHeader, ProgramHeader};
use zerocopy::{FromBytes, IntoBytes};

pub use mutants::{Mutant, Mutants};

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

/// The image with other records, under a right checksum: tables that the build would not make, and the kernel takes.
pub fn edited(mut image: Vec<u8>, edit: impl Fn(&mut Record)) -> Result<Vec<u8>> {
    let tables = tables_of(&image)?;
    let (_, records) = cofferdam_tables::open(&tables)
        .map_err(|error| anyhow::anyhow!("the tables have no head: {error:?}"))?;
    let (mut body, mut number) = (Vec::new(), 0);
    for record in records {
        let mut record = record.ok().context("the tables are malformed")?;
        edit(&mut record);
        body.extend(postcard::to_stdvec(&record).context("a record is not one")?);
        number += 1;
    }
    let mut bytes = seal(&body, number).as_bytes().to_vec();
    bytes.extend(body);
    let start = self::tables(&image)?.start;
    let place = image.get_mut(start..start + bytes.len());
    place
        .context("the image is truncated")?
        .copy_from_slice(&bytes);
    Ok(image)
}

/// The tables of an image.
pub fn tables_of(image: &[u8]) -> Result<Vec<u8>> {
    let range = tables(image)?;
    let tables = image.get(range).context("the image is truncated")?;
    Ok(tables.to_vec())
}

/// Where the tables lie in the file.
fn tables(image: &[u8]) -> Result<Range<usize>> {
    let (_, range) = segment(image)?;
    Ok(range)
}

/// Where the head of the tables' segment lies in the file, and where they do.
fn segment(image: &[u8]) -> Result<(usize, Range<usize>)> {
    let header = FileHeader32::<BigEndian>::parse(image).context("the image is no ELF")?;
    let segments = header
        .program_headers(BigEndian, image)
        .context("the image has no segments")?;
    let (place, segment) = (segments.iter().enumerate())
        .find(|(_, segment)| segment.p_paddr(BigEndian) == space::kernel::TABLES)
        .context("the image has no tables")?;
    let head = header.e_phoff(BigEndian) as usize + place * size_of_val(segment);
    let (offset, size) = segment.file_range(BigEndian);
    Ok((head, offset as usize..(offset + size) as usize))
}

/// The image with other tables, of any length.
fn with_tables(mut image: Vec<u8>, tables: &[u8]) -> Result<Vec<u8>> {
    let (head, _) = segment(&image)?;
    let offset = image.len() as u32;
    image.extend(tables);
    let length = tables.len() as u32;
    // `p_offset`, `p_filesz` and `p_memsz` of an `Elf32_Phdr` (System V ABI, "Program Header").
    for (place, word) in [(4, offset), (16, length), (20, length)] {
        let place = head + place..head + place + 4;
        image[place].copy_from_slice(&word.to_be_bytes());
    }
    Ok(image)
}
