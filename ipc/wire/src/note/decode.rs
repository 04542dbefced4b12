//! Bytes to notes, on the host: the ELF may come from anybody, so nothing in it is believed.

use super::*;
use crate::name::{self, NameError};

/// Why a note is not one that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// The section ends in the middle of a note. Nothing follows.
    Truncated,
    /// A type that this version does not know.
    UnknownType(u32),
    /// The description is not of its type's length.
    Size {
        /// The note's type.
        note_type: u32,
        /// The length found, in bytes.
        found: u32,
    },
    /// No [`Kind`] has this number.
    UnknownKind(u8),
    /// No [`Direction`] has this number.
    UnknownDirection(u8),
    /// The kind has no such end.
    Direction(Kind, Direction),
    /// The port's name is no name.
    Name(NameError),
    /// A text is not UTF-8, or has bytes after its end.
    Text,
}

impl core::fmt::Display for NoteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Truncated => f.write_str("the section ends in the middle of a note"),
            Self::UnknownType(t) => write!(f, "note type {t} is unknown"),
            Self::Size { note_type, found } => {
                write!(f, "a note of type {note_type} with {found} bytes")
            }
            Self::UnknownKind(k) => write!(f, "port kind {k} is unknown"),
            Self::UnknownDirection(d) => write!(f, "port direction {d} is unknown"),
            Self::Direction(kind, direction) => {
                write!(f, "a {kind:?} port cannot have the direction {direction:?}")
            }
            Self::Name(error) => write!(f, "the port's name is wrong: {error}"),
            Self::Text => f.write_str("a text of the note is not UTF-8 filled with zeros"),
        }
    }
}

impl core::error::Error for NoteError {}

/// The notes in the contents of the section [`SECTION`].
///
/// Notes of other owners are passed over. After an error other than [`NoteError::Truncated`] the next
/// item is the next note.
pub const fn parse_notes(section: &[u8]) -> Notes<'_> {
    Notes { rest: section }
}

/// Iterator of [`parse_notes`].
#[derive(Clone, Debug)]
pub struct Notes<'a> {
    rest: &'a [u8],
}

impl Iterator for Notes<'_> {
    type Item = Result<Note, NoteError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Each round consumes at least a header, so this ends.
        while !self.rest.is_empty() {
            let mut reader = Reader(self.rest);
            let Some((owner, note_type, description)) = reader.note() else {
                self.rest = &[];
                return Some(Err(NoteError::Truncated));
            };
            self.rest = reader.0;
            if owner.strip_suffix(&[0]) == Some(OWNER.as_bytes()) {
                return Some(decode(note_type, description));
            }
        }
        None
    }
}

fn decode(note_type: u32, description: &[u8]) -> Result<Note, NoteError> {
    let size = match note_type {
        TYPE_PORT => PORT_SIZE,
        TYPE_VERSION => VERSION_SIZE,
        other => return Err(NoteError::UnknownType(other)),
    };
    let wrong_size = NoteError::Size {
        note_type,
        found: description.len() as u32,
    };
    if description.len() != size {
        return Err(wrong_size);
    }
    let mut reader = Reader(description);
    match note_type {
        TYPE_PORT => reader.port().ok_or(wrong_size)?.map(Note::Port),
        _ => reader.version().ok_or(wrong_size)?.map(Note::Version),
    }
}

/// Takes values from the front; `None` where the bytes end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn text<const N: usize>(&mut self) -> Option<Result<Text<N>, NoteError>> {
        self.array().map(|bytes: [u8; N]| {
            let end = bytes.iter().position(|&b| b == 0).unwrap_or(N);
            let (text, filling) = bytes.split_at_checked(end).ok_or(NoteError::Text)?;
            if core::str::from_utf8(text).is_err() || filling.iter().any(|&b| b != 0) {
                return Err(NoteError::Text);
            }
            Ok(Text(bytes))
        })
    }

    /// Owner, type and description of the next note.
    fn note(&mut self) -> Option<(&'a [u8], u32, &'a [u8])> {
        let owner_length = self.u32()?;
        let description_length = self.u32()?;
        let note_type = self.u32()?;
        let owner = self.padded(owner_length)?;
        let description = self.padded(description_length)?;
        Some((owner, note_type, description))
    }

    /// `length` bytes, and as many more as fill up the last word.
    fn padded(&mut self, length: u32) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        let padded = length.checked_next_multiple_of(4)?;
        self.take(padded)?.get(..length)
    }

    fn port(&mut self) -> Option<Result<PortNote, NoteError>> {
        let slot = self.array().map(u16::from_be_bytes)?;
        let [kind, direction] = self.array()?;
        let max_size = self.u32()?;
        let reply_size = self.u32()?;
        let fingerprint = self.u64()?;
        let reply_fingerprint = self.u64()?;
        let (name, type_name, reply_type_name) = (self.text()?, self.text()?, self.text()?);
        Some((|| {
            let note = PortNote {
                slot,
                kind: decode_kind(kind)?,
                direction: decode_direction(direction)?,
                max_size,
                reply_size,
                fingerprint,
                reply_fingerprint,
                name: name?,
                type_name: type_name?,
                reply_type_name: reply_type_name?,
            };
            if !note.kind.allows(note.direction) {
                return Err(NoteError::Direction(note.kind, note.direction));
            }
            name::check(note.name.as_str()).map_err(NoteError::Name)?;
            Ok(note)
        })())
    }

    fn version(&mut self) -> Option<Result<VersionNote, NoteError>> {
        let (abi, note_format, wire_format) = (self.u32()?, self.u32()?, self.u32()?);
        let _zero = self.u32()?;
        Some(self.text()?.map(|personality| VersionNote {
            abi,
            note_format,
            wire_format,
            personality,
        }))
    }
}

fn decode_kind(number: u8) -> Result<Kind, NoteError> {
    Ok(match number {
        1 => Kind::Sampling,
        2 => Kind::Queuing,
        3 => Kind::Call,
        4 => Kind::Ring,
        5 => Kind::Signal,
        6 => Kind::Interrupt,
        other => return Err(NoteError::UnknownKind(other)),
    })
}

fn decode_direction(number: u8) -> Result<Direction, NoteError> {
    Ok(match number {
        1 => Direction::Source,
        2 => Direction::Destination,
        3 => Direction::Client,
        4 => Direction::Server,
        5 => Direction::Both,
        other => return Err(NoteError::UnknownDirection(other)),
    })
}
