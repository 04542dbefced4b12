//! Disks made for a test: empty ones, and such with a file system of Linux, which Debian's programs make and look at.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cofferdam_run::Medium;
use serde::Deserialize;

/// Where Debian has the programs for file systems (`cofferdam_setup::Requirement::FileSystems`).
const PROGRAMS: &str = "/sbin";

/// A disk for one run, as a file of `expected` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Its size in bytes.
    bytes: u64,
    /// It cannot be written.
    #[serde(default)]
    read_only: bool,
    /// Which accesses fail: rules of QEMU's `blkdebug`.
    faults: Option<String>,
    /// In the end there is something in each sector from here to there, and nothing in any other, if that is looked at.
    written: Option<(u64, u64)>,
}

impl Disk {
    fn file(device: &str, folder: &Path) -> PathBuf {
        folder.join(format!("{device}.img"))
    }

    /// Looks where something was written, behind the run.
    pub fn judge(&self, device: &str, folder: &Path) -> Result<()> {
        const SECTOR: usize = 512;
        let Some((from, to)) = self.written else {
            return Ok(());
        };
        let bytes = fs::read(Self::file(device, folder))?;
        for (number, sector) in (0..).zip(bytes.chunks(SECTOR)) {
            let place = number * SECTOR as u64;
            let is_written = sector.iter().any(|byte| *byte != 0);
            ensure!(
                is_written == (from..to).contains(&place),
                "at {place:#x} there is {}",
                if is_written { "something" } else { "nothing" }
            );
        }
        Ok(())
    }

    /// Makes it, empty, in this folder.
    pub fn make(&self, device: &str, folder: &Path) -> Result<Medium> {
        let file = Self::file(device, folder);
        File::create(&file)
            .and_then(|created| created.set_len(self.bytes))
            .with_context(|| format!("{} cannot be made", file.display()))?;
        Ok(Medium {
            device: device.to_owned(),
            file,
            read_only: self.read_only,
            faults: self.faults.clone(),
        })
    }
}

/// A disk with an ext2 file system, in a folder of its own that goes with it.
pub struct Ext2 {
    folder: tempfile::TempDir,
}

impl Ext2 {
    /// One of so many MiB, with the files that `fill` puts into a folder.
    pub fn make(
        beside: &Path,
        mebibytes: u32,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let this = Self {
            folder: tempfile::tempdir_in(beside)?,
        };
        let content = this.folder.path().join("content");
        fs::create_dir(&content)?;
        fill(&content)?;
        let made = program("mke2fs")
            .args(["-q", "-F", "-t", "ext2", "-b", "4096", "-E"])
            .args(["root_owner=0:0,no_copy_xattrs", "-d"])
            .arg(&content)
            .arg(this.file())
            .arg(format!("{mebibytes}M"))
            .output()
            .context("mke2fs did not start")?;
        ensure!(
            made.status.success(),
            "mke2fs made no file system:\n{}",
            said(&made)
        );
        fs::remove_dir_all(&content)?;
        Ok(this)
    }

    /// The disk's file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// It, as what is behind this device.
    pub fn medium(&self, device: &str) -> Medium {
        Medium {
            device: device.to_owned(),
            file: self.file(),
            read_only: false,
            faults: None,
        }
    }

    /// Fails if something of it is not as it should be. Nothing is changed.
    pub fn ensure_sound(&self) -> Result<()> {
        let looked = program("e2fsck")
            .args(["-f", "-n"])
            .arg(self.file())
            .output()
            .context("e2fsck did not start")?;
        ensure!(
            looked.status.success(),
            "the file system is not sound ({}):\n{}",
            looked.status,
            said(&looked)
        );
        Ok(())
    }

    /// Mends what the end of a machine in the midst of it left behind.
    pub fn mend(&self) -> Result<()> {
        /// Errors were there, and are no more.
        const MENDED: i32 = 1;
        let mended = program("e2fsck")
            .args(["-f", "-y"])
            .arg(self.file())
            .output()
            .context("e2fsck did not start")?;
        match mended.status.code() {
            Some(0 | MENDED) => self.ensure_sound(),
            _ => bail!("e2fsck cannot mend it:\n{}", said(&mended)),
        }
    }

    /// The content of a file in it, as a file of the host.
    pub fn copy(&self, path: &str) -> Result<File> {
        let out = self.folder.path().join("read");
        let read = program("debugfs")
            .arg("-R")
            .arg(format!("dump {path} {}", out.display()))
            .arg(self.file())
            .output()
            .context("debugfs did not start")?;
        let copy = File::open(&out);
        let copy =
            copy.with_context(|| format!("there is no {path} on the disk:\n{}", said(&read)))?;
        fs::remove_file(&out)?;
        Ok(copy)
    }
}

/// A disk with a FAT16 file system in its first part, in a folder of its own.
pub struct Fat {
    folder: tempfile::TempDir,
}

/// The part's first block and its blocks.
const PART_FIRST: u32 = 63;
const PART_BLOCKS: u32 = 8192;
const BLOCK_BYTES: u64 = 512;
/// Where the first entry of the table of parts has its type, its first block and its blocks; and the end of the table.
const PART_TYPE: (usize, u8) = (446 + 4, 0x06);
const PART_START: usize = 446 + 8;
const PART_LENGTH: usize = 446 + 12;
const SIGNATURE: (usize, [u8; 2]) = (510, [0x55, 0xaa]);

impl Fat {
    /// An empty one.
    pub fn make(beside: &Path) -> Result<Self> {
        let this = Self {
            folder: tempfile::tempdir_in(beside)?,
        };
        let mut table = [0; BLOCK_BYTES as usize];
        table[PART_TYPE.0] = PART_TYPE.1;
        table[PART_START..PART_START + 4].copy_from_slice(&PART_FIRST.to_le_bytes());
        table[PART_LENGTH..PART_LENGTH + 4].copy_from_slice(&PART_BLOCKS.to_le_bytes());
        table[SIGNATURE.0..].copy_from_slice(&SIGNATURE.1);
        let mut part = vec![0; PART_BLOCKS as usize * BLOCK_BYTES as usize];
        let options = fatfs::FormatVolumeOptions::new()
            .fat_type(fatfs::FatType::Fat16)
            .bytes_per_cluster(BLOCK_BYTES as u32);
        fatfs::format_volume(Cursor::new(&mut part), options)?;
        let mut bytes = table.to_vec();
        bytes.resize(PART_FIRST as usize * BLOCK_BYTES as usize, 0);
        bytes.extend(part);
        fs::write(this.file(), bytes)?;
        Ok(this)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// It, as what is behind this device.
    pub fn medium(&self, device: &str) -> Medium {
        Medium {
            device: device.to_owned(),
            file: self.file(),
            read_only: false,
            faults: None,
        }
    }

    /// The text of a file in it.
    pub fn read(&self, name: &str) -> Result<String> {
        let bytes = fs::read(self.file())?;
        let mut part = bytes[(u64::from(PART_FIRST) * BLOCK_BYTES) as usize..].to_vec();
        let volume = fatfs::FileSystem::new(Cursor::new(&mut part), fatfs::FsOptions::new())?;
        let mut text = String::new();
        let mut file = volume.root_dir().open_file(name)?;
        file.read_to_string(&mut text)?;
        Ok(text)
    }

    /// All of the disk.
    pub fn read_raw(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.file())?)
    }

    /// Its first table's entry for the first cluster leads back to it.
    pub fn tie_a_loop(&self) -> Result<()> {
        const RESERVED: usize = 14;
        const FIRST_CLUSTER: usize = 2;
        let mut bytes = fs::read(self.file())?;
        let part = PART_FIRST as usize * BLOCK_BYTES as usize;
        let reserved = u16::from_le_bytes([bytes[part + RESERVED], bytes[part + RESERVED + 1]]);
        let table = part + usize::from(reserved) * BLOCK_BYTES as usize;
        bytes[table + 2 * FIRST_CLUSTER..][..2]
            .copy_from_slice(&(FIRST_CLUSTER as u16).to_le_bytes());
        Ok(fs::write(self.file(), bytes)?)
    }
}

fn program(name: &str) -> Command {
    let mut command = Command::new(Path::new(PROGRAMS).join(name));
    command.stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

/// Unpacks the guest's first file system into a folder, but for its devices: what it is made of lies in such an archive (Linux,
/// `Documentation/driver-api/early-userspace/buffer-format.rst`).
pub fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    const HEADER: usize = 110;
    const KIND: u32 = 0o170_000;
    const DIRECTORY: u32 = 0o040_000;
    const REGULAR: u32 = 0o100_000;
    const LINK: u32 = 0o120_000;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let unpacked = Command::new("gzip")
        .args(["-d", "-c"])
        .arg(archive)
        .output()
        .context("gzip did not start")?;
    ensure!(unpacked.status.success(), "{}", said(&unpacked));
    let mut rest = unpacked.stdout.as_slice();
    loop {
        let header = rest.get(..HEADER).context("the archive is cut off")?;
        let field = |number: usize| -> Result<u32> {
            let digits = std::str::from_utf8(&header[6 + 8 * number..14 + 8 * number])?;
            Ok(u32::from_str_radix(digits, 16)?)
        };
        let (mode, size, name_bytes) = (field(1)?, field(6)? as usize, field(11)? as usize);
        let content_at = (HEADER + name_bytes).next_multiple_of(4);
        let wrong = "the archive is cut off";
        let name = rest.get(HEADER..HEADER + name_bytes - 1).context(wrong)?;
        let name = std::str::from_utf8(name)?;
        if name == "TRAILER!!!" {
            return Ok(());
        }
        let content = rest.get(content_at..content_at + size).context(wrong)?;
        let path = folder.join(name.trim_start_matches('/'));
        match mode & KIND {
            DIRECTORY => fs::create_dir_all(&path)?,
            REGULAR => fs::write(&path, content)?,
            // With its end.
            LINK => symlink(std::str::from_utf8(content)?.trim_end_matches('\0'), &path)?,
            _ => {}
        }
        if matches!(mode & KIND, DIRECTORY | REGULAR) {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o7777))?;
        }
        rest = rest
            .get((content_at + size).next_multiple_of(4)..)
            .context(wrong)?;
    }
}
