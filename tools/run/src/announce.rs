//! A run that goes on, as others find it: a file in the folder of the build says where the machine's memory is.
//!
//! The file is gone with the run. If the run was killed it stays, and leads nowhere: the memory is a file without a name, which is gone with its
//! process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cofferdam_build::store;
use cofferdam_qemu::Memory;

/// The file in a system's folder.
const RUNNING_FILE: &str = "running";

/// A run that others can find, as long as this lives.
pub(crate) struct Announced {
    file: PathBuf,
    address: String,
    /// It is found by this one.
    _memory: Memory,
}

impl Announced {
    /// Announces the run of what was built in this folder. Of several that go on at a time, the last one is found.
    pub(crate) fn new(folder: &Path, memory: Memory) -> Result<Self> {
        let address = memory.address();
        let address = address.context("the machine's memory cannot be found")?;
        let file = folder.join(RUNNING_FILE);
        store(&file, address.as_bytes())?;
        Ok(Self {
            file,
            address,
            _memory: memory,
        })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        if fs::read(&self.file).is_ok_and(|now| now == self.address.as_bytes()) {
            let _ = fs::remove_file(&self.file);
        }
    }
}

/// A run that somebody has started.
pub struct Found {
    /// The machine's memory. It stays readable behind the end of the run.
    pub memory: Memory,
    /// Where it is; no two runs have the same.
    pub address: String,
}

impl Found {
    /// The run of what was built in this folder; none: no run goes on.
    pub fn of(folder: &Path) -> Option<Self> {
        let address = fs::read_to_string(folder.join(RUNNING_FILE)).ok()?;
        let memory = Memory::at(&address)?;
        Some(Self { memory, address })
    }

    /// Whether the run still goes on.
    pub fn goes_on(&self) -> bool {
        Memory::at(&self.address).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_run_is_found_while_it_goes_on() {
        let folder =
            std::env::temp_dir().join(format!("cofferdam-announce-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(Found::of(&folder).is_none());
        // Any open file that stands for a machine's memory.
        let path = folder.join("memory");
        fs::write(&path, b"the memory").unwrap();
        let file = fs::File::open(&path).unwrap();
        let own = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let meta = |path: &str| {
            use std::os::unix::fs::MetadataExt;
            let meta = fs::metadata(path).unwrap();
            format!("{path} {} {}", meta.dev(), meta.ino())
        };
        let memory = Memory::at(&meta(&own)).unwrap();
        let announced = Announced::new(&folder, memory).unwrap();
        let found = Found::of(&folder).unwrap();
        let mut bytes = [0; 10];
        found.memory.read(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"the memory");
        assert!(found.goes_on());
        drop(announced);
        assert!(Found::of(&folder).is_none(), "it says so itself");
        // What a run that was killed leaves, and what stands in its place by chance.
        for stale in [
            "",
            "/proc/1/fd/99999 1 2",
            "/etc/hosts 1 2",
            &format!("{own} 1 2"),
        ] {
            fs::write(folder.join(RUNNING_FILE), stale).unwrap();
            assert!(Found::of(&folder).is_none(), "{stale}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
