//! Why a survivor is none: what is different, as the decoder finds it, and why that is no property of the image.

use std::collections::BTreeSet;

use super::raw::{self, Raw};
use crate::Prover;
use crate::image::Image;
use crate::numbers::kernel;

/// A field that differs: its record's kind, its name, and the record's place.
type Difference = (&'static str, &'static str, usize);

const PLACED: &str = "which frames somebody's cleared memory or the kernel's lies in: nobody else has them, wherever they are";
const OF_GUEST: &str = "what a guest begins with, and where in its own block: no statement is about it, and its hash in the certificate is another";
const PARAVIRTUAL: &str = "where a guest's kernel has its stubs and page tables: whatever stands there, it reaches its own block alone";
const REFILLED: &str =
    "a partition that the file does not pin has its translations refilled in place of resident";

/// The reason, if there is one for everything that is different. All statements hold of the mutant, so that what lies elsewhere lies where it
/// may.
pub(super) fn reason(prover: &Prover, original: &[u8], mutant: &[u8]) -> Option<&'static str> {
    let (original, mutant) = (Image::read(original).ok()?, Image::read(mutant).ok()?);
    let records = |image: &Image<'_>| raw::read(image.at(kernel::TABLES)?.content).ok();
    let (before, after) = (records(&original)?, records(&mutant)?);
    let mut reasons: BTreeSet<&'static str> = BTreeSet::new();
    if let Some(differences) = differences(&before, &after) {
        for difference in differences {
            reasons.insert(of_field(&before, &after, difference)?);
        }
    } else {
        refilled(prover, &before, &after).then_some(())?;
        reasons.insert(REFILLED);
    }
    reasons.extend(of_contents(&before, &original, &mutant)?);
    reasons.into_iter().next()
}

/// The fields that differ, where no record does.
fn differences(before: &[Raw], after: &[Raw]) -> Option<Vec<Difference>> {
    let same = before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|(one, other)| one.kind == other.kind);
    same.then_some(())?;
    let mut all = Vec::new();
    for (index, (one, other)) in before.iter().zip(after).enumerate() {
        for (place, (field, _)) in one.fields().iter().enumerate() {
            if one.values[place] != other.values[place] {
                all.push((one.name(), *field, index));
            }
        }
    }
    Some(all)
}

fn of_field(
    before: &[Raw],
    after: &[Raw],
    (kind, field, index): Difference,
) -> Option<&'static str> {
    match (kind, field) {
        (
            "Guest",
            "stubs" | "enabling_stubs" | "stubs_end" | "linear" | "kernel_table" | "process_table",
        ) => Some(PARAVIRTUAL),
        ("Guest", "translations" | "memory" | "page")
        | ("Partition", "page_physical")
        | ("Channel", "store") => Some(PLACED),
        // Of a region with content, its segment says where it is.
        ("Region", "physical") if before[index].number("rights") == 3 => Some(PLACED),
        ("Copy", _) => {
            let (one, other) = (copies_of_guests(before), copies_of_guests(after));
            (one.contains(&index) && other.contains(&index)).then_some(OF_GUEST)
        }
        _ => None,
    }
}

/// Whether the one difference is that partitions that the file does not pin have no entries in TLB1 any more.
fn refilled(prover: &Prover, before: &[Raw], after: &[Raw]) -> bool {
    let pid = |record: &Raw| match record.name() {
        "TlbWrite" => record.number("mas1") >> 16 & 0xff,
        _ => 0,
    };
    let left: BTreeSet<u64> = after.iter().map(pid).collect();
    let gone: BTreeSet<u64> = before
        .iter()
        .map(pid)
        .filter(|pid| !left.contains(pid))
        .collect();
    let free = gone.iter().all(|pid| {
        let declared = prover
            .declared
            .partitions
            .get((*pid as usize).wrapping_sub(1));
        declared.is_some_and(|one| one.pinned.is_none())
    });
    let kept = before.iter().filter(|record| !gone.contains(&pid(record)));
    free && kept.eq(after.iter())
}

/// What of the segments is different: nothing, or what the reason is for.
fn of_contents(
    before: &[Raw],
    original: &Image<'_>,
    mutant: &Image<'_>,
) -> Option<Option<&'static str>> {
    let outside = |image: &Image<'_>| -> Vec<(u64, u64, u32)> {
        let all = image
            .segments
            .iter()
            .filter(|one| one.physical != kernel::TABLES);
        all.map(|one| (one.physical, one.bytes, one.flags))
            .collect()
    };
    let of_guests: Vec<_> = copies_of_guests(before)
        .into_iter()
        .map(|index| before[index].number("from"))
        .collect();
    (outside(original) == outside(mutant)).then_some(())?;
    let mut reason = None;
    for (one, other) in original.segments.iter().zip(&mutant.segments) {
        if one.physical == kernel::TABLES || one.content == other.content {
            continue;
        }
        of_guests.contains(&one.physical).then_some(())?;
        reason = Some(OF_GUEST);
    }
    Some(reason)
}

/// The pristine copies of what lies in guests' memory, as places among the records.
fn copies_of_guests(records: &[Raw]) -> Vec<usize> {
    let mut memory = 0..0;
    let mut all = Vec::new();
    for (index, record) in records.iter().enumerate() {
        match record.name() {
            "Partition" => memory = 0..0,
            "Guest" => {
                let start = record.number("memory");
                memory = start..start + record.number("memory_bytes");
            }
            "Copy" if memory.contains(&record.number("to")) => all.push(index),
            _ => {}
        }
    }
    all
}
