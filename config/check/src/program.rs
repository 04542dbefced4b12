//! A partition's ELF, as far as the build reads it. It may come from anybody, so nothing in it is believed.

use cofferdam_ipc::note::{self, Note, NoteError, PortNote, VersionNote};
use object::elf::{
    ELFMAG, EM_PPC, FileHeader32, FileHeader64, PF_R, PF_W, PF_X, PT_LOAD, SHT_SYMTAB,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{BigEndian, Endianness};

/// A loadable segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its effective address.
    pub address: u32,
    /// Its size in memory.
    pub memory_bytes: u32,
    /// What the file holds of it; zeros follow.
    pub content: Vec<u8>,
    /// Readable.
    pub read: bool,
    /// Writable.
    pub write: bool,
    /// Executable.
    pub execute: bool,
}

impl Segment {
    /// The address behind the last byte.
    pub fn end(&self) -> u64 {
        u64::from(self.address) + u64::from(self.memory_bytes)
    }
}

/// What a partition's ELF holds.
#[derive(Clone, Debug, Default)]
pub struct Elf {
    /// Where it starts.
    pub entry: u32,
    /// The loadable segments that have a size, in the order of the file.
    pub segments: Vec<Segment>,
    /// The notes about its ports.
    pub ports: Vec<PortNote>,
    /// The notes about versions.
    pub versions: Vec<VersionNote>,
    /// Notes that are none.
    pub bad_notes: Vec<NoteError>,
    /// The symbols `__stack_bottom` and `__stack_top`, where it still has symbols.
    pub stack: Option<(u32, u32)>,
}

/// Why a file is no ELF that could be a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// No ELF at all.
    NoElf,
    /// A broken one.
    Broken(String),
    /// One of 64 bits, for the processor with this number.
    SixtyFourBits(u16),
    /// Little-endian.
    LittleEndian,
    /// For another processor: the number of the machine.
    Machine(u16),
    /// Not linked: an object file, or a shared one.
    NotExecutable,
}

/// Reads an ELF.
///
/// # Errors
/// If it is none that a partition could be.
pub fn read(bytes: &[u8]) -> Result<Elf, ElfError> {
    let broken = |error: object::Error| ElfError::Broken(error.to_string());
    if !bytes.starts_with(&ELFMAG) {
        return Err(ElfError::NoElf);
    }
    if let Ok(header) = FileHeader64::<Endianness>::parse(bytes) {
        let endian = header.endian().map_err(broken)?;
        return Err(ElfError::SixtyFourBits(header.e_machine(endian).0));
    }
    let header = FileHeader32::<Endianness>::parse(bytes).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    if endian == Endianness::Little {
        return Err(ElfError::LittleEndian);
    }
    let header = FileHeader32::<BigEndian>::parse(bytes).map_err(broken)?;
    let machine = header.e_machine(BigEndian);
    if machine != EM_PPC {
        return Err(ElfError::Machine(machine.0));
    }
    if header.e_type(BigEndian) != object::elf::ET_EXEC {
        return Err(ElfError::NotExecutable);
    }
    let mut elf = Elf {
        entry: header.e_entry(BigEndian),
        ..Elf::default()
    };
    for program in header.program_headers(BigEndian, bytes).map_err(broken)? {
        if program.p_type(BigEndian) == PT_LOAD && program.p_memsz(BigEndian) != 0 {
            let content = program
                .data(BigEndian, bytes)
                .map_err(|()| ElfError::Broken("a segment lies outside of the file".into()))?;
            if content.len() > program.p_memsz(BigEndian) as usize {
                let what = "a segment has more bytes in the file than in memory";
                return Err(ElfError::Broken(what.into()));
            }
            let flags = program.p_flags(BigEndian);
            elf.segments.push(Segment {
                address: program.p_vaddr(BigEndian),
                memory_bytes: program.p_memsz(BigEndian),
                content: content.to_vec(),
                read: flags.0 & PF_R.0 != 0,
                write: flags.0 & PF_W.0 != 0,
                execute: flags.0 & PF_X.0 != 0,
            });
        }
    }
    read_sections(header, bytes, &mut elf).map_err(broken)?;
    Ok(elf)
}

fn read_sections(
    header: &FileHeader32<BigEndian>,
    bytes: &[u8],
    elf: &mut Elf,
) -> Result<(), object::Error> {
    let sections = header.sections(BigEndian, bytes)?;
    for section in sections.iter() {
        if sections.section_name(BigEndian, section)? != note::SECTION.as_bytes() {
            continue;
        }
        for note in note::parse_notes(section.data(BigEndian, bytes)?) {
            match note {
                Ok(Note::Port(port)) => elf.ports.push(port),
                Ok(Note::Version(version)) => elf.versions.push(version),
                Err(error) => elf.bad_notes.push(error),
            }
        }
    }
    let symbols = sections.symbols(BigEndian, bytes, SHT_SYMTAB)?;
    let address_of = |name: &str| {
        let named = |symbol: &&object::elf::Sym32<BigEndian>| {
            symbol.name(BigEndian, symbols.strings()) == Ok(name.as_bytes())
        };
        symbols
            .iter()
            .find(named)
            .map(|symbol| symbol.st_value(BigEndian))
    };
    elf.stack = address_of("__stack_bottom").zip(address_of("__stack_top"));
    Ok(())
}
