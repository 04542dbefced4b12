//! A log in a file of a FAT file system, which other machines read too.
//!
//! The file system is the crate `embedded-sdmmc`. It takes a disk at its word: a file system that says of itself that its clusters have no
//! blocks is a division by zero there. So [`check`] looks first, and what does not hold is an error; it follows the chain of the
//! log's own clusters, so that a loop is one too. Behind it [`device`] gives the crate the blocks of its own part of the disk, those in which the file
//! system describes itself as they were looked at, and so many of the others for each [`append`]: whatever the disk says later, each call ends.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod check;
mod device;
#[cfg(test)]
mod tests;

use core::fmt;

use embedded_sdmmc::{Mode, TimeSource, Timestamp, VolumeIdx, VolumeManager};

pub use check::{Part, check};
use device::Device;

/// The bytes of a block.
pub const BLOCK_BYTES: usize = 512;
/// The file's name.
pub const FILE: &str = "FLIGHT.LOG";

/// A block.
pub type Block = [u8; BLOCK_BYTES];

/// A disk.
pub trait Blocks {
    /// How many blocks it has.
    fn count(&self) -> u32;
    /// Reads one.
    ///
    /// # Errors
    /// If it was not read.
    fn read(&mut self, number: u32, block: &mut Block) -> Result<(), Failure>;
    /// Writes one.
    ///
    /// # Errors
    /// If it was not written, or perhaps not.
    fn write(&mut self, number: u32, block: &Block) -> Result<(), Failure>;
    /// What was written becomes durable.
    ///
    /// # Errors
    /// If it did not, or perhaps not.
    fn flush(&mut self) -> Result<(), Failure>;
}

/// Why a block was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk says so, or nothing.
    Disk,
    /// The file system names a block that is not its own.
    Outside,
    /// The file system takes more blocks than anything does that is right.
    Endless,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "the disk fails",
            Self::Outside => "a block that is not the file system's",
            Self::Endless => "no end of blocks",
        })
    }
}

impl core::error::Error for Failure {}

/// Why nothing was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Wrong {
    /// See [`Failure::Disk`].
    Disk = 1,
    /// There is no part of the disk with a file system of the kind FAT16, or it reaches beyond the disk.
    NoPart,
    /// The file system's own description does not hold together.
    Geometry,
    /// The file is a directory, or its clusters are no chain.
    Chain,
    /// There is no room any more, or the file system fails otherwise.
    Refused,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "the disk fails",
            Self::NoPart => "there is no FAT16 file system on the disk",
            Self::Geometry => "the file system's description of itself is wrong",
            Self::Chain => "the file's clusters are no chain",
            Self::Refused => "the file system takes no more",
        })
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Disk => Self::Disk,
            Failure::Outside | Failure::Endless => Self::Refused,
        }
    }
}

impl From<embedded_sdmmc::Error<Failure>> for Wrong {
    fn from(error: embedded_sdmmc::Error<Failure>) -> Self {
        match error {
            embedded_sdmmc::Error::DeviceError(failure) => failure.into(),
            _ => Self::Refused,
        }
    }
}

/// There is no clock here: files are of the first day that FAT knows.
struct Beginning;

impl TimeSource for Beginning {
    fn get_timestamp(&self) -> Timestamp {
        Timestamp {
            year_since_1970: 10,
            zero_indexed_month: 0,
            zero_indexed_day: 0,
            hours: 0,
            minutes: 0,
            seconds: 0,
        }
    }
}

/// Appends to the file, which is made if it is not there. When it returns, all of it is durable. `part` is what [`check`] found.
///
/// # Errors
/// Why not. A part of it may be there all the same; the next call is good only after another check.
pub fn append<B: Blocks>(disk: &mut B, part: &Part, text: &[u8]) -> Result<(), Wrong> {
    {
        let manager: VolumeManager<_, _, 1, 1, 1> =
            VolumeManager::new_with_limits(Device::new(disk, part), Beginning, 0);
        let volume = manager.open_volume(VolumeIdx(0))?;
        let root = volume.open_root_dir()?;
        let file = root.open_file_in_dir(FILE, Mode::ReadWriteCreateOrAppend)?;
        file.write(text)?;
        file.close()?;
    }
    disk.flush()?;
    Ok(())
}
