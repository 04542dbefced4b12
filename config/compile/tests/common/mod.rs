//! Programs made by hand, so that the build's own linker has no part in these tests.
#![allow(dead_code)]

use cofferdam_abi::{ABI_VERSION, space};
use cofferdam_check::wiring::PortObject;
use cofferdam_check::{Checked, check_text};
use cofferdam_ipc::bytes_fingerprint;
use cofferdam_ipc::note::{Direction, Kind, PortNote, Text, VersionNote};
use cofferdam_model::{ChannelKind, MessageType, Spanned};

pub const R: u32 = 4;
pub const RW: u32 = 6;
pub const RX: u32 = 5;

/// A segment: address, flags, bytes in the file, bytes in memory.
pub type Segment = (u32, u32, Vec<u8>, u32);

/// An ELF of 32 bits, big-endian, with these segments and this note section.
pub fn elf(machine: u16, entry: u32, segments: &[Segment], notes: &[u8]) -> Vec<u8> {
    elf_with_stack(machine, entry, segments, notes, None)
}

/// The same with symbols that say where the stack lies.
pub fn elf_with_stack(
    machine: u16,
    entry: u32,
    segments: &[Segment],
    notes: &[u8],
    stack: Option<(u32, u32)>,
) -> Vec<u8> {
    let headers = 52 + 32 * segments.len();
    let mut body = Vec::new();
    let mut put = |content: &[u8]| {
        let offset = (headers + body.len()) as u32;
        body.extend(content);
        body.resize(body.len().next_multiple_of(4), 0);
        offset
    };
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect::<Vec<_>>()
    };
    let mut programs = Vec::new();
    for (address, flags, content, memory) in segments {
        let (offset, length) = (put(content), content.len() as u32);
        programs.extend(words(&[
            1, offset, *address, *address, length, *memory, *flags, 4,
        ]));
    }
    let names = b"\0.note.cofferdam\0.shstrtab\0.symtab\0.strtab\0";
    let strings = b"\0__stack_bottom\0__stack_top\0";
    let mut symbols = vec![0; 4];
    if let Some((bottom, top)) = stack {
        // Name, value, size, then global and absolute.
        symbols.extend([1, bottom, 0, 0x1000_fff1, 16, top, 0, 0x1000_fff1]);
    }
    let symbols = words(&symbols);
    let section = |name, kind, offset, content: &[u8], link, entry_bytes| {
        [
            name,
            kind,
            0,
            0,
            offset,
            content.len() as u32,
            link,
            1,
            4,
            entry_bytes,
        ]
    };
    let sections = [
        [0; 10],
        section(1, 7, put(notes), notes, 0, 0),
        section(17, 3, put(names), names, 0, 0),
        section(27, 2, put(&symbols), &symbols, 4, 16),
        section(35, 3, put(strings), strings, 0, 0),
    ];
    let sections_at = put(&[]);
    let mut bytes = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(2u16.to_be_bytes());
    bytes.extend(machine.to_be_bytes());
    bytes.extend(words(&[1, entry, 52, sections_at, 0]));
    for half in [52, 32, segments.len() as u16, 40, sections.len() as u16, 2] {
        bytes.extend(half.to_be_bytes());
    }
    bytes.extend(programs);
    bytes.extend(body);
    bytes.extend(words(sections.as_flattened()));
    bytes
}

pub fn kernel() -> Vec<u8> {
    let text = vec![0x60; 64];
    let data = vec![1; 16];
    let segments = [
        (space::kernel::TEXT, RX, text, 64),
        (space::kernel::DATA, RW, data, 4096),
    ];
    elf(20, space::kernel::TEXT, &segments, &[])
}

pub fn version_note() -> Vec<u8> {
    version_note_of("by hand")
}

pub fn version_note_of(personality: &str) -> Vec<u8> {
    let text = Text::new(personality).unwrap();
    VersionNote::current(u32::from(ABI_VERSION), text)
        .to_elf()
        .to_vec()
}

/// The ports that a checked system gives a partition, as notes.
pub fn ports(checked: &Checked, partition: usize) -> Vec<PortNote> {
    let wiring = &checked.wiring[partition];
    wiring
        .ports
        .iter()
        .map(|port| note(checked, port))
        .collect()
}

fn note(checked: &Checked, port: &cofferdam_check::wiring::Port) -> PortNote {
    let mut note = PortNote {
        slot: port.slot as u16,
        kind: Kind::Interrupt,
        direction: Direction::Destination,
        max_size: 0,
        reply_size: 0,
        fingerprint: 0,
        reply_fingerprint: 0,
        name: Text::new(&port.name).unwrap(),
        type_name: Text::EMPTY,
        reply_type_name: Text::EMPTY,
    };
    let PortObject::Channel { channel, end } = port.object else {
        return note;
    };
    let channel = &checked.system.channels[channel];
    let source = end == 0;
    let one_way = if source {
        Direction::Source
    } else {
        Direction::Destination
    };
    (note.kind, note.direction) = match channel.kind.as_ref().unwrap().value {
        ChannelKind::Sampling => (Kind::Sampling, one_way),
        ChannelKind::Queuing => (Kind::Queuing, one_way),
        ChannelKind::Signal => (Kind::Signal, one_way),
        ChannelKind::Ring if channel.reply.is_some() => (Kind::Ring, Direction::Both),
        ChannelKind::Ring => (Kind::Ring, one_way),
        ChannelKind::Call if source => (Kind::Call, Direction::Client),
        ChannelKind::Call => (Kind::Call, Direction::Server),
    };
    (note.max_size, note.fingerprint, note.type_name) = carried(&channel.message);
    (
        note.reply_size,
        note.reply_fingerprint,
        note.reply_type_name,
    ) = carried(&channel.reply);
    note
}

fn carried(given: &Option<Spanned<MessageType>>) -> (u32, u64, Text<64>) {
    match given.as_ref().map(|given| &given.value) {
        None => (0, 0, Text::EMPTY),
        Some(MessageType::Bytes(bytes)) => {
            let name = Text::new(&format!("bytes({bytes})")).unwrap();
            (*bytes as u32, bytes_fingerprint(*bytes as usize), name)
        }
        Some(MessageType::Path(path)) => (20, 0x1234_5678, Text::new(path).unwrap()),
    }
}

/// A program with these ports: text, constants, and data behind its stack.
pub fn program(checked: &Checked, partition: usize, ports: &[PortNote]) -> Vec<u8> {
    let mut notes = version_note();
    notes.extend(ports.iter().flat_map(|note| note.to_elf()));
    let stack = *checked.system.partitions[partition].stack_bytes as usize;
    let mut data = vec![0; stack];
    data.extend(b"some data");
    let memory = data.len() as u32 + 100;
    let segments = [
        (space::TEXT, RX, vec![0x60; 5000], 5000),
        (space::CONSTANTS, R, notes.clone(), notes.len() as u32),
        (space::DATA, RW, data, memory),
    ];
    let stack = (space::DATA, space::DATA + stack as u32);
    elf_with_stack(20, space::TEXT, &segments, &notes, Some(stack))
}

/// The programs that fit a checked system.
pub fn programs(checked: &Checked) -> Vec<(String, Vec<u8>)> {
    let partitions = checked.system.partitions.iter().enumerate();
    partitions
        .map(|(index, partition)| {
            let ports = ports(checked, index);
            (
                partition.name.value.clone(),
                program(checked, index, &ports),
            )
        })
        .collect()
}

pub fn checked(text: &str) -> Checked {
    check_text("system.toml", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// A system with one of everything.
pub const EVERYTHING: &str = include_str!("everything.toml");
