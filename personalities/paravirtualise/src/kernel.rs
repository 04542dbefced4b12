//! A guest's kernel, as its ELF says it is.

use std::ops::Range;

use object::BigEndian;
use object::elf::{
    EM_PPC, ET_EXEC, FileHeader32, PT_LOAD, ProgramHeader32, SHF_ALLOC, SHF_EXECINSTR, SHT_REL,
    SHT_RELA, SHT_SYMTAB, STT_FILE, STT_OBJECT, STT_SECTION,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};

use crate::Refusal;

/// The granule in which Linux gives memory out.
pub(crate) const PAGE_BYTES: u32 = 0x1000;
/// What Linux maps of itself before anything else (`arch/powerpc/kernel/85xx_entry_mapping.S`, step 6).
pub(crate) const FIRST_MAPPING_BYTES: u32 = 64 << 20;

const BIG: BigEndian = BigEndian;

/// A kernel.
pub(crate) struct Kernel {
    /// What lies in its memory from guest-physical address 0, up to its end, memory that begins as zeros included: whole pages.
    pub(crate) image: Vec<u8>,
    /// The effective address at which it has guest-physical address 0.
    pub(crate) linear: u32,
    /// Where it is entered.
    pub(crate) entry: u32,
    /// The sections that hold code, by address.
    pub(crate) code: Vec<Section>,
    /// What is in those sections and is an object, hence data.
    pub(crate) objects: Vec<Range<u32>>,
    /// Its symbols with a place in it, by address.
    symbols: Vec<Symbol>,
}

/// A section with code.
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) addresses: Range<u32>,
}

struct Symbol {
    address: u32,
    name: String,
    is_object: bool,
}

impl Kernel {
    /// Reads an ELF.
    pub(crate) fn read(elf: &[u8]) -> Result<Self, Refusal> {
        let unreadable = |error: object::Error| Refusal::Unreadable(error.to_string());
        let header = FileHeader32::<BigEndian>::parse(elf).map_err(|_| Refusal::Architecture)?;
        if !header.is_big_endian() || header.e_machine(BIG) != EM_PPC {
            return Err(Refusal::Architecture);
        }
        if header.e_type(BIG) != ET_EXEC {
            return Err(Refusal::Relocates);
        }
        let sections = header.sections(BIG, elf).map_err(unreadable)?;
        let table = sections.symbols(BIG, elf, SHT_SYMTAB).map_err(unreadable)?;
        if table.is_empty() {
            return Err(Refusal::NoSymbols);
        }
        let mut code = Vec::new();
        for section in sections.iter() {
            let flags = section.sh_flags(BIG);
            let loaded = flags.contains(SHF_ALLOC) && section.sh_size(BIG) != 0;
            if loaded && matches!(section.sh_type(BIG), SHT_REL | SHT_RELA) {
                return Err(Refusal::Relocates);
            }
            if loaded && flags.contains(SHF_EXECINSTR) {
                let name = sections.section_name(BIG, section).map_err(unreadable)?;
                let start = section.sh_addr(BIG);
                code.push(Section {
                    name: String::from_utf8_lossy(name).into_owned(),
                    addresses: start..start.saturating_add(section.sh_size(BIG)),
                });
            }
        }
        code.sort_by_key(|section| section.addresses.start);
        let (image, linear) = memory(header, elf)?;
        let mut kernel = Self {
            image,
            linear,
            entry: header.e_entry(BIG),
            code,
            objects: Vec::new(),
            symbols: Vec::new(),
        };
        kernel.check_code()?;
        for symbol in table.iter() {
            let kind = symbol.st_type();
            let address = symbol.st_value(BIG);
            let placed = symbol.st_name(BIG) != 0 && (linear..=kernel.end()).contains(&address);
            if !placed || kind == STT_SECTION || kind == STT_FILE {
                continue;
            }
            let name = table.symbol_name(BIG, symbol).map_err(unreadable)?;
            if kind == STT_OBJECT && symbol.st_size(BIG) != 0 && kernel.is_in_code(address) {
                let end = address.saturating_add(symbol.st_size(BIG));
                kernel
                    .objects
                    .push(address & !3..end.saturating_add(3) & !3);
            }
            kernel.symbols.push(Symbol {
                address,
                name: String::from_utf8_lossy(name).into_owned(),
                is_object: kind == STT_OBJECT,
            });
        }
        if kernel.symbols.is_empty() {
            return Err(Refusal::NoSymbols);
        }
        kernel.symbols.sort_by_key(|symbol| symbol.address);
        Ok(kernel)
    }

    /// Whether all that is said to be code is words of the image.
    fn check_code(&self) -> Result<(), Refusal> {
        for section in &self.code {
            let Range { start, end } = section.addresses;
            let whole = start & 3 == 0 && end & 3 == 0 && start < end;
            if !whole || self.word(start).is_none() || self.word(end - 4).is_none() {
                let name = &section.name;
                return Err(Refusal::Unreadable(format!(
                    "its section {name} is no part of its image"
                )));
            }
        }
        Ok(())
    }

    /// Whether an address is in a section with code.
    pub(crate) fn is_in_code(&self, address: u32) -> bool {
        self.code
            .iter()
            .any(|section| section.addresses.contains(&address))
    }

    /// The word at an effective address.
    pub(crate) fn word(&self, address: u32) -> Option<u32> {
        word(&self.image, address.checked_sub(self.linear)?)
    }

    /// Where a symbol is.
    pub(crate) fn address(&self, name: &str) -> Option<u32> {
        let mut named = self.symbols.iter().filter(|symbol| symbol.name == name);
        named.next().map(|symbol| symbol.address)
    }

    /// Where a symbol is that has to be there.
    pub(crate) fn needed(&self, name: &'static str) -> Result<u32, Refusal> {
        self.address(name).ok_or(Refusal::NoSymbol(name))
    }

    /// From a symbol to another, if both are there.
    pub(crate) fn between(&self, start: &str, end: &str) -> Option<Range<u32>> {
        Some(self.address(start)?..self.address(end)?)
    }

    /// From a symbol to the next one.
    pub(crate) fn extent(&self, name: &str) -> Option<Range<u32>> {
        let start = self.address(name)?;
        Some(start..self.next(start))
    }

    /// Where the next symbol is behind an address.
    fn next(&self, address: u32) -> u32 {
        let next = self
            .symbols
            .partition_point(|symbol| symbol.address <= address);
        let next = self.symbols.get(next);
        next.map_or(address + 4, |symbol| symbol.address)
    }

    /// Where the symbols are whose names begin so, and where the next symbol begins.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = Range<u32>> {
        let named = move |symbol: &&Symbol| symbol.name.starts_with(prefix);
        let named = self.symbols.iter().filter(named);
        named.map(|symbol| symbol.address..self.next(symbol.address))
    }

    /// Where symbols say that code begins.
    pub(crate) fn labels(&self) -> impl Iterator<Item = u32> {
        let code = self.symbols.iter().filter(|symbol| !symbol.is_object);
        code.map(|symbol| symbol.address)
    }

    /// An address as a symbol and how far behind it.
    pub(crate) fn describe(&self, address: u32) -> String {
        let next = self
            .symbols
            .partition_point(|symbol| symbol.address <= address);
        match next.checked_sub(1).and_then(|last| self.symbols.get(last)) {
            Some(symbol) if symbol.address == address => symbol.name.clone(),
            Some(symbol) => format!("{}+{:#x}", symbol.name, address - symbol.address),
            None => format!("{address:#x}"),
        }
    }

    /// The end of its memory.
    pub(crate) fn end(&self) -> u32 {
        self.linear + self.image.len() as u32
    }
}

/// A big-endian word of an image.
pub(crate) fn word(image: &[u8], offset: u32) -> Option<u32> {
    let bytes = image.get(offset as usize..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// What a kernel's memory begins with, from guest-physical address 0, and where the kernel has that.
fn memory(header: &FileHeader32<BigEndian>, elf: &[u8]) -> Result<(Vec<u8>, u32), Refusal> {
    let unreadable = |what: &str| Refusal::Unreadable(what.to_owned());
    let segments: Vec<&ProgramHeader32<BigEndian>> = header
        .program_headers(BIG, elf)
        .map_err(|error| Refusal::Unreadable(error.to_string()))?
        .iter()
        .filter(|segment| segment.p_type(BIG) == PT_LOAD)
        .collect();
    let first = segments
        .first()
        .ok_or_else(|| unreadable("it has nothing to load"))?;
    let linear = first.p_vaddr(BIG).wrapping_sub(first.p_paddr(BIG));
    let mut image = Vec::new();
    for segment in segments {
        let at = segment.p_paddr(BIG);
        if segment.p_vaddr(BIG).wrapping_sub(at) != linear {
            return Err(unreadable("its segments are not mapped in one piece"));
        }
        let end = u64::from(at) + u64::from(segment.p_memsz(BIG));
        if end > u64::from(FIRST_MAPPING_BYTES) || linear.checked_add(end as u32).is_none() {
            return Err(Refusal::TooLarge);
        }
        let data = segment
            .data(BIG, elf)
            .map_err(|()| unreadable("a segment is not in the file"))?;
        let data = data.get(..data.len().min(segment.p_memsz(BIG) as usize));
        let data = data.unwrap_or_default();
        image.resize(image.len().max(end as usize), 0);
        image[at as usize..at as usize + data.len()].copy_from_slice(data);
    }
    image.resize(image.len().next_multiple_of(PAGE_BYTES as usize), 0);
    Ok((image, linear))
}
