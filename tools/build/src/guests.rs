//! What lies in a guest's memory when it starts: its kernel, its first file system, its device tree.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cofferdam_compile::Checked;
use cofferdam_compile::guest::{Blob, Content, DEVICE_TREE_BYTES, device_tree};
use cofferdam_device_tree::{Facts, device_tree as flattened};
use cofferdam_model::{Guest, Spanned};
use cofferdam_tables::Paravirtual;
use guest_monitor::board::source;
use object::{Object, ObjectSegment};

/// A first file system begins at a multiple of that.
const PAGE: u32 = 0x1000;

/// That of each guest, by the name of its partition. `built` is there if one of them has no kernel of its own.
pub fn blobs(
    checked: &Checked,
    built: Option<&cofferdam_guest::Guest>,
) -> Result<Vec<(String, Content)>> {
    let mut all = Vec::new();
    for partition in &checked.system.partitions {
        if let Some(guest) = &partition.guest {
            let name = &partition.name.value;
            let content = of_guest(checked, guest, built)
                .with_context(|| format!("the guest of `{name}`"))?;
            all.push((name.clone(), content));
        }
    }
    Ok(all)
}

fn of_guest(
    checked: &Checked,
    guest: &Guest,
    built: Option<&cofferdam_guest::Guest>,
) -> Result<Content> {
    let own = |path: &Spanned<String>| {
        let file = checked.find_file(path);
        file.with_context(|| format!("there is no file {}", path.value))
    };
    let built = built.filter(|_| guest.kernel.is_none());
    let kernel = match (&guest.kernel, built) {
        (Some(path), _) => flat(read(&own(path)?)?)?,
        (None, Some(built)) => read(&built.image)?,
        (None, None) => bail!("it has no kernel"),
    };
    let initramfs_file = match (&guest.initramfs, built) {
        (Some(path), _) => Some(own(path)?),
        (None, built) => built.map(|built| built.initramfs.clone()),
    };
    let tree_at = device_tree(guest);
    let mut blobs = vec![blob("kernel", 0, kernel)];
    let mut initramfs: Option<Range<u32>> = None;
    if let Some(file) = &initramfs_file {
        let content = read(file)?;
        let bytes = content.len() as u32;
        let at = (tree_at.saturating_sub(bytes)) / PAGE * PAGE;
        ensure!(
            u64::from(at) > blobs[0].content.len() as u64,
            "its kernel and its first file system do not fit its memory"
        );
        initramfs = Some(at..at + bytes);
        blobs.push(blob("initramfs", at, content));
    }
    let board = &checked.board;
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
        rng_seed: None,
    })?;
    ensure!(
        tree.len() <= DEVICE_TREE_BYTES as usize,
        "its device tree is larger than {DEVICE_TREE_BYTES} bytes"
    );
    blobs.push(blob("device tree", tree_at, tree));
    Ok(Content {
        blobs,
        paravirtual: Paravirtual::default(),
    })
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

/// The bytes of a kernel from guest-physical address 0 on: of an ELF its segments, at their physical places; of anything else all of it.
fn flat(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(bytes);
    }
    let file = object::File::parse(bytes.as_slice())?;
    ensure!(
        file.architecture() == object::Architecture::PowerPc,
        "its kernel is an ELF for another processor"
    );
    // Linux is linked where its kernel maps the beginning of memory.
    let base = file
        .segments()
        .map(|segment| segment.address())
        .min()
        .context("its kernel is an ELF with nothing to load")?;
    let mut flat = Vec::new();
    for segment in file.segments() {
        let at = usize::try_from(segment.address() - base)?;
        let data = segment.data()?;
        flat.resize(flat.len().max(at + data.len()), 0);
        flat[at..at + data.len()].copy_from_slice(data);
    }
    Ok(flat)
}
