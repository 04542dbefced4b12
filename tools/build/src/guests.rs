//! What lies in a guest's memory when it starts: its kernel or its firmware, its first file system, its device tree.

mod kernel;

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::{Failure, wrong_at};
use anyhow::{Context, Result};
use cofferdam_check::programs::{GuestFault, guest_fault, guest_traps};
use cofferdam_compile::Checked;
use cofferdam_compile::guest::{Blob, Content, DEVICE_TREE_BYTES, device_tree};
use cofferdam_device_tree::{Facts, device_tree as flattened, overlaid};
use cofferdam_guest::one_file;
use cofferdam_model::{Diagnostic, Guest, Partition, Spanned};
use cofferdam_paravirtualise::Rewritten;
use guest_monitor::board::source;
use kernel::Kernel;

// Where a guest's tree says that something is, the monitor has it.
const _: () = {
    use cofferdam_device_tree as tree;
    use guest_monitor::board;
    assert!(tree::DEVICES == board::CCSR && tree::UART == board::UART && tree::PCI == board::PCI);
    assert!(tree::PCI_MEMORY == board::PCI_MEMORY && tree::PCI_PORTS == board::PCI_PORTS);
    assert!(tree::PCI_MEMORY_SIZE == board::PCI_MEMORY_BYTES);
    assert!(tree::PCI_PORTS_SIZE == board::PCI_PORTS_BYTES);
    assert!(tree::DISK == board::DISK && tree::NETWORK == board::NETWORK);
    assert!(tree::VIRTIO_SIZE == board::VIRTIO_BYTES);
};

/// A first file system begins at a multiple of that.
const PAGE: u32 = 0x1000;

/// The most that Linux for this processor keeps of its arguments: `COMMAND_LINE_SIZE` of `arch/powerpc/include/uapi/asm/setup.h`, less the 0 at the
/// end. What is longer it cuts off, and says nothing.
const LINUX_ARGUMENTS_BYTES: usize = 2047;

/// What lies in the memory of a guest, and how it came to be.
pub(crate) struct Prepared {
    /// What the compiler puts there.
    pub(crate) content: Content,
    /// What was done to its kernel, if that was rewritten.
    pub(crate) rewritten: Option<Rewritten>,
    /// What its user should know.
    pub(crate) warning: Option<Diagnostic>,
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

/// Where each guest begins that is not the Linux that is built, by the name of its partition. What cannot be read is left out: whoever
/// needs it says why.
pub fn entries(checked: &Checked) -> Vec<(String, u32)> {
    let entry = |partition: &Partition| {
        let guest = partition.guest.as_ref().filter(|one| !one.is_built())?;
        let file = kernel_bytes(&own_kernel(checked, guest).ok()?).ok()?;
        let kernel = Kernel::plain(&file, device_tree(guest).into()).ok()?;
        Some((partition.name.value.clone(), kernel.entry))
    };
    checked.system.partitions.iter().filter_map(entry).collect()
}

/// The file of what a guest begins with that is not the Linux that is built.
fn own_kernel(checked: &Checked, guest: &Guest) -> Result<PathBuf> {
    match &guest.kernel {
        Some(path) => own(checked, path),
        None => Ok(cofferdam_setup::u_boot()?.path),
    }
}

/// A file that `system.toml` names.
fn own(checked: &Checked, path: &Spanned<String>) -> Result<PathBuf> {
    let file = checked.find_file(path);
    file.with_context(|| format!("there is no file {}", path.value))
}

fn of_guest(
    checked: &Checked,
    partition: &Partition,
    guest: &Guest,
    built: Option<&cofferdam_guest::Guest>,
) -> Result<Judged<Prepared>> {
    let wrong = |fault| Ok(Err(Box::new(guest_fault(partition, guest, &fault))));
    let built = built.filter(|_| guest.is_built());
    let kernel_file = match built {
        Some(built) => built.vmlinux.clone(),
        None => own_kernel(checked, guest)?,
    };
    let initramfs_file = match (&guest.initramfs, built) {
        (Some(path), _) => Some(own(checked, path)?),
        (None, built) => built.map(|built| built.initramfs.clone()),
    };
    let tree_at = device_tree(guest);
    let is_linux = (partition.personality.as_ref()).is_some_and(|one| **one == "linux");
    let wanted = guest.rewrite.as_ref().map(|key| **key);
    // What lies behind the device tree's beginning is kept for it.
    let kept_bytes = (*guest.memory_bytes).saturating_sub(tree_at.into());
    let no_room = |bytes: u64| GuestFault::NoRoom {
        bytes: bytes.saturating_add(kept_bytes),
        kept_bytes,
    };
    let kernel_content = kernel_bytes(&kernel_file)?;
    let kernel = match Kernel::of(&kernel_content, wanted, is_linux, tree_at.into()) {
        Ok(kernel) => kernel,
        Err(kernel::Unfit::Fault(fault)) => return wrong(fault),
        Err(kernel::Unfit::Ends(bytes)) => return wrong(no_room(bytes)),
    };
    let warning =
        (wanted.is_none() && is_linux).then(|| kernel::cannot_be_rewritten(&kernel_content));
    let warning = warning
        .flatten()
        .map(|why| guest_traps(partition, guest, why));
    let initramfs_content = initramfs_file.as_deref().map(read).transpose()?;

    let initramfs_bytes = initramfs_content.as_ref().map_or(0, Vec::len) as u64;
    let kernel_end = kernel.end().next_multiple_of(PAGE.into());
    let needed = kernel_end + initramfs_bytes.next_multiple_of(PAGE.into());
    if needed > u64::from(tree_at) {
        return wrong(no_room(needed));
    }
    let arguments = guest.arguments.as_ref().map_or("", |text| &text.value);
    if is_linux && arguments.len() > LINUX_ARGUMENTS_BYTES {
        return wrong(GuestFault::Arguments {
            bytes: arguments.len(),
            most: LINUX_ARGUMENTS_BYTES,
        });
    }
    let mut blobs = vec![blob("kernel", kernel.at, kernel.bytes)];
    let mut initramfs: Option<Range<u32>> = None;
    if let Some(content) = initramfs_content {
        let bytes = content.len() as u32;
        let at = (tree_at - bytes) / PAGE * PAGE;
        initramfs = Some(at..at + bytes);
        blobs.push(blob("initramfs", at, content));
    }
    let board = &checked.board;
    let (rewritten, paravirtual) = (kernel.rewritten, kernel.paravirtual);
    let reserved: Vec<_> = rewritten.iter().map(|one| one.reserved.clone()).collect();
    let tree = flattened(&Facts {
        memory_bytes: *guest.memory_bytes as u32,
        timebase_hz: board.timebase_hz as u32,
        clock_hz: board.timebase_hz as u32,
        bus_hz: board.timebase_hz as u32,
        boot_arguments: arguments,
        initramfs,
        receive_source: source::CONSOLE_RECEIVE.into(),
        transmit_source: source::CONSOLE_SEND.into(),
        uart_source: guest.has_uart().then_some(source::UART.into()),
        pci: guest.firmware.is_some(),
        resets: true,
        powers_off: true,
        reserved: &reserved,
        pins_source: source::GPIO.into(),
        reports_panics: true,
        disk_source: has_port(checked, partition, "disk").then_some(source::DISK.into()),
        network_source: has_port(checked, partition, "network").then_some(source::NETWORK.into()),
        rng_seed: None,
    })?;
    let tree = match &guest.overlay {
        Some(path) => match overlaid(&tree, &read(&own(checked, path)?)?) {
            Ok(tree) => tree,
            Err(fault) => return wrong(GuestFault::Overlay(fault.to_string())),
        },
        None => tree,
    };
    if tree.len() > DEVICE_TREE_BYTES as usize {
        return wrong(GuestFault::Tree {
            bytes: tree.len(),
            most: DEVICE_TREE_BYTES as usize,
        });
    }
    blobs.push(blob("device tree", tree_at, tree));
    Ok(Ok(Prepared {
        content: Content { blobs, paravirtual },
        rewritten,
        warning,
    }))
}

/// Whether a partition has a driver for its guest's disk or network.
fn has_port(checked: &Checked, partition: &Partition, port: &str) -> bool {
    let mut all = checked.system.partitions.iter().zip(&checked.wiring);
    all.find(|(one, _)| one.name.value == partition.name.value)
        .is_some_and(|(_, wiring)| wiring.driver(&checked.system, port).is_some())
}

fn blob(name: &str, at: u32, content: Vec<u8>) -> Blob {
    Blob {
        name: name.to_owned(),
        at,
        content,
    }
}

/// A kernel's file, compiled if it is a source.
fn kernel_bytes(file: &Path) -> Result<Vec<u8>> {
    if one_file::is_source(file) {
        one_file::compile(file)
    } else {
        read(file)
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}
