//! The log on a disk whose file system is anything, and changes while it is used.
//!
//! The input is a list of pieces, each with the place to which it goes: into the table of parts, the first block of the file system, its tables, its root
//! directory, or the log's own clusters; before the check, or behind it. What has to hold whatever they are: nothing panics, each call ends within its number
//! of blocks, and nothing is written outside of the part that was found.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::LazyLock;

use fatfs::{FatType, FormatVolumeOptions};
use logger::{BLOCK_BYTES, Block, Blocks, Failure, append, check};

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "log",
    seeds,
    run,
};

/// Where the part begins, and how many blocks it has.
const FIRST: usize = 63;
const PART: usize = 8192;
/// A piece comes when the check is over.
const LATER: u8 = 0x80;
/// So many blocks are moved at most: the check follows a chain by a table of 256 blocks, and a call has 4,096.
const BLOCKS_OF_CALLS: u32 = 10_000;
const REGIONS: [(usize, usize); 5] = [
    (440, 72),
    (FIRST * BLOCK_BYTES, 64),
    ((FIRST + 1) * BLOCK_BYTES, 64),
    // Behind both tables, of 32 blocks each.
    ((FIRST + 1 + 64) * BLOCK_BYTES, 256),
    ((FIRST + 1) * BLOCK_BYTES, 120 * BLOCK_BYTES),
];

/// A disk with an empty file system, made by another implementation, and three clusters of a log.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut part = vec![0; PART * BLOCK_BYTES];
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat16)
        .bytes_per_cluster(512);
    fatfs::format_volume(Cursor::new(&mut part), options).expect("a file system");
    let mut bytes = vec![0; FIRST * BLOCK_BYTES];
    bytes[446 + 4] = 0x06;
    bytes[446 + 8..446 + 12].copy_from_slice(&(FIRST as u32).to_le_bytes());
    bytes[446 + 12..446 + 16].copy_from_slice(&(PART as u32).to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes.extend(part);
    let mut disk = Disk::of(&bytes);
    let part = check(&mut disk).expect("a sound file system");
    append(&mut disk, &part, &[b'x'; 1300]).expect("room in it");
    let written = disk.changed;
    for (number, block) in written {
        let at = number as usize * BLOCK_BYTES;
        bytes[at..at + BLOCK_BYTES].copy_from_slice(&block);
    }
    bytes
});

/// One in memory.
struct Disk<'s> {
    sound: &'s [u8],
    changed: BTreeMap<u32, Block>,
    moved: u32,
    /// What may be written.
    own: std::ops::Range<u32>,
}

impl<'s> Disk<'s> {
    fn of(sound: &'s [u8]) -> Self {
        Self {
            sound,
            changed: BTreeMap::new(),
            moved: 0,
            own: 0..u32::MAX,
        }
    }

    fn block(&self, number: u32) -> Option<Block> {
        let at = number as usize * BLOCK_BYTES;
        let sound = || self.sound.get(at..at + BLOCK_BYTES)?.try_into().ok();
        self.changed.get(&number).copied().or_else(sound)
    }

    fn put(&mut self, place: usize, bytes: &[u8]) {
        for (place, byte) in (place..).zip(bytes) {
            let number = (place / BLOCK_BYTES) as u32;
            if let Some(mut block) = self.block(number) {
                block[place % BLOCK_BYTES] = *byte;
                self.changed.insert(number, block);
            }
        }
    }

    /// The part that its table names.
    fn named(&self) -> std::ops::Range<u32> {
        let table = self.block(0).unwrap_or([0; BLOCK_BYTES]);
        let word = |at: usize| {
            let bytes = table[at..].first_chunk().copied();
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let first = word(446 + 8);
        first..first.saturating_add(word(446 + 12))
    }
}

impl Blocks for Disk<'_> {
    fn count(&self) -> u32 {
        (self.sound.len() / BLOCK_BYTES) as u32
    }

    fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure> {
        self.moved += 1;
        *block = self.block(number).ok_or(Failure::Disk)?;
        Ok(())
    }

    fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure> {
        self.moved += 1;
        assert!(
            self.own.contains(&number),
            "block {number} is written, which is not of {:?}",
            self.own
        );
        self.block(number).ok_or(Failure::Disk)?;
        self.changed.insert(number, *block);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A piece: where it goes, and when.
fn piece(region: u8, place: u16, bytes: &[u8]) -> Vec<u8> {
    let [low, high] = place.to_le_bytes();
    let head = [region, low, high, (bytes.len() - 1) as u8];
    [&head[..], bytes].concat()
}

fn seeds() -> Vec<Vec<u8>> {
    let chain = |region: u8| {
        // In a circle, into nowhere, and cut off.
        let all = [(6, 2u16), (6, 0xfff0), (4, 0xffff)];
        all.map(|(place, next)| piece(region, place, &next.to_le_bytes()))
    };
    let mut seeds = vec![Vec::new()];
    for later in [0, LATER] {
        seeds.extend(chain(2 | later));
        // No blocks in a cluster, no tables, no entries, another size; the part elsewhere; the file's name, its first cluster, its length.
        for place in [13, 14, 16, 17, 19, 22, 32] {
            seeds.push(piece(1 | later, place, &[0, 0]));
        }
        seeds.push(piece(later, 14, &[0xff; 8]));
        seeds.push(piece(3 | later, 0, b"FLIGHT  LOG"));
        seeds.push(piece(3 | later, 26, &[0xff, 0xff, 0xff, 0xff]));
    }
    let both = [piece(1, 13, &[4]), piece(2 | LATER, 6, &[2, 0])].concat();
    seeds.push(both);
    seeds
}

fn run(bytes: &[u8]) {
    let mut disk = Disk::of(&SOUND);
    let mut later = Vec::new();
    let mut rest = bytes;
    while let [region, low, high, length, behind @ ..] = rest {
        let length = usize::from(length % 16) + 1;
        let (piece, behind) = behind.split_at(length.min(behind.len()));
        rest = behind;
        let (start, room) = REGIONS[usize::from(region & !LATER) % REGIONS.len()];
        let place = start + usize::from(u16::from_le_bytes([*low, *high])) % room;
        if region & LATER == 0 {
            disk.put(place, piece);
        } else {
            later.push((place, piece));
        }
    }
    let found = check(&mut disk);
    let Ok(part) = found else {
        assert!(disk.moved < BLOCKS_OF_CALLS);
        return;
    };
    disk.own = disk.named();
    for (place, piece) in later {
        disk.put(place, piece);
    }
    let logged = append(&mut disk, &part, b"one line more\n");
    assert!(
        disk.moved < BLOCKS_OF_CALLS,
        "{} blocks were moved",
        disk.moved
    );
    assert!(
        !bytes.is_empty() || logged.is_ok(),
        "a sound disk: {logged:?}"
    );
}
