//! Every mutant of every class, one after the other.

use std::collections::BTreeSet;

use super::Class;
use super::raw::{self, Raw};
use crate::image::{HEAD, Image, PROGRAM_HEAD};
use crate::numbers::kernel;
use crate::tables;
use crate::values::{Shape, Value};
use crate::{Prover, Refusal};

/// What a mutant is, in words, and its bytes.
type Mutant = (String, Vec<u8>);
/// Gets a class and a function that makes the mutant, if it is wanted.
type Sink<'s> = &'s mut dyn FnMut(Class, &dyn Fn() -> Mutant);

/// Offers every mutant.
pub(super) fn each(prover: &Prover, bytes: &[u8], sink: Sink<'_>) -> Result<(), Refusal> {
    let image = Image::read(bytes)?;
    let tables = image
        .at(kernel::TABLES)
        .map_or(&[][..], |segment| segment.content);
    let records = raw::read(tables)?;
    file(bytes, &image, sink);
    bits_of_tables(bytes, &image, tables, sink);
    fields(&image, &records, sink);
    order(&image, &records, sink);
    segments(&image, sink);
    moved(&image, &records, prover.declared.ram_bytes, sink);
    contents(bytes, &image, sink);
    Ok(())
}

fn flipped(bytes: &[u8], at: usize, bit: u32) -> Vec<u8> {
    let mut mutant = bytes.to_vec();
    mutant[at] ^= 1 << bit;
    mutant
}

fn file(bytes: &[u8], image: &Image<'_>, sink: Sink<'_>) {
    let heads = (HEAD + PROGRAM_HEAD * image.segments.len()).min(bytes.len());
    for at in 0..heads {
        for bit in 0..8 {
            let make = || {
                (
                    format!("bit {bit} of byte {at:#x}"),
                    flipped(bytes, at, bit),
                )
            };
            sink(Class::HeadBits, &make);
        }
    }
    // Every length within the heads, and then some.
    let step = (bytes.len() / 500).max(1);
    for length in (0..heads).chain((heads..bytes.len()).step_by(step)) {
        let make = || (format!("cut off at {length:#x}"), bytes[..length].to_vec());
        sink(Class::Length, &make);
    }
    for more in [1, 4, 16, 4096] {
        let make = || {
            let mutant = [bytes, &vec![0; more]].concat();
            (format!("{more} bytes more"), mutant)
        };
        sink(Class::Length, &make);
    }
}

/// Where in the file the content of a segment is.
fn place_in(bytes: &[u8], content: &[u8]) -> usize {
    (content.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize)
}

fn bits_of_tables(bytes: &[u8], image: &Image<'_>, tables: &[u8], sink: Sink<'_>) {
    let start = place_in(bytes, tables);
    for at in 0..tables.len() {
        for bit in 0..8 {
            let what = || format!("bit {bit} of byte {at:#x} of the tables");
            sink(Class::TableBits, &|| {
                (what(), flipped(bytes, start + at, bit))
            });
        }
    }
    let Ok((count, records)) = tables::open(tables) else {
        return;
    };
    for at in 0..records.len() {
        for bit in 0..8 {
            let make = || {
                let tables = raw::sealed(count, &flipped(records, at, bit));
                (
                    format!("bit {bit} of byte {at:#x} of the records"),
                    raw::with_tables(image, &tables),
                )
            };
            sink(Class::SealedBits, &make);
        }
    }
}

/// Other values for a field.
fn others(value: &Value, shape: Shape, siblings: &BTreeSet<u64>) -> Vec<Value> {
    match (value, shape) {
        (Value::Bytes(bytes), _) => {
            let each = (0..bytes.len()).flat_map(|at| {
                [1u8, 0xff].map(|step| {
                    let mut other = bytes.clone();
                    other[at] = other[at].wrapping_add(step);
                    Value::Bytes(other)
                })
            });
            each.collect()
        }
        (Value::Number(number), shape) => {
            let bits = match shape {
                Shape::Truth => 1,
                Shape::Byte => 8,
                Shape::Number(bits) => bits,
                Shape::Choice(_) | Shape::Bytes(_) => 0,
            };
            let most = match shape {
                Shape::Choice(count) => count - 1,
                _ => u64::MAX >> (64 - bits.max(1)),
            };
            let mut all: BTreeSet<u64> = (0..bits).map(|bit| number ^ 1 << bit).collect();
            for step in [
                1, 2, 3, 4, 8, 0x10, 0x100, 0x1000, 0x4000, 0x1_0000, 0x10_0000,
            ] {
                all.extend([number.wrapping_add(step), number.wrapping_sub(step)]);
            }
            all.extend([0, 1, most, most / 2]);
            if let Shape::Choice(count) = shape {
                all.extend(0..count);
            }
            all.extend(siblings);
            all.remove(number);
            all.into_iter()
                .filter(|one| *one <= most)
                .map(Value::Number)
                .collect()
        }
    }
}

fn fields(image: &Image<'_>, records: &[Raw], sink: Sink<'_>) {
    for (index, record) in records.iter().enumerate() {
        for (place, (field, shape)) in record.fields().iter().enumerate() {
            let siblings = records.iter().filter(|other| other.kind == record.kind);
            let siblings = siblings.filter_map(|other| match &other.values[place] {
                Value::Number(number) => Some(*number),
                Value::Bytes(_) => None,
            });
            for other in others(&record.values[place], *shape, &siblings.collect()) {
                let make = || {
                    let mut records = records.to_vec();
                    records[index].values[place] = other.clone();
                    let what = format!(
                        "{field} of record {index}, a {}, as {other:?}",
                        record.name()
                    );
                    (what, raw::with_tables(image, &raw::write(&records)))
                };
                sink(Class::Fields, &make);
            }
        }
    }
}

fn order(image: &Image<'_>, records: &[Raw], sink: Sink<'_>) {
    let mut offer = |what: String, change: &dyn Fn(&mut Vec<Raw>)| {
        let make = || {
            let mut records = records.to_vec();
            change(&mut records);
            (what.clone(), raw::with_tables(image, &raw::write(&records)))
        };
        sink(Class::Records, &make);
    };
    for (index, record) in records.iter().enumerate() {
        let name = record.name();
        offer(format!("record {index}, a {name}, missing"), &|all| {
            _ = all.remove(index)
        });
        offer(format!("record {index}, a {name}, twice"), &|all| {
            all.insert(index, all[index].clone())
        });
        offer(format!("record {index}, a {name}, at the end"), &|all| {
            let record = all.remove(index);
            all.push(record);
        });
        // With every other one of its kind.
        for other in index + 1..records.len() {
            if records[other].kind == records[index].kind || other == index + 1 {
                let what = format!("records {index} and {other}, the first a {name}, exchanged");
                offer(what, &|all| all.swap(index, other));
            }
        }
        for end in index + 1..records.len().min(index + 6) {
            offer(
                format!("records {index}, a {name}, to {end} missing"),
                &|all| _ = all.drain(index..=end),
            );
        }
    }
}

fn segments(image: &Image<'_>, sink: Sink<'_>) {
    let mut offer = |what: String, change: &dyn Fn(&mut Image<'_>)| {
        let make = || {
            let mut other = image.clone();
            change(&mut other);
            (what.clone(), other.write())
        };
        sink(Class::Segments, &make);
    };
    for step in [4u32, 0x1000, 0x4_0000] {
        for entry in [
            image.entry.wrapping_add(step),
            image.entry.wrapping_sub(step),
        ] {
            offer(format!("entry {entry:#x}"), &|image| image.entry = entry);
        }
    }
    for index in 0..image.segments.len() {
        let own = &image.segments[index];
        let others = image.segments.iter().map(|other| other.physical);
        let steps = [4, 0x1000, 0x4000, 0x1_0000, 0x10_0000, 0x400_0000u64];
        let near = steps.iter().flat_map(|step| {
            [
                own.physical.wrapping_add(*step),
                own.physical.wrapping_sub(*step),
            ]
        });
        for physical in others.chain(near).filter(|one| *one <= u32::MAX.into()) {
            offer(format!("segment {index} at {physical:#x}"), &|image| {
                image.segments[index].physical = physical
            });
        }
        for flags in 0..8 {
            offer(format!("segment {index} with rights {flags}"), &|image| {
                image.segments[index].flags = flags
            });
        }
        for step in [1u64, 4, 0x1000, 0x1_0000] {
            for bytes in [own.bytes.wrapping_add(step), own.bytes.wrapping_sub(step)] {
                if bytes >= own.content.len() as u64 && bytes <= u32::MAX.into() {
                    offer(format!("segment {index} of {bytes} bytes"), &|image| {
                        image.segments[index].bytes = bytes
                    });
                }
            }
        }
        for cut in [1, 4, 16, own.content.len() / 2, own.content.len()] {
            let left = own.content.len().saturating_sub(cut);
            offer(
                format!("segment {index} with {left} bytes in the file"),
                &|image| {
                    let segment = &mut image.segments[index];
                    segment.content = &segment.content[..left];
                },
            );
        }
        offer(format!("segment {index} missing"), &|image| {
            _ = image.segments.remove(index)
        });
        offer(format!("segment {index} twice"), &|image| {
            let segment = image.segments[index].clone();
            image.segments.insert(index, segment);
        });
        if index != 0 {
            offer(
                format!("segments {index} and the one before exchanged"),
                &|image| image.segments.swap(index, index - 1),
            );
        }
    }
}

/// The entries of TLB1 that belong to a region, as places among the records.
fn entries_of(records: &[Raw], pid: u64, region: &Raw) -> Vec<usize> {
    let effective = region.number("effective");
    let all = records
        .iter()
        .enumerate()
        .filter(|(_, record)| record.name() == "TlbWrite");
    all.filter(|(_, record)| {
        record.number("mas1") >> 16 & 0xff == pid && record.number("mas2") & !0xfff == effective
    })
    .map(|(place, _)| place)
    .collect()
}

/// Changes that a builder with bad intentions would make: whatever speaks of a region says the same.
fn moved(image: &Image<'_>, records: &[Raw], ram: u64, sink: Sink<'_>) {
    let mut pid = 0;
    let physical: BTreeSet<u64> = (records.iter())
        .flat_map(|record| match record.name() {
            "Region" => vec![record.number("physical")],
            "Channel" => vec![record.number("store") & !0xfff],
            "Copy" => vec![record.number("from")],
            "Board" => vec![
                record.number("devices_physical") + record.number("interrupt_controller_offset"),
            ],
            _ => vec![],
        })
        .chain([
            kernel::TEXT,
            kernel::TABLES,
            kernel::DATA,
            kernel::RECORD,
            0,
            ram,
        ])
        .collect();
    for (index, region) in records.iter().enumerate() {
        if region.name() == "Partition" {
            pid = region.number("pid");
        }
        if region.name() != "Region" {
            continue;
        }
        let entries = entries_of(records, pid, region);
        let mut offer = |class, what: String, change: &dyn Fn(&mut Vec<Raw>, &mut Image<'_>)| {
            let make = || {
                let (mut records, mut image) = (records.to_vec(), image.clone());
                change(&mut records, &mut image);
                image.segments.sort_by_key(|segment| segment.physical);
                let tables = raw::write(&records);
                (what.clone(), raw::with_tables(&image, &tables))
            };
            sink(class, &make);
        };
        let from = region.number("physical");
        for to in physical.iter().copied().filter(|to| *to != from) {
            let change = |records: &mut Vec<Raw>, image: &mut Image<'_>| {
                records[index].set("physical", to);
                for place in &entries {
                    let entry = &mut records[*place];
                    entry.set("mas3", to & 0xffff_f000 | entry.number("mas3") & 0xfff);
                    entry.set("mas7", to >> 32);
                }
                // The register page is told twice, and its own text comes along.
                for record in records
                    .iter_mut()
                    .filter(|record| record.number("page_physical") == from)
                {
                    record.set("page_physical", to);
                }
                if image.at(to).is_none() {
                    image
                        .segments
                        .iter_mut()
                        .filter(|one| one.physical == from)
                        .for_each(|one| one.physical = to);
                } else {
                    image.segments.retain(|one| one.physical != from);
                }
            };
            offer(
                Class::Moved,
                format!("record {index}, a region, at {to:#x}"),
                &change,
            );
        }
        for (right, bit) in [(1, 2), (2, 8), (4, 0x20u64)] {
            let change = |records: &mut Vec<Raw>, _: &mut Image<'_>| {
                let rights = records[index].number("rights") ^ right;
                records[index].set("rights", rights);
                for place in &entries {
                    let word = records[*place].number("mas3") ^ bit;
                    records[*place].set("mas3", word);
                }
            };
            offer(
                Class::Rights,
                format!("record {index}, a region, with right {right} turned"),
                &change,
            );
        }
        let grow = |records: &mut Vec<Raw>, image: &mut Image<'_>| {
            let length = records[index].number("length") * 4;
            records[index].set("length", length & u64::from(u32::MAX));
            for place in &entries {
                let word = records[*place].number("mas1") + 0x100;
                records[*place].set("mas1", word);
            }
            image
                .segments
                .iter_mut()
                .filter(|one| one.physical == from)
                .for_each(|one| one.bytes = length);
        };
        offer(
            Class::Grown,
            format!("record {index}, a region, four times as large"),
            &grow,
        );
    }
}

fn contents(bytes: &[u8], image: &Image<'_>, sink: Sink<'_>) {
    for segment in image
        .segments
        .iter()
        .filter(|segment| segment.physical != kernel::TABLES)
    {
        let start = place_in(bytes, segment.content);
        for at in 0..segment.content.len() {
            let bit = (at % 8) as u32;
            let make = || {
                let what = format!("bit {bit} of {:#x}", segment.physical + at as u64);
                (what, flipped(bytes, start + at, bit))
            };
            sink(Class::ContentBits, &make);
        }
    }
}
