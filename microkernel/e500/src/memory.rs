//! Translations: the kernel's own map, the window onto partitions' memory, and refills.
//!
//! The kernel's entries of TLB1 come first and stay: text, constants, data and record (made in [`crate::start`]), devices,
//! and up to three blocks of RAM. All are for supervisor level alone, in address space 0, global, protected from
//! invalidation; none is both writable and executable. Entries of partitions follow, and are written at window
//! boundaries by words that the host computed.

use cofferdam_abi::limits::KERNEL_TLB1_ENTRIES;
use cofferdam_abi::space;
use cofferdam_tables::mas::{self, MAS1_PROTECT, MAS1_VALID, MAS2_COHERENT, MAS2_DEVICE};
use cofferdam_tables::{RamBlock, Region, RegionKind, TlbWrite};

use crate::spr::{MAS0, MAS1, MAS2, MAS3, MAS7, mtspr};

const SUPERVISOR_DATA: u32 = mas::MAS3_SUPERVISOR_READ | mas::MAS3_SUPERVISOR_WRITE;
/// The entry of the devices: behind text, constants, data and record.
const DEVICES_ENTRY: u32 = KERNEL_TLB1_ENTRIES as u32 - 1;
/// [`space::kernel::DEVICES_SIZE`], as a code of [`mas::size_bytes`].
const DEVICES_SIZE: u32 = 5;
const _: () = assert!(mas::size_bytes(DEVICES_SIZE) == space::kernel::DEVICES_SIZE as u64);

/// Writes an entry of a TLB.
///
/// # Safety
/// The entry maps nothing that breaks Rust's rules for the kernel's own memory: it is of address space 1, or a
/// supervisor mapping of memory that no Rust object of the kernel lies in.
#[inline]
unsafe fn write(entry: &TlbWrite) {
    // SAFETY: by the contract; the synchronisation that EREF 6.5.4.3 wants before and behind is the `isync` here and
    // the `rfi` that ends every kernel entry.
    unsafe {
        mtspr!(MAS0, entry.mas0);
        mtspr!(MAS1, entry.mas1);
        mtspr!(MAS2, entry.mas2);
        mtspr!(MAS3, entry.mas3);
        mtspr!(MAS7, entry.mas7);
        core::arch::asm!("isync", "tlbwe", "isync", options(nostack, preserves_flags));
    }
}

/// Maps the device block.
///
/// # Safety
/// `physical` is the board's device block.
pub unsafe fn map_devices(physical: u64) {
    let entry = TlbWrite {
        mas0: mas::mas0_tlb1(DEVICES_ENTRY),
        mas1: MAS1_VALID | MAS1_PROTECT | (DEVICES_SIZE << 8),
        mas2: space::kernel::DEVICES | MAS2_DEVICE,
        mas3: physical as u32 | SUPERVISOR_DATA,
        mas7: (physical >> 32) as u32,
    };
    // SAFETY: device registers, at an effective address that nothing else has.
    unsafe { write(&entry) }
}

/// Maps a block of partitions' memory, for supervisor data access alone.
///
/// # Safety
/// `index` counts the blocks from 0; the block holds no memory of the kernel: the configuration was checked for that.
pub unsafe fn map_ram(index: u32, block: &RamBlock) {
    let entry = TlbWrite {
        mas0: mas::mas0_tlb1(KERNEL_TLB1_ENTRIES as u32 + index),
        mas1: MAS1_VALID | MAS1_PROTECT | (u32::from(block.size_code) << 8),
        mas2: (space::kernel::RAM + block.physical) | MAS2_COHERENT,
        mas3: block.physical | SUPERVISOR_DATA,
        mas7: 0,
    };
    // SAFETY: RAM that no Rust object of the kernel lies in.
    unsafe { write(&entry) }
}

core::arch::global_asm!(
    r#"
    .text
# r3: entries of five words, r4: how many, not 0. The synchronisation that EREF 6.5.4.3 wants behind the last one is the
# `rfi` that ends every kernel entry.
    .globl write_entries
write_entries:
    stwu 1, -32(1)
    stmw 27, 8(1)
    mtctr 4
1:  lmw 27, 0(3)
    addi 3, 3, 20
    mtspr 624, 27
    mtspr 625, 28
    mtspr 626, 29
    mtspr 627, 30
    mtspr 944, 31
    isync
    tlbwe
    bdnz 1b
    lmw 27, 8(1)
    addi 1, 1, 32
    blr
    "#
);

const _: () = assert!(size_of::<TlbWrite>() == 20 && core::mem::offset_of!(TlbWrite, mas7) == 16);

unsafe extern "C" {
    fn write_entries(entries: *const TlbWrite, count: usize);
}

/// Writes partitions' entries of TLB1.
#[inline(always)]
pub(crate) fn write_partitions(entries: &[TlbWrite]) {
    if !entries.is_empty() {
        // SAFETY: the configuration was checked: entries of address space 1, where the kernel itself never runs, and
        // behind its own.
        unsafe { write_entries(entries.as_ptr(), entries.len()) }
    }
}

/// Puts one page of a region into TLB0, in place of the entry that the hardware proposes.
pub(crate) fn refill(pid: u8, effective: u32, region: &Region) {
    let page = effective & 0xffff_f000;
    let physical = region.physical + u64::from(page - region.effective);
    let attributes = if region.kind == RegionKind::Device {
        MAS2_DEVICE
    } else {
        MAS2_COHERENT
    };
    // A miss has set MAS0 to TLB0 and its next victim (EREF, section 6.5.5.1); only the rest is ours.
    // SAFETY: an entry of address space 1, with user rights alone.
    unsafe {
        mtspr!(MAS1, mas::mas1_partition(pid, 1));
        mtspr!(MAS2, page | attributes);
        mtspr!(MAS3, physical as u32 | mas::mas3_rights(region.rights));
        mtspr!(MAS7, (physical >> 32) as u32);
        core::arch::asm!("isync", "tlbwe", "isync", options(nostack, preserves_flags));
    }
}

/// Empties TLB0 (EREF, section 6.5.4.4: MMUCSR0\[TLB0_FI\]).
pub(crate) fn empty_pages() {
    // SAFETY: the kernel's own entries are in TLB1.
    unsafe {
        mtspr!(1012, 4u32);
        core::arch::asm!("isync", options(nostack, preserves_flags));
    }
}

/// The address of a word of partitions' memory in the kernel's window.
#[inline(always)]
fn window(physical: u32) -> *mut u32 {
    space::kernel::RAM.wrapping_add(physical) as *mut u32
}

/// Reads a word of partitions' memory.
#[inline(always)]
pub(crate) fn read_word(physical: u32) -> u32 {
    // SAFETY: the configuration was checked: the address lies in a mapped block, which holds no Rust object. A
    // volatile access, for partitions write there between kernel entries.
    unsafe { window(physical).read_volatile() }
}

/// Writes a word of partitions' memory.
#[inline(always)]
pub(crate) fn write_word(physical: u32, value: u32) {
    // SAFETY: as in `read_word`.
    unsafe { window(physical).write_volatile(value) }
}

/// A block of [`copy_blocks`] and [`clear_blocks`], in bytes.
const BLOCK: u32 = 64;

core::arch::global_asm!(
    r#"
    .text
# r3: from, r4: to, r5: blocks of 16 words, not 0. `lmw` and `stmw` want word alignment (EREF, section 4.6.1.2).
    .globl copy_blocks
copy_blocks:
    stwu 1, -80(1)
    stmw 16, 16(1)
    mtctr 5
1:  lmw 16, 0(3)
    addi 3, 3, 64
    stmw 16, 0(4)
    addi 4, 4, 64
    bdnz 1b
    lmw 16, 16(1)
    addi 1, 1, 80
    blr

# r3: what, r4: blocks of 16 words, not 0. Words one by one: code may have been here, and QEMU takes a `stmw` for a store of its first byte
# alone when it looks for code that it has translated.
    .globl clear_blocks
clear_blocks:
    mtctr 4
    li 5, 0
1:  .irp offset, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
    stw 5, \offset(3)
    .endr
    addi 3, 3, 64
    bdnz 1b
    blr
    "#
);

unsafe extern "C" {
    fn copy_blocks(from: *const u32, to: *mut u32, blocks: u32);
    fn clear_blocks(target: *mut u32, blocks: u32);
}

/// Copies within partitions' memory; both addresses are word-aligned.
#[inline]
pub(crate) fn copy(from: u32, to: u32, length: u32) {
    let (mut source, mut target) = (window(from), window(to));
    // SAFETY: as in `read_word`, for the whole of both areas, which do not overlap.
    unsafe {
        if length >= BLOCK {
            copy_blocks(source, target, length / BLOCK);
            let copied = (length / BLOCK * (BLOCK / 4)) as usize;
            (source, target) = (source.add(copied), target.add(copied));
        }
        for _ in 0..length % BLOCK / 4 {
            target.write_volatile(source.read_volatile());
            (source, target) = (source.add(1), target.add(1));
        }
        let (mut source, mut target) = (source.cast::<u8>(), target.cast::<u8>());
        for _ in 0..length % 4 {
            target.write_volatile(source.read_volatile());
            (source, target) = (source.add(1), target.add(1));
        }
    }
}

/// Clears words of partitions' memory.
pub(crate) fn clear(physical: u32, length: u32) {
    let blocks = length / BLOCK;
    if blocks != 0 {
        // SAFETY: as in `read_word`, for all of it.
        unsafe { clear_blocks(window(physical), blocks) }
    }
    for offset in (blocks * BLOCK..length).step_by(4) {
        write_word(physical + offset, 0);
    }
}
