//! What lies in a guest's memory when it starts: its kernel, its first file system, its device tree.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_check::programs::{GuestFault, guest_fault};
use cofferdam_compile::Checked;
use cofferdam_compile::guest::{Blob, Content, DEVICE_TREE_BYTES, device_tree};
use cofferdam_device_tree::{Facts, device_tree as flattened};
use cofferdam_model::{Diagnostic, Guest, Partition, Spanned};
use cofferdam_paravirtualise::{Refusal, Rewritten, rewrite};
use cofferdam_tables::Paravirtual;
use guest_monitor::board::source;
use object::{Object, ObjectSegment, ObjectSymbol};

use crate::{Failure, wrong_at};

/// A first file system begins at a multiple of that.
const PAGE: u32 = 0x1000;

/// What lies in the memory of a guest, and how it came to be.
pub(crate) struct Prepared {
    /// What the compiler puts there.
    pub(crate) content: Content,
    /// What was done to its kernel, if that was rewritten.
    pub(crate) rewritten: Option<Rewritten>,
}

/// That of each guest, by the name of its partition. `built` is there if one of them has no kernel of its own.
pub(crate) fn prepared(
    checked: &Checked,
    built: Option<&cofferdam_guest::Guest>,
) -> Result<Vec<(String, Prepared)>, Failure> {
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for partition in &checked.system.partitions {
        let Some(guest) = &partition.guest else {
            continue;
        };
        let name = &partition.name.value;
        match of_guest(checked, partition, guest, built) {
            Ok(Ok(prepared)) => all.push((name.clone(), prepared)),
            Ok(Err(diagnostic)) => wrong.push(*diagnostic),
            Err(error) => return Err(error.context(format!("the guest of `{name}`")).into()),
        }
    }
    if wrong.is_empty() {
        Ok(all)
    } else {
        Err(wrong_at(checked, wrong))
    }
}

/// What comes of a guest, or what is wrong with what it is given.
type Judged<T> = std::result::Result<T, Box<Diagnostic>>;

fn of_guest(
    checked: &Checked,
    partition: &Partition,
    guest: &Guest,
    built: Option<&cofferdam_guest::Guest>,
) -> Result<Judged<Prepared>> {
    let wrong = |fault| Ok(Err(Box::new(guest_fault(partition, guest, &fault))));
    let own = |path: &Spanned<String>| {
        let file = checked.find_file(path);
        file.with_context(|| format!("there is no file {}", path.value))
    };
    let built = built.filter(|_| guest.kernel.is_none());
    let kernel_file = match (&guest.kernel, built) {
        (Some(path), _) => own(path)?,
        (None, Some(built)) => built.vmlinux.clone(),
        (None, None) => bail!("it has no kernel"),
    };
    let initramfs_file = match (&guest.initramfs, built) {
        (Some(path), _) => Some(own(path)?),
        (None, built) => built.map(|built| built.initramfs.clone()),
    };
    let kernel = match Kernel::of(
        &read(&kernel_file)?,
        guest.rewrite.as_ref().map(|key| **key),
    ) {
        Ok(kernel) => kernel,
        Err(fault) => return wrong(fault),
    };
    let initramfs_content = initramfs_file.as_deref().map(read).transpose()?;

    let tree_at = device_tree(guest);
    let initramfs_bytes = initramfs_content.as_ref().map_or(0, Vec::len) as u64;
    let kernel_end = (kernel.image.len() as u64).next_multiple_of(PAGE.into());
    let needed = kernel_end + initramfs_bytes.next_multiple_of(PAGE.into());
    if needed > u64::from(tree_at) {
        return wrong(GuestFault::NoRoom(needed + u64::from(DEVICE_TREE_BYTES)));
    }
    let mut blobs = vec![blob("kernel", 0, kernel.image)];
    let mut initramfs: Option<Range<u32>> = None;
    if let Some(content) = initramfs_content {
        let bytes = content.len() as u32;
        let at = (tree_at - bytes) / PAGE * PAGE;
        initramfs = Some(at..at + bytes);
        blobs.push(blob("initramfs", at, content));
    }
    let board = &checked.board;
    let rewritten = kernel.rewritten;
    let reserved: Vec<_> = rewritten.iter().map(|one| one.reserved.clone()).collect();
    let tree = flattened(&Facts {
        memory_bytes: *guest.memory_bytes as u32,
        timebase_hz: board.timebase_hz as u32,
        clock_hz: board.timebase_hz as u32,
        bus_hz: board.timebase_hz as u32,
        boot_arguments: guest.arguments.as_ref().map_or("", |text| &text.value),
        initramfs,
        receive_source: source::CONSOLE_RECEIVE.into(),
        transmit_source: source::CONSOLE_SEND.into(),
        resets: true,
        powers_off: true,
        reserved: &reserved,
        pins_source: source::GPIO.into(),
        reports_panics: true,
        rng_seed: None,
    })?;
    ensure!(
        tree.len() <= DEVICE_TREE_BYTES as usize,
        "its device tree is larger than {DEVICE_TREE_BYTES} bytes"
    );
    blobs.push(blob("device tree", tree_at, tree));
    let paravirtual = rewritten
        .as_ref()
        .map_or_else(Paravirtual::default, |one| one.paravirtual);
    Ok(Ok(Prepared {
        content: Content { blobs, paravirtual },
        rewritten,
    }))
}

fn blob(name: &str, at: u32, content: Vec<u8>) -> Blob {
    Blob {
        name: name.to_owned(),
        at,
        content,
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

/// A kernel as it lies in memory from guest-physical address 0.
struct Kernel {
    image: Vec<u8>,
    rewritten: Option<Rewritten>,
}

impl Kernel {
    /// That of a file. It is rewritten if that is wanted, or if nothing is said and it can be expected to work.
    fn of(file: &[u8], wanted: Option<bool>) -> Result<Self, GuestFault> {
        let wanted = match wanted {
            Some(wanted) => wanted,
            None => has_symbols(file)?,
        };
        if !wanted {
            return Ok(Self {
                image: flat(file)?,
                rewritten: None,
            });
        }
        let mut rewritten = rewrite(file).map_err(|refusal| match refusal {
            Refusal::Unreadable(_) => GuestFault::NoKernel(refusal.to_string()),
            _ => GuestFault::NotRewritten(refusal.to_string()),
        })?;
        Ok(Self {
            image: std::mem::take(&mut rewritten.image),
            rewritten: Some(rewritten),
        })
    }
}

/// An ELF; `None`: something else, which lies in memory as it is.
fn elf(file: &[u8]) -> Result<Option<object::File<'_>>, GuestFault> {
    if !file.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let no_kernel = |why: &str| GuestFault::NoKernel(why.to_owned());
    let elf = object::File::parse(file)
        .map_err(|error| GuestFault::NoKernel(format!("it is a broken ELF: {error}")))?;
    if elf.architecture() != object::Architecture::PowerPc || elf.is_little_endian() {
        return Err(no_kernel("it is an ELF for another processor"));
    }
    Ok(Some(elf))
}

fn has_symbols(file: &[u8]) -> Result<bool, GuestFault> {
    let elf = elf(file)?;
    Ok(elf.is_some_and(|elf| elf.symbols().any(|symbol| symbol.is_definition())))
}

/// The bytes of a kernel from guest-physical address 0 on: of an ELF its segments, at their physical places; of anything else all of it.
fn flat(file: &[u8]) -> Result<Vec<u8>, GuestFault> {
    let Some(elf) = elf(file)? else {
        return Ok(file.to_vec());
    };
    let broken =
        |error: object::Error| GuestFault::NoKernel(format!("it is a broken ELF: {error}"));
    // Linux is linked where its kernel maps the beginning of memory.
    let base = elf
        .segments()
        .map(|segment| segment.address())
        .min()
        .ok_or_else(|| GuestFault::NoKernel("it is an ELF with nothing to load".to_owned()))?;
    let mut flat = Vec::new();
    for segment in elf.segments() {
        let data = segment.data().map_err(broken)?;
        let at = usize::try_from(segment.address() - base).unwrap_or(usize::MAX);
        let end = at.saturating_add(data.len());
        if end > cofferdam_abi::guest::MEMORY_MAX as usize {
            return Err(GuestFault::NoRoom(end as u64));
        }
        flat.resize(flat.len().max(end), 0);
        flat[at..end].copy_from_slice(data);
    }
    Ok(flat)
}
