//! The file as a whole: every byte of it is known, and its code is what was built.

use sha2::{Digest, Sha256};

use super::Statement;
use crate::Item;
use crate::image::{EXECUTE, READ, Segment, WRITE};
use crate::numbers::{kernel, place};
use crate::program::Program;
use crate::records::ChannelKind;
use crate::world::{World, region_at};

/// Something that an image has to hold.
struct Expected {
    what: String,
    physical: u64,
    /// How many bytes it takes, if something says it.
    bytes: Option<u64>,
    /// How many of these the file has.
    content: std::ops::RangeInclusive<u64>,
    flags: u32,
}

/// Everything that belongs into the image.
fn expected(world: &World<'_>) -> Vec<Expected> {
    let mut all = Vec::new();
    let mut of_kernel = |what: &str, physical, room, flags, required: bool| {
        if required || world.image.at(physical).is_some() {
            all.push(Expected {
                what: format!("the kernel's {what}"),
                physical,
                bytes: None,
                content: 1..=room,
                flags,
            });
        }
    };
    of_kernel("text", kernel::TEXT, kernel::MAPPING, READ | EXECUTE, true);
    let constants = kernel::TABLES - kernel::CONSTANTS;
    of_kernel("constants", kernel::CONSTANTS, constants, READ, false);
    of_kernel("tables", kernel::TABLES, kernel::TABLES_ROOM, READ, true);
    of_kernel("data", kernel::DATA, kernel::MAPPING, READ | WRITE, true);
    for (index, partition) in world.tables.partitions.iter().enumerate() {
        let name = world.name(index);
        for (what, effective, flags) in [
            ("text", place::TEXT, READ | EXECUTE),
            ("constants", place::CONSTANTS, READ),
        ] {
            if let Some(region) = region_at(partition, effective) {
                all.push(Expected {
                    what: format!("the {what} of {name}"),
                    physical: region.physical,
                    bytes: Some(region.length.into()),
                    content: 1..=u64::from(region.length),
                    flags,
                });
            }
        }
        for (number, copy) in partition.copies.iter().enumerate() {
            let length = u64::from(copy.length);
            all.push(Expected {
                what: format!("the pristine copy {number} of {name}"),
                physical: copy.from.into(),
                bytes: Some(length),
                content: length.saturating_sub(3)..=length,
                flags: READ,
            });
        }
    }
    for (index, channel) in world.declared.channels.iter().enumerate() {
        if channel.kind != ChannelKind::Ring {
            continue;
        }
        if let Some(region) = super::regions::ring_region(world, index, 0) {
            all.push(Expected {
                what: format!("the ring {}", channel.name),
                physical: region.physical,
                bytes: Some(region.length.into()),
                content: 0..=0,
                flags: READ | WRITE,
            });
        }
    }
    all
}

/// The file has the one form that an image has, so that no byte of it is unknown.
pub(super) fn file(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "file",
        "every byte of the file is one of a head in its one form, content of a segment, or a zero between two",
    );
    let form = world.image.write();
    let same = form
        .iter()
        .zip(world.bytes)
        .take_while(|(one, other)| one == other)
        .count();
    let whole = form.len().max(world.bytes.len());
    statement.checked = whole as u64 - 1;
    statement.require(same == whole, || {
        format!("the file is not as it should be from byte {same:#x} on")
    });
    statement
}

/// Each segment is something that belongs there, and each such thing is there once.
pub(super) fn items_known(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        "items",
        "the image holds the kernel, the tables, each partition's text and constants, its pristine copies and cleared rings, each once, with its rights, and nothing else",
    );
    let expected = expected(world);
    for one in &expected {
        let same = expected
            .iter()
            .filter(|other| other.physical == one.physical);
        statement.require(same.count() == 1, || {
            format!("{} shares its place {:#x}", one.what, one.physical)
        });
        let found: Vec<&Segment<'_>> = (world.image.segments.iter())
            .filter(|segment| segment.physical == one.physical)
            .collect();
        let [segment] = found[..] else {
            statement.require(false, || {
                format!(
                    "{} is {} times at {:#x}",
                    one.what,
                    found.len(),
                    one.physical
                )
            });
            continue;
        };
        let content = segment.content.len() as u64;
        let sized = one.bytes.unwrap_or(segment.bytes) == segment.bytes;
        // Only the kernel's data have more in memory than in the file.
        let roomy = one.bytes.is_some()
            || segment.bytes == content
            || one.flags & WRITE != 0 && segment.bytes <= *one.content.end();
        statement.require(sized && roomy && one.content.contains(&content), || {
            format!(
                "{} has {content} bytes in the file and {} in memory",
                one.what, segment.bytes
            )
        });
        statement.equal(segment.flags, one.flags, || {
            format!("the rights of {}", one.what)
        });
    }
    for segment in &world.image.segments {
        let known = expected.iter().any(|one| one.physical == segment.physical);
        statement.require(known, || {
            format!("nobody knows what is loaded at {:#x}", segment.physical)
        });
    }
    let ordered = world
        .image
        .segments
        .windows(2)
        .all(|pair| pair[0].end() <= pair[1].physical);
    statement.require(ordered, || {
        "segments are not one behind the other".to_owned()
    });
    let text = world.image.at(kernel::TEXT);
    let entry = u64::from(world.image.entry);
    let inside = text.is_some_and(|text| (text.physical..text.end()).contains(&entry));
    statement.require(inside && entry.is_multiple_of(4), || {
        format!("the image is entered at {entry:#x}, which is not in the kernel's text")
    });
    statement
}

/// What the image consists of, each with its hash.
pub(crate) fn measured(world: &World<'_>) -> Vec<Item> {
    let expected = expected(world);
    let what = |physical| {
        let known = expected.iter().find(|one| one.physical == physical);
        known.map_or("unknown", |one| one.what.as_str()).to_owned()
    };
    let items = world.image.segments.iter().map(|segment| Item {
        what: what(segment.physical),
        physical: segment.physical,
        bytes: segment.content.len() as u64,
        sha256: hex(&Sha256::digest(segment.content)),
    });
    items.collect()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The statements that are about the programs as they were built.
pub(crate) const KERNEL_TEXT: &str = "kernel-text";
pub(crate) const PROGRAM_TEXT: &str = "program-text";

/// Code and data are those of the programs that were given.
pub(super) fn compared(world: &World<'_>) -> Vec<Statement> {
    let mut all = Vec::new();
    if let Some(kernel) = world.kernel {
        let mut statement = Statement::new(
            KERNEL_TEXT,
            "the kernel in the image is the one that was built, byte for byte",
        );
        statement.equal(world.image.entry, kernel.entry, || "the entry".to_owned());
        for part in &kernel.parts {
            let segment = world.image.at(part.address);
            let same =
                segment.is_some_and(|one| one.content == part.content && one.bytes == part.bytes);
            statement.checked += part.content.len() as u64;
            statement.require(same, || {
                format!("what is at {:#x} is not the kernel's", part.address)
            });
        }
        all.push(statement);
    }
    if world.has_programs() {
        all.push(programs(world));
    }
    all
}

fn programs(world: &World<'_>) -> Statement {
    let mut statement = Statement::new(
        PROGRAM_TEXT,
        "the programs in the image are those that were built, byte for byte, and enter where those do",
    );
    for (index, tables, declared) in world.partitions() {
        let Some(program) = world.program(index) else {
            statement.require(false, || {
                format!("the program of {} was not given", declared.name)
            });
            continue;
        };
        let name = &declared.name;
        statement.equal(tables.own.entry, program.entry, || {
            format!("the entry of {name}")
        });
        for address in [place::TEXT, place::CONSTANTS] {
            let part = program.part(address.into());
            let region = region_at(tables, address);
            let (Some(part), Some(region)) = (part, region) else {
                statement.require(part.is_none() && region.is_none(), || {
                    format!("what {name} has at {address:#x} is not its program's")
                });
                continue;
            };
            let segment = world.image.at(region.physical);
            statement.checked += part.content.len() as u64;
            statement.require(
                segment.is_some_and(|one| one.content == part.content),
                || format!("what {name} has at {address:#x} is not its program's"),
            );
        }
        data(world, index, program, &mut statement);
        ports(world, index, program, &mut statement);
    }
    statement
}

/// What of a program's data is not zero has its pristine copy.
fn data(world: &World<'_>, index: usize, program: &Program, statement: &mut Statement) {
    let tables = &world.tables.partitions[index];
    let name = world.name(index);
    let content = program
        .part(place::DATA.into())
        .map_or(&[][..], |part| &part.content);
    let first = content.iter().position(|byte| *byte != 0);
    let last = content.iter().rposition(|byte| *byte != 0);
    let data = region_at(tables, place::DATA).map_or(0, |region| region.physical);
    let own = tables.copies.iter().find(|copy| {
        region_at(tables, place::DATA).is_some_and(|region| region.meets(copy.to.into(), 1))
    });
    let (Some(first), Some(last), Some(copy)) = (first, last, own) else {
        statement.require(first.is_none() && own.is_none(), || {
            format!("the pristine copy of the data of {name} is not its program's")
        });
        return;
    };
    let first = first & !3;
    let bytes = (last + 1 - first).next_multiple_of(4);
    let segment = world.image.at(copy.from.into());
    let end = content.len().min(first + bytes);
    statement.checked += bytes as u64;
    let same = segment.is_some_and(|one| one.content == &content[first..end])
        && u64::from(copy.to) == data + first as u64
        && copy.length as usize == bytes;
    statement.require(same, || {
        format!("the pristine copy of the data of {name} is not its program's")
    });
}

/// A program with notes has its ports in the slots that it knows.
fn ports(world: &World<'_>, index: usize, program: &Program, statement: &mut Statement) {
    if program.ports.is_empty() {
        return;
    }
    let name = world.name(index);
    for port in super::authority::ports(world, index) {
        let note = program.port(&port.name);
        let found = super::authority::slot(world, index, &port);
        statement.require(
            note.map(|note| note.slot) == found && found.is_some(),
            || {
                format!(
                    "the port {} of {name} is in slot {found:?}, and its program has it elsewhere",
                    port.name
                )
            },
        );
        let (Some(note), Some(channel)) = (note, port.channel) else {
            continue;
        };
        let Some(tables) = world.tables.channels.get(channel) else {
            continue;
        };
        let sizes = (tables.own.message_bytes, tables.own.reply_bytes);
        statement.equal(sizes, (note.message_bytes, note.reply_bytes), || {
            format!(
                "the sizes of the messages of {}, by {name}",
                world.declared.channels[channel].name
            )
        });
    }
}
