//! What has to hold of a disk before its file system is used.
//!
//! Layouts are those of Microsoft's "FAT: General Overview of On-Disk Format", version 1.03, and of the table of parts that the first
//! block of a disk has.

use crate::{BLOCK_BYTES, Block, Blocks, Wrong};

// The table of parts.
const FIRST_PART: usize = 446;
const PART_TYPE: usize = FIRST_PART + 4;
const PART_START: usize = FIRST_PART + 8;
const PART_BLOCKS: usize = FIRST_PART + 12;
const FAT16_TYPES: [u8; 3] = [0x04, 0x06, 0x0e];
const SIGNATURE: usize = 510;
const SIGNED: u16 = 0xaa55;

// The first block of the file system.
const BYTES_OF_BLOCK: usize = 11;
const BLOCKS_OF_CLUSTER: usize = 13;
const RESERVED_BLOCKS: usize = 14;
const TABLES: usize = 16;
const ROOT_ENTRIES: usize = 17;
const ALL_BLOCKS_16: usize = 19;
const TABLE_BLOCKS: usize = 22;
const ALL_BLOCKS_32: usize = 32;
/// So many clusters make it FAT16, and nothing else does.
const CLUSTERS: core::ops::Range<u32> = 4085..65525;

// Entries of the root directory.
const ENTRY_BYTES: usize = 32;
const ENTRIES_OF_BLOCK: u32 = (BLOCK_BYTES / ENTRY_BYTES) as u32;
const NAME: &[u8; 11] = b"FLIGHT  LOG";
const ATTRIBUTES: usize = 11;
/// A part of a long name.
const LONG_NAME: u8 = 0x0f;
/// A directory, or the name of the disk.
const NO_FILE: u8 = 0x18;
const FIRST_CLUSTER: usize = 26;
const FILE_BYTES: usize = 28;
const LAST_ENTRY: u8 = 0;

/// The first two entries of a table are of no cluster.
const FIRST_OF_TABLE: u32 = 2;
const ENTRIES_OF_TABLE_BLOCK: u32 = (BLOCK_BYTES / 2) as u32;
const END_OF_CHAIN: core::ops::RangeInclusive<u32> = 0xfff8..=0xffff;

/// The part of a disk that is right, by its blocks.
#[derive(Clone, Debug)]
pub struct Part {
    /// The first one.
    pub(crate) first: u32,
    /// Behind the last one.
    pub(crate) end: u32,
    /// The table of parts, and the part's first block, as they were looked at: whatever the disk says of them later, the file system reads these.
    pub(crate) heads: [Block; 2],
}

/// What the file system says of itself.
struct Shape {
    blocks_of_cluster: u32,
    table: u32,
    root: u32,
    root_blocks: u32,
    clusters: u32,
}

/// Looks at all that the file system goes by when it appends to the log.
///
/// # Errors
/// What does not hold.
pub fn check<B: Blocks>(disk: &mut B) -> Result<Part, Wrong> {
    let mut heads = [[0; BLOCK_BYTES]; 2];
    disk.read(0, &mut heads[0])?;
    let (first, end) = part(&heads[0], disk.count())?;
    disk.read(first, &mut heads[1])?;
    let part = Part { first, end, heads };
    let shape = shape(&part)?;
    if let Some((first, bytes)) = find(disk, &shape)? {
        follow(disk, &shape, first, bytes)?;
    }
    Ok(part)
}

fn half(block: &Block, at: usize) -> u32 {
    let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
    u16::from_le_bytes(bytes.copied().unwrap_or_default()).into()
}

fn word(block: &Block, at: usize) -> u32 {
    let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
    u32::from_le_bytes(bytes.copied().unwrap_or_default())
}

/// Where the first part of the disk begins and ends.
fn part(block: &Block, blocks: u32) -> Result<(u32, u32), Wrong> {
    let first = word(block, PART_START);
    let end = first.checked_add(word(block, PART_BLOCKS));
    match end {
        Some(end)
            if half(block, SIGNATURE) == SIGNED.into()
                && FAT16_TYPES.contains(&block[PART_TYPE])
                && first > 0
                && first < end
                && end <= blocks =>
        {
            Ok((first, end))
        }
        _ => Err(Wrong::NoPart),
    }
}

fn shape(part: &Part) -> Result<Shape, Wrong> {
    let block = &part.heads[1];
    let blocks_of_cluster = u32::from(block[BLOCKS_OF_CLUSTER]);
    let reserved = half(block, RESERVED_BLOCKS);
    let tables = u32::from(block[TABLES]);
    let table_blocks = half(block, TABLE_BLOCKS);
    let root_entries = half(block, ROOT_ENTRIES);
    let all = match half(block, ALL_BLOCKS_16) {
        0 => word(block, ALL_BLOCKS_32),
        all => all,
    };
    let root_blocks = root_entries / ENTRIES_OF_BLOCK;
    // None of these has more than 16 bits.
    let before = reserved + tables * table_blocks + root_blocks;
    let right = half(block, SIGNATURE) == SIGNED.into()
        && half(block, BYTES_OF_BLOCK) == BLOCK_BYTES as u32
        && blocks_of_cluster.is_power_of_two()
        && reserved > 0
        && (1..=2).contains(&tables)
        && table_blocks > 0
        && root_entries > 0
        && root_entries.is_multiple_of(ENTRIES_OF_BLOCK)
        && before < all
        && all <= part.end - part.first;
    if !right {
        return Err(Wrong::Geometry);
    }
    let clusters = (all - before) / blocks_of_cluster;
    if !CLUSTERS.contains(&clusters)
        || table_blocks * ENTRIES_OF_TABLE_BLOCK < clusters + FIRST_OF_TABLE
    {
        return Err(Wrong::Geometry);
    }
    Ok(Shape {
        blocks_of_cluster,
        table: part.first + reserved,
        root: part.first + reserved + tables * table_blocks,
        root_blocks,
        clusters,
    })
}

/// The first cluster of the log and its length, if it is there.
fn find<B: Blocks>(disk: &mut B, shape: &Shape) -> Result<Option<(u32, u32)>, Wrong> {
    let mut block = [0; BLOCK_BYTES];
    for number in shape.root..shape.root + shape.root_blocks {
        disk.read(number, &mut block)?;
        for at in (0..BLOCK_BYTES).step_by(ENTRY_BYTES) {
            if block[at] == LAST_ENTRY {
                return Ok(None);
            }
            let attributes = block[at + ATTRIBUTES];
            if block[at..at + NAME.len()] != *NAME || attributes & LONG_NAME == LONG_NAME {
                continue;
            }
            if attributes & NO_FILE != 0 {
                return Err(Wrong::Chain);
            }
            return Ok(Some((
                half(&block, at + FIRST_CLUSTER),
                word(&block, at + FILE_BYTES),
            )));
        }
    }
    Ok(None)
}

/// The clusters from this one on are a chain with an end, and have room for so many bytes.
fn follow<B: Blocks>(disk: &mut B, shape: &Shape, first: u32, bytes: u32) -> Result<(), Wrong> {
    if (first, bytes) == (0, 0) {
        return Ok(());
    }
    let cluster_bytes = shape.blocks_of_cluster * BLOCK_BYTES as u32;
    let needed = bytes.div_ceil(cluster_bytes);
    let mut block = [0; BLOCK_BYTES];
    let mut read = None;
    let mut cluster = first;
    // A chain with more clusters than there are goes in a circle.
    for count in 1..=shape.clusters {
        if !(FIRST_OF_TABLE..FIRST_OF_TABLE + shape.clusters).contains(&cluster) {
            return Err(Wrong::Chain);
        }
        let number = shape.table + cluster / ENTRIES_OF_TABLE_BLOCK;
        if read != Some(number) {
            disk.read(number, &mut block)?;
            read = Some(number);
        }
        cluster = half(&block, (cluster % ENTRIES_OF_TABLE_BLOCK) as usize * 2);
        if END_OF_CHAIN.contains(&cluster) {
            return if count >= needed {
                Ok(())
            } else {
                Err(Wrong::Chain)
            };
        }
    }
    Err(Wrong::Chain)
}
