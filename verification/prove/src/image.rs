//! The image as an ELF: what the loader puts where.
//!
//! Of an image every byte is either one that is looked at here or content of a segment: the head has one form, the program headers stand
//! behind it, the contents behind these in their order, each from a multiple of 16 on, with zeros in between and nothing at the end.

use object::BigEndian;
use object::elf::{EM_PPC, ET_EXEC, FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::Refusal;

/// The alignment of contents in the file.
pub(crate) const ALIGNMENT: usize = 16;
/// The bytes of the head, and of a program header.
pub(crate) const HEAD: usize = 52;
pub(crate) const PROGRAM_HEAD: usize = 32;
/// A segment that can be executed, written, read.
pub const EXECUTE: u32 = 1;
/// See [`EXECUTE`].
pub const WRITE: u32 = 2;
/// See [`EXECUTE`].
pub const READ: u32 = 4;

/// Something that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Where. In an image effective and physical address are the same; a program that went into one has the effective one here.
    pub physical: u64,
    /// How many bytes it takes; behind the content they are zeros.
    pub bytes: u64,
    /// What the file has of it.
    pub content: &'a [u8],
    /// [`EXECUTE`], [`WRITE`], [`READ`].
    pub flags: u32,
}

impl Segment<'_> {
    /// The address behind it.
    pub fn end(&self) -> u64 {
        self.physical.saturating_add(self.bytes)
    }
}

/// An ELF, as far as anything of it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Where the processor starts.
    pub entry: u32,
    /// In the order of the file.
    pub segments: Vec<Segment<'a>>,
}

impl<'a> Image<'a> {
    /// Reads an image, or an ELF that went into one.
    ///
    /// # Errors
    /// If it is no executable of 32 bits for PowerPC, or damaged.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err(Refusal::new("it is no image: an ELF begins otherwise"));
        }
        if FileHeader64::<BigEndian>::parse(bytes).is_ok() {
            return Err(Refusal::new("it is an ELF of 64 bits, and an image has 32"));
        }
        if bytes.len() < HEAD {
            let what = format!(
                "the ELF is cut off: {} bytes are no head of one",
                bytes.len()
            );
            return Err(Refusal::new(what));
        }
        let damaged = |error: object::Error| Refusal::new(format!("the ELF is damaged: {error}"));
        let header = FileHeader32::<BigEndian>::parse(bytes).map_err(damaged)?;
        if !header.is_big_endian() {
            return Err(Refusal::new(
                "it is a little-endian ELF: for another processor",
            ));
        }
        if header.e_machine(BigEndian) != EM_PPC {
            let machine = header.e_machine(BigEndian).0;
            let what =
                format!("it is an ELF for another processor: machine {machine}, PowerPC is 20");
            return Err(Refusal::new(what));
        }
        if header.e_type(BigEndian) != ET_EXEC {
            return Err(Refusal::new("it is an ELF that is no executable"));
        }
        let mut segments = Vec::new();
        for program in header.program_headers(BigEndian, bytes).map_err(damaged)? {
            if program.p_type(BigEndian) != PT_LOAD || program.p_memsz(BigEndian) == 0 {
                continue;
            }
            let content = program.data(BigEndian, bytes).map_err(|()| {
                Refusal::new("the ELF is cut off: a segment lies outside of the file")
            })?;
            let memory = program.p_memsz(BigEndian);
            if content.len() > memory as usize {
                let what = "a segment has more bytes in the file than in memory";
                return Err(Refusal::new(what));
            }
            segments.push(Segment {
                physical: program.p_vaddr(BigEndian).into(),
                bytes: memory.into(),
                content,
                flags: program.p_flags(BigEndian).0,
            });
        }
        // Content that lies in two segments would make a small file large.
        if segments.iter().map(|one| one.content.len()).sum::<usize>() > bytes.len() {
            return Err(Refusal::new("two segments have the same bytes of the file"));
        }
        Ok(Self {
            entry: header.e_entry(BigEndian),
            segments,
        })
    }

    /// The one form that a file with these segments has.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x01\x02\x01".to_vec();
        bytes.resize(16, 0);
        // An executable, for PowerPC.
        bytes.extend([0, 2, 0, 20]);
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        bytes.extend(words(&[1, self.entry, HEAD as u32, 0, 0]));
        for half in [HEAD, PROGRAM_HEAD, self.segments.len(), 0, 0, 0] {
            bytes.extend((half as u16).to_be_bytes());
        }
        let mut offset = HEAD + PROGRAM_HEAD * self.segments.len();
        for segment in &self.segments {
            offset = offset.next_multiple_of(ALIGNMENT);
            bytes.extend(words(&[
                1,
                offset as u32,
                segment.physical as u32,
                segment.physical as u32,
                segment.content.len() as u32,
                segment.bytes as u32,
                segment.flags,
                ALIGNMENT as u32,
            ]));
            offset += segment.content.len();
        }
        for segment in &self.segments {
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
            bytes.extend(segment.content);
        }
        bytes
    }

    /// The segment that begins at an address.
    pub fn at(&self, physical: u64) -> Option<&Segment<'a>> {
        self.segments.iter().find(|one| one.physical == physical)
    }

    /// The word at an address, if the file has it.
    pub fn word(&self, physical: u32) -> Option<u32> {
        let physical = u64::from(physical);
        let segment =
            (self.segments.iter()).find(|one| one.physical <= physical && physical < one.end())?;
        let at = usize::try_from(physical - segment.physical).ok()?;
        let bytes = segment.content.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }
}
