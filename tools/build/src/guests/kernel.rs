//! What a guest begins with, from its file: the bytes that lie in its memory, where they lie, and where it is entered.
//!
//! An ELF says all of that. Its segments lie at their physical addresses; its entry is an effective address of its own, which the
//! segment that holds it makes a physical one. Linux is linked for where it maps its memory, U-Boot for where it lies. Anything else is taken as the bytes from
//! address 0 on, entered at the first.
//!
//! An ELF can have been written for a partition: some symbols of its say then what rewriting finds out of another ([`DECLARED`]).

use cofferdam_abi::guest::MEMORY_MAX;
use cofferdam_check::programs::GuestFault;
use cofferdam_paravirtualise::{Refusal, Rewritten, rewrite};
use cofferdam_tables::Paravirtual;
use object::elf::{EM_PPC, FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{BigEndian, Endianness, Object, ObjectSymbol};

/// A kernel, or a firmware.
#[derive(Debug)]
pub struct Kernel {
    /// Where its bytes lie: a guest-physical address.
    pub at: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How much memory it takes from there on: its bytes, and what it expects to be 0.
    memory_bytes: u64,
    /// Where its first instruction is: a guest-physical address.
    pub entry: u32,
    /// What was done to it, if it was rewritten.
    pub rewritten: Option<Rewritten>,
    /// What it is, if it was rewritten or says so itself.
    pub paravirtual: Paravirtual,
}

/// One number of what a kernel is.
pub type Field = fn(&mut Paravirtual) -> &mut u32;

/// The symbols by which a kernel says that it needs no rewriting, each with what it is the value of: all of them, or none.
pub const DECLARED: [(&str, Field); 6] = [
    ("cofferdam_stubs", |all| &mut all.stubs),
    ("cofferdam_enabling_stubs", |all| &mut all.enabling_stubs),
    ("cofferdam_stubs_end", |all| &mut all.stubs_end),
    ("cofferdam_linear", |all| &mut all.linear),
    ("cofferdam_kernel_table", |all| &mut all.kernel_table),
    ("cofferdam_process_table", |all| &mut all.process_table),
];

/// Why a file is not the kernel of a guest.
#[derive(Debug)]
pub enum Unfit {
    /// For what it is.
    Fault(GuestFault),
    /// It ends there, behind the room that it has.
    Ends(u64),
}

impl Kernel {
    /// That of a file, of which it may take so much. It is rewritten if that is wanted; if nothing is said, then if it is a Linux for which that can be
    /// expected to work. What it says of itself counts unless it is to run as it is.
    pub fn of(file: &[u8], wanted: Option<bool>, is_linux: bool, room: u64) -> Result<Self, Unfit> {
        let plain = Self::read(file)?;
        if wanted.is_none()
            && let Some(paravirtual) = declared(file)?
        {
            return Self {
                paravirtual,
                ..plain
            }
            .fitting(room);
        }
        if !wanted.unwrap_or_else(|| is_linux && has_symbols(file)) {
            return plain.fitting(room);
        }
        let mut rewritten = rewrite(file).map_err(|refusal| match refusal {
            Refusal::Unreadable(_) => none(&refusal.to_string()),
            _ => Unfit::Fault(GuestFault::NotRewritten(refusal.to_string())),
        })?;
        let bytes = std::mem::take(&mut rewritten.image);
        let rewritten = Self {
            at: 0,
            memory_bytes: bytes.len() as u64,
            bytes,
            paravirtual: rewritten.paravirtual,
            rewritten: Some(rewritten),
            ..plain
        };
        rewritten.fitting(room)
    }

    /// The same as the file has it.
    pub fn plain(file: &[u8], room: u64) -> Result<Self, Unfit> {
        Self::read(file)?.fitting(room)
    }

    fn read(file: &[u8]) -> Result<Self, Unfit> {
        if is_elf(file) {
            return of_elf(file, MEMORY_MAX.into());
        }
        if let Some((_, what)) = NOT_FLAT.iter().find(|(magic, _)| file.starts_with(magic)) {
            return Err(none(what));
        }
        if file.is_empty() {
            return Err(none("it is empty"));
        }
        Ok(Self {
            at: 0,
            memory_bytes: file.len() as u64,
            bytes: file.to_vec(),
            entry: 0,
            rewritten: None,
            paravirtual: Paravirtual::default(),
        })
    }

    fn fitting(self, room: u64) -> Result<Self, Unfit> {
        if self.end() > room {
            return Err(Unfit::Ends(self.end()));
        }
        Ok(self)
    }

    /// Where it ends in the guest's memory.
    pub fn end(&self) -> u64 {
        u64::from(self.at) + self.memory_bytes
    }
}

/// What other files begin with that lie beside a kernel or are made of one: none of these is entered at its first byte.
const NOT_FLAT: [(&[u8], &str); 9] = [
    (
        b"\x27\x05\x19\x56",
        "it is an image for U-Boot (uImage), whose kernel lies behind a header",
    ),
    (b"\x1f\x8b", "it is compressed by gzip"),
    (b"\xfd7zXZ\0", "it is compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd"),
    (b"BZh", "it is compressed by bzip2"),
    (b"\xd0\x0d\xfe\xed", "it is a flattened device tree"),
    (b"070701", "it is an archive of files (cpio)"),
    (b"070702", "it is an archive of files (cpio)"),
    (b"070707", "it is an archive of files (cpio)"),
];

fn is_elf(file: &[u8]) -> bool {
    file.starts_with(b"\x7fELF")
}

/// Why the privileged instructions of a file's kernel all trap, where nothing asks for that: what it lacks.
pub fn cannot_be_rewritten(file: &[u8]) -> Option<&'static str> {
    match (is_elf(file), has_symbols(file)) {
        (_, true) => None,
        (true, false) => Some("it has no symbols"),
        (false, false) => Some("it is no ELF"),
    }
}

fn has_symbols(file: &[u8]) -> bool {
    let elf = object::File::parse(file);
    elf.is_ok_and(|elf| elf.symbols().any(|symbol| symbol.is_definition()))
}

/// What a kernel says by its symbols.
fn declared(file: &[u8]) -> Result<Option<Paravirtual>, Unfit> {
    let Ok(elf) = object::File::parse(file) else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut all = elf.symbols().filter(|symbol| !symbol.is_undefined());
        let symbol = all.find(|symbol| symbol.name() == Ok(name))?;
        // Of an ELF for 32 bits.
        Some(symbol.address() as u32)
    };
    let mut paravirtual = Paravirtual::default();
    let (mut found, mut missing) = (None, None);
    for (name, field) in DECLARED {
        match value(name) {
            Some(value) => {
                *field(&mut paravirtual) = value;
                found = Some(name);
            }
            None => missing = Some(name),
        }
    }
    match (found, missing) {
        (None, _) => Ok(None),
        (Some(_), None) => Ok(Some(paravirtual)),
        (Some(found), Some(missing)) => Err(none(&format!(
            "it says by its symbol `{found}` that it was written for a partition, and has no `{missing}`"
        ))),
    }
}

fn none(why: &str) -> Unfit {
    Unfit::Fault(GuestFault::NoKernel(why.to_owned()))
}

fn broken(error: object::Error) -> Unfit {
    none(&format!("it is a broken ELF: {error}"))
}

fn of_elf(file: &[u8], room: u64) -> Result<Kernel, Unfit> {
    const OTHER: &str = "it is an ELF for another processor";
    let header = FileHeader32::<Endianness>::parse(file).map_err(|_| none(OTHER))?;
    let endian = header.endian().map_err(|_| none(OTHER))?;
    if !header.is_big_endian() || header.e_machine(endian) != EM_PPC {
        return Err(none(OTHER));
    }
    // One type for both: only big-endian files get here.
    let header = FileHeader32::<BigEndian>::parse(file).map_err(broken)?;
    let segments = header.program_headers(BigEndian, file).map_err(broken)?;
    let loaded = || {
        let loaded = segments
            .iter()
            .filter(|segment| segment.p_type(BigEndian) == PT_LOAD);
        loaded.filter(|segment| segment.p_memsz(BigEndian) > 0)
    };
    let starts = loaded().map(|segment| segment.p_paddr(BigEndian));
    let at = starts
        .min()
        .ok_or_else(|| none("it is an ELF with nothing to load"))?;
    let (mut bytes, mut ends, mut entry) = (Vec::new(), 0, None);
    for segment in loaded() {
        let memory_bytes = segment.p_memsz(BigEndian);
        let physical = segment.p_paddr(BigEndian);
        let end = u64::from(physical) + u64::from(memory_bytes);
        if end > room {
            return Err(Unfit::Ends(end));
        }
        ends = end.max(ends);
        let data = segment
            .data(BigEndian, file)
            .map_err(|()| none("it is an ELF that was cut off"))?;
        // What a segment has more than it takes is none of it.
        let data = data.get(..memory_bytes as usize).unwrap_or(data);
        let start = (physical - at) as usize;
        let length = bytes.len().max(start + data.len());
        bytes.resize(length, 0);
        bytes[start..start + data.len()].copy_from_slice(data);
        let inside = header
            .e_entry(BigEndian)
            .wrapping_sub(segment.p_vaddr(BigEndian));
        if inside < memory_bytes {
            entry = Some(physical + inside);
        }
    }
    let outside = || none("it is an ELF that is entered outside of its segments");
    Ok(Kernel {
        at,
        bytes,
        memory_bytes: ends - u64::from(at),
        entry: entry.ok_or_else(outside)?,
        rewritten: None,
        paravirtual: Paravirtual::default(),
    })
}

#[cfg(test)]
mod tests {
    use object::build::elf::{Builder, SectionData};
    use object::elf::{
        ELFCLASS32, ELFDATA2LSB, ELFDATA2MSB, ELFMAG, ELFOSABI_NONE, ET_EXEC, EV_CURRENT,
        FileFlags, Ident, PF_R, ProgramHeader32, SHN_ABS, SHN_UNDEF, SHT_STRTAB, SHT_SYMTAB,
    };
    use object::pod::bytes_of;
    use object::{U16, U32};

    use super::*;

    /// Where a segment lies in effective and in physical memory, its bytes, and how many of memory it takes.
    type Segment<'a> = (u32, u32, &'a [u8], u32);

    fn word(value: u32) -> U32<BigEndian> {
        U32::new(BigEndian, value)
    }

    fn half(value: usize) -> U16<BigEndian> {
        U16::new(BigEndian, value as u16)
    }

    fn elf(entry: u32, segments: &[Segment<'_>]) -> Vec<u8> {
        let header_bytes = size_of::<FileHeader32<BigEndian>>();
        let program_bytes = size_of::<ProgramHeader32<BigEndian>>();
        let header = FileHeader32 {
            e_ident: Ident {
                magic: ELFMAG,
                class: ELFCLASS32,
                data: ELFDATA2MSB,
                version: EV_CURRENT,
                os_abi: ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(BigEndian, ET_EXEC),
            e_machine: U16::new(BigEndian, EM_PPC),
            e_version: word(1),
            e_entry: word(entry),
            e_phoff: word(header_bytes as u32),
            e_shoff: word(0),
            e_flags: U32::new(BigEndian, FileFlags(0)),
            e_ehsize: half(header_bytes),
            e_phentsize: half(program_bytes),
            e_phnum: half(segments.len()),
            e_shentsize: half(0),
            e_shnum: half(0),
            e_shstrndx: U16::new(BigEndian, SHN_UNDEF),
        };
        let mut file = bytes_of(&header).to_vec();
        let mut offset = header_bytes + program_bytes * segments.len();
        for (effective, physical, content, memory_bytes) in segments {
            let program = ProgramHeader32 {
                p_type: U32::new(BigEndian, PT_LOAD),
                p_offset: word(offset as u32),
                p_vaddr: word(*effective),
                p_paddr: word(*physical),
                p_filesz: word(content.len() as u32),
                p_memsz: word(*memory_bytes),
                p_flags: U32::new(BigEndian, PF_R),
                p_align: word(4),
            };
            file.extend_from_slice(bytes_of(&program));
            offset += content.len();
        }
        for (_, _, content, _) in segments {
            file.extend_from_slice(content);
        }
        file
    }

    fn read(file: Vec<u8>) -> Kernel {
        Kernel::of(&file, None, true, 0x10_0028).unwrap()
    }

    #[test]
    fn what_is_no_elf_lies_at_the_beginning() {
        let kernel = read(b"flat".to_vec());
        assert_eq!((kernel.at, kernel.entry, kernel.end()), (0, 0, 4));
        assert_eq!(kernel.bytes, b"flat");
    }

    #[test]
    fn segments_lie_at_their_physical_addresses() {
        let segments: &[Segment<'_>] = &[
            (0xc010_0008, 0x10_0008, b"data", 0x20),
            (0xc010_0000, 0x10_0000, b"text", 4),
        ];
        let kernel = read(elf(0xc010_000c, segments));
        assert_eq!(kernel.at, 0x10_0000);
        assert_eq!(kernel.bytes, b"text\0\0\0\0data");
        assert_eq!(kernel.entry, 0x10_000c);
        assert_eq!(kernel.end(), 0x10_0028);
    }

    /// An ELF with a segment at 0, and these symbols.
    fn with_symbols(symbols: &[&str]) -> Vec<u8> {
        let mut builder = Builder::new(object::Endianness::Big, false);
        builder.header.e_type = ET_EXEC;
        builder.header.e_machine = EM_PPC;
        builder.header.e_phoff = 52;
        builder.load_align = 4;
        let segment = builder.segments.add();
        (segment.p_type, segment.p_flags, segment.p_align) = (PT_LOAD, PF_R, 4);
        (segment.p_filesz, segment.p_memsz) = (4, 4);
        for (name, kind, data) in [
            (".symtab", SHT_SYMTAB, SectionData::Symbol),
            (".strtab", SHT_STRTAB, SectionData::String),
            (".shstrtab", SHT_STRTAB, SectionData::SectionString),
        ] {
            let section = builder.sections.add();
            (section.name, section.sh_type, section.sh_addralign) = (name.into(), kind, 1);
            section.data = data;
        }
        for (value, name) in (0x100u64..).zip(symbols) {
            let symbol = builder.symbols.add();
            symbol.name = name.as_bytes().into();
            symbol.st_shndx = SHN_ABS;
            symbol.st_value = value;
        }
        builder.set_section_sizes();
        let mut file = Vec::new();
        builder.write(&mut file).unwrap();
        file
    }

    #[test]
    fn a_kernel_says_that_it_was_written_for_a_partition() {
        let names = DECLARED.map(|(name, _)| name);
        let paravirtual = |wanted| {
            let kernel = Kernel::of(&with_symbols(&names), wanted, true, 0x100).unwrap();
            assert!(kernel.rewritten.is_none());
            kernel.paravirtual
        };
        let mut said = paravirtual(None);
        for (value, (name, field)) in (0x100..).zip(DECLARED) {
            assert_eq!(*field(&mut said), value, "{name}");
        }
        assert_eq!(paravirtual(Some(false)), Paravirtual::default());
    }

    #[test]
    fn one_that_says_half_of_it_is_refused() {
        let names = DECLARED.map(|(name, _)| name);
        let refused = Kernel::of(&with_symbols(&names[1..]), None, false, 0x100);
        let fault = format!("{:?}", refused.unwrap_err());
        assert!(fault.contains("has no `cofferdam_stubs`"), "{fault}");
    }

    #[test]
    fn wrong_kernels_are_refused() {
        let refused = |file: &[u8], why: &str| {
            let fault = format!("{:?}", Kernel::plain(file, 8).unwrap_err());
            assert!(fault.contains(why), "{fault}");
        };
        let good = elf(0, &[(0, 0, b"text", 4)]);
        let mut little = good.clone();
        little[5] = ELFDATA2LSB.0;
        refused(&little, "another processor");
        let mut other = good.clone();
        other[19] = 8;
        refused(&other, "another processor");
        refused(&good[..good.len() - 1], "cut off");
        refused(&elf(0, &[]), "nothing to load");
        refused(&elf(4, &[(0, 0, b"text", 4)]), "outside of its segments");
        refused(&elf(0, &[(0, 0, b"text", 12)]), "Ends(12)");
        refused(&elf(0, &[(0, 0xffff_fff0, b"text", 12)]), "Ends");
        refused(&[0; 9], "Ends(9)");
        refused(b"", "it is empty");
        for (magic, what) in NOT_FLAT {
            refused(&[magic, b"and so on"].concat(), what);
        }
    }
}
