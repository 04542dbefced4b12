//! An ELF that went into an image: its segments, and the notes about its ports.
//!
//! The notes are those of the section `.note.cofferdam` (`ipc/wire/src/note.rs` has their layout): for each port the slot, and how long
//! its messages and replies are.

use object::BigEndian;
use object::elf::FileHeader32;
use object::read::elf::{FileHeader, SectionHeader};

use crate::Refusal;
use crate::image::Image;

/// A segment, with its content.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its effective address.
    pub address: u64,
    /// Its size in memory.
    pub bytes: u64,
    /// What the file has of it.
    pub content: Vec<u8>,
}

/// A port, as a program's notes have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// The longest message.
    pub message_bytes: u32,
    /// The longest reply.
    pub reply_bytes: u32,
}

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it starts.
    pub entry: u32,
    /// Its segments.
    pub parts: Vec<Part>,
    /// Its ports.
    pub ports: Vec<Port>,
}

impl Program {
    /// Reads one.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let image = Image::read(bytes)?;
        let parts = image.segments.iter().map(|segment| Part {
            address: segment.physical,
            bytes: segment.bytes,
            content: segment.content.to_vec(),
        });
        Ok(Self {
            entry: image.entry,
            parts: parts.collect(),
            ports: ports(bytes).unwrap_or_default(),
        })
    }

    /// The segment at an address.
    pub fn part(&self, address: u64) -> Option<&Part> {
        self.parts.iter().find(|part| part.address == address)
    }

    /// The port with this name.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }
}

fn ports(bytes: &[u8]) -> Option<Vec<Port>> {
    let header = FileHeader32::<BigEndian>::parse(bytes).ok()?;
    let sections = header.sections(BigEndian, bytes).ok()?;
    let (_, section) = sections.section_by_name(BigEndian, b".note.cofferdam")?;
    let mut rest = section.data(BigEndian, bytes).ok()?;
    let mut ports = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(12) {
        let word = |bytes: &[u8], at: usize| {
            let word = bytes
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok());
            u32::from_be_bytes(word.unwrap_or_default())
        };
        let whole = |length: u32| (length as usize).checked_next_multiple_of(4);
        let (owner, behind) = behind.split_at_checked(whole(word(head, 0))?)?;
        let (note, behind) = behind.split_at_checked(whole(word(head, 4))?)?;
        rest = behind;
        if !owner.starts_with(b"cofferdam\0") || word(head, 8) != 1 {
            continue;
        }
        let name = note.get(28..60)?.split(|byte| *byte == 0).next()?;
        ports.push(Port {
            name: String::from_utf8_lossy(name).into_owned(),
            slot: usize::from(*note.first()?) << 8 | usize::from(*note.get(1)?),
            message_bytes: word(note, 4),
            reply_bytes: word(note, 8),
        });
    }
    Some(ports)
}
