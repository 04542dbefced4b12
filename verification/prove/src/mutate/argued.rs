//! Why a survivor is none: what is different, as the decoder finds it, and why that is no property of the image.

use std::collections::BTreeSet;

use super::raw::{self, Raw};
use crate::Prover;
use crate::image::Image;
use crate::numbers::kernel;
use crate::records::TlbWrite;
use crate::tables::Tables;
use crate::world::states;

/// A field that differs: its record's kind, its name, and the record's place.
type Difference = (&'static str, &'static str, usize);

const PLACED: &str = "which frames somebody's cleared memory or the kernel's lies in: nobody else has them, wherever they are";
const OF_GUEST: &str = "what a guest begins with, and where in its own block: no statement is about it, and its hash in the certificate is another";
const PARAVIRTUAL: &str = "where a guest's kernel has its stubs and page tables: whatever stands there, it reaches its own block alone";
const REFILLED: &str =
    "a partition that the file does not pin has its translations refilled in place of resident";

const EARLIER: &str = "in which window, and at which place, TLB1 gets entries of who may not run there yet: whoever may run in a window finds the same in it";
const ALIKE: &str =
    "which of frames with the same bytes have a program's text or constants: nobody writes them";

/// The reason, if there is one for everything that is different. All statements hold of the mutant, so that what lies elsewhere lies where it
/// may.
pub(super) fn reason(prover: &Prover, original: &[u8], mutant: &[u8]) -> Option<&'static str> {
    let (original, mutant) = (Image::read(original).ok()?, Image::read(mutant).ok()?);
    let records = |image: &Image<'_>| raw::read(image.at(kernel::TABLES)?.content).ok();
    let (before, after) = (records(&original)?, records(&mutant)?);
    let mut reasons: BTreeSet<&'static str> = BTreeSet::new();
    if before != after && earlier(&before, &after) {
        reasons.insert(EARLIER);
    } else if let Some(differences) = differences(&before, &after) {
        for difference in differences {
            let (_, _, index) = difference;
            let one = (&before[index], &original);
            let reason = match alike(one, (&after[index], &mutant)) {
                true => ALIKE,
                false => of_field(&before, &after, difference)?,
            };
            reasons.insert(reason);
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

/// Whether the one difference is when, or at which place, TLB1 gets entries that nobody uses yet: all other records are the same, and in each
/// window each partition that may run has the same entries. How long the beginning of a window takes is bounded all the same: it writes each
/// place once at most, as that of a schedule's first does.
fn earlier(before: &[Raw], after: &[Raw]) -> bool {
    let others = |records: &[Raw]| -> Vec<Raw> {
        let others = records.iter().filter(|one| one.name() != "TlbWrite");
        others.cloned().collect()
    };
    let tables = |records: &[Raw]| Tables::read(&raw::write(records)).ok();
    let (Some(one), Some(other)) = (tables(before), tables(after)) else {
        return false;
    };
    others(before) == others(after) && in_use(&one) == in_use(&other)
}

/// The entries of TLB1, window by window, of those who may run in it.
fn in_use(tables: &Tables) -> Vec<Vec<[u32; 4]>> {
    let mut all = Vec::new();
    for (schedule, states) in tables.schedules.iter().zip(states(tables)) {
        for (window, state) in schedule.windows.iter().zip(states) {
            let may_run = |entry: &TlbWrite| {
                tables.ranks.iter().enumerate().any(|(place, rank)| {
                    window.own.eligible << place & 0x8000_0000 != 0
                        && entry.mas1 >> 16 & 0xff == u32::from(rank.partition) + 1
                })
            };
            let used = state.into_iter().flatten().filter(may_run);
            let mut used: Vec<_> = used
                .map(|entry| [entry.mas1, entry.mas2, entry.mas3, entry.mas7])
                .collect();
            used.sort();
            all.push(used);
        }
    }
    all
}

/// Whether a region that nobody can write is elsewhere and nothing else of it is different, and has the same bytes there, and as many.
fn alike((one, original): (&Raw, &Image<'_>), (other, mutant): (&Raw, &Image<'_>)) -> bool {
    let mut moved = one.clone();
    if one.name() != "Region" || one.number("rights") & 2 != 0 {
        return false;
    }
    moved.set("physical", other.number("physical"));
    let bytes = |region: &Raw, image: &Image<'_>| {
        let segment = image.at(region.number("physical"))?;
        Some((segment.bytes, segment.content.to_vec()))
    };
    let (from, to) = (bytes(one, original), bytes(other, mutant));
    moved == *other && from.is_some() && from == to
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Segment;
    use crate::records::RECORDS;
    use crate::values::{Shape, Value};

    /// A record with these fields, the others 0.
    fn record(name: &str, fields: &[(&str, u64)]) -> Raw {
        let kind = RECORDS.iter().position(|(one, _)| *one == name).unwrap();
        let zero = |shape| match shape {
            Shape::Bytes(count) => Value::Bytes(vec![0; count]),
            _ => Value::Number(0),
        };
        let values = RECORDS[kind].1.iter().map(|(_, shape)| zero(*shape));
        let mut record = Raw {
            kind,
            values: values.collect(),
        };
        fields
            .iter()
            .for_each(|(field, number)| record.set(field, *number));
        record
    }

    /// An entry at a place, for a region of a partition.
    fn entry(place: u64, pid: u64, effective: u64) -> Raw {
        let fields = [
            ("mas0", place << 16),
            ("mas1", pid << 16 | 1),
            ("mas2", effective),
        ];
        record("TlbWrite", &fields)
    }

    /// Two partitions, one in each of two windows, both at one place of TLB1; and behind it a place that the second one has all the time.
    fn two() -> Vec<Raw> {
        let window = |place: u32| record("Window", &[("eligible", 0x8000_0000 >> place)]);
        vec![
            record("Board", &[]),
            record("Module", &[]),
            record("Partition", &[("pid", 1)]),
            record("Partition", &[("pid", 2)]),
            record("Rank", &[("partition", 0)]),
            record("Rank", &[("partition", 1)]),
            record("Schedule", &[]),
            entry(6, 1, 0x1000),
            entry(7, 2, 0x2000),
            window(0),
            entry(6, 1, 0x1000),
            window(1),
            entry(6, 2, 0x1000),
        ]
    }

    #[test]
    fn only_entries_of_who_waits_may_be_elsewhere() {
        let before = two();
        assert!(earlier(&before, &before));
        let changed = |change: &dyn Fn(&mut Vec<Raw>)| {
            let mut after = before.clone();
            change(&mut after);
            earlier(&before, &after)
        };
        // What the second one has is at a place that nobody in its first window has.
        assert!(changed(&|all| all.swap(7, 8)));
        assert!(changed(&|all| all[8] = entry(9, 2, 0x2000)));
        assert!(changed(&|all| {
            let write = all.remove(8);
            all.push(write);
        }));
        // What somebody who may run has, is missing, at another address, another's, or there once more.
        assert!(!changed(&|all| _ = all.remove(7)));
        assert!(!changed(&|all| _ = all.remove(8)));
        assert!(!changed(&|all| _ = all.remove(12)));
        assert!(!changed(&|all| all[12] = entry(6, 2, 0x3000)));
        assert!(!changed(&|all| all[12] = entry(6, 1, 0x1000)));
        assert!(!changed(&|all| all.push(entry(8, 2, 0x1000))));
        // It is in the way of somebody who may run.
        assert!(!changed(&|all| all.swap(11, 12)));
        // Another record is different as well.
        assert!(!changed(&|all| all[3].set("entry", 4)));
        assert!(!changed(&|all| all.swap(9, 11)));
    }

    #[test]
    fn only_the_same_bytes_may_be_elsewhere() {
        const TEXT: u64 = 5;
        let content = |byte: u8| vec![vec![1, 2, 3], vec![1, 2, byte]];
        let alike = |rights, to, field: &str, byte, more| {
            let (first, second) = (content(3), content(byte));
            let image = |contents: &'static [Vec<u8>], more| Image {
                entry: 0,
                segments: (1u64..)
                    .zip(contents)
                    .map(|(place, content)| Segment {
                        physical: place << 12,
                        bytes: 3 + if place == 2 { more } else { 0 },
                        content,
                        flags: 5,
                    })
                    .collect(),
            };
            let region = record("Region", &[("physical", 0x1000), ("rights", rights)]);
            let mut other = region.clone();
            other.set("physical", to);
            other.set(field, other.number(field) + u64::from(field != "physical"));
            let (first, second) = (&*first.leak(), &*second.leak());
            super::alike((&region, &image(first, 0)), (&other, &image(second, more)))
        };
        assert!(alike(TEXT, 0x2000, "physical", 3, 0));
        assert!(!alike(TEXT, 0x2000, "physical", 4, 0), "another byte");
        assert!(!alike(TEXT, 0x2000, "physical", 3, 1), "longer");
        assert!(!alike(TEXT, 0x3000, "physical", 3, 0), "nothing there");
        assert!(!alike(TEXT, 0x2000, "length", 3, 0), "another length");
        assert!(!alike(7, 0x2000, "physical", 3, 0), "written");
    }
}
