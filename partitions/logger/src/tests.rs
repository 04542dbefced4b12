//! The log on disks of another implementation, right ones and wrong ones.

use std::io::{Cursor, Read};
use std::prelude::rust_2024::*;
use std::{format, vec};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use proptest::prelude::*;

use super::*;

/// Where the part begins, and how many blocks it has.
const FIRST: usize = 63;
const PART: usize = 8192;

/// A disk in memory.
struct Disk {
    bytes: Vec<u8>,
    moved: u32,
    flushed: u32,
}

impl Disk {
    /// With an empty file system, made by another implementation.
    fn new() -> Self {
        let mut part = vec![0; PART * BLOCK_BYTES];
        let options = FormatVolumeOptions::new()
            .fat_type(FatType::Fat16)
            .bytes_per_cluster(512);
        fatfs::format_volume(Cursor::new(&mut part), options).unwrap();
        let mut bytes = vec![0; FIRST * BLOCK_BYTES];
        bytes[446 + 4] = 0x06;
        bytes[446 + 8..446 + 12].copy_from_slice(&(FIRST as u32).to_le_bytes());
        bytes[446 + 12..446 + 16].copy_from_slice(&(PART as u32).to_le_bytes());
        bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
        bytes.extend(part);
        Self {
            bytes,
            moved: 0,
            flushed: 0,
        }
    }

    /// What another implementation finds in the file.
    fn file(&self) -> Vec<u8> {
        let mut part = self.bytes[FIRST * BLOCK_BYTES..].to_vec();
        let volume = FileSystem::new(Cursor::new(&mut part), FsOptions::new()).unwrap();
        let mut content = Vec::new();
        let mut file = volume.root_dir().open_file(FILE).unwrap();
        file.read_to_end(&mut content).unwrap();
        content
    }

    fn place(&mut self, number: u32) -> Result<&mut [u8], Failure> {
        self.moved += 1;
        let at = number as usize * BLOCK_BYTES;
        self.bytes
            .get_mut(at..at + BLOCK_BYTES)
            .ok_or(Failure::Disk)
    }

    fn log(&mut self, text: &[u8]) -> Result<(), Wrong> {
        let part = check(self)?;
        append(self, &part, text)
    }

    /// The entry of the first table for a cluster.
    fn chain(&mut self, cluster: usize, next: u16) {
        let reserved =
            u16::from_le_bytes([self.bytes[FIRST * 512 + 14], self.bytes[FIRST * 512 + 15]]);
        let at = (FIRST + usize::from(reserved)) * BLOCK_BYTES + 2 * cluster;
        self.bytes[at..at + 2].copy_from_slice(&next.to_le_bytes());
    }
}

impl Blocks for Disk {
    fn count(&self) -> u32 {
        (self.bytes.len() / BLOCK_BYTES) as u32
    }

    fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure> {
        block.copy_from_slice(self.place(number)?);
        Ok(())
    }

    fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure> {
        self.place(number)?.copy_from_slice(block);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.flushed += 1;
        Ok(())
    }
}

#[test]
fn another_implementation_reads_what_was_logged() {
    let mut disk = Disk::new();
    let mut all = Vec::new();
    for number in 0..200 {
        let line = format!("line {number} of many, each of them appended and flushed by itself\n");
        disk.log(line.as_bytes()).unwrap();
        all.extend(line.into_bytes());
    }
    assert_eq!(disk.file(), all);
    assert_eq!(disk.flushed, 200);
}

#[test]
fn a_full_disk_is_an_error_and_keeps_what_it_has() {
    let mut disk = Disk::new();
    let text = vec![b'x'; 64 * 1024];
    let mut whole = 0;
    let refused = loop {
        match disk.log(&text) {
            Ok(()) => whole += 1,
            Err(wrong) => break wrong,
        }
        assert!(whole < 70);
    };
    assert_eq!(refused, Wrong::Refused);
    assert!(whole >= 60 && disk.file().len() >= whole * text.len());
}

#[test]
fn what_is_no_file_system_is_not_used() {
    let mut empty = Disk::new();
    empty.bytes.fill(0);
    assert_eq!(empty.log(b"x"), Err(Wrong::NoPart));
    let mut cut = Disk::new();
    cut.bytes.truncate((FIRST + PART / 2) * BLOCK_BYTES);
    assert_eq!(cut.log(b"x"), Err(Wrong::NoPart));
    // No blocks in a cluster, no tables, no root directory.
    for at in [13, 16, 17] {
        let mut disk = Disk::new();
        let at = FIRST * BLOCK_BYTES + at;
        disk.bytes[at..at + 2].fill(0);
        assert_eq!(disk.log(b"x"), Err(Wrong::Geometry), "{at}");
    }
}

#[test]
fn a_chain_that_is_none_is_not_followed() {
    let with = |change: fn(&mut Disk)| {
        let mut disk = Disk::new();
        // Three clusters, from the first one on.
        disk.log(&[b'x'; 1300]).unwrap();
        change(&mut disk);
        disk.log(b"x")
    };
    assert_eq!(with(|_| {}), Ok(()));
    // In a circle, cut off, into nowhere, and into free space.
    assert_eq!(with(|disk| disk.chain(3, 2)), Err(Wrong::Chain));
    assert_eq!(with(|disk| disk.chain(3, 3)), Err(Wrong::Chain));
    assert_eq!(with(|disk| disk.chain(2, 0xffff)), Err(Wrong::Chain));
    assert_eq!(with(|disk| disk.chain(3, 0xfff0)), Err(Wrong::Chain));
    assert_eq!(with(|disk| disk.chain(3, 0)), Err(Wrong::Chain));
}

#[test]
fn a_disk_that_fails_is_an_error() {
    struct Failing(Disk, u32);
    impl Blocks for Failing {
        fn count(&self) -> u32 {
            self.0.count()
        }
        fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure> {
            self.1 = self.1.checked_sub(1).ok_or(Failure::Disk)?;
            self.0.read(number, block)
        }
        fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure> {
            self.1 = self.1.checked_sub(1).ok_or(Failure::Disk)?;
            self.0.write(number, block)
        }
        fn flush(&mut self) -> Result<(), Failure> {
            self.1 = self.1.checked_sub(1).ok_or(Failure::Disk)?;
            self.0.flush()
        }
    }
    // It fails at each step on the way.
    for good in 0.. {
        let mut disk = Failing(Disk::new(), good);
        let logged = check(&mut disk).and_then(|part| append(&mut disk, &part, b"x"));
        match logged {
            Ok(()) => {
                assert!(good > 5);
                break;
            }
            Err(wrong) => assert_eq!(wrong, Wrong::Disk, "{good}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever stands in the blocks that the file system goes by, there is an answer, and it takes no more blocks than it may.
    #[test]
    fn any_disk_gets_an_answer(changes in prop::collection::vec((0usize..4, any::<u16>(), any::<u8>()), 1..40)) {
        let mut disk = Disk::new();
        disk.log(&[b'x'; 2000]).unwrap();
        for (region, place, value) in changes {
            // The table of parts, the first block, the tables, and where the root directory begins.
            let (start, length) = match region {
                0 => (440, 72),
                1 => (FIRST * BLOCK_BYTES, 64),
                2 => ((FIRST + 1) * BLOCK_BYTES, 64),
                _ => ((FIRST + 1) * BLOCK_BYTES, 80 * BLOCK_BYTES),
            };
            let at = start + usize::from(place) % length;
            disk.bytes[at] = value;
        }
        disk.moved = 0;
        let _ = disk.log(b"one line more\n");
        prop_assert!(disk.moved < 10_000);
    }

    /// The same of a disk that answers otherwise each time, once the check is over.
    #[test]
    fn a_disk_that_changes_gets_an_answer(seed in any::<u32>(), from in 0u32..40) {
        struct Changing(Disk, u32, u32);
        impl Blocks for Changing {
            fn count(&self) -> u32 {
                self.0.count()
            }
            fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure> {
                self.0.read(number, block)?;
                assert!(number > FIRST as u32, "a description is read anew");
                self.2 = self.2.saturating_sub(1);
                for byte in block.iter_mut().filter(|_| self.2 == 0) {
                    self.1 = self.1.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if self.1 >> 28 == 0 {
                        *byte = (self.1 >> 8) as u8;
                    }
                }
                Ok(())
            }
            fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure> {
                self.0.write(number, block)
            }
            fn flush(&mut self) -> Result<(), Failure> {
                Ok(())
            }
        }
        let mut disk = Disk::new();
        disk.log(&[b'x'; 2000]).unwrap();
        let part = check(&mut disk).unwrap();
        disk.moved = 0;
        let mut disk = Changing(disk, seed, from);
        let _ = append(&mut disk, &part, b"one line more\n");
        prop_assert!(disk.0.moved < 10_000);
    }
}
