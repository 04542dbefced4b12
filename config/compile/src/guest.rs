//! What a partition with a guest gets besides its program's memory: the guest's block, its register page, room for its translations,
//! tags, and places of TLB1.

use cofferdam_abi::{guest, limits};
use cofferdam_check::residency;
use cofferdam_model::{Guest, System};
use cofferdam_tables::Paravirtual;
use serde::Serialize;

/// A guest.
#[derive(Clone, Debug, Serialize)]
pub struct GuestPlan {
    /// Its memory.
    pub memory_bytes: u64,
    /// Where guest-physical address 0 is.
    pub memory_physical: u64,
    /// Its register page.
    pub page_physical: u64,
    /// Where the kernel keeps its first translation array.
    pub translations_physical: u64,
    /// Its tags: the first, and how many.
    pub tags: (u8, u8),
    /// Its places of TLB1: the first, and how many.
    pub places: (u8, u8),
    /// What its kernel is.
    pub paravirtual: Paravirtual,
}

/// What a guest starts with.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// What lies in its memory.
    pub blobs: Vec<Blob>,
    /// What its kernel is.
    pub paravirtual: Paravirtual,
}

/// Something that lies in a guest's memory when it starts.
#[derive(Clone, Debug)]
pub struct Blob {
    /// What it is.
    pub name: String,
    /// Its guest-physical address: whole words.
    pub at: u32,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The room for a guest's device tree.
pub const DEVICE_TREE_BYTES: u32 = 0x1_0000;

/// Where a guest's device tree lies: a guest-physical address. U-Boot maps it by a page of 1 MiB, and looks for it at that page's beginning.
pub fn device_tree(guest: &Guest) -> u32 {
    const PAGE_BYTES: u32 = 1 << 20;
    (*guest.memory_bytes).min(u64::from(guest::MEMORY_MAX)) as u32 - PAGE_BYTES
}

/// The tags of the guest with this number, of so many: what the partitions leave of 255, in equal parts.
pub fn tags(number: usize, of: usize) -> (u8, u8) {
    const FIRST: usize = limits::PARTITIONS + 1;
    let each = (256 - FIRST) / of.max(1);
    ((FIRST + number * each) as u8, each.min(255) as u8)
}

/// The places of TLB1 of the guest with this number: the last ones.
pub fn places(number: usize) -> (u8, u8) {
    let each = residency::PLACES_OF_A_GUEST;
    let first = limits::TLB1_ENTRIES - (number + 1) * each;
    (first as u8, each as u8)
}

/// The guests of a system, by the indices of their partitions.
pub fn guests(system: &System) -> Vec<usize> {
    let all = system.partitions.iter().enumerate();
    all.filter(|(_, partition)| partition.guest.is_some())
        .map(|(index, _)| index)
        .collect()
}
