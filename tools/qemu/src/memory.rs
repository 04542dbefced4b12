//! The guest's RAM as a file that QEMU maps shared, read and written here by physical address.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, Result};

/// The guest's physical memory from address 0.
#[derive(Debug)]
pub struct Memory {
    file: File,
}

impl Memory {
    pub(crate) fn of(file: File) -> Self {
        Self { file }
    }

    /// Reads from a physical address on. Beyond the end of RAM this is an error.
    ///
    /// The guest may be writing at the same time: whoever reads during a run must expect halves of two values.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, address)
    }

    /// Reads one big-endian word.
    pub fn read_word(&self, address: u64) -> io::Result<u32> {
        let mut word = [0; 4];
        self.read(address, &mut word)?;
        Ok(u32::from_be_bytes(word))
    }

    /// Where another process of the same user finds this memory, as long as this value lives: one line.
    pub fn address(&self) -> io::Result<String> {
        let meta = self.file.metadata()?;
        let (process, descriptor) = (std::process::id(), self.file.as_raw_fd());
        let (device, inode) = (meta.dev(), meta.ino());
        Ok(format!("/proc/{process}/fd/{descriptor} {device} {inode}"))
    }

    /// The memory of a machine that another process runs, to be read. `None`: it is not there any more, or something else is there by now.
    pub fn at(address: &str) -> Option<Self> {
        let mut words = address.split_whitespace();
        let path = words.next().filter(|path| path.starts_with("/proc/"))?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let (device, inode) = (number()?, number()?);
        let file = File::open(path).ok()?;
        let meta = file.metadata().ok()?;
        let same = meta.is_file() && (meta.dev(), meta.ino()) == (device, inode);
        same.then_some(Self { file })
    }

    /// The same memory, for another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.file().map(Self::of)
    }

    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Writes at a physical address.
    pub fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, address)
    }
}

/// A file without a name, which another process of the same user opens through `/proc`.
///
/// So nothing is left behind by a run that is killed.
#[derive(Debug)]
pub(crate) struct SharedFile {
    pub(crate) file: File,
}

impl SharedFile {
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .with_context(|| format!("no file can be created in {}", folder.display()))?;
        Ok(Self { file })
    }

    /// One that holds this.
    pub(crate) fn with(folder: &Path, content: &[u8]) -> Result<Self> {
        let this = Self::in_folder(folder)?;
        this.file
            .write_all_at(content, 0)
            .with_context(|| format!("no file can be written in {}", folder.display()))?;
        Ok(this)
    }

    /// The path under which QEMU finds it, as long as this value lives.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }
}
